"""Who gets what: each outcome of examples/riverbend/README.md, asked for over the wire."""

import json
import re
from world import Case, open_clinic, servers, wait_for

GATE = None
SUD = re.compile(r"sud|substance|42.?cfr|part.?2|consent|restrict|special|psych", re.IGNORECASE)


def setUpModule():
    global GATE
    GATE = open_clinic("disclosures")


def resources(bundle):
    return [entry["resource"] for entry in bundle.get("entry", []) if "resource" in entry]


class Scribe(Case):
    """A vendor under a live agreement: the minimum necessary even for treatment."""

    def test_reads_exactly_the_permitted_fields(self):
        whole = servers().resources("DocumentReference")["doc-0001"]
        got = self.passes(GATE.get("/fhir/DocumentReference/doc-0001", "scribe.example"))
        self.assertLessEqual(set(got), {"resourceType", "id", "meta", "status", "type", "date", "content"})
        for field in ("resourceType", "id", "type", "date", "content"):
            self.assertEqual(got[field], whole[field], field)
        self.assertNotIn("p-0001", json.dumps({k: v for k, v in got.items() if k != "content"}), "whose note it is, is not permitted")
        self.assertIn("SUBSETTED", json.dumps(got.get("meta", {})), "a reduced resource says so")

    def test_a_reduced_answer_keeps_the_upstreams_headers_to_itself(self):
        answer = GATE.get("/fhir/DocumentReference/doc-0001", "scribe.example")
        self.assertLessEqual(
            set(answer.headers), {"cache-control", "licet-reference", "content-type", "date", "content-length", "connection"}
        )
        missing = GATE.get("/fhir/DocumentReference/none", "scribe.example")
        self.assertEqual(missing.status, 404)
        self.assertNotIn("none", missing.body.decode(), "an error is the gate's own")

    def test_each_resource_of_a_search_is_reduced(self):
        bundle = self.passes(GATE.get("/fhir/DocumentReference?_count=50", "scribe.example"))
        self.assertGreater(len(resources(bundle)), 20)
        for got in resources(bundle):
            self.assertLessEqual(set(got), {"resourceType", "id", "meta", "status", "type", "date", "content"})
            self.assertNotIn("sud", got["id"], "a Part 2 record without consent is not among them")
            self.assertNotIn("psy", got["id"])
        self.assertNotIn("total", bundle, "the upstream's total counts what was withheld")

    def test_a_type_outside_the_permit_is_refused(self):
        for kind in ("Observation/obs-0001", "Patient/p-0001", "Claim"):
            with self.subTest(kind):
                self.refused(GATE.get(f"/fhir/{kind}", "scribe.example"), ["undeclared", "no-permit", "no-ground", "out-of-scope"], 403)

    def test_a_search_by_a_hidden_field_is_refused(self):
        for query in (
            "author=dr-lee",
            "subject:identifier=x|y",
            "patient.identifier=RBC-108058",
            "_sort=subject",
            "_include=DocumentReference:subject",
            "subject:Patient.name=Sandoval",
            "_has:Provenance:target:agent=dr-lee",
            "_filter=subject eq p-0001",
        ):
            with self.subTest(query):
                answer = GATE.get("/fhir/DocumentReference?" + query.replace(" ", "%20"), "scribe.example")
                self.refused(answer, ["out-of-scope", "malformed", "unfilterable"])
                by_post = GATE.request(
                    "POST",
                    "/fhir/DocumentReference/_search",
                    "scribe.example",
                    body=query,
                    headers={"Content-Type": "application/x-www-form-urlencoded"},
                )
                self.refused(by_post, ["out-of-scope", "malformed", "unfilterable"])

    def test_a_search_inside_the_view_passes(self):
        self.assertTrue(resources(self.passes(GATE.get("/fhir/DocumentReference?date=gt2020-01-01&_count=3", "scribe.example"))))

    def test_nothing_is_written_through_a_view(self):
        note = servers().resources("DocumentReference")["doc-0001"]
        for method, path in (
            ("PUT", "DocumentReference/doc-0001"),
            ("POST", "DocumentReference"),
            ("DELETE", "DocumentReference/doc-0001"),
            ("PATCH", "DocumentReference/doc-0001"),
        ):
            with self.subTest(method):
                answer = GATE.request(method, f"/fhir/{path}", "scribe.example", body=note if method != "DELETE" else None)
                self.refused(answer, ["no-permit", "out-of-scope", "undeclared", "no-ground"], 403)
        self.assertEqual(self.passes(GATE.get("/fhir/DocumentReference/doc-0001", "scribe.example"))["id"], "doc-0001")

    def test_the_same_by_access_token(self):
        got = self.passes(GATE.get("/fhir/DocumentReference/doc-0001", token="scribe"))
        self.assertNotIn("subject", got)

    def test_credentials_never_go_upstream(self):
        self.passes(GATE.get("/fhir/DocumentReference/doc-0001", token="scribe", headers={"Cookie": "a=b", "X-Forwarded-For": "1.2.3.4"}))
        last = json.loads((servers().folder / "ehr.requests").read_text().splitlines()[-1])
        for name in ("authorization", "txn-token", "cookie", "licet-purpose"):
            self.assertNotIn(name, last["headers"])

    def test_it_is_on_the_ledger(self):
        answer = GATE.get("/fhir/DocumentReference/doc-0001", "scribe.example")
        sent = wait_for(lambda: [e for e in GATE.entries(answer.reference) if e["kind"] == "exchange.sent"], 5)[0]
        self.assertEqual(sent["actor"], "scribe")
        self.assertEqual(sent["purpose"], "TREAT")
        self.assertEqual(sent["decision"], "reduce")
        self.assertEqual(sent["ground"], "associate")
        self.assertIn("baa-scribe-2026", sent["agreements"])
        self.assertEqual(len(sent["patients"]), 1)
        self.assertNotIn("p-0001", json.dumps(sent))


class Lakeside(Case):
    """A provider who treats: the whole record, without any agreement."""

    def test_reads_the_full_record(self):
        whole = servers().resources("DocumentReference")["doc-0001"]
        got = self.passes(GATE.get("/fhir/DocumentReference/doc-0001", "referral.example", purpose="TREAT"))
        self.assertEqual(got, whole)

    def test_no_agreement_is_named(self):
        answer = GATE.get("/fhir/Condition/cond-0001", "referral.example", purpose="TREAT")
        self.passes(answer)
        sent = wait_for(lambda: [e for e in GATE.entries(answer.reference) if e["kind"] == "exchange.sent"], 5)[0]
        self.assertEqual((sent["ground"], sent["decision"], sent["view"]), ("treatment", "pass", "full"))
        self.assertNotIn("agreements", sent)

    def test_a_full_view_is_transparent(self):
        direct = servers().resources("Observation")["obs-0001"]
        answer = GATE.get("/fhir/Observation/obs-0001", "referral.example", purpose="TREAT")
        self.assertEqual(self.passes(answer), direct)
        self.assertEqual(answer.headers.get("etag"), f"W/\"{direct['meta']['versionId']}\"")
        self.assertIn("last-modified", answer.headers)
        none = GATE.get("/fhir/Observation/none", "referral.example", purpose="TREAT")
        self.assertEqual((none.status, none.json()["resourceType"]), (404, "OperationOutcome"))

    def test_paging_links_lead_through_the_gate(self):
        path, seen, pages = "/fhir/Encounter?_count=40", set(), 0
        while path:
            bundle = self.passes(GATE.get(path, "referral.example", purpose="TREAT"))
            urls = [link["url"] for link in bundle["link"]] + [entry["fullUrl"] for entry in bundle["entry"] if "fullUrl" in entry]
            for url in urls:
                self.assertTrue(url.startswith(f"https://127.0.0.1:{GATE.ports['gate']}/fhir/"), url)
            seen |= {r["id"] for r in resources(bundle)}
            following = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
            path = following[0].split(f":{GATE.ports['gate']}", 1)[1] if following else None
            pages += 1
        self.assertGreater(pages, 2)
        self.assertEqual(seen, {i for i in servers().resources("Encounter") if "sud" not in i})

    def test_a_purpose_is_needed_where_the_flow_has_two(self):
        self.refused(GATE.get("/fhir/Condition/cond-0001", "referral.example"), "no-purpose", 403)
        self.refused(
            GATE.get("/fhir/Condition/cond-0001", "referral.example", purpose="HMARKT"), ["no-purpose", "undeclared", "no-permit"], 403
        )

    def test_a_provider_without_covered_transactions_too(self):
        self.passes(GATE.get("/fhir/DocumentReference/doc-0001", "therapist.example"))


class Part2(Case):
    """42 CFR Part 2: without consent, refused so that the refusal reveals nothing."""

    def test_refused_neutrally(self):
        for path in ("DocumentReference/doc-sud-0002", "Encounter/enc-sud-0002", "Observation/obs-sud-0002", "Condition/cond-sud-0002"):
            with self.subTest(path):
                answer = GATE.get(f"/fhir/{path}", "referral.example", purpose="TREAT")
                self.assertIn(answer.status, (403, 404))
                problem = self.refused(answer, "restricted")
                self.assertIsNone(SUD.search(" ".join(str(v) for k, v in problem.items() if k not in ("type", "reason"))), problem)
                self.assertIsNone(SUD.search(json.dumps({k: v for k, v in answer.headers.items()})))

    def test_the_officer_gets_the_sentence(self):
        answer = GATE.get("/fhir/DocumentReference/doc-sud-0002", "referral.example", purpose="TREAT")
        self.assertRegex(GATE.explain(answer.reference), r"special\.sud|Part 2|consent")

    def test_the_counselor_reads_it(self):
        got = self.passes(GATE.get("/fhir/DocumentReference/doc-sud-0006", token="ehr.sud-counselor-ray", purpose="TREAT"))
        self.assertEqual(got["id"], "doc-sud-0006")
        self.passes(GATE.get("/fhir/DocumentReference/doc-sud-0002", token="ehr.sud-counselor-ray", purpose="TREAT"))

    def test_a_search_leaves_it_out(self):
        bundle = self.passes(GATE.get("/fhir/DocumentReference?patient=p-0002", "referral.example", purpose="TREAT"))
        ids = [r["id"] for r in resources(bundle)]
        self.assertIn("doc-0002", ids)
        self.assertNotIn("doc-sud-0002", ids)
        self.assertEqual(bundle["total"], len(ids), "the upstream's total counts what was withheld")

    def test_no_count_tells_that_something_was_left_out(self):
        for query in ("patient=p-0002&_count=0", "patient=p-0002&_count=2", "patient=p-0002&_summary=count", "patient=p-0002&_total=accurate"):
            for patient in ("p-0002", "p-0001"):  # the same where nothing is withheld
                with self.subTest(query, patient=patient):
                    bundle = self.passes(
                        GATE.get(f"/fhir/DocumentReference?{query.replace('p-0002', patient)}", "referral.example", purpose="TREAT")
                    )
                    shown = len(bundle.get("entry", []))
                    self.assertIn(bundle.get("total", shown), (shown,))
                    self.assertTrue("total" not in bundle or shown)

    def test_nobody_searches_by_label(self):
        for query in ("_security=ETHUD", "security-label=ETHUD", "patient=p-0002&_security:not=R"):
            with self.subTest(query):
                self.refused(GATE.get(f"/fhir/DocumentReference?{query}", "referral.example", purpose="TREAT"), "out-of-scope", 403)

    def test_with_consent_the_recipient_gets_it(self):
        path = "/fhir/DocumentReference/doc-sud-0006"
        # Lakeside is licensed for special.sud; the consent is the patient's, and recorded.
        without = GATE.get(path, "referral.example", purpose="TREAT")
        self.refused(without, "restricted", 403)
        self.assertRegex(GATE.explain(without.reference), r"consent")
        code, out, err = GATE.licet(
            "record",
            "consent",
            "--patient",
            "p-0006",
            "--subject",
            "lakeside",
            "--class",
            "special.sud",
            "--until",
            "2027-06-30",
            "--by",
            "j-ortiz",
            *GATE.at,
        )
        self.assertEqual(code, 0, err)
        got = wait_for(
            lambda: (lambda a: a.status == 200 and a.json())(GATE.get(path, "referral.example", purpose="TREAT")), 3, "the consent"
        )
        self.assertEqual(got["id"], "doc-sud-0006")
        self.refused(GATE.get("/fhir/DocumentReference/doc-sud-0002", "referral.example", purpose="TREAT"), "restricted", 403)
        self.assertNotIn(b"p-0006", b"".join(json.dumps(e).encode() for e in GATE.ledger()), "the patient of a fact is sealed")


class Patient(Case):
    """Maria's own app, and the clinic's."""

    def test_own_compartment(self):
        for path, kind in (
            ("Patient/p-0001", "Patient"),
            ("DocumentReference/doc-0001", "DocumentReference"),
            ("Observation/obs-0001", "Observation"),
        ):
            with self.subTest(path):
                got = self.passes(GATE.get(f"/fhir/{path}", token="patient-app.maria", purpose="PATRQT"))
                self.assertEqual(got, servers().resources(kind)[path.split("/")[1]])

    def test_nobody_elses(self):
        for path in ("Patient/p-0002", "DocumentReference/doc-0002", "Observation/obs-0003", "Encounter/enc-sud-0002"):
            with self.subTest(path):
                self.refused(
                    GATE.get(f"/fhir/{path}", token="patient-app.maria", purpose="PATRQT"),
                    ["out-of-scope", "no-ground", "restricted", "undeclared"],
                )

    def test_a_search_shows_only_hers(self):
        answer = GATE.get("/fhir/Patient?_count=100", token="patient-app.maria", purpose="PATRQT")
        if answer.status == 200:
            self.assertEqual([r["id"] for r in resources(answer.json())], ["p-0001"])
            for entry in answer.json().get("entry", []):
                self.assertNotRegex(entry.get("fullUrl", ""), r"p-00(?!01)")
        else:
            self.refused(answer, "out-of-scope")
        hers = self.passes(GATE.get("/fhir/Observation?patient=p-0001&_count=100", token="patient-app.maria", purpose="PATRQT"))
        self.assertTrue(resources(hers))
        self.assertEqual({r["subject"]["reference"] for r in resources(hers)}, {"Patient/p-0001"})

    def test_the_token_of_the_wrong_client_is_no_patient(self):
        self.refused(GATE.get("/fhir/Patient/p-0001", token="billing", purpose="PATRQT"), ["no-purpose", "undeclared", "no-permit"])


class Staff(Case):
    def test_a_physician_reads_everything_with_a_second_factor(self):
        got = self.passes(GATE.get("/fhir/DocumentReference/doc-0001", token="ehr.dr-lee", purpose="TREAT"))
        self.assertEqual(got, servers().resources("DocumentReference")["doc-0001"])

    def test_the_purpose_may_stand_in_the_token(self):
        for header in (None, "HPAYMT"):  # what the identity provider signed stands before what the caller writes
            answer = GATE.get("/fhir/DocumentReference/doc-0001", token="ehr.dr-lee.treats", purpose=header)
            self.passes(answer)
            sent = wait_for(lambda: [e for e in GATE.entries(answer.reference) if e["kind"] == "exchange.sent"], 5)[0]
            self.assertEqual((sent["purpose"], sent["purpose_from"]), ("TREAT", "claim"))
        self.refused(GATE.get("/fhir/DocumentReference/doc-0001", token="ehr.dr-lee"), "no-purpose", 403)

    def test_without_the_second_factor(self):
        self.refused(GATE.get("/fhir/DocumentReference/doc-0001", token="ehr.dr-lee.pwd", purpose="TREAT"), "condition", 403)

    def test_who_left_is_nobody(self):
        self.refused(GATE.get("/fhir/DocumentReference/doc-0001", token="ehr.m-ellis", purpose="TREAT"), "no-identity", 401)

    def test_a_nurse_reads_less(self):
        got = self.passes(GATE.get("/fhir/Patient/p-0001", token="ehr.nurse-kim", purpose="TREAT"))
        self.assertIn("name", got)
        self.assertNotIn("address", got)

    def test_the_front_desk_sees_demographics_and_no_note(self):
        got = self.passes(GATE.get("/fhir/Patient/p-0001", token="ehr.front-desk-ana", purpose="HOPERAT"))
        self.assertIn("address", got)
        self.refused(
            GATE.get("/fhir/DocumentReference/doc-0001", token="ehr.front-desk-ana", purpose="HOPERAT"),
            ["no-permit", "undeclared", "out-of-scope", "no-ground"],
            403,
        )

    def test_psychotherapy_notes_are_not_the_physicians(self):
        self.refused(
            GATE.get("/fhir/DocumentReference/doc-psy-0007", token="ehr.dr-lee", purpose="TREAT"),
            ["no-permit", "prohibited", "undeclared", "restricted", "no-ground"],
            403,
        )

    def test_a_physician_writes_a_note_that_can_be_read_back(self):
        note = {
            "resourceType": "DocumentReference",
            "status": "current",
            "type": {"coding": [{"system": "http://loinc.org", "code": "11506-3"}]},
            "subject": {"reference": "Patient/p-0001"},
            "date": "2026-11-24T10:00:00Z",
            "content": [{"attachment": {"contentType": "text/plain", "data": "bm90ZQ=="}}],
        }
        made = GATE.request("POST", "/fhir/DocumentReference", token="ehr.dr-lee", purpose="TREAT", body=note)
        self.passes(made, 201)
        self.assertTrue(made.headers["location"].startswith(f"{GATE.gate_url}/fhir/DocumentReference/"), made.headers)
        got = self.passes(
            GATE.get(
                made.headers["location"].split(str(GATE.ports["gate"]), 1)[1].split("/_history")[0], token="ehr.dr-lee", purpose="TREAT"
            )
        )
        self.assertEqual(got["content"], note["content"])
        request = [e for e in GATE.entries(made.reference) if e["kind"] == "exchange.sent" and e["leg"] == "request"]
        self.assertEqual(len(request), 1, "a request that carries PHI is on record, too")
        got["description"] = "amended"
        self.passes(GATE.request("PUT", f"/fhir/DocumentReference/{got['id']}", token="ehr.dr-lee", purpose="TREAT", body=got))
        self.assertEqual(
            GATE.get(f"/fhir/DocumentReference/{got['id']}", token="ehr.dr-lee", purpose="TREAT").json()["description"], "amended"
        )

    def test_breaking_the_glass_only_by_token(self):
        self.refused(GATE.get("/fhir/DocumentReference/doc-sud-0002", token="ehr.dr-lee", purpose="BTG"), "no-purpose", 403)
        issued = GATE.transaction_token(token="ehr.dr-lee", purpose="BTG", reason="unconscious, overdose suspected")
        self.assertEqual(issued.status, 200, issued)
        headers = {"Txn-Token": issued.json()["access_token"]}
        got = self.passes(GATE.get("/fhir/DocumentReference/doc-0002", headers=headers))
        self.assertEqual(got["id"], "doc-0002")
        self.assertTrue([e for e in GATE.ledger() if e["kind"] == "emergency" and e["actor"] == "dr-lee"])


class Refused(Case):
    """Nothing lawful on record."""

    def test_acme_hears_the_sentence_that_check_prints(self):
        problem = self.refused(GATE.get("/fhir/DocumentReference/doc-0001", "acme-ai.example"), ["no-ground", "prohibited"], 403)
        code, out, err = GATE.licet("check", GATE.stack, "--format", "json")
        self.assertEqual(code, 1, err)
        because = [f["because"] for f in json.loads(out)["findings"] if f["subject"] == "notes-to-acme" and f["status"] == "fail"]
        self.assertTrue(because)
        self.assertTrue(any(b in problem["detail"] for b in because), f"{problem['detail']!r} says none of {because}")
        self.assertIn("Acme", problem["detail"])
        code, out, err = GATE.licet("check", GATE.stack)
        self.assertIn(" ".join(problem["detail"].split())[:60], " ".join(out.split()))

    def test_what_would_be_sent_to_acme_is_refused(self):
        answer = GATE.request("POST", "/to/acme-ai/v1/summaries", "ehr.example", body={"note": "x"})
        self.refused(answer, ["no-ground", "no-permit", "undeclared"], 403)

    def test_a_lapsed_agreement(self):
        problem = self.refused(GATE.get("/fhir/DocumentReference/doc-0001", "fax.example"), ["lapsed", "no-ground"], 403)
        self.assertIn("2026-06-30", problem["detail"])
        self.assertEqual(problem["reason"], "lapsed")

    def test_a_plan_that_the_agreement_does_not_extend_to(self):
        problem = self.refused(GATE.get("/fhir/Encounter/enc-0001", "logs.example"), "no-ground", 403)
        self.assertRegex(problem["detail"], r"logs-starter|Starter")

    def test_unknown_and_missing_callers(self):
        self.refused(GATE.get("/fhir/Patient/p-0001", "stranger.example"), "no-identity", 401)
        self.refused(GATE.get("/fhir/Patient/p-0001"), "no-identity", 401)
        self.refused(GATE.get("/fhir/Patient/p-0001", headers={"Authorization": "Bearer not.a.token"}), "no-identity", 401)
        self.refused(GATE.get("/fhir/Patient/p-0001", headers={"Authorization": "Basic YTpi"}), "no-identity", 401)
        tampered = servers().token("ehr.dr-lee")
        tampered = tampered[:-6] + ("AAAAAA" if not tampered.endswith("AAAAAA") else "BBBBBB")
        self.refused(GATE.get("/fhir/Patient/p-0001", headers={"Authorization": f"Bearer {tampered}"}), "no-identity", 401)

    def test_a_certificate_beside_another_systems_token(self):
        self.refused(GATE.get("/fhir/DocumentReference/doc-0001", "billing.example", token="scribe"), "no-identity", 401)

    def test_no_such_route(self):
        self.refused(GATE.get("/elsewhere", "scribe.example"), "not-found", 404)

    def test_paths_that_could_be_read_two_ways(self):
        for path in (
            "/fhir/../fhir/Patient/p-0001",
            "/fhir//Patient/p-0001",
            "/fhir/Patient%2Fp-0001",
            "/fhir/./Patient",
            "/fhir/Patient/p-0001%00",
            "/fhir/Patient/p-0001;x=1",
            "/fhir/%2e%2e/Patient",
        ):
            with self.subTest(path):
                self.assertIn(GATE.get(path, "referral.example", purpose="TREAT").status, (400, 403, 404))

    def test_a_count_by_a_hidden_field(self):
        answer = GATE.get("/fhir/Patient?gender=male&_summary=count", "billing.example")
        self.refused(answer, ["out-of-scope", "malformed", "unfilterable"])
        self.refused(
            GATE.get("/fhir/Patient?identifier=RBC-108058&_summary=count", "billing.example"), ["out-of-scope", "malformed", "unfilterable"]
        )

    def test_the_wrong_people(self):
        self.refused(GATE.get("/fhir/Claim/claim-0001", "scribe.example"), ["undeclared", "no-permit", "no-ground", "out-of-scope"], 403)
        self.refused(
            GATE.get("/fhir/DocumentReference/doc-0001", "billing.example"), ["undeclared", "no-permit", "no-ground", "out-of-scope"], 403
        )


class MailHouse(Case):
    """Refused until the chain's missing contract is declared."""

    def test_until_the_contract_is_declared(self):
        problem = self.refused(GATE.get("/fhir/Patient/p-0001", "mailhouse.example"), "no-ground", 403)
        self.assertIn("Postmark House", problem["detail"])
        agreements = (GATE.stack / "agreements.yaml").read_text()
        GATE.write("agreements.yaml", re.sub(r"^#\| ?", "", agreements, flags=re.MULTILINE))
        got = wait_for(
            lambda: (lambda a: a.status == 200 and a.json())(GATE.get("/fhir/Patient/p-0001", "mailhouse.example")),
            2,
            "the contract's effect",
        )
        self.assertLessEqual(set(got), {"resourceType", "id", "meta", "active", "name", "address"})
        self.assertIn("address", got)
        GATE.write("agreements.yaml", agreements)
        wait_for(lambda: GATE.get("/fhir/Patient/p-0001", "mailhouse.example").status == 403, 2, "the contract's end")


class Others(Case):
    def test_billing_reads_claims(self):
        got = self.passes(GATE.get("/fhir/Claim/claim-0001", "billing.example"))
        self.assertLessEqual(
            set(got),
            {
                "resourceType",
                "id",
                "meta",
                "status",
                "type",
                "use",
                "patient",
                "created",
                "provider",
                "priority",
                "insurance",
                "item",
                "total",
                "diagnosis",
            },
        )

    def test_the_university_receives_a_limited_data_set(self):  # what is in one: deidentify.py
        got = self.passes(GATE.get("/fhir/Observation/obs-0001", "university.example"))
        self.assertNotIn("p-0001", json.dumps(got))
        problem = self.refused(GATE.get("/fhir/Patient/p-0001", "university.example"), "out-of-scope", 403)
        self.assertIn("limited", problem["detail"])

    def test_the_county_receives_reports_that_are_accounted_for(self):
        answer = GATE.get("/fhir/Observation/obs-0001", "county.example")
        got = self.passes(answer)
        self.assertNotIn("performer", got)
        sent = wait_for(lambda: [e for e in GATE.entries(answer.reference) if e["kind"] == "exchange.sent"], 5)[0]
        self.assertEqual(sent["ground"], "public-health")

    def test_a_plan_sees_its_members_only(self):
        self.refused(GATE.get("/fhir/Coverage/cov-0001", "payer.example"), ["no-ground", "out-of-scope", "condition"], 403)
        code, out, err = GATE.licet("record", "coverage", "--patient", "p-0001", "--subject", "meridian", *GATE.at)
        self.assertEqual(code, 0, err)
        wait_for(lambda: GATE.get("/fhir/Coverage/cov-0001", "payer.example").status == 200, 3, "the coverage")
        self.refused(GATE.get("/fhir/Coverage/cov-0002", "payer.example"), ["no-ground", "out-of-scope", "condition"], 403)

    def test_the_exchange_reads_under_its_agreement(self):
        got = self.passes(GATE.get("/fhir/Condition/cond-0001", "hie.example"))
        self.assertLessEqual(
            set(got), {"resourceType", "id", "meta", "clinicalStatus", "code", "subject", "onsetDateTime", "verificationStatus"}
        )

    def test_an_observed_route_passes_and_says_what_it_would_have_done(self):
        answer = GATE.get("/observed/fhir/Encounter/enc-0001", "logs.example")
        self.assertEqual(self.passes(answer)["id"], "enc-0001")
        sent = wait_for(lambda: [e for e in GATE.entries(answer.reference) if e["kind"] == "exchange.sent"], 5)[0]
        self.assertEqual((sent["decision"], sent["reason"]), ("observe", "no-ground"))

    def test_conformance_needs_no_license(self):
        self.assertEqual(GATE.get("/fhir/metadata").json()["resourceType"], "CapabilityStatement")
        smart = GATE.get("/fhir/.well-known/smart-configuration").json()
        self.assertTrue(smart["token_endpoint"].endswith("/token"))
        preflight = GATE.request(
            "OPTIONS", "/fhir/Patient/p-0001", headers={"Origin": "https://carrybook.example", "Access-Control-Request-Method": "GET"}
        )
        self.assertEqual(preflight.headers.get("access-control-allow-origin"), "https://carrybook.example")
        other = GATE.request(
            "OPTIONS", "/fhir/Patient/p-0001", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
        )
        self.assertNotIn("access-control-allow-origin", other.headers)


class Subpoena(Case):
    def ask(self, path="/fhir/DocumentReference/doc-0001"):
        return GATE.get(path, "counsel.example")

    def test_holds_until_a_person_releases_it_once(self):
        held = self.ask()
        problem = self.refused(held, "held", 403)
        self.assertIn(problem["reference"], problem["detail"])
        self.refused(self.ask(), "held", 403)
        code, out, err = GATE.licet("release", problem["reference"], "--by", "j-ortiz", *GATE.at)
        self.assertEqual(code, 0, err)
        self.refused(self.ask("/fhir/DocumentReference/doc-0002"), "held", 403)
        got = self.passes(self.ask())
        self.assertLessEqual(set(got), {"resourceType", "id", "meta", "status", "type", "subject", "date", "content"})
        self.refused(self.ask(), "held", 403)
        self.assertTrue([e for e in GATE.ledger() if e["kind"] == "admin" and e["payload"].get("act") == "release-used"])

    def test_a_release_outlives_a_restart_and_is_still_used_once(self):
        reference = self.refused(self.ask("/fhir/Encounter/enc-0001"), "held")["reference"]
        self.assertEqual(GATE.licet("release", reference, *GATE.at)[0], 0)
        GATE.restart()
        self.passes(self.ask("/fhir/Encounter/enc-0001"))
        GATE.restart()
        self.refused(self.ask("/fhir/Encounter/enc-0001"), "held", 403)

    def test_a_reference_that_is_none(self):
        code, out, err = GATE.licet("release", "0" * 26, *GATE.at)
        self.assertNotEqual(code, 0)
        self.assertTrue(err)
