#!/usr/bin/env python3
"""English clinical text with invented identifiers of all kinds and exact spans: english.py --split train|test [--seed N] [--texts N]

Version 1. Prints JSON lines {"text", "spans": [{"start", "end", "type"}]}, offsets in code points. Templates, name lists and formats of the two
splits are apart: no sentence and no surname of one occurs in the other (names by parity of a hash). A tenth of the texts is all capitals, a
tenth lower case in its names, some have typos and OCR errors. Nothing is taken from a patient's record: sentences are ours, names come from the
PyPI package `names` (US Census lists, public domain), towns from npm `zipcodes`; --packages names the folder that tools/make_deid_lexicon.py
filled.
"""

import argparse
import json
import pathlib
import random
import re
import tarfile
import zlib

CLEAN = """
Lungs are clear to auscultation bilaterally without wheezes or rales.|Abdomen is soft, nontender, with normal bowel sounds.
No acute distress, alert and oriented x3.|Heart rate 82, blood pressure 128/76, respirations 16, temperature 98.6.
Foley catheter in place and draining clear urine.|A Bovie was used for hemostasis; a Mayo stand was prepared.
Babinski sign is absent; strength is 5/5 in all extremities.|Parkinson disease is stable on carbidopa levodopa 25/100.
Continue metformin 500 mg twice a day and lisinopril 10 mg daily.|Troponin 0.04, BNP 1250, creatinine 1.2, potassium 4.1.
CT of the chest shows a 6 mm nodule in the right upper lobe.|Pain is 3/10 and improved with ibuprofen 400 mg.
The patient denies fever, chills, nausea or vomiting.|Wound was closed with 4-0 Vicryl; estimated blood loss 50 ml.
Crohn disease, status post ileal resection.|Apgar scores were 8 and 9 at one and five minutes.
Glasgow Coma Scale 15; Romberg negative.|Will recheck labs in 2 weeks and adjust the dose.
Hodgkin lymphoma in remission for 5 years.|Epley maneuver was performed with relief of vertigo.
May use acetaminophen as needed; may shower in 48 hours.|Patient had 2 prior surgeries and takes 3 medications.
Ejection fraction 55 percent with trace mitral regurgitation.|He ambulates 200 feet with a rolling walker.
Bilateral Knee Replacement in good alignment.|Zofran and Dilaudid were given in the PACU.|Lasix 40 mg IV push given at 0600.
Allergies: Penicillin, Sulfa.|Skin: Warm, dry. Neuro: Grossly intact.|Chief Complaint: Shortness of breath|Past Medical History: Hypertension, GERD
Social History: Former smoker, 20 pack years.|Family History: Father with Alzheimer disease.|Review of Systems: Negative except as above.
Medications: Plavix, Coumadin, Synthroid, Lipitor|Final Diagnosis: Acute Cholecystitis|Discharge Condition: Good|Vital Signs: Stable
Kocher incision made; Kelly clamps applied.|Mallampati class II airway.|Physical Exam: General appearance well nourished.|Code Status: Full Code
The Whipple procedure was discussed.|Started on Keppra and Depakote.|Plan: Admit to Telemetry, serial Troponins.|Impression: Community Acquired Pneumonia.
Sodium 138, chloride 102, bicarbonate 24, glucose 110.|Assessment and Plan: Stable. Follow up in 6 months.
Mark the site before incision; sterile drape applied.|MRI Brain W/O Contrast: no acute infarct, chronic small vessel change.
"""
TRAIN = """
{name} is a {young} year old man who presents with chest pain.|Patient {name} was seen in clinic on {date} by Dr. {last}.
Mr. {last} reports worsening dyspnea since {date}.|Mrs. {last} lives with her daughter {first} in {city}, {state}.
I discussed the findings with {name}, MD, at {phone}.|DOB: {date}   MRN: {mrn}
Name: {name}|NAME: {lastfirst}|Patient: {lastfirst}   SSN: {ssn}|Address: {street}, {city}, {state} {zip}
Phone: {phone}  Fax: {fax}|Please call {phone} with questions or email {email}.|Insurance: {org}, Member ID {plan}
Admission Date: {date}  Discharge Date: {date}|Dictated by: {name}, M.D. {date}|cc: {name}, {street}, {city} {state} {zip}
The patient was transferred from {org} on {date}.|She works as a teacher at {org} in {city}.|Account number {account} was billed on {date}.
Pacemaker serial number {device}, implanted {date} by Dr. {name}.|Driver license {license} was presented at registration.
Her car, plate {plate}, was struck on {date}.|NPI {npi}|DEA# {dea}|He is {old} years old and lives alone.|{old}-year-old female with dementia.
Seen at {org} emergency department {date}.|Spoke with wife, {name}, who can be reached at {phone}.|Records at {url}.
Login from {ip} was noted in the portal.|Sister {first} {last} is the health care proxy.|RN {last} notified at bedside.
Referred by {name} of {org}.|Follow-up with Dr. {last} on {date} at 2:30 PM.|Certificate number {certificate} expires {date}.
Electronically signed by {name} on {date}|Attending: {last}|Family moved from {city} to {city} in {monthyear}.
VIN {vin} on the insurance form.|Study ID: {study}|Son {first} is at the bedside and {first} will drive her home.
{name} ({mrn})|Pt {first} tolerated the procedure well.|{last}, {first} - seen and examined.|Dr {last} aware.|He was born in {city} on {date}.
Fingerprint ID {biometric} on file.|Lives at {street} with husband {first}.|Dear Dr. {last}:|Sincerely, {name}|Thank you for referring {name} to us.
Patient's brother, {name}, was present.|Next appointment {date} with {name}, NP.|Transfer to {org} in {city} was discussed with {first}.
Medicare number {mbi}|Credit card {card} on file.|{first} was admitted {date} and discharged {date}.|Surgeon: {name}, MD  Assistant: {name}, PA-C
"""
TEST = """
This {young}-year-old woman, {name}, came to the emergency room on {date}.|Ms. {last} was last evaluated {date} at {org}.
PATIENT NAME: {name}     DATE OF BIRTH: {date}|MEDICAL RECORD NUMBER: {mrn}|Pt. name {lastfirst}|Home address {street}, {city}, {state} {zip}
Primary care physician: {name}, DO|Telephone {phone}; facsimile {fax}|The mother, {name}, may be reached at {phone} or {email}.
Social security number {ssn}|Policy no. {plan} with {org}|On {date} {first} underwent an uncomplicated appendectomy.
Consult requested by Dr. {first} {last}.|According to {first}, symptoms began in {monthyear}.|Discussed with the patient's son {name} by phone ({phone}).
Retired mail carrier from {city}, {state}.|Lot/serial {device} stent placed {date}.|Signed: {name} RN {date}
At age {old} she still gardens daily.|He turned {old} last spring.|Vehicle plate {plate} recorded by security.|License # {license}
Acct: {account}|DEA {dea}; NPI: {npi}|See portal {url} from host {ip}.|Results were faxed to {fax} attention {name}.
Nurse {last} and Dr. {last} reviewed the chart.|Her neighbor {first} {last} found her on the floor.|Resident of {city} since {monthyear}.
Interpreter {name} assisted.|Certificate no: {certificate}|Medicare beneficiary {mbi}|Card number {card}|VIN: {vin}|Case number {study}
Grandson {first} drove from {city}.|Voiceprint {biometric} enrolled.|Transferred to {org} under the care of {name}.|Report dictated {date}, transcribed {date}
{last} called back at {phone}.|Contact: {first} {last} (daughter), {street}, {city}|Procedure performed by {last} and {last} on {date}.
"""
ORG_TRAIN = ["{w} General Hospital", "St. {w} Medical Center", "{w} Health Plan", "{w} Family Clinic", "{w} Elementary School"]
ORG_TEST = ["{w} Memorial Hospital", "Mount {w} Hospital", "{w} Community Health Center", "{w} Manufacturing"]
STREETS = ["Street", "St", "Avenue", "Ave", "Road", "Lane", "Drive", "Court", "Blvd", "Way", "Terrace", "Circle"]
TREES = ["Oak", "Maple", "Cedar", "Elm", "Willow", "Hickory", "Juniper", "Locust", "Poplar", "Walnut", "Magnolia", "Cypress", "Sycamore", "Laurel"]
MONTHS = "January February March April May June July August September October November December".split()


class Maker:
    def __init__(self, split, seed, packages):
        self.r = random.Random(f"{split}-{seed}")
        self.test = split == "test"
        keep = lambda word: (zlib.crc32(word.lower().encode()) & 1) == self.test
        with tarfile.open(next(packages.glob("names-0.3.0*"))) as tar:
            read = lambda name: [
                line.split()[0].capitalize()
                for line in tar.extractfile(next(m for m in tar.getmembers() if m.name.endswith(f"/dist.{name}"))).read().decode().splitlines()
            ]
            self.last = [w for w in read("all.last")[:20000] if keep(w)]
            self.first = [w for w in read("female.first")[:1200] + read("male.first")[:800] if keep(w)]
        with tarfile.open(next(packages.glob("zipcodes-*.tgz"))) as tar:
            rows = re.findall(r'"zip":"(\d+)".*?"city":"([^"]+)","state":"([A-Z]+)"', tar.extractfile("package/lib/codes.js").read().decode())
        self.places = sorted({(city, state, zip_) for zip_, city, state in rows if keep(city) and city.isascii()})
        self.sentences = [s for line in (TEST if self.test else TRAIN).strip().splitlines() for s in line.split("|")]
        self.clean = [s for line in CLEAN.strip().splitlines() for s in line.split("|")][self.test :: 2]

    def digits(self, n):
        return "".join(self.r.choice("0123456789") for _ in range(n))

    def letters(self, n):
        return "".join(self.r.choice("ABCDEFGHJKMNPRSTUVWXYZ") for _ in range(n))

    def luhn(self, body, start=0):
        for check in "0123456789":
            total = start
            for i, c in enumerate(reversed(body + check)):
                d = int(c) * (2 if i % 2 else 1)
                total += d - 9 if d > 9 else d
            if total % 10 == 0:
                return body + check

    def date(self, year=None):
        r, y, m, d = self.r, year or self.r.randint(1940, 2025), self.r.randint(1, 12), self.r.randint(1, 28)
        name = MONTHS[m - 1]
        forms = [f"{m}/{d}/{y}", f"{m:02}/{d:02}/{y}", f"{m}/{d}/{y % 100:02}", f"{y}-{m:02}-{d:02}", f"{name} {d}, {y}", f"{d} {name} {y}", f"{m:02}-{d:02}-{y}"]
        forms += [f"{name[:3]} {d}, {y}", f"{name} {d}", f"{d}-{name[:3]}-{y}"] if self.test else [f"{name[:3]}. {d}, {y}", f"{name} {d}th", f"{d} {name[:3]} {y}"]
        return r.choice(forms)

    def make(self, slot):
        """One value, as pieces of (text, type): type None is plain."""
        r = self.r
        first, last = r.choice(self.first), r.choice(self.last)
        city, state, zip_ = r.choice(self.places)
        area = r.randint(201, 989)
        if slot == "name":
            middle = f" {r.choice('ABCDEFGHJKLMNPRSTW')}." if r.random() < 0.2 else ""
            return [(f"{first}{middle} {last}", "name")]
        if slot == "first":
            return [(first, "name")]
        if slot == "last":
            return [(last if r.random() < 0.95 else f"{last}-{r.choice(self.last)}", "name")]
        if slot == "lastfirst":
            return [(f"{last}, {first}", "name")] if r.random() < 0.6 else [(f"{last.upper()}, {first.upper()}", "name")]
        if slot == "date":
            return [(self.date(), "date")]
        if slot == "monthyear":
            return [(f"{r.choice(MONTHS)} {'of ' if r.random() < 0.2 else ''}{r.randint(1980, 2025)}", "date")]
        if slot == "young":
            return [(str(r.randint(18, 88)), None)]
        if slot == "old":
            return [(str(r.randint(90, 104)), "age")]
        if slot in ("phone", "fax"):
            a, b = f"555", f"01{self.digits(2)}"
            forms = [f"({area}) {a}-{b}", f"{area}-{a}-{b}", f"{area}.{a}.{b}", f"1-{area}-{a}-{b}"] + ([f"+1 {area} {a} {b}", f"{area} {a}-{b} ext. {self.digits(3)}"] if self.test else [f"{area} {a} {b}", f"({area}){a}-{b}"])
            return [(r.choice(forms), slot)]
        if slot == "email":
            return [(f"{first.lower()}{r.choice(['.', '_', ''])}{last.lower()}{r.choice(['', self.digits(2)])}@{r.choice(['mail.example', 'clinic.example.org', 'example.com'])}", "email")]
        if slot == "url":
            return [(r.choice([f"https://portal.{last.lower()}.example/r/{self.digits(5)}", f"www.{last.lower()}clinic.com"]), "url")]
        if slot == "ip":
            return [(".".join(str(r.randint(1, 254)) for _ in range(4)), "ip")]
        if slot == "ssn":
            return [(f"9{self.digits(2)}-{r.randint(10, 99)}-{self.digits(4)}", "ssn")]
        if slot == "mrn":
            return [(r.choice([self.digits(7), self.digits(8), f"{self.digits(3)}-{self.digits(2)}-{self.digits(3)}", f"M{self.digits(7)}"]), "mrn")]
        if slot == "plan":
            return [(r.choice([f"{self.letters(3)}{self.digits(9)}", self.digits(10), f"{self.letters(1)}{self.digits(8)}"]), "plan")]
        if slot == "mbi":
            d, l = self.digits, lambda: self.r.choice("ACDEFGHJKMNPQRTUVWXY")
            return [(f"{r.randint(1, 9)}{l()}{l()}{d(1)}{l()}{l()}{d(1)}{l()}{l()}{d(2)}", "plan")]
        if slot == "account":
            return [(r.choice([self.digits(8), f"A{self.digits(9)}", f"{self.digits(4)}-{self.digits(5)}"]), "account")]
        if slot == "card":
            n = self.luhn("4" + self.digits(14))
            return [(r.choice([n, " ".join(n[i : i + 4] for i in range(0, 16, 4))]), "account")]
        if slot == "license":
            return [(r.choice([f"{self.letters(1)}{self.digits(7)}", f"{self.letters(2)}{self.digits(6)}"]), "license")]
        if slot == "certificate":
            return [(f"{self.letters(2)}-{self.digits(5)}", "license")]
        if slot == "npi":
            return [(self.luhn("1" + self.digits(8), 24), "license")]
        if slot == "dea":
            d = self.digits(6)
            return [(f"{r.choice('ABFM')}{last[0]}{d}{(int(d[0]) + int(d[2]) + int(d[4]) + 2 * (int(d[1]) + int(d[3]) + int(d[5]))) % 10}", "license")]
        if slot == "plate":
            return [(r.choice([f"{self.letters(3)} {self.digits(4)}", f"{self.letters(3)}-{self.digits(3)}"]), "vehicle")]
        if slot == "vin":
            values = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9]))
            body = list("1" + self.letters(4).replace("Q", "R") + self.digits(3) + "0" + self.letters(2) + self.digits(6))
            total = sum((int(c) if c.isdigit() else values[c]) * w for c, w in zip(body, [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2]))
            body[8] = "X" if total % 11 == 10 else str(total % 11)
            return [("".join(body), "vehicle")]
        if slot == "device":
            return [(r.choice([f"{self.letters(3)}{self.digits(6)}", f"SN-{self.digits(8)}", f"{self.letters(2)}{self.digits(4)}{self.letters(1)}"]), "device")]
        if slot == "biometric":
            return [(f"BIO-{self.digits(6)}", "biometric")]
        if slot == "study":
            return [(r.choice([f"{self.letters(2)}-{self.digits(4)}", self.digits(6)]), "id")]
        if slot == "street":
            number, name = r.randint(10, 9999), r.choice(TREES if r.random() < 0.3 else self.last)
            unit = r.choice(["", "", "", f" Apt {r.randint(1, 40)}", f", Unit {r.randint(1, 40)}", f" #{r.randint(1, 40)}"])
            if r.random() < 0.05:
                return [(f"P.O. Box {r.randint(10, 9999)}", "street")]
            return [(f"{number} {r.choice(['', '', 'N ', 'West '])}{name} {r.choice(STREETS)}{unit}", "street")]
        if slot == "city":
            return [(city, "city")]
        if slot == "state":
            return [(state, None)]
        if slot == "zip":
            return [(zip_, "zip")]
        if slot == "org":
            return [(r.choice(ORG_TEST if self.test else ORG_TRAIN).format(w=r.choice(self.last)), "organization")]
        raise KeyError(slot)

    def text(self):
        r = self.r
        pieces = []
        chosen = [r.choice(self.sentences) for _ in range(r.randint(4, 10))] + [r.choice(self.clean) for _ in range(r.randint(4, 12))]
        r.shuffle(chosen)
        for sentence in chosen:
            for part in re.split(r"(\{[a-z]+\})", sentence):
                pieces += self.make(part[1:-1]) if part.startswith("{") else [(part, None)]
            pieces.append((r.choice(["\n", " ", " ", "\n\n"]), None))
        style = r.random()
        text, spans = "", []
        for value, kind in pieces:
            if style < 0.1:
                value = value.upper()
            elif style < 0.2 and kind == "name":
                value = value.lower()
            if kind and style > 0.9 and r.random() < 0.15 and len(value) > 5 and kind == "name":  # a typo: two letters change places
                i = r.randint(1, len(value) - 3)
                value = value[:i] + value[i + 1] + value[i] + value[i + 2 :]
            if kind and value.strip():
                spans.append({"start": len(text), "end": len(text) + len(value), "type": kind})
            text += value
        return {"text": text, "spans": spans}


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--split", choices=["train", "test"], required=True)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--texts", type=int, default=1500)
    p.add_argument("--packages", type=pathlib.Path, required=True)
    args = p.parse_args()
    maker = Maker(args.split, args.seed, args.packages)
    for _ in range(args.texts):
        print(json.dumps(maker.text()))
