"""How long each answer of the console takes over a large world: LICET_LONG=1 for 10,000 systems, or LICET_SIZE=SYSTEMS[:ENTRIES].

    LICET_SIZE=10000:1000000 python3 tests/acceptance/run.py console_size       # entries want build/release/console_test

The world is generated: half of the systems are a clinic's, each vendor has one, flows between them, agreements of which some have lapsed and
some are missing. Without LICET_LONG or LICET_SIZE 300 systems are served, and only that all answers come is looked at.
"""

import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import time
import unittest
import urllib.parse

import clinic
from clinic import ROOT
from world import BINARY, LONG, Case, folder

MEASURED = LONG or "LICET_SIZE" in os.environ
SIZE = os.environ.get("LICET_SIZE") or ("10000:1000000" if LONG else "300")
SYSTEMS, _, ENTRIES = SIZE.partition(":")
SYSTEMS, ENTRIES = int(SYSTEMS), int(ENTRIES or 0)
MOST_MS = 300
NODE = None


def declaration():
    packs = []
    for at in sorted((ROOT / "packs").glob("*/pack.yaml")):
        text = at.read_text()
        if "\nstatus: in-force" in text:
            packs.append(f"{at.parent.name}@" + re.search(r'^version: "?([^"\n]+)', text, re.M)[1])
    out = [
        f"kind: stack\nid: size\nformat: 1\ntenant: size\ntimezone: Etc/UTC\npacks: [{', '.join(packs)}]\n",
        "kind: organization\nid: clinic\nname: Clinic\nfunctions: [provider]\ncovered: true\n",
        "kind: system\nid: ehr\nowner: clinic\nregion: us-east\n",
        "kind: route\nid: front\nlistens: /fhir/\nforwards: http://127.0.0.1:9/fhir/\nspeaks: fhir-r4\nserves: ehr\naccepts: [mtls]\nmode: enforce\n",
    ]
    for i in range(SYSTEMS // 2):
        out.append(f"kind: organization\nid: v{i}\nname: Vendor {i}\nfunctions: [vendor]\n")
        if i % 50 != 49:
            up, ends = (f"v{i - 1}" if i % 10 == 9 else "clinic"), ("2026-01-01" if i % 20 == 7 else "2027-12-31")
            out.append(
                f"kind: agreement\nid: baa{i}\nis: baa\nup: {up}\ndown: v{i}\nsigned: 2025-01-01\nexpires: {ends}\ncovers: {{data: [clinical.*], "
                f"regions: [us-east, us-west]}}\nterms: {{breach-notice: 5d, ai-training: prohibited}}\nclauses:\n  - {{cite: \"164.504(e)(2)(ii)(A)\", is: present}}\n"
            )
    for i in range(SYSTEMS):
        out.append(f"kind: system\nid: s{i}\nowner: {'clinic' if i % 2 == 0 else f'v{i // 2}'}\nregion: us-east\n")
    for i in range(3 * SYSTEMS):
        a, b = 2 * (i * 7919 % (SYSTEMS // 2)), (i % SYSTEMS * 4729 + 1) % SYSTEMS
        if a != b:
            via = "via: front\n" if i % 30 == 0 else ""
            start = "ehr" if via else f"s{a}"
            out.append(f"kind: flow\nid: f{i}\nfrom: {start}\nto: s{b}\ndata: [clinical.note]\npurposes: [TREAT]\non-behalf-of: clinic\nencrypted: true\n{via}")
            if via:
                out.append(f"kind: permit\nid: p{i}\nto: s{b}\nfor: [TREAT]\nwhose: all\nreads: {{DocumentReference: [id, type]}}\nform: identified\n")
    return "---\n".join(out)


def tell(*args, **more):
    if MEASURED:  # else only that all answers come is looked at
        print(*args, **more)



class Node:
    def __init__(self):
        self.at = folder() / "size"
        (self.at / "stack").mkdir(parents=True)
        (self.at / "stack" / "size.yaml").write_text(declaration())
        self.config = self.at / "licet.yaml"
        self.config.write_text(f"stack: {self.at / 'stack'}\nstate: {self.at / 'state'}\ngate: {{port: 0}}\nconsole: {{port: 0}}\n")
        self.child = None

    def start(self):
        self.child = clinic.Child(self.at / "licet", [BINARY, "serve", self.config])
        self.child.line("^ready", 600)
        url = urllib.parse.urlsplit(self.child.line(r"^\s*console +(\S+)", 10)[1])
        self.child.line(r"^\s*ledger +", 10)
        self.key = urllib.parse.parse_qs(url.query)["key"][0]
        self.connection = http.client.HTTPConnection(url.hostname, url.port, timeout=120)

    def get(self, path, **headers):
        begun = time.monotonic()
        self.connection.request("GET", path, headers={"Authorization": f"Bearer {self.key}", **headers})
        answer = self.connection.getresponse()
        data = answer.read()
        return answer, data, (time.monotonic() - begun) * 1000

    def stop(self):
        if self.child:
            self.child.stop()


def setUpModule():
    global NODE
    NODE = Node()
    unittest.addModuleCleanup(NODE.stop)
    NODE.start()
    if ENTRIES:
        filler = pathlib.Path(BINARY).parent / "console_test"
        if not filler.exists():
            raise unittest.SkipTest("entries want build/release/console_test: tools/build release console_test")
        NODE.stop()
        begun = time.monotonic()
        subprocess.run([filler, "--gtest_filter=Fill.*"], env={**os.environ, "LICET_FILL": f"{NODE.at / 'state'}:size:{ENTRIES}"}, check=True, capture_output=True)
        print(f"filled {ENTRIES} entries in {time.monotonic() - begun:.0f} s", flush=True)
        NODE.start()


class Size(Case):
    def test_every_answer_in_time(self):
        if ENTRIES:
            begun = time.monotonic()
            # The index follows at its own pace; what it has is served meanwhile.
            while True:
                counted = sum(c["count"] for c in json.loads(NODE.get("/api/v1/counts?from=2026-01-01&to=2026-12-31")[1]).get("items", []))
                if counted >= ENTRIES or time.monotonic() - begun > 1800:
                    break
                time.sleep(1)
            print(f"indexed {counted} exchanges in {time.monotonic() - begun:.0f} s", flush=True)
        total = json.loads(NODE.get("/api/v1/findings?limit=1")[1])["total"]
        tell(f"{SYSTEMS} systems, {total} findings, {json.loads(NODE.get('/api/v1/status')[1])['ledger']['size']} entries", flush=True)
        held = json.loads(NODE.get("/api/v1/held?limit=1")[1])["items"]
        reference = held[0]["reference"] if held else f"{7:026}"
        slow = []
        for path in (
            "status", "session", "roles", "findings", "findings?sort=status&limit=500", "findings?q=lapsed", "findings?owner=v77&status=fail", "findings/groups",
            "findings/groups?by=subject", "findings/groups?by=owner", "requests", "licenses", "grounds", "agreements", "agreements?limit=100&offset=2000", "map", "map?organization=v7",
            "map?level=systems", "rules", "vocabulary", "vocabulary?q=s77", "may?system=s7&data=clinical.note&purpose=TREAT", "why?id=s7",
            "why?requirement=hipaa-164.308.b.1.contract-covers-flow&subject=f7", "source?id=baa77", "cut?id=v7", "cut?id=*", "cut?id=front", "suspensions", "held", "exchanges", f"explain?ref={reference}",
            "entries", "entries?kind=exchange.refused", "entries?actor=s77", "entries?reason=lapsed&limit=500", "entries?decision=hold", "entries?kind=login,admin,fact", "entries?decision=pass",
            "entries?from=2026-10-01&to=2026-10-01", f"entries?exchange={777:026}", "counts", "epochs", "users", "keys", "fact-kinds", "reports", "trust", "trust/links", "report?of=trust", "/metrics", "/",
        ):  # fmt: skip
            url = path if path.startswith("/") else f"/api/v1/{path}"
            answer, data, first = NODE.get(url)
            if path == "/" and answer.status == 401:
                continue
            self.assertIn(answer.status, (200, 404), (path, data[:300]))
            again = sorted(NODE.get(url)[2] for _ in range(5))[2]
            tagged = 0
            if etag := answer.getheader("etag"):
                held_tag, _, tagged = NODE.get(url, **{"If-None-Match": etag})
                self.assertEqual(held_tag.status, 304)
            tell(f"  {path:<70} {first:7.1f} ms, then {again:6.1f} ms{f', 304 in {tagged:.1f} ms' if etag else ''}, {len(data) / 1000:8.1f} kB", flush=True)
            if max(first, again) > MOST_MS:
                slow.append((path, round(first), round(again)))
        if SYSTEMS >= 10_000:
            self.assertEqual(slow, [], f"above {MOST_MS} ms")
        tell(f"slow: {slow}")
        shutil.rmtree(NODE.at / "state" / "bundles", ignore_errors=True)
