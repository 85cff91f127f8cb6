"""One clinic, each ground and each interesting refusal of the Privacy Rule as a scenario: what passes, what does not, and what `check` says of it."""

import datetime
import json
import ssl
import urllib.request
from world import Case, open_clinic, servers, wait_for

GATE = None

# What examples/riverbend leaves out because a clinic should not want it.
MORE = """
kind: flow
id: mailing-to-studio         # marketing: the fitness studio is no health care component
from: ehr
to: studio-crm
data: [demographics, clinical.condition]
purposes: [HMARKT]
via: fhir-front
---
kind: permit
id: studio-mails
to: studio-crm
for: [HMARKT]
reads: {Patient: [id, name, address], Condition: [id, code, subject]}
---
kind: system
id: hr-files                  # the clinic as employer
name: Personnel files
owner: riverbend
region: us-east
proves: [{mtls-san: hr.example}]
---
kind: flow
id: record-to-hr
from: ehr
to: hr-files
data: [clinical.condition, demographics]
purposes: ["licet:employment"]
via: fhir-front
---
kind: permit
id: hr-looks-up
to: hr-files
for: ["licet:employment"]
reads: {Condition: [id, code, subject]}
---
kind: flow
id: care-to-university        # under the data use agreement, which carries no treatment
from: ehr
to: university-lab
data: [clinical.lab, clinical.condition]
purposes: [TREAT]
via: fhir-front
---
kind: permit
id: university-treats
to: university-lab
for: [TREAT]
reads: {Observation: [id, code, subject], Condition: [id, code, subject]}
---
kind: evidence
id: board-waiver              # a review board let this study have names
is: waiver
about: [waived-study]
by: IRB 7
document: agreements/waiver.txt
effective: 2026-01-15
expires: 2028-01-31
---
kind: flow
id: waived-study
from: ehr
to: university-lab
data: [clinical.condition]
purposes: [CLINTRL]
via: fhir-front
---
kind: permit
id: university-follows-up
to: university-lab
for: [CLINTRL]
reads: {Condition: [id, code, subject, onsetDateTime]}
---
kind: organization
id: family-line-co            # who answers the families of patients
name: Family Line
functions: [other]
covered: false
---
kind: system
id: family-line
owner: family-line-co
region: us-east
proves: [{mtls-san: stranger.example}]
---
kind: flow
id: word-to-family
from: ehr
to: family-line
data: [clinical.condition]
purposes: [FAMRQT]
via: fhir-front
---
kind: permit
id: family-hears
to: family-line
for: [FAMRQT]
reads: {Condition: [id, code, subject]}
---
kind: route
id: fax-return                # the way back, which no lapse closes
listens: /from/fax/
forwards: https://127.0.0.1:8443/fhir/
speaks: fhir-r4
reaches: ehr
---
kind: flow
id: fax-returns
from: fax
to: ehr
data: [clinical.note, clinical.document]
purposes: [TREAT]
on-behalf-of: riverbend
via: fax-return
---
kind: permit
id: ehr-takes-back
to: ehr
for: [TREAT]
creates: {DocumentReference: ['*']}
"""


def setUpModule():
    global GATE
    GATE = open_clinic("scenarios", start=False, forwards={"fax-return": servers().ehr})
    (GATE.stack / "scenarios.yaml").write_text(MORE)
    (GATE.stack / "agreements" / "waiver.txt").write_text("The board waives authorization for protocol 2026-014.\n")
    GATE.edit("systems.yaml", "name: Member list of the fitness studio\n", "name: Member list of the fitness studio\nproves: [{mtls-san: studio.example}]\n")
    GATE.start()


def record(case, *args):
    code, out, err = GATE.licet("record", *args, *GATE.at)
    case.assertEqual(code, 0, err)
    return int(out.split("ledger entry ")[1].split(")")[0])


def may(system, data, purpose):
    code, out, err = GATE.licet("check", GATE.stack, "--may", system, "--data", data, "--purpose", purpose, "--format", "json")
    if code not in (0, 1):
        raise AssertionError(err)
    return code, json.loads(out)


def findings(requirement, subject=None):
    """What the running node found, recorded facts and all."""
    rows, following = [], 0
    while following is not None:
        page = GATE.console(f"/api/v1/findings?limit=200&offset={following}").json()
        rows, following = rows + page["items"], page["next"]
    return [f for f in rows if f["requirement"] == requirement and subject in (None, f["subject"])]


def sent(reference):
    return wait_for(lambda: [e for e in GATE.entries(reference) if e["kind"] == "exchange.sent"], 5, "the record")[0]


def put_upstream(kind, resource):
    """Into the EHR itself: what its own software would have written."""
    context = ssl.create_default_context(cafile=str(servers().certs / "ca.crt"))
    request = urllib.request.Request(
        f"{servers().ehr.rstrip('/')}/{kind}/{resource['id']}",
        json.dumps(resource).encode(),
        {"Content-Type": "application/fhir+json"},
        method="PUT",
    )
    with urllib.request.urlopen(request, context=context) as answer:
        return answer.status


class Lawful(Case):
    def test_a_referral_needs_no_agreement(self):
        code, answer = may("lakeside-ehr", "clinical.note", "TREAT")
        self.assertEqual((code, answer["answer"]), (0, "yes"))
        self.assertEqual({(x["ground"], x["form"], x["view"]) for x in answer["licenses"]}, {("treatment", "identified", "full")})
        answer = GATE.get("/fhir/DocumentReference/doc-0001", "referral.example", purpose="TREAT")
        self.passes(answer)
        self.assertNotIn("agreements", sent(answer.reference))

    def test_a_boards_waiver_carries_names(self):
        answer = GATE.get("/fhir/Condition/cond-0001", "university.example", purpose="CLINTRL")
        got = self.passes(answer)
        self.assertIn("subject", got)
        entry = sent(answer.reference)
        self.assertEqual((entry["ground"], entry["form"], entry["accountable"]), ("research-waiver", "identified", 1))

    def test_a_report_to_the_county_is_accounted_for(self):
        answer = GATE.get("/fhir/Observation/obs-0001", "county.example")
        self.passes(answer)
        self.assertEqual(sent(answer.reference)["accountable"], 1)
        treated = GATE.get("/fhir/Observation/obs-0001", "referral.example", purpose="TREAT")
        self.passes(treated)
        self.assertNotIn("accountable", sent(treated.reference), "treatment is outside the accounting (164.528(a)(1)(i))")


class Lapsed(Case):
    def test_a_nurse_whose_training_lapsed_treats_with_an_alarm_and_does_nothing_else(self):
        for person in ("nurse-kim", "front-desk-ana"):
            record(self, "training", person, "privacy-basics", "--from", "2024-06-10", "--until", "2025-06-09")
        wanted = "hipaa-164.308.a.5.i.training-current"
        wait_for(lambda: [f for f in findings(wanted, "nurse-kim") if f["status"] == "fail"], 5, "the finding")
        self.passes(GATE.get("/fhir/Observation/obs-0001", token="ehr.nurse-kim", purpose="TREAT"))
        # The front desk's permit has both purposes: the one that care stands on goes on, the other stops.
        wait_for(lambda: GATE.get("/fhir/Appointment/appt-0001", token="ehr.front-desk-ana", purpose="HOPERAT").status == 403, 5, "the lapse")
        problem = self.refused(GATE.get("/fhir/Appointment/appt-0001", token="ehr.front-desk-ana", purpose="HOPERAT"), "lapsed", 403)
        self.assertIn("2025-06-09", problem["detail"])
        self.passes(GATE.get("/fhir/Appointment/appt-0001", token="ehr.front-desk-ana", purpose="TREAT"))

    def test_a_vendor_whose_contract_ended_gives_back_and_gets_nothing(self):
        self.refused(GATE.get("/fhir/DocumentReference/doc-0001", "fax.example"), "lapsed", 403)
        document = {**servers().resources("DocumentReference")["doc-0001"], "id": None}
        document = {k: v for k, v in document.items() if k not in ("id", "meta")}
        answer = GATE.request("POST", "/from/fax/DocumentReference", "fax.example", body=document)
        self.assertEqual(answer.status, 201, f"\n{answer}")
        self.assertEqual(sent(answer.reference)["ground"], "return")
        wanted = "hipaa-164.504.e.2.ii.J.returned-after-the-end"
        self.assertEqual([f["status"] for f in findings(wanted, "baa-fax-2024")], ["fail"], "until it is returned or destroyed")
        record(self, "phi-returned", "fax-co", "baa-fax-2024", "--from", datetime.date.today().isoformat())
        wait_for(lambda: [f["status"] for f in findings(wanted, "baa-fax-2024")] == ["pass"], 5, "the return's effect")
        self.refused(GATE.get("/fhir/DocumentReference/doc-0001", "fax.example"), "lapsed", 403)


class Payer(Case):
    def test_sees_its_members_and_not_what_a_patient_paid_in_full(self):
        claim = servers().resources("Claim")["claim-0001"]
        self.refused(GATE.get("/fhir/Claim/claim-0001", "payer.example"), "out-of-scope", 403)
        record(self, "coverage", "meridian", "--patient", claim["patient"]["reference"].split("/")[1])
        wait_for(lambda: GATE.get("/fhir/Claim/claim-0001", "payer.example").status == 200, 5, "the coverage")
        # The EHR labels the visit that was paid out of pocket.
        own = {**claim, "id": "claim-self-paid", "meta": {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIPAASelfPay"}]}}
        self.assertIn(put_upstream("Claim", own), (200, 201))
        held_back = GATE.get("/fhir/Claim/claim-self-paid", "payer.example")
        problem = self.refused(held_back, "restricted", 403)
        self.assertNotRegex(problem["detail"].lower(), r"self|paid|pocket")
        listed = self.passes(GATE.get("/fhir/Claim?_count=200", "payer.example"))
        ids = [e["resource"]["id"] for e in listed.get("entry", [])]
        self.assertIn("claim-0001", ids)
        self.assertNotIn("claim-self-paid", ids)
        # Who bills for the clinic is no plan.
        self.passes(GATE.get("/fhir/Claim/claim-self-paid", "billing.example"))

    def test_a_restriction_on_all_that_is_billed(self):
        patient = servers().resources("Claim")["claim-0003"]["patient"]["reference"].split("/")[1]
        record(self, "coverage", "meridian", "--patient", patient)
        wait_for(lambda: GATE.get("/fhir/Claim/claim-0003", "payer.example").status == 200, 5, "the coverage")
        index = record(self, "restriction", "meridian", "--patient", patient, "--class", "billing.*", "--set", "is=paid-in-full")
        self.refused(GATE.get("/fhir/Claim/claim-0003", "payer.example"), "restricted", 403)
        self.passes(GATE.get("/fhir/Claim/claim-0003", "billing.example"))
        wait_for(lambda: findings("hipaa-164.522.a.restriction-carried", f"ledger:{index}"), 5, "the finding")
        self.assertEqual(findings("hipaa-164.522.a.restriction-carried", f"ledger:{index}")[0]["status"], "pass")


class Forbidden(Case):
    def test_marketing_for_the_fitness_studio(self):
        problem = self.refused(GATE.get("/fhir/Patient/p-0001", "studio.example"), "prohibited", 403)
        self.assertIn("marketing", problem["detail"])
        code, answer = may("studio-crm", "demographics", "HMARKT")
        self.assertEqual((code, answer["answer"]), (1, "no"))
        self.assertIn("authorization", answer["mend"])
        self.assertEqual(answer["because"], problem["detail"])

    def test_the_personnel_department(self):
        self.refused(GATE.get("/fhir/Condition/cond-0001", "hr.example"), "prohibited", 403)
        code, answer = may("hr-files", "clinical.condition", "licet:employment")
        self.assertEqual((code, answer["answer"]), (1, "no"))

    def test_a_data_use_agreement_carries_no_treatment(self):
        problem = self.refused(GATE.get("/fhir/Condition/cond-0001", "university.example", purpose="TREAT"), "no-ground", 403)
        self.assertIn("dua-university", problem["detail"])
        code, answer = may("university-lab", "clinical.condition", "TREAT")
        self.assertEqual((code, answer["because"]), (1, problem["detail"]), "check, and the refusal, say one sentence")

    def test_a_marketing_authorization_lifts_it_for_that_patient_once_it_is_whole(self):
        elements = "elements=description,discloser,recipient,purpose,expiry,signature"
        record(self, "authorization", "studio-crm", "--patient", "p-0001", "--class", "demographics", "--purpose", "HMARKT", "--set", "for=marketing",
               "--set", elements, "--set", "statements=revocation,conditioning,redisclosure")  # says not that money is paid
        wait_for(lambda: [f for f in findings("hipaa-164.508.c.authorization-valid") if "lacks remuneration" in f["because"]], 5, "the defect")
        self.refused(GATE.get("/fhir/Patient/p-0001", "studio.example"), "prohibited", 403)
        index = record(self, "authorization", "studio-crm", "--patient", "p-0001", "--class", "demographics", "--purpose", "HMARKT", "--set", "for=marketing",
                       "--set", elements, "--set", "statements=revocation,conditioning,redisclosure,remuneration")
        try:
            wait_for(lambda: GATE.get("/fhir/Patient/p-0001", "studio.example").status == 200, 5, "the authorization")
            self.refused(GATE.get("/fhir/Patient/p-0002", "studio.example"), ["prohibited", "out-of-scope"], 403)
            self.assertNotIn("p-0001", json.dumps(GATE.ledger()), "patient and elements rest sealed")
            self.assertNotIn("redisclosure", json.dumps(GATE.ledger()))
        finally:
            record(self, "revoked", "--object", index)
        wait_for(lambda: GATE.get("/fhir/Patient/p-0001", "studio.example").status == 403, 5, "the revocation")


class Subpoena(Case):
    def ask(self):
        return GATE.get("/fhir/DocumentReference/doc-0001", "counsel.example")

    def test_held_and_without_assurance_not_even_that(self):
        self.refused(self.ask(), "held", 403)
        code, answer = may("counsel-portal", "clinical.note", "licet:legal-process")
        self.assertEqual((code, answer["answer"]), (1, "held"))
        index = record(self, "legal-process", "counsel-portal", "--patient", "p-0001", "--set", "is=subpoena", "--set", "assurance=none")
        problem = wait_for(lambda: (lambda a: a.reason == "no-ground" and a.json())(self.ask()), 5, "the finding's effect")
        self.assertIn("protective order", problem["detail"])
        record(self, "revoked", "--object", index)
        record(self, "legal-process", "counsel-portal", "--patient", "p-0001", "--set", "is=subpoena", "--set", "assurance=notice-to-individual")
        wait_for(lambda: self.ask().reason == "held", 5, "the assurance")


class Family(Case):
    def test_waits_for_a_person_until_the_patient_was_asked(self):
        condition = servers().resources("Condition")["cond-0001"]
        patient = condition["subject"]["reference"].split("/")[1]

        def ask():
            return GATE.get("/fhir/Condition/cond-0001", "stranger.example")

        self.refused(ask(), "held", 403)
        agreed = record(self, "opportunity", "family-line", "--patient", patient, "--set", "for=involved-in-care", "--set", "answer=agreed")
        wait_for(lambda: ask().status == 200, 5, "the agreement")
        self.assertEqual(sent(ask().reference)["ground"], "opportunity")
        record(self, "opportunity", "family-line", "--patient", patient, "--set", "for=involved-in-care", "--set", "answer=objected")
        problem = self.refused(ask(), "restricted", 403)
        self.assertNotIn("object", problem["detail"].lower())
        record(self, "revoked", "--object", agreed)
        self.refused(ask(), "restricted", 403)


class Part2(Case):
    def test_a_consent_to_proceedings_lets_nobody_treat(self):
        path = "/fhir/DocumentReference/doc-sud-0006"
        record(self, "consent", "lakeside", "--patient", "p-0006", "--class", "special.sud", "--purpose", "licet:legal-process", "--set", "scope=proceedings")
        self.refused(GATE.get(path, "referral.example", purpose="TREAT"), "restricted", 403)
        record(self, "consent", "lakeside", "--patient", "p-0006", "--class", "special.sud", "--set", "scope=tpo")
        wait_for(lambda: GATE.get(path, "referral.example", purpose="TREAT").status == 200, 5, "the consent")
        wait_for(lambda: [f for f in findings("part2-2.31.consent-whole") if f["status"] == "unknown"], 5, "the question what it says")


class Asked(Case):
    """`check --may`: the ground, or the nearest missing fact; also of what nobody declared."""

    def test_what_is_declared(self):
        code, answer = may("scribe", "clinical.note", "TREAT")
        self.assertEqual((code, answer["answer"]), (0, "yes"))
        self.assertIn("baa-scribe-2026", answer["licenses"][0]["because"])
        code, answer = may("fax", "clinical.note", "TREAT")
        self.assertEqual(code, 1)
        self.assertIn("2026-06-30", answer["because"])
        code, answer = may("meridian-claims", "billing.claim", "HPAYMT")
        self.assertIn("members only", answer["licenses"][0]["duties"])

    def test_what_is_not(self):
        code, answer = may("billing", "clinical.note", "HPAYMT")
        self.assertEqual((code, answer["answer"]), (1, "no"))
        self.assertRegex(answer["because"], r"baa-billing-2026 .* does not cover clinical\.note")
        code, answer = may("lakeside-ehr", "clinical.note", "HPAYMT")
        self.assertEqual((code, answer["answer"]), (1, "not-declared"))
        self.assertIn("would be lawful", answer["because"])
        self.assertIn("permit", answer["mend"])

    def test_for_people(self):
        code, out, err = GATE.licet("check", GATE.stack, "--may", "scribe", "--data", "clinical.note", "--purpose", "TREAT")
        self.assertEqual(code, 0, err)
        self.assertIn("baa-scribe-2026", out)
        code, out, err = GATE.licet("check", GATE.stack, "--may", "nobody", "--data", "clinical.note")
        self.assertEqual((code, "no system 'nobody'" in err), (2, True), err)


class Requests(Case):
    def test_a_request_for_access_has_its_day(self):
        today = datetime.date.today()
        index = record(self, "request", "riverbend", "--patient", "p-0004", "--from", (today - datetime.timedelta(days=40)).isoformat(), "--set", "is=access")
        wanted = "hipaa-164.524.b.2.access-in-30-days"
        late = wait_for(lambda: [f for f in findings(wanted, f"ledger:{index}") if f["status"] == "fail"], 5, "the overdue request")[0]
        self.assertIn((today - datetime.timedelta(days=10)).isoformat(), late["because"])
        record(self, "request-answered", "--object", index, "--from", (today - datetime.timedelta(days=12)).isoformat(), "--set", "outcome=granted")
        wait_for(lambda: [f for f in findings(wanted, f"ledger:{index}") if f["status"] == "pass"], 5, "the answer")
        self.assertNotIn("p-0004", json.dumps(GATE.ledger()))

    def test_a_word_that_is_none_is_named(self):
        code, out, err = GATE.licet("record", "request", "riverbend", "--patient", "p-0004", "--set", "is=everything", *GATE.at)
        self.assertNotEqual(code, 0)
        self.assertIn("access|amendment|accounting", err)
        code, out, err = GATE.licet("record", "request", "riverbend", "--patient", "p-0004", *GATE.at)
        self.assertNotEqual(code, 0)
        self.assertIn("--set is=", err)
