"""An upstream that is down, slow or lies; a client that sends half a request, 1 GB or 10,000 headers; a disk full, read-only or broken.
Each gets a clear error, memory stays bounded, and no PHI that is not licensed and recorded leaves."""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

from clinic import Clinic, free_port
from world import BINARY, FAULTY_PLANTED, Case, folder, open_clinic, planted_in, servers, wait_for

GATE = None
MEMORY_MIB = 64
HIGH_WATER_MIB = MEMORY_MIB + 112  # the budget is for bodies; the rest is code, tables, threads, TLS


def setUpModule():
    global GATE
    GATE = open_clinic("faults", forwards={"fhir-front": servers().faulty()}, config=f"limits: {{memory-mib: {MEMORY_MIB}}}\n")


def high_water_mib(gate):
    return int(re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{gate.child.process.pid}/status").read_text())[1]) // 1024


class Upstream(Case):
    """GET /fhir/Encounter/FAULT of examples/servers/faulty.mjs."""

    # What the scribe may be told of each: the HTTP status, or statuses. 200: the reduced resource. "cut": the connection breaks.
    REFUSED = {  # nothing of it can be shown
        "short": {502, "cut"},
        "cut": {502, "cut"},
        "cut-chunked": {502, "cut"},
        "reset": {502, "cut"},
        "close": {502},
        "huge": {413, 502},
        "duplicate-keys": {502},
        "invalid-json": {502},
        "truncated-json": {502},
        "trailing-json": {502, 200},
        "bad-utf8": {502},
        "bom": {502},
        "deep": {502},
        "wrong-type": {502},
        "charset": {502},
        "gzip": {502},
        "gzip-bomb": {502},
        "wrong-id": {502, 200},
        "wrong-resource": {403, 502},
        "both": {502},
        "two-lengths": {502},
        "bad-chunk": {502},
        "bad-status": {502},
        "not-http": {502},
        "foreign-next": {502},
        "bare-lf": {502},
        "bad-header": {502},
        "folded": {502},
        "many-headers": {502},
        "big-header": {502},
        "switch": {502},
        "redirect": {302, 502},
        "redirect-loop": {302, 502},
        "long": {502, 200},
        "two-answers": {502, 200},
        "http10": {502, 200},
        "no-type": {502, 200},
        "early": {413, 502},
    }
    PASSED = {
        "ok": {200},
        "etag": {200},
        "hints": {200},
        "cookie": {200},
        "no-content": {204, 200, 502},
        "not-modified": {304, 502},
        "error": {500},
        "error-html": {502},
        "denied": {401, 502},
        "busy": {503, 502},
    }

    def ask(self, fault, timeout=60):
        try:
            return GATE.get(f"/fhir/Encounter/{fault}", "scribe.example", timeout=timeout)
        except Exception as broken:  # http.client has many names for it
            return broken

    def judge(self, fault, answer, allowed):
        if isinstance(answer, Exception):
            self.assertIn("cut", allowed, repr(answer))
            return
        self.assertIn(answer.status, allowed, f"\n{answer}")
        self.assertEqual(planted_in(json.dumps(answer.headers), servers().planted()), [], "headers")
        for name in ("set-cookie", "server", "x-powered-by", "x-patient", "location", "www-authenticate"):
            self.assertNotIn("Plantedworth", answer.headers.get(name, ""))
        self.assertNotIn("set-cookie", answer.headers)
        if answer.status == 200:
            self.assertLessEqual(set(answer.json()), {"resourceType", "id", "meta", "status", "period"})
        else:
            self.assert_clean(answer.body, f"the answer to {fault}")

    def test_each_lie(self):
        for fault, allowed in {**self.REFUSED, **self.PASSED}.items():
            with self.subTest(fault):
                self.judge(fault, self.ask(fault), allowed)
                self.passes(GATE.get("/fhir/Encounter/ok", "scribe.example"))  # the connection that was lied on is not used again
        self.assertLess(high_water_mib(GATE), HIGH_WATER_MIB)

    def test_a_server_that_knows_itself_by_another_address(self):
        answer = GATE.get("/fhir/Encounter/foreign-next", "scribe.example")
        self.assertIn("says", self.refused(answer, "unfilterable", 502)["detail"], "a page lost in silence is a record lost")
        named = open_clinic("faults-named", forwards=GATE.forwards, says={"fhir-front": "http://internal:8080/fhir/"})
        bundle = self.passes(named.get("/fhir/Encounter/foreign-next", "scribe.example"))
        self.assertEqual(bundle["link"], [{"relation": "next", "url": f"{named.gate_url}/fhir/Encounter?page=2"}])
        named.stop()

    def test_slow_ones(self):
        """All at once, since each takes as long as the gate's patience."""
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            asked = {fault: pool.submit(self.ask, fault) for fault in ("stall", "stall-body", "slow")}
            begun = time.monotonic()
            self.passes(GATE.get("/fhir/Encounter/ok", "scribe.example"))
            self.assertLess(time.monotonic() - begun, 2, "others don't wait for them")
            self.judge("stall", asked["stall"].result(), {502})
            self.judge("stall-body", asked["stall-body"].result(), {502, "cut"})
            self.judge("slow", asked["slow"].result(), {200, 502})

    def test_an_endless_answer_is_streamed_in_bounded_memory(self):
        connection = GATE.connect("scribe.example", timeout=20)
        answer = GATE.begin(connection, "GET", "/fhir/Encounter/endless")
        read = 0
        try:
            while read < 30 << 20:
                piece = answer.read1(1 << 16)
                if not piece:
                    break
                read += len(piece)
        except Exception:  # cut, or refused: as good
            pass
        connection.close()
        self.assertLess(high_water_mib(GATE), HIGH_WATER_MIB)
        self.passes(GATE.get("/fhir/Encounter/ok", "scribe.example"))

    def test_down(self):
        gate = open_clinic("faults-down", forwards={"fhir-front": f"https://127.0.0.1:{free_port()}/fhir/"})
        problem = self.refused(gate.get("/fhir/DocumentReference/doc-0001", "scribe.example"), "upstream", 502)
        self.assertIn("ehr", problem["detail"])

    def test_with_another_certificate_than_it_should_have(self):
        gate = open_clinic("faults-stranger", forwards={"fhir-front": servers().ehr.replace("127.0.0.1", "127.0.0.2")})
        self.refused(gate.get("/fhir/DocumentReference/doc-0001", "scribe.example"), "upstream", 502)

    def test_the_identity_provider_is_down(self):
        was, servers().idp = servers().idp, f"http://127.0.0.1:{free_port()}"
        try:
            gate = open_clinic("faults-idp")
        finally:
            servers().idp = was
        token = servers().token("ehr.dr-lee")
        self.refused(gate.get("/fhir/Patient/p-0001", headers={"Authorization": f"Bearer {token}"}, purpose="TREAT"), "no-identity", 401)
        self.passes(gate.get("/fhir/DocumentReference/doc-0001", "scribe.example"))


class Client(Case):
    def head(self, more=""):
        return f"GET /fhir/Encounter/ok HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}".encode()

    def answer_to(self, data, cert="scribe.example"):
        """Everything that the gate says to these bytes until it closes the connection, or its first answer is whole."""
        s = GATE.raw(cert=cert)
        said = b""
        try:
            s.sendall(data)
        except OSError:
            pass
        try:
            s.settimeout(15)
            while piece := s.recv(65536):
                said += piece
                if re.search(rb"content-length: (\d+)\r\n", said, re.I) and b"\r\n\r\n" in said:
                    length = int(re.search(rb"content-length: (\d+)\r\n", said, re.I)[1])
                    if len(said.split(b"\r\n\r\n", 1)[1]) >= length:
                        break
        except OSError:
            pass
        s.close()
        self.assert_clean(said)
        return said

    def status(self, said):
        return int(said[9:12]) if said else 0

    def test_ten_thousand_headers(self):
        said = self.answer_to(self.head("".join(f"X-{n}: y\r\n" for n in range(10000)) + "\r\n"))
        self.assertIn(self.status(said), (0, 400, 413, 431))
        said = self.answer_to(self.head("X: " + "y" * (1 << 20) + "\r\n\r\n"))
        self.assertIn(self.status(said), (0, 400, 413, 431))
        said = self.answer_to(b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertIn(self.status(said), (0, 400, 413, 414, 431))

    def test_what_can_be_read_two_ways(self):
        table = {
            "both framings": self.head("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            "two lengths": self.head("Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
            "bare LF": self.head().replace(b"\r\n", b"\n") + b"\n",
            "a space before the colon": self.head("X : y\r\n\r\n"),
            "folding": self.head("X: a\r\n b\r\n\r\n"),
            "no host": b"GET /fhir/Encounter/ok HTTP/1.1\r\n\r\n",
            "two hosts": self.head("Host: other\r\n\r\n"),
            "CONNECT": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n",
            "TRACE": b"TRACE /fhir/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "not HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
            "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "NUL": self.head("X: a\0b\r\n\r\n"),
            "chunk size": self.head("Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
            "gzip framing": self.head("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        }
        for name, data in table.items():
            with self.subTest(name):
                said = self.answer_to(data)
                self.assertGreaterEqual(self.status(said), 400, said[:300])
                self.assertIn(b"problem+json", said)
        self.passes(GATE.get("/fhir/Encounter/ok", "scribe.example"))

    def test_half_a_request_is_dropped_in_time_and_holds_nobody_up(self):
        halves = [GATE.raw(self.head()[:n], "scribe.example") for n in (1, 30, 60)]
        halves += [
            GATE.raw(
                b"POST /fhir/DocumentReference HTTP/1.1\r\nHost: a\r\nContent-Type: application/fhir+json\r\nContent-Length: 100\r\n\r\n{",
                "ehr.example",
            )
        ]
        begun = time.monotonic()
        self.passes(GATE.get("/fhir/Encounter/ok", "scribe.example"))
        self.assertLess(time.monotonic() - begun, 2)
        for s in halves[:3]:
            s.settimeout(20)
            try:
                said = b""
                while piece := s.recv(4096):
                    said += piece
            except TimeoutError:
                self.fail("half a head was waited for longer than 20 s")
            except OSError:
                pass
            s.close()
        halves[3].close()

    def test_a_gigabyte(self):
        said = self.answer_to(
            b"POST /fhir/DocumentReference HTTP/1.1\r\nHost: a\r\nContent-Type: application/fhir+json\r\nContent-Length: 1073741824\r\n\r\n{"
        )
        self.assertEqual(self.status(said), 413)
        s = GATE.raw(
            b"POST /fhir/DocumentReference HTTP/1.1\r\nHost: a\r\nContent-Type: application/fhir+json\r\nTransfer-Encoding: chunked\r\n\r\n",
            "scribe.example",
        )
        block, sent = b"100000\r\n" + b" " * 0x100000 + b"\r\n", 0
        try:
            while sent < 1 << 30:
                s.sendall(block)
                sent += 0x100000
        except OSError:
            pass
        self.assertLess(sent, 64 << 20, "it is refused long before a gigabyte has come")
        s.close()
        self.assertLess(high_water_mib(GATE), HIGH_WATER_MIB)
        self.passes(GATE.get("/fhir/Encounter/ok", "scribe.example"))

    def test_bodies_that_are_not_what_they_say(self):
        note = {"resourceType": "DocumentReference", "status": "current", "subject": {"reference": "Patient/p-0001"}}
        gate_of_staff = dict(token="ehr.dr-lee", purpose="TREAT", headers={"Content-Type": "application/fhir+json"})
        twice = json.dumps(note)[:-1] + ', "subject": {"reference": "Patient/p-0002"}}'
        for name, body in {
            "a key twice": twice,
            "not JSON": "{resourceType: x}",
            "another type": json.dumps({**note, "resourceType": "Observation"}),
            "cut short": json.dumps(note)[:-5],
            "two values": json.dumps(note) * 2,
            "deep": '{"resourceType":"DocumentReference","x":' + "[" * 5000 + "]" * 5000 + "}",
            "not UTF-8": b'{"resourceType":"DocumentReference","status":"\xff"}',
        }.items():
            with self.subTest(name):
                self.refused(
                    GATE.request("POST", "/fhir/DocumentReference", body=body, **gate_of_staff), ["malformed", "out-of-scope", "too-large"]
                )

    def test_a_thousand_connections(self):
        sockets = []
        try:
            for _ in range(1100):
                s = socket.create_connection(("127.0.0.1", GATE.ports["gate"]), 5)
                s.settimeout(0.001)
                sockets.append(s)
        except OSError:
            pass
        for s in sockets:
            s.close()
        wait_for(lambda: GATE.get("/fhir/Encounter/ok", "scribe.example").status == 200, 15, "service after the flood")
        self.assertLess(high_water_mib(GATE), HIGH_WATER_MIB)

    def test_a_storm_of_large_answers_stays_within_the_budget(self):
        def one(_):
            try:
                return GATE.get("/fhir/Encounter/huge", "scribe.example", timeout=60)
            except Exception as broken:
                return broken

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for answer in pool.map(one, range(16)):
                if not isinstance(answer, Exception):
                    self.assertGreaterEqual(answer.status, 400)
                    self.assert_clean(answer.body)
        self.assertLess(high_water_mib(GATE), HIGH_WATER_MIB)


class Disk(Case):
    """No record, no PHI."""

    def mounted(self, name, size="24m"):
        """A clinic whose state is a small file system of its own."""
        if os.geteuid() != 0:
            self.skipTest("mounting a small file system takes root")
        state = folder() / name / "state"
        state.mkdir(parents=True)
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", state], capture_output=True, text=True)
        if mount.returncode != 0:
            self.skipTest(f"no mounting here: {mount.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", state], capture_output=True)
        gate = Clinic(folder() / name, servers(), binary=BINARY, config="limits: {segment-bytes: 262144}\n")
        self.addCleanup(gate.kill)
        return gate

    def test_full(self):
        gate = self.mounted("disk-full", "8m")
        path = "/fhir/DocumentReference/doc-0001"
        self.passes(gate.get(path, "scribe.example"))
        filler = gate.state / "filler"
        with open(filler, "wb", buffering=0) as f:
            try:
                while f.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        refused = None
        connection = gate.connect("scribe.example")
        for n in range(3000):
            answer = gate.ask(connection, "GET", path)
            if answer.status != 200:
                refused = answer
                break
        self.assertIsNotNone(refused, "the ledger never filled up")
        problem = self.refused(refused, ["not-recorded", "busy"], 503)
        self.assertTrue(problem["detail"])
        self.assertIn("retry-after", refused.headers)
        again = gate.get(path, "scribe.example")
        self.refused(again, ["not-recorded", "busy"], 503)
        self.assertRegex(gate.child.output(), r"(?i)full|no space|room")
        filler.unlink()
        wait_for(lambda: gate.get(path, "scribe.example").status == 200, 15, "service, once there is room")
        gate.stop()
        self.assertEqual(gate.licet("verify", gate.state / "ledger")[0], 0)

    def test_read_only(self):
        gate = self.mounted("disk-read-only")
        gate.stop()
        subprocess.run(["mount", "-o", "remount,ro", gate.state], check=True, capture_output=True)
        with self.assertRaises(RuntimeError) as ended:
            gate.start()
        self.assertRegex(str(ended.exception), r"(?i)read-only|permission|write")
        gate.kill()
        code, out, err = gate.licet("verify", gate.state / "ledger")
        self.assertEqual(code, 0, out + err)

    def inject(self, gate, what):
        """Makes a system call of the running gate fail from now on."""
        if not shutil.which("strace"):
            self.skipTest("strace is not installed")
        tracer = subprocess.Popen(
            [
                "strace",
                "-f",
                "-qq",
                "-p",
                str(gate.child.process.pid),
                "-e",
                f"trace={what}",
                "-e",
                f"inject={what}:error=EIO",
                "-o",
                "/dev/null",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(tracer.kill)

        def attached():
            if tracer.poll() is not None:
                self.skipTest(f"strace can't attach here: {tracer.stderr.read().strip()}")
            tasks = list(pathlib.Path(f"/proc/{gate.child.process.pid}/task").glob("*/status"))
            return tasks and all(int(re.search(r"TracerPid:\s+(\d+)", t.read_text())[1]) == tracer.pid for t in tasks)

        wait_for(attached, 10, "strace")
        return tracer

    def test_a_sync_that_fails_poisons_the_process(self):
        gate = Clinic(folder() / "disk-eio", servers(), binary=BINARY)
        self.addCleanup(gate.kill)
        path = "/fhir/DocumentReference/doc-0001"
        first = gate.get(path, "scribe.example")
        self.passes(first)
        tracer = self.inject(gate, "fdatasync")
        try:
            answer = gate.get(path, "scribe.example")
            self.refused(answer, "not-recorded", 503)
        except (ConnectionError, OSError, __import__("http.client").client.HTTPException):
            pass  # the process ended before it could say so
        code = gate.child.process.wait(15)
        self.assertNotEqual(code, 0)
        self.assertRegex(gate.child.output(), r"(?i)ledger.*(write|sync)")
        tracer.send_signal(signal.SIGTERM)
        tracer.wait(5)
        gate.kill()
        gate.start()
        self.passes(gate.get(path, "scribe.example"))
        self.assertTrue([e for e in gate.entries(first.reference) if e["kind"] == "exchange.sent"])
        gate.stop()
        code, out, err = gate.licet("verify", gate.state / "ledger")
        self.assertEqual(code, 0, out + err)

    def test_a_key_file_that_others_can_read_stops_the_start(self):
        gate = Clinic(folder() / "disk-key", servers(), binary=BINARY)
        self.addCleanup(gate.kill)
        gate.stop()
        (gate.state / "keys" / "kek").chmod(0o644)
        with self.assertRaises(RuntimeError) as ended:
            gate.start()
        self.assertRegex(str(ended.exception), r"(?i)kek")
        gate.kill()

    def test_a_second_writer_is_refused(self):
        gate = Clinic(folder() / "disk-two", servers(), binary=BINARY)
        self.addCleanup(gate.kill)
        code, out, err = gate.licet("serve", gate.config)
        self.assertEqual(code, 2, out + err)
        self.assertRegex(err, r"(?i)ledger|lock|another|already|runs")
        self.passes(gate.get("/fhir/DocumentReference/doc-0001", "scribe.example"))


__all__ = ["Upstream", "Client", "Disk", "setUpModule", "FAULTY_PLANTED"]
