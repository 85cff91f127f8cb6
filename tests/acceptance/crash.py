"""kill -9 during load, again and again: whatever a client received is on the ledger, and a spent token stays spent."""

import concurrent.futures
import hashlib
import http.client
import json
import random
import threading
import time
import unittest

from world import LONG, Case, open_clinic

GATE = None
CYCLES = 2000 if LONG else 200
PATHS = [
    ("scribe.example", None, "/fhir/DocumentReference/doc-0001"),
    ("scribe.example", None, "/fhir/DocumentReference?_count=20"),
    ("referral.example", "TREAT", "/fhir/Observation/obs-0003"),
    ("referral.example", "TREAT", "/fhir/Observation?_count=600"),
]


def setUpModule():
    global GATE
    GATE = open_clinic("crash", config="limits: {segment-bytes: 1048576}\n")


class Received:
    """Whole answers, and the ends of those that broke off, from several threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.whole, self.begun = [], []

    def load(self, until, chance):
        """Requests on one connection until it breaks or `until` is set."""
        cert, purpose, _ = first = chance.choice(PATHS)
        mine = [p for p in PATHS if p[0] == cert]
        connection = GATE.connect(cert, timeout=10)
        try:
            while not until.is_set():
                _, purpose, path = first
                answer = GATE.begin(connection, "GET", path, purpose=purpose)
                reference = answer.getheader("licet-reference")
                try:
                    body = answer.read()
                except http.client.IncompleteRead as cut:
                    with self.lock:
                        self.begun.append((reference, cut.partial))
                    raise
                if answer.status == 200:
                    with self.lock:
                        self.whole.append(
                            (
                                reference,
                                len(body),
                                hashlib.sha256(body).hexdigest(),
                                body if answer.getheader("content-length") is None else None,
                            )
                        )
                first = chance.choice(mine)
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()


class Kill(Case):
    def test_everything_received_is_on_record(self):
        chance = random.Random(int.from_bytes(hashlib.sha256(b"licet crash").digest()[:4], "big"))
        received, spent, cycles, begun = Received(), [], 0, time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            while cycles < CYCLES:
                cycles += 1
                until = threading.Event()
                loads = [pool.submit(received.load, until, random.Random(chance.random())) for _ in range(3)]
                tokens = []
                try:
                    for token in spent[-2:]:
                        again = GATE.get(PATHS[0][2], headers={"Txn-Token": token})
                        self.assertEqual(
                            (again.status, again.reason), (401, "token-spent"), f"cycle {cycles}: a spent token passed again\n{again}"
                        )
                    token = GATE.transaction_token("scribe.example").json()["access_token"]
                    used = GATE.get(PATHS[0][2], headers={"Txn-Token": token})
                    if used.status == 200:
                        tokens.append(token)
                except (OSError, http.client.HTTPException):
                    pass
                spent = tokens or spent[-1:]
                until.wait(chance.uniform(0.0, 0.08))  # the moment of the kill: any
                GATE.kill()
                until.set()
                for load in loads:
                    load.result(15)
                try:
                    GATE.start()
                except RuntimeError as refused:
                    self.fail(f"cycle {cycles}: no start after a kill:\n{refused}")
        took = time.monotonic() - begun
        print(f"  {cycles} kills in {took:.0f} s, {len(received.whole)} whole answers, {len(received.begun)} cut", flush=True)
        self.assertGreater(len(received.whole), cycles, "a load that loads")
        self.compare(received)
        GATE.stop()
        code, out, err = GATE.licet("verify", GATE.state / "ledger")
        self.assertEqual(code, 0, out + err)

    def compare(self, received):
        sent = {}
        for leaf in GATE.ledger():
            if leaf["kind"] in ("exchange.sent", "exchange.part") and leaf.get("leg") == "answer":
                sent.setdefault(leaf["exchange"], []).append(leaf)
        missing, differing = [], []
        for reference, length, digest, body in received.whole:
            leaves = sent.get(reference)
            if not leaves:
                missing.append(reference)
                continue
            if len(leaves) == 1 and leaves[0]["digest"] == digest:
                continue
            at, right = 0, body is not None  # a stream: part by part
            for leaf in sorted(leaves, key=lambda e: e.get("part", 0)):
                piece = (body or b"")[at : at + leaf.get("bytes", 0)]
                right = right and hashlib.sha256(piece).hexdigest() == leaf["digest"]
                at += leaf.get("bytes", 0)
            if not right or at != length:
                differing.append((reference, [(e["kind"], e["digest"][:8]) for e in leaves], digest[:8]))
        for reference, partial in received.begun:
            if partial and reference not in sent:
                missing.append(f"{reference} ({len(partial)} bytes of it)")
        self.assertEqual(missing, [], "received, and not on the ledger")
        self.assertEqual(differing, [], "received, and recorded otherwise")

    def test_z_indexes_are_whole(self):
        """After all the kills: indexes run from 0 without a hole, time never goes back, each start is on record."""
        leaves = GATE.ledger()
        times = [leaf["time"] for leaf in leaves]
        self.assertEqual(times, sorted(times))
        self.assertGreaterEqual(sum(e["kind"] == "lifecycle" for e in leaves), CYCLES)
        self.assertEqual(len({json.dumps(e, sort_keys=True) for e in leaves}), len(leaves), "no entry twice")


if __name__ == "__main__":
    unittest.main()
