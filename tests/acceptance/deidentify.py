"""Forms less than identified: what a limited data set and de-identified data hold, seen from outside."""

import json
import time

from world import Case, open_clinic, planted_in, servers, wait_for

GATE = None
LABS = "/fhir/Observation?category=laboratory&_count=50"

# A recipient without any agreement, on a safe harbor run that somebody attested.
DATA_LAB = """\
kind: organization
id: data-lab
name: Open Data Lab
functions: [researcher]
---
kind: system
id: data-lab-store
owner: data-lab
environment: production
region: us-east
keeps: persistent
proves: [{mtls-san: stranger.example}]
---
kind: flow
id: labs-to-data-lab
from: ehr
to: data-lab-store
data: [clinical.lab, clinical.condition, demographics]
purposes: [HRESCH]
via: fhir-front
---
kind: evidence
id: harbor-data-lab
is: safe-harbor
about: [labs-to-data-lab]
---
kind: permit
id: data-lab-studies
to: data-lab-store
for: [HRESCH]
whose: all
form: deidentified
reads:
  Observation: [id, status, category, code, subject, effectiveDateTime, valueQuantity, note]
  Condition: [id, clinicalStatus, code, subject, onsetDateTime, note]
  Patient: [id, name, identifier, telecom, gender, birthDate, address]
"""


def setUpModule():
    global GATE
    GATE = open_clinic("deidentify")
    GATE.write("data-lab.yaml", DATA_LAB)
    wait_for(lambda: GATE.get(LABS, "stranger.example").status == 200, 5, "the data lab's license")


def resources(bundle):
    return [entry["resource"] for entry in bundle.get("entry", [])]


def values(node, key):
    """Every value of that key, at any depth."""
    if isinstance(node, list):
        return [v for item in node for v in values(item, key)]
    if isinstance(node, dict):
        return [v for k, inner in node.items() for v in ([inner] if k == key else []) + values(inner, key)]
    return []


class Forms(Case):
    """What both forms have in common. planted.txt holds names, numbers, addresses, mail, birth dates and pieces of the notes."""

    def clean(self, answer, dates=()):
        found = [line for line in planted_in(answer.body, servers().planted()) if line not in dates]
        self.assertEqual(found, [], "direct identifiers in the answer")
        ids = [line.split("/")[1] for line in (servers().data / "planted-ids.txt").read_text().split()]
        self.assertGreater(len(ids), 10)
        self.assertEqual([i for i in ids if f'{i}"'.encode() in answer.body], [], "patients' record numbers")

    def recorded(self, answer, form):
        entries = wait_for(lambda: [e for e in GATE.entries(answer.reference) if e["kind"] == "exchange.sent"], 5)
        self.assertEqual(entries[0]["form"], form)
        return entries[0]


class LimitedDataSet(Forms):
    def births(self):
        return {p["birthDate"] for p in servers().resources("Patient").values()}

    def test_the_university_receives_one(self):
        answer = GATE.get("/fhir/Observation/obs-0001", "university.example")
        got = self.passes(answer)
        whole = servers().resources("Observation")["obs-0001"]
        self.assertEqual(got["valueQuantity"]["value"], whole["valueQuantity"]["value"])
        self.assertEqual(got["effectiveDateTime"], whole["effectiveDateTime"], "dates may stay")
        self.assertNotIn("obs-0001", answer.body.decode())
        self.assertRegex(got["subject"]["reference"], r"^Patient/[0-9a-f-]{36}$")
        self.assertIn("REDACTED", [label["code"] for label in got["meta"]["security"]])
        self.clean(answer)
        self.assertNotIn("etag", answer.headers)

    def test_the_record_says_form_and_profile(self):
        sent = self.recorded(GATE.get("/fhir/Observation/obs-0001", "university.example"), "limited")
        self.assertRegex(sent["profile"], r"^limited-data-set@1#[0-9a-f]{12}$")
        self.assertEqual(sent["ground"], "limited-data-set")
        self.assertEqual(len(sent["patients"]), 1, "the record still names whose it was, blind")

    def test_no_direct_identifier_of_any_patient_is_in_it(self):
        answer = GATE.get("/fhir/Patient?_count=50", "university.example")
        patients = resources(self.passes(answer))
        self.assertGreater(len(patients), 20)
        self.clean(answer, dates=self.births())
        for patient in patients:
            self.assertLessEqual(set(patient), {"resourceType", "id", "meta", "active", "gender", "birthDate", "address"})
            for address in patient.get("address", []):
                self.assertLessEqual(set(address), {"use", "type", "city", "state", "postalCode", "country"})
        self.assertLessEqual({p["birthDate"] for p in patients}, self.births(), "birth dates may stay")
        bundle = answer.json()
        self.assertNotIn("total", bundle)
        self.assertEqual(values(bundle, "fullUrl"), [], "an entry's address says the id")

    def test_one_patient_has_one_code_within_an_answer_and_another_in_the_next(self):
        first, second = (resources(self.passes(GATE.get(LABS, "university.example"))) for _ in range(2))
        whole = servers().resources("Observation").values()
        labs = [o for o in whole if "laboratory" in json.dumps(o.get("category", []))]
        self.assertLessEqual(len({o["subject"]["reference"] for o in first}), len({o["subject"]["reference"] for o in labs}))
        self.assertLess(len({o["subject"]["reference"] for o in first}), len(first), "several of one patient")
        self.assertEqual({o["subject"]["reference"] for o in first} & {o["subject"]["reference"] for o in second}, set())

    def test_who_names_a_patient_is_refused(self):
        for path in (
            "/fhir/Patient/p-0001",
            "/fhir/Observation?patient=p-0001",
            "/fhir/Observation?subject=Patient/p-0001",
            "/fhir/Patient?_id=p-0001",
            "/fhir/Patient?name=Sandoval",
            "/fhir/Patient?identifier=x",
            "/fhir/Patient?address=Alder",
            "/fhir/Observation?subject.name=Sandoval",
            "/fhir/Patient?_has:Observation:patient:code=4548-4",
            "/fhir/Patient?_sort=name",
            "/fhir/Patient/p-0001/Observation",
        ):
            with self.subTest(path):
                self.refused(GATE.get(path, "university.example"), ["out-of-scope", "unfilterable", "undeclared"], 403)

    def test_searches_by_what_is_shown_pass(self):
        for path in ("/fhir/Patient?gender=female", "/fhir/Observation?code=4548-4", "/fhir/Patient?birthdate=ge1950-01-01&_sort=-birthdate"):
            with self.subTest(path):
                self.passes(GATE.get(path, "university.example"))

    def test_nothing_is_written_in_it(self):
        body = json.dumps({"resourceType": "Observation", "status": "final"})
        answer = GATE.request("POST", "/fhir/Observation", "university.example", headers={"content-type": "application/fhir+json"}, body=body)
        self.assertEqual(answer.status, 403)


class Deidentified(Forms):
    def test_no_identifier_of_any_patient_is_in_it(self):
        answer = GATE.get("/fhir/Patient?_count=50", "stranger.example")
        patients = resources(self.passes(answer))
        self.assertGreater(len(patients), 20)
        self.clean(answer)
        year = time.gmtime().tm_year
        for patient in patients:
            self.assertLessEqual(set(patient), {"resourceType", "id", "meta", "active", "gender", "birthDate", "address"})
            self.assertRegex(patient.get("birthDate", "2000"), r"^\d{4}$")
            self.assertGreater(int(patient.get("birthDate", "2000")), year - 90)
            for address in patient.get("address", []):
                self.assertLessEqual(set(address), {"use", "type", "state", "postalCode", "country"})
                self.assertRegex(address.get("postalCode", "000"), r"^\d{3}$")
            self.assertNotIn("lastUpdated", patient["meta"])
            self.assertEqual([label["code"] for label in patient["meta"]["security"]], ["ANONYED"])

    def test_dates_are_years_and_words_are_gone(self):
        answer = GATE.get(LABS, "stranger.example")
        labs = resources(self.passes(answer))
        self.assertGreater(len(labs), 10)
        self.clean(answer)
        self.assertEqual([d for d in values(labs, "effectiveDateTime") if len(d) != 4], [])
        self.assertEqual(values(labs, "note") + values(labs, "text"), [])
        sent = self.recorded(answer, "deidentified")
        self.assertEqual(sent["decision"], "deidentify")
        self.assertRegex(sent["profile"], r"^safe-harbor@1#")

    def test_a_search_by_day_is_refused(self):
        self.refused(GATE.get("/fhir/Patient?birthdate=1979-03-14", "stranger.example"), "out-of-scope", 403)
        self.refused(GATE.get("/fhir/Observation?date=2026-01-01", "stranger.example"), "out-of-scope", 403)

    def test_notes_stay(self):
        self.refused(GATE.get("/fhir/DocumentReference", "stranger.example"), ["undeclared", "no-permit", "no-ground", "out-of-scope"], 403)
