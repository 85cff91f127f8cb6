"""Clients that know nothing of Licet: npm's fhirclient and fhir-kit-client, and curl."""

import json
import os
import pathlib
import subprocess

from clinic import SERVERS
from world import Case, open_clinic, servers

GATE = None


def setUpModule():
    global GATE
    GATE = open_clinic("clients")


class Npm(Case):
    def test_fhirclient_and_fhir_kit_client(self):
        run = subprocess.run(
            [servers().node, "--input-type=module", "-", GATE.gate_url, servers().token("ehr.dr-lee.treats"), servers().token("scribe")],
            input=pathlib.Path(__file__).with_name("clients.mjs").read_text(),
            cwd=SERVERS,
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "NODE_EXTRA_CA_CERTS": str(servers().certs / "ca.crt")},
        )
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        told = json.loads(run.stdout)
        self.assertEqual(told["patient"], "p-0001")
        self.assertEqual(told["all"], 60, "paging by links, all through the gate")
        self.assertLessEqual(set(told["note"]), {"resourceType", "id", "meta", "status", "type", "date", "content"})
        self.assertGreater(told["first"], 0)
        self.assertEqual(told["fresh"], True)
        self.assertEqual(told["conformance"], "CapabilityStatement")


class Curl(Case):
    def curl(self, *args):
        certs = servers().certs
        run = subprocess.run(
            [
                "curl",
                "-sS",
                "-m",
                "20",
                "--cacert",
                certs / "ca.crt",
                "--cert",
                certs / "referral.example.crt",
                "--key",
                certs / "referral.example.key",
                "-H",
                "Licet-Purpose: TREAT",
                *args,
            ],
            capture_output=True,
            text=True,
            timeout=30,
        )
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout

    def test_get_head_and_etag(self):
        url = f"{GATE.gate_url}/fhir/DocumentReference/doc-0001"
        self.assertEqual(json.loads(self.curl(url)), servers().resources("DocumentReference")["doc-0001"])
        head = self.curl("-I", url).lower()
        self.assertIn(" 200", head.splitlines()[0])
        self.assertNotIn("sandoval", head)
        etag = [line.split(": ", 1)[1] for line in self.curl("-i", url).splitlines() if line.lower().startswith("etag:")][0]
        self.assertIn(" 304", self.curl("-i", "-H", f"If-None-Match: {etag.strip()}", url).splitlines()[0])

    def test_one_connection_for_many_requests(self):
        urls = [f"{GATE.gate_url}/fhir/Observation/obs-{n:04}" for n in range(1, 11)]
        out = self.curl("-w", "%{num_connects}\\n", *[part for url in urls for part in ("-o", "/dev/null", url)])
        self.assertEqual(sum(map(int, out.split())), 1)
