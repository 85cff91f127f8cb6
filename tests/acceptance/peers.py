"""The gate before a second FHIR server that shares nothing with the first: Helios hfs (crates.io, Rust, SQLite). Only with LICET_PEERS=1.

tools/peers-install builds it once, into build/parts. Where it isn't there, everything here is skipped, saying so.
"""

import http.client
import json
import shutil
import os
import urllib.parse

import clinic
from world import ROOT, Case, folder, open_clinic, servers, wait_for

DEFINITIONS = ROOT / "examples" / "servers" / "node_modules" / "@medplum" / "definitions" / "dist" / "fhir" / "r4"
HFS = ROOT / "build" / "parts" / "cargo" / "bin" / "hfs"
TYPES = ("Organization", "Location", "Practitioner", "Patient", "Encounter", "DocumentReference", "Observation", "Condition")
GATE = DIRECT = CHILD = None


def direct(method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", DIRECT, timeout=30)
    connection.request(method, path, body, {"content-type": "application/fhir+json", "accept": "application/fhir+json", **(headers or {})})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, data


def answers():
    try:
        return direct("GET", "/metadata")[0] == 200
    except OSError:
        return False


def setUpModule():
    global GATE, DIRECT, CHILD
    import unittest

    if not HFS.exists():
        raise unittest.SkipTest("hfs is not built: tools/peers-install (crates.io helios-hfs)")
    DIRECT = clinic.free_port()
    home = folder() / "hfs-home"
    home.mkdir()
    shutil.copy(DEFINITIONS / "search-parameters.json", home / "search-parameters-r4.json")
    at = f"http://127.0.0.1:{DIRECT}"
    options = ["--host", "127.0.0.1", "--port", str(DIRECT), "--base-url", at, "--data-dir", home, "--database-url", ":memory:"]
    CHILD = clinic.Child(folder() / "hfs", ["env", "-C", home, HFS, *options])
    unittest.addModuleCleanup(CHILD.stop)
    wait_for(answers, 60, "hfs")
    for kind in TYPES:
        for resource in servers().resources(kind).values():
            owner = json.dumps(resource)
            if kind in ("Encounter", "DocumentReference", "Observation", "Condition") and not any(f"Patient/p-000{n}" in owner for n in (1, 2, 8)):
                continue
            status, _, data = direct("PUT", f"/{kind}/{resource['id']}", json.dumps(resource))
            if status not in (200, 201):
                raise RuntimeError(f"hfs refused {kind}/{resource['id']}: {status} {data[:300]}")
    GATE = open_clinic("peers", forwards={"fhir-front": f"http://127.0.0.1:{DIRECT}/"})


def matches(bundle):  # without a server's remarks on the search
    return [e["resource"]["id"] for e in bundle.get("entry", []) if e.get("search", {}).get("mode") != "outcome"]


class Helios(Case):
    def get(self, path, **more):
        return GATE.get(f"/fhir/{path}", "referral.example", purpose="TREAT", **more)

    def test_a_record_passes_whole_and_as_it_is(self):
        for path in ("Patient/p-0001", "DocumentReference/doc-0001", "Observation/obs-0001", "Encounter/enc-0001"):
            status, headers, data = direct("GET", f"/{path}")
            self.assertEqual(status, 200)
            got = self.passes(self.get(path))
            self.assertEqual(got, json.loads(data), path)
            answer = self.get(path)
            self.assertEqual(answer.headers.get("etag"), headers.get("etag"))

    def test_the_scribe_gets_its_fields_here_too(self):
        note = self.passes(GATE.get("/fhir/DocumentReference/doc-0001", "scribe.example"))
        self.assertLessEqual(set(note), {"resourceType", "id", "meta", "status", "type", "date", "content"})

    def test_pages_are_followed_through_the_gate_to_the_end(self):
        path, ids, pages = "/fhir/Observation?patient=p-0001&_count=2", [], 0
        while path:
            bundle = self.passes(GATE.get(path, "referral.example", purpose="TREAT"))
            ids += matches(bundle)
            links = {link["relation"]: link["url"] for link in bundle.get("link", [])}
            for url in links.values():
                self.assertTrue(url.startswith(f"{GATE.gate_url}/fhir/"), url)
            pages += 1
            self.assertLess(pages, 50)
            following = urllib.parse.urlsplit(links["next"]) if "next" in links else None
            path = f"{following.path}?{following.query}" if following else None
        want = json.loads(direct("GET", "/Observation?patient=p-0001&_count=100")[2])
        self.assertGreater(len(ids), 2)
        self.assertGreater(pages, 1)
        self.assertEqual(sorted(ids), sorted(matches(want)))

    def test_its_own_errors_come_through(self):
        status, _, data = direct("GET", "/Patient/no-such-patient")
        answer = self.get("Patient/no-such-patient")
        self.assertEqual(answer.status, status)
        self.assertEqual(answer.json()["resourceType"], "OperationOutcome")
        self.assertEqual(answer.json(), json.loads(data))

    def test_a_patient_gets_hers_whatever_the_server_makes_of_the_search(self):
        for query in ("patient=p-0001", "patient=p-0002", "unheard-of=1", ""):  # hfs ignores what it doesn't know
            answer = GATE.get(f"/fhir/Observation?{query}", token="patient-app.maria", purpose="PATRQT")
            if answer.status != 200:
                self.refused(answer, ["out-of-scope", "no-ground", "undeclared"])
                continue
            for entry in answer.json().get("entry", []):
                if entry["resource"]["resourceType"] == "Observation":
                    self.assertEqual(entry["resource"]["subject"]["reference"], "Patient/p-0001", query)

    def test_a_note_is_written_and_read_back(self):
        note = servers().resources("DocumentReference")["doc-0001"]
        note = {k: v for k, v in note.items() if k not in ("id", "meta")}
        made = GATE.request("POST", "/fhir/DocumentReference", token="ehr.dr-lee", purpose="TREAT", body=note)
        self.passes(made, 201)
        self.assertTrue(made.headers["location"].startswith(f"{GATE.gate_url}/fhir/DocumentReference/"), made.headers)
        self.assertTrue(made.headers["etag"])
        path = made.headers["location"].removeprefix(GATE.gate_url).split("/_history")[0]
        self.assertEqual(self.passes(GATE.get(path, token="ehr.dr-lee", purpose="TREAT"))["content"], note["content"])

    def test_a_labelled_record_is_withheld_here_too(self):
        self.refused(self.get("DocumentReference/doc-sud-0002"), "restricted", 403)
        bundle = self.passes(self.get("DocumentReference?patient=p-0002"))
        self.assertNotIn("doc-sud-0002", matches(bundle))
