"""Forms less than identified: what a limited data set and de-identified data hold, seen from outside."""

import base64
import csv
import io
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

from world import BINARY, ROOT, Case, open_clinic, planted_in, servers, wait_for

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


def strings(node):
    """Every string below a value."""
    if isinstance(node, str):
        return [node]
    inner = node if isinstance(node, list) else node.values() if isinstance(node, dict) else []
    return [s for value in inner for s in strings(value)]


class Files(Case):
    """licet deid: no gate, files in and files out."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="licet-deid-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def deid(self, *args, stdin=b"", code=0):
        run = subprocess.run([str(BINARY), "deid", *map(str, args)], capture_output=True, timeout=60, input=stdin)
        self.assertEqual(run.returncode, code, run.stderr.decode())
        return run.stdout.decode(), run.stderr.decode()

    def test_text_through_a_pipe(self):
        out, err = self.deid(stdin=b"Dr. Plantedworth saw her on 3/14/1979, MRN: 00-123-45, call (740) 555-0199.\n")
        self.assertEqual(out, "Dr. [NAME] saw her on 1979, MRN: [MRN], call [PHONE].\n")
        self.assertIn("164.514(b)(1)", err)

    def test_spans_count_code_points(self):
        note = self.folder / "n.txt"
        note.write_text("\u00e9\u00e9 MRN: 1234567\n", encoding="utf-8")
        out, _ = self.deid("--spans", note)
        span = json.loads(out)
        self.assertEqual((span["start"], span["end"], span["type"]), (8, 15, "mrn"))
        self.assertEqual(set(span), {"file", "start", "end", "type", "score"})

    def test_what_the_record_says_of_a_patient_is_found_in_their_notes(self):
        everything = self.folder / "all.ndjson"
        data = servers().data
        everything.write_text("".join((data / f"{kind}.ndjson").read_text() for kind in ("Patient", "DocumentReference", "Observation")))
        self.deid(everything, "--out", self.folder / "clean.ndjson", "--review", self.folder / "review.jsonl")
        clean = [json.loads(line) for line in (self.folder / "clean.ndjson").read_text().splitlines()]
        whole = [json.loads(line) for line in everything.read_text().splitlines()]
        self.assertEqual(len(clean), len(whole))
        notes = [base64.b64decode(d).decode() for d in values(clean, "data")]
        self.assertGreater(len(notes), 20)
        direct = set()
        for patient in (r for r in whole if r["resourceType"] == "Patient"):
            for name in patient.get("name", []):
                direct |= {name.get("family", ""), *name.get("given", [])}
            direct |= {t["value"] for t in patient.get("telecom", [])} | {i["value"] for i in patient.get("identifier", [])}
            direct |= {line for a in patient.get("address", []) for line in a.get("line", [])}
        everywhere = "\n".join(notes + strings(clean))
        self.assertEqual([d for d in direct if len(d) > 3 and d in everywhere], [])
        review = (self.folder / "review.jsonl").read_text()
        self.assertGreater(len(review.splitlines()), 20)
        self.assertEqual([d for d in direct if len(d) > 3 and d in review], [], "the review sheet shows only the look of words")

    def test_no_direct_identifier_of_a_synthea_patient_survives(self):
        shared = ROOT.parent / "shared" / "data"
        ndjson, bundles = shared / "fhir/synthea-10", shared / "deid/ms-health-anon/FHIR/samples/fhir-r4-files"
        if not ndjson.exists() or not bundles.exists():
            self.skipTest("no Synthea samples in ../shared/data")
        everything = self.folder / "synthea.ndjson"
        everything.write_text("".join(f.read_text() for f in sorted(ndjson.glob("*.000.ndjson"))))
        patients = notes = 0
        for source in [everything, *sorted(bundles.glob("*.json"))]:
            with self.subTest(source.name):
                run = subprocess.run([str(BINARY), "deid", str(source)], capture_output=True, timeout=300)
                self.assertIn(run.returncode, (0, 1), "1: a type that no rule knows (Provenance) was left out")
                out = run.stdout.decode()
                lines = source.read_text().splitlines() if source is everything else [source.read_text()]
                whole, clean = map(json.loads, lines), [json.loads(line) for line in out.splitlines()]
                read = [base64.b64decode(d).decode() for d in values(clean, "data")]
                notes += len(read)
                everywhere = "\n".join(strings(clean) + read).lower()
                resources = [r["resource"] if "resource" in r else r for r in (e for w in whole for e in w.get("entry", [w]))]
                for patient in (r for r in resources if r["resourceType"] == "Patient"):
                    patients += 1
                    direct = {t["value"] for t in patient.get("telecom", [])} | {i["value"] for i in patient.get("identifier", [])}
                    direct |= {w for n in patient["name"] for w in [n["family"], *n["given"]]} | {patient["birthDate"], patient["id"]}
                    direct |= {w for a in patient["address"] for w in [*a["line"], a["city"], a.get("postalCode", "")]}
                    direct |= {e["valueString"] for e in patient.get("extension", []) if e["url"].endswith("mothersMaidenName")}
                    direct = {d.lower() for d in direct if len(d) > 3}
                    self.assertGreater(len(direct), 8)
                    seen = [d for d in direct if d in everywhere]
                    self.assertEqual([d for d in seen if re.search(rf"(?<!\w){re.escape(d)}(?!\w)", everywhere)], [])
        self.assertGreater(patients, 10)
        self.assertGreater(notes, 1000)

    def test_a_limited_data_set_keeps_ids_tied_and_says_what_it_is(self):
        source = self.folder / "p.ndjson"
        source.write_text(
            '{"resourceType":"Patient","id":"p-1","name":[{"family":"Plantedworth"}],"birthDate":"1979-03-14"}\n'
            '{"resourceType":"Observation","id":"o-1","status":"final","subject":{"reference":"Patient/p-1"}}\n'
        )
        out, err = self.deid(source, "--profile", "limited-data-set", "--codes", self.folder / "codes")
        patient, lab = map(json.loads, out.splitlines())
        self.assertEqual(lab["subject"]["reference"], "Patient/" + patient["id"])
        self.assertEqual(patient["birthDate"], "1979-03-14")
        self.assertIn("still PHI", err)
        again, _ = self.deid(source, "--profile", "limited-data-set", "--codes", self.folder / "codes")
        self.assertEqual(again, out, "the codes are kept")
        self.assertEqual((self.folder / "codes").stat().st_mode & 0o077, 0)

    def test_a_bad_record_is_reported_and_left_out(self):
        lines = [
            '{"resourceType":"Patient","id":"p-1"}',
            '{"resourceType":"Patient","id":"Plantedworth',
            "nonsense Plantedworth",
            '{"resourceType":"Basic","id":"b"}',
            '{"resourceType":"Patient","id":"p-2"}',
        ]
        out, err = self.deid("--format", "ndjson", stdin="\n".join(lines).encode(), code=1)
        self.assertEqual(len(out.splitlines()), 2)
        self.assertNotIn("Plantedworth", out + err)
        for number in (2, 3, 4):
            self.assertIn(f"-:{number}: ", err)

    def test_a_bundle_comes_out_as_a_collection(self):
        patient = {"resourceType": "Patient", "id": "a", "gender": "female"}
        visit = {"resourceType": "Encounter", "id": "b", "status": "finished", "subject": {"reference": "urn:uuid:a"}}
        request = {"method": "POST", "url": "Patient"}
        entries = [{"fullUrl": "urn:uuid:" + r["id"], "resource": r, "request": request} for r in (patient, visit)]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        out = json.loads(self.deid("--format", "fhir", "--profile", "safe-harbor", stdin=json.dumps(bundle).encode())[0])
        patient, visit = out["entry"]
        self.assertEqual(out["type"], "collection")
        self.assertEqual(visit["resource"]["subject"]["reference"], patient["fullUrl"])

    def test_columns(self):
        table = self.folder / "t.csv"
        table.write_text(
            "id,dob,zip,sex,note,extra\n"
            'x1,1979-03-14,45990,F,"Seen by Dr. Plantedworth, at 93 years",Plantedworth\n'
            "broken,row\n"
            'x2,1931-01-02,03601,M,"",Plantedworth\n'
            "x3,3/14/1979,45990,Plantedworth person,,Plantedworth\n"
        )
        out, err = self.deid(table, "--columns", "dob=date,zip=zip,sex=token,note=text", code=1)
        self.assertEqual(
            out,
            'id,dob,zip,sex,note,extra\n,1979,459,F,"Seen by Dr. [NAME], at 90 or older years",\n,,000,M,"",\n,1979,459,,,\n',
            "all columns stay, those that nobody declared empty, and what is no code is none",
        )
        self.assertIn("columns emptied, since nobody said what they are: id extra", err)
        self.assertIn("record 3, byte ", err)

    def test_columns_are_guessed_and_a_person_confirms(self):
        table = self.folder / "visits.csv"
        rows = [f'P{k:05},Planted{k},197{k % 10}-03-{k % 28 + 1:02},{"FM"[k % 2]},{k / 7:.2f},"seen at home, felt well, number {k}"' for k in range(60)]
        table.write_text("\r\n".join(["PatientId,LastName,Date of Birth,sex,ldl,Remarks", *rows, ""]))
        guess, err = self.deid(table, code=2)
        words = dict(line.split("  #")[0].split(" = ") for line in guess.splitlines() if not line.startswith("#"))
        self.assertEqual(
            {name: word.strip() for name, word in words.items()},
            {"PatientId": "patient", "LastName": "name", "Date of Birth": "date", "sex": "token", "ldl": "number", "Remarks": "text"},
        )
        self.assertNotIn("Planted1", guess + err)
        self.assertIn("--accept-inferred", err)
        self.deid(table, "--out", self.folder / "clean.csv", code=2)
        self.assertFalse((self.folder / "clean.csv").exists(), "nothing is made before somebody has confirmed")
        (self.folder / "columns.txt").write_text(guess)
        out, _ = self.deid(table, "--columns", self.folder / "columns.txt")
        self.assertEqual(self.deid(table, "--accept-inferred")[0].count("\n"), out.count("\n"))
        lines = list(csv.reader(io.StringIO(out, newline="")))
        self.assertEqual(len(lines), 61)
        self.assertEqual({len(line) for line in lines}, {6})
        self.assertNotIn("Planted", out)
        self.assertEqual(lines[1][2:5], ["1970", "F", "0.00"])

    def test_a_table_whose_quote_never_closes(self):
        out, err = self.deid("--format", "csv", "--columns", "sex=token", stdin=b'sex,x\nF,1\n"M,2\nF,3\n', code=1)
        self.assertEqual(out, "sex,x\nF,\n")
        self.assertIn("record 3, byte 10: a quote that is never closed", err)

    def test_folders_are_resumed(self):
        notes = self.folder / "notes"
        (notes / "deep").mkdir(parents=True)
        (notes / "a.txt").write_text("MRN: 1234567")
        (notes / "deep" / "b.txt").write_text("MRN: 7654321")
        (notes / "scan.pdf").write_bytes(b"%PDF")
        _, err = self.deid(notes, "--out", self.folder / "clean", code=1)
        self.assertIn("scan.pdf: left out", err)
        self.assertEqual((self.folder / "clean" / "deep" / "b.txt").read_text(), "MRN: [MRN]")
        self.assertFalse((self.folder / "clean" / "scan.pdf").exists())
        (self.folder / "clean" / "a.txt").write_text("kept")
        _, err = self.deid(notes, "--out", self.folder / "clean", code=1)
        self.assertIn("2 there already", err)
        self.assertEqual((self.folder / "clean" / "a.txt").read_text(), "kept")

    def test_plain_text_under_a_profile_that_drops_text(self):
        notes = self.folder / "notes"
        notes.mkdir()
        (notes / "a.txt").write_text("MRN: 1234567, seen by Maria Plantedworth")
        (notes / "b.csv").write_text("sex,note\nF,seen\n")
        for profile in ("safe-harbor", "limited-data-set"):
            clean = self.folder / profile
            _, err = self.deid(notes, "--out", clean, "--profile", profile, "--columns", "sex=token,note=text", code=1)
            self.assertIn(f"a.txt: left out: profile {profile} takes out all text, so that nothing would be left of it. "
                          "Profiles that read text: pseudonymized, safe-harbor-text", err)
            self.assertEqual([p.name for p in clean.iterdir()], ["b.csv"], "nothing of it, and the rest as ever")
            self.assertEqual((clean / "b.csv").read_text(), "sex,note\nF,\n")
            out, err = self.deid("--profile", profile, stdin=b"MRN: 1234567", code=1)
            self.assertEqual(out, "")
            self.assertIn("-: left out: ", err)
            self.deid("--profile", profile, "--out", self.folder / "piped.txt", stdin=b"MRN: 1234567", code=1)
            self.assertFalse((self.folder / "piped.txt").exists())
            self.assertIn('"mrn"', self.deid("--profile", profile, "--spans", stdin=b"MRN: 1234567")[0], "spans are the text's, whatever the profile")

    def test_score(self):
        gold = self.folder / "gold.jsonl"
        spans = [{"start": 5, "end": 12, "type": "ID"}, {"start": 17, "end": 24, "type": "X"}]
        gold.write_text(json.dumps({"text": "MRN: 1234567 and mystery", "spans": spans}) + "\n")
        out, _ = self.deid("--score", gold)
        self.assertRegex(out, r"(?m)^ID +1 +1\.0000")
        self.assertRegex(out, r"(?m)^X +1 +0\.0000")
        self.assertRegex(out, r"(?m)^all +2 +0\.5000")
        self.assertIn("Token recall:", out)
        self.assertNotRegex(self.deid("--score", gold, "--ignore", "X")[0], r"(?m)^X ")
