"""Records that we did not write: HL7's R4 examples and ten Synthea patients, from ../shared/data/fhir. Skipped where they are missing.

What the class map knows passes whole to a treating provider, as its server has it; what it doesn't is refused, never half shown.
"""

import collections
import json
import unittest

from world import ROOT, Case, folder, open_clinic, servers

DATA = ROOT.parent / "shared" / "data" / "fhir"
PER_TYPE = 40  # of each type, so that the run stays short; LICET_LONG takes all
GATE = EHR = None
LOADED = {}


def lines():
    for file in sorted((DATA / "synthea-10").glob("*.000.ndjson")):
        yield from file.read_text().splitlines()
    for file in sorted((DATA / "r4-examples").glob("*.json")):
        yield json.dumps(json.loads(file.read_text()))


def setUpModule():
    global GATE, EHR
    if not DATA.exists():
        raise unittest.SkipTest(f"no {DATA}")
    from world import LONG

    by_type = collections.defaultdict(dict)
    for line in lines():
        resource = json.loads(line)
        if "id" in resource and (LONG or len(by_type[resource["resourceType"]]) < PER_TYPE):
            by_type[resource["resourceType"]][resource["id"]] = resource
    data = folder() / "records"
    data.mkdir()
    for kind, resources in by_type.items():
        (data / f"{kind}.ndjson").write_text("".join(json.dumps(r) + "\n" for r in resources.values()))
    LOADED.update(by_type)
    child = servers().start(
        "ehr-records", "ehr.mjs", "--port", 0, "--data", data, "--tls", servers().certs / "ehr.crt", servers().certs / "ehr.key"
    )
    EHR = servers().url_of(child)
    GATE = open_clinic("records", forwards={"fhir-front": EHR})


def without_meta(resource):  # the repository writes its own
    return {k: v for k, v in resource.items() if k != "meta"}


class Records(Case):
    def test_each_passes_whole_or_is_refused(self):
        connection = GATE.connect("referral.example")
        passed, refused = collections.Counter(), collections.Counter()
        for kind, resources in LOADED.items():
            for logical_id, resource in resources.items():
                answer = GATE.ask(connection, "GET", f"/fhir/{kind}/{logical_id}", purpose="TREAT")
                if answer.status != 200:
                    if kind != "Binary":  # kept apart by the repository: 404
                        self.refused(answer, "undeclared", 403)
                    refused[kind] += 1
                    continue
                passed[kind] += 1
                if kind == "Bundle":  # of its entries only what the class map knows
                    self.assertEqual(answer.json()["type"], resource["type"])
                else:
                    self.assertEqual(without_meta(answer.json()), without_meta(resource), f"{kind}/{logical_id}")
        self.assertGreater(sum(passed.values()), 600)
        self.assertEqual(set(passed) & set(refused), set(), "a type is either known or not")
        self.assertEqual(set(refused) & {"Patient", "Observation", "Condition", "MedicationRequest", "DocumentReference", "Procedure"}, set())

    def test_a_note_is_reduced_to_what_is_licensed(self):
        for logical_id, resource in LOADED["DocumentReference"].items():
            got = self.passes(GATE.get(f"/fhir/DocumentReference/{logical_id}", "scribe.example"))
            kept = {k: v for k, v in resource.items() if k in ("resourceType", "id", "type", "date", "content")}
            got.pop("meta", None)
            got.pop("status", None)
            self.assertEqual(got, kept, logical_id)

    def test_a_search_gives_all_pages(self):
        ids, path = [], "/fhir/Procedure?_count=7"
        while path:
            bundle = self.passes(GATE.get(path, "referral.example", purpose="TREAT"))
            ids += [e["resource"]["id"] for e in bundle.get("entry", [])]
            path = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "").removeprefix(GATE.gate_url)
        self.assertEqual(sorted(ids), sorted(LOADED["Procedure"]))


if __name__ == "__main__":
    unittest.main()
