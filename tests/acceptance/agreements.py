"""Agreements: compared along the chain, tied to what is enforced, watched over their life, and written about."""

import hashlib
import hmac
import http.server
import json
import pathlib
import shutil
import tempfile
import threading
import unittest

from cli import licet
from world import Case, open_clinic, wait_for

NOTICE = "breach-notice: 10d, incident-notice: 5d"
STRICT = "subcontractors: same-terms, return-or-destroy: true, deidentify: false, ai-training: prohibited, offshore: prohibited"

# A clinic, its scribe, the scribe's cloud, and the cloud's archive.
STACK = """
kind: stack
format: 1
tenant: elm
timezone: America/New_York
packs: [hipaa-baa-2013@1.0, hipaa-grounds-2013@1.0]
---
{kind: organization, id: elm, name: Elm Clinic, functions: [provider], covered: true}
---
{kind: organization, id: scribe-co, name: Scribe Co, functions: [vendor], covered: false, contact: privacy@scribe.example}
---
{kind: organization, id: cloud-co, name: Cloud Co, functions: [vendor], covered: false}
---
{kind: organization, id: tape-co, name: Tape Co, functions: [vendor], covered: false}
---
{kind: system, id: ehr, owner: elm, region: us-east}
---
{kind: system, id: scribe, name: Scribe, owner: scribe-co, region: us-east}
---
{kind: system, id: bucket, name: Bucket, owner: cloud-co, region: us-east}
---
{kind: system, id: archive, name: Archive, owner: tape-co, region: us-east}
---
{kind: flow, id: to-scribe, from: ehr, to: scribe, data: [clinical.note], purposes: [TREAT], on-behalf-of: elm}
---
{kind: flow, id: to-bucket, from: scribe, to: bucket, data: [clinical.note], purposes: [TREAT], on-behalf-of: elm}
---
{kind: flow, id: to-archive, from: bucket, to: archive, data: [clinical.note], purposes: [TREAT], on-behalf-of: elm}
"""
AGREEMENT = "---\n{{kind: agreement, id: {}, is: baa, up: {}, down: {}, signed: 2026-01-05, expires: 2027-12-31,\nterms: {{{}}}}}\n"


def agreements(**terms):
    """The three of the chain; each keyword replaces one's terms."""
    pairs = {"top": ("elm", "scribe-co"), "middle": ("scribe-co", "cloud-co"), "low": ("cloud-co", "tape-co")}
    said = {name: f"{NOTICE}, {STRICT}" for name in pairs} | terms
    return "".join(AGREEMENT.format(name, *pairs[name], said[name]) for name in pairs)


TRAINS = STRICT.replace("training: prohibited", "training: allowed")


def noticing(**times):
    return agreements(**{name: f"breach-notice: {time}, incident-notice: 5d, {STRICT}" for name, time in times.items()})


class Declared(Case):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="licet-agreements-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def declare(self, more):
        (self.folder / "stack.yaml").write_text(STACK)
        (self.folder / "more.yaml").write_text(more)
        return self.folder

    def findings(self, more, as_of="2026-06-15"):
        code, out, err = licet("check", self.declare(more), "--format", "json", "--as-of", as_of)
        self.assertIn(code, (0, 1), err)
        return {(f["requirement"].removeprefix("hipaa-"), f["subject"]): f for f in json.loads(out)["findings"]}, code


class Chain(Declared):
    SAME = "164.502.e.1.ii.same-restrictions"

    def test_equal_terms_pass_at_every_depth(self):
        found, code = self.findings(agreements())
        for flow in ("to-bucket", "to-archive"):
            self.assertEqual(found[self.SAME, flow]["status"], "pass", found[self.SAME, flow])
        self.assertEqual(code, 0)

    def test_a_weaker_one_is_named_with_both_clauses_and_their_places(self):
        found, code = self.findings(agreements(low=f"{NOTICE}, {TRAINS}"))
        gap = found[self.SAME, "to-archive"]
        self.assertEqual((gap["status"], code), ("fail", 1))
        lines = (self.folder / "more.yaml").read_text().splitlines()

        def where(name):  # its terms stand on the line below
            return f"more.yaml:{next(i for i, line in enumerate(lines, 2) if f'id: {name},' in line)}"

        for above in ("top", "middle"):  # two steps up, and one
            says = f"low has ai-training: allowed ({where('low')}), but {above} above it asks for prohibited ({where(above)})"
            self.assertIn(says, gap["because"])
        self.assertEqual(found[self.SAME, "to-bucket"]["status"], "pass", "what lies above is not to blame")

    def test_what_is_not_said_is_not_the_same(self):
        found, code = self.findings(agreements(middle=NOTICE))
        gap = found[self.SAME, "to-bucket"]
        self.assertEqual((gap["status"], code), ("unknown", 1))
        self.assertIn("top asks for ai-training: prohibited", gap["because"])
        self.assertIn("middle says nothing of it", gap["because"])

    def test_nothing_said_anywhere_is_no_pass(self):
        found, _ = self.findings(agreements(top="breach-notice: 10d", middle="breach-notice: 10d"))
        self.assertEqual(found[self.SAME, "to-bucket"]["status"], "unknown")

    def test_notice_times_add_up(self):
        sums = "164.404.b.notice-adds-up"
        found, _ = self.findings(agreements())
        self.assertEqual(found[sums, "to-archive"]["status"], "pass")
        self.assertIn("may take 30 days", found[sums, "to-archive"]["because"])
        for top, middle, low, days in (("20d", "20d", "21d", 61), ("10d", "10d", "29bd", 61), ("30d", "30d", "24h", 61)):
            with self.subTest((top, middle, low)):
                found, _ = self.findings(noticing(top=top, middle=middle, low=low))
                self.assertEqual(found[sums, "to-archive"]["status"], "fail")
                self.assertIn(f"may take {days} days", found[sums, "to-archive"]["because"])
                self.assertIn("the 60 days that it has for its own notice (164.404(b))", found[sums, "to-archive"]["because"])
        found, _ = self.findings(agreements(low=STRICT))
        self.assertEqual(found[sums, "to-archive"]["status"], "unknown", "one that says nothing can't be added")

    def test_business_days_are_not_calendar_days(self):
        table = ("2d", "1bd", "fail"), ("3d", "1bd", "pass"), ("1bd", "24h", "pass"), ("1bd", "25h", "fail"), ("2bd", "2bd", "pass")
        for top, middle, status in table:
            with self.subTest((top, middle)):
                found, _ = self.findings(noticing(top=top, middle=middle))
                self.assertEqual(found["164.504.e.2.ii.D.notice-in-time", "to-bucket"]["status"], status)


class Offers(Declared):
    def test_three_sentences(self):
        covers = "164.308.b.1.contract-covers-flow", "to-scribe"
        none, _ = self.findings("{kind: person, id: p, organization: elm}\n")
        offer = "{{kind: offer, id: plan, owner: scribe-co, name: Free, {}}}\n---\n{{kind: system, id: scribe, offer: plan}}\n"
        (self.folder / "decisions").mkdir()
        said = [none[covers]["because"]]
        for what in (
            'baa: "no"',
            'baa: "yes", by-service: [{service: scribe, baa: "no"}]',
            'baa: "yes", by-service: [{service: scribe, regions: [us-west]}]',
        ):
            (self.folder / "decisions" / "offer.yaml").write_text(offer.format(what))
            found, code = self.findings(agreements())
            self.assertEqual((found[covers]["status"], code), ("fail", 1))
            said.append(found[covers]["because"])
        for text, sentence in zip(
            said,
            (
                "No business associate agreement between Elm Clinic (elm) and Scribe Co (scribe-co) is on record",
                "The plan Free (plan) of Scribe Co (scribe-co) has no business associate agreement, although top is signed",
                "is signed, but the plan Free (plan) excludes Scribe (scribe)",
                "is signed, but the plan Free (plan) does not extend to the region us-east",
            ),
        ):
            self.assertIn(sentence, text)

    def test_an_offer_needs_a_source_and_a_date(self):
        looked = "164.308.b.1.offer-looked-up", "plan"
        (self.folder / "decisions").mkdir()
        source = ", url: https://scribe.example/hipaa, checked: "
        for more, status in (("", "unknown"), (source + "2026-01-02", "pass"), (source + "2025-01-02", "fail")):
            (self.folder / "decisions" / "offer.yaml").write_text(
                f'{{kind: offer, id: plan, owner: scribe-co, baa: "yes"{more}}}\n---\n{{kind: system, id: scribe, offer: plan}}\n'
            )
            self.assertEqual(self.findings(agreements())[0][looked]["status"], status)


class Life(Declared):
    def test_its_end_is_asked_about(self):
        for day, status, words in (
            ("2027-09-01", "pass", "runs until 2027-12-31"),
            ("2027-10-03", "unknown", "within 90 days"),
            ("2027-11-02", "unknown", "within 60 days"),
            ("2027-12-02", "unknown", "within 30 days"),
            ("2027-12-25", "fail", "within 7 days"),
        ):
            with self.subTest(day):
                found = self.findings(agreements(), day)[0]["164.308.b.3.end-in-sight", "top"]
                self.assertEqual(found["status"], status)
                self.assertIn(words, found["because"])

    def test_the_end_without_evidence(self):
        returned = "164.504.e.2.ii.J.returned-after-the-end", "top"
        ended = agreements().replace("expires: 2027-12-31", "expires: 2026-05-31", 1)
        back = "---\n{kind: flow, id: back, from: scribe, to: ehr, data: [clinical.note], purposes: [TREAT], on-behalf-of: elm}\n"
        found, code = self.findings(ended + back)
        self.assertEqual((found[returned]["status"], code), ("fail", 1))
        self.assertIn("The way back, back, is open", found[returned]["because"])
        self.assertEqual(found["164.308.b.1.contract-covers-flow", "to-scribe"]["status"], "fail")
        paper = "---\n{kind: evidence, id: paper, is: document, about: [top]%s}\n"
        self.assertEqual(self.findings(ended + paper % "")[0][returned]["status"], "fail", "the contract's own scan proves nothing")
        found, _ = self.findings(ended + paper % ', supports: ["164.504(e)(2)(ii)(J)"]')
        self.assertEqual(found[returned]["status"], "pass")

    def test_reviews_have_somebody_and_a_day(self):
        review = "164.308.b.3.review-on-time", "top"
        for said, status in (
            ("status: review", "unknown"),
            ("review: {due: 2026-07-01}", "unknown"),
            ("review: {assigned: ana, due: 2026-07-01}", "pass"),
            ("review: {assigned: ana, due: 2026-06-01}", "fail"),
        ):
            with self.subTest(said):
                more = agreements().replace("id: top,", f"id: top, {said},") + "---\n{kind: person, id: ana, organization: elm}\n"
                self.assertEqual(self.findings(more)[0][review]["status"], status)


class Letter(Declared):
    def letter(self, *args):
        return licet("letter", *args, "--stack", self.folder, "--as-of", "2026-06-15")

    def test_names_clause_citation_and_a_wording(self):
        self.declare(agreements(middle=f"breach-notice: 11d, incident-notice: 5d, {TRAINS}"))
        code, out, err = self.letter("middle")
        self.assertEqual(code, 1, err)
        flat = " ".join(out.split())
        self.assertTrue(out.startswith("DRAFT"), "it says first what it is")
        self.assertIn("not legal advice", flat)
        self.assertIn("To: Cloud Co (cloud-co)", flat)
        self.assertIn("From: Scribe Co (scribe-co)", flat)
        self.assertIn("[164.504(e)(2)(i), 164.502(a)(3)]", flat)
        self.assertIn("middle has ai-training: allowed (more.yaml:", flat)
        wording = " ".join(out.replace(">", "").split())
        self.assertIn("Cloud Co will report a breach of unsecured PHI to Scribe Co without unreasonable delay and within 10d", wording)
        self.assertNotRegex(out, r"\{\w+\}", "every name is filled in")

    def test_one_gap_as_json(self):
        self.declare(agreements(middle=f"breach-notice: 11d, incident-notice: 5d, {TRAINS}"))
        code, out, err = self.letter("middle", "--gap", "breach-notice", "--format", "json")
        letters = json.loads(out)["letters"]
        self.assertEqual([(x["to"], x["from"], x["agreement"]) for x in letters], [("cloud-co", "scribe-co", "middle")])
        self.assertEqual({g["clause"] for g in letters[0]["gaps"]}, {"breach-notice"})

    def test_where_nothing_is_signed(self):
        self.declare(agreements().split("---\n", 2)[0] + "{kind: person, id: p, organization: elm}\n")
        code, out, err = self.letter("--gap", "to-scribe")
        self.assertEqual(code, 1, err)
        self.assertIn("To:    Scribe Co (scribe-co), privacy@scribe.example", out)
        self.assertIn("enter into a business associate agreement in writing", " ".join(out.replace(">", "").split()))

    def test_nothing_to_write(self):
        self.declare(agreements())
        code, out, err = self.letter("middle", "--gap", "ai-training")
        self.assertEqual((code, "Nothing to write" in out), (0, True), out + err)
        self.assertEqual(self.letter("nobody")[0], 2)


class Hook:
    """A webhook, and a site with a page, on this machine."""

    def __init__(self):
        self.got, self.page, self.answers = [], b"the terms", 200
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def reply(self, status, body=b""):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                self.reply(hook.answers)

            def do_GET(self):
                self.reply(200, hook.page)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Notify(Declared):
    def setUp(self):
        super().setUp()
        self.hook = Hook()
        self.addCleanup(self.hook.stop)
        (self.folder / "secret").write_text("s3cret\n")
        (self.folder / "licet.yaml").write_text(f"notify: {{url: {self.hook.url}/in, secret: secret}}\n")

    def notify(self, *args, day="2027-10-03"):
        return licet("notify", "--config", self.folder / "licet.yaml", "--as-of", day, *args)

    def test_each_end_in_sight_is_told_once(self):
        self.declare(agreements())
        for day, told in (("2027-10-03", 1), ("2027-10-04", 0), ("2027-11-02", 1), ("2027-12-02", 1), ("2027-12-25", 1), ("2027-12-26", 0)):
            with self.subTest(day):
                self.hook.got.clear()
                code, out, err = self.notify(day=day)
                self.assertEqual(code, 0, err)
                self.assertEqual(len(self.hook.got), told)
        self.hook.got.clear()
        (self.folder / "state" / "notified.json").unlink()
        self.assertEqual(self.notify(day="2027-12-25")[0], 0)
        path, headers, body = self.hook.got[0]
        self.assertEqual((path, headers["content-type"]), ("/in", "application/json"))
        self.assertEqual(headers["licet-signature"], "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest())
        ends = [f for f in json.loads(body)["findings"] if f["requirement"].endswith("end-in-sight")]
        self.assertEqual({f["subject"] for f in ends}, {"top", "middle", "low"})
        self.assertTrue(all("within 7 days" in f["because"] for f in ends))

    def test_what_was_not_heard_is_told_again(self):
        self.declare(agreements())
        self.hook.answers = 503
        code, out, err = self.notify()
        self.assertEqual((code, "503" in err), (2, True), out + err)
        self.hook.answers = 202
        self.hook.got.clear()
        self.assertEqual(self.notify()[0], 0)
        self.assertEqual(len(self.hook.got), 1)

    def test_a_changed_page_is_a_finding(self):
        agreed = hashlib.sha256(self.hook.page).hexdigest()
        self.declare(agreements().replace("id: top,", f"id: top, url: {self.hook.url}/terms, sha256: {agreed},"))

        def seen():
            self.hook.got.clear()
            code, out, err = licet("notify", "--config", self.folder / "licet.yaml", "--look")
            self.assertEqual(code, 0, err)
            return [f for _, _, body in self.hook.got for f in json.loads(body)["findings"] if f["requirement"].endswith("same-text")]

        self.assertEqual(seen(), [], "still the text that was agreed")
        self.hook.page = b"the terms, changed"
        changed = seen()
        self.assertEqual([f["status"] for f in changed], ["fail"])
        self.assertIn(hashlib.sha256(self.hook.page).hexdigest()[:12], changed[0]["because"])
        self.assertEqual(seen(), [], "told once")

    def test_without_a_webhook(self):
        self.declare(agreements())
        (self.folder / "licet.yaml").write_text("{}\n")
        self.assertEqual(self.notify()[0], 2)
        code, out, err = self.notify("--dry-run")
        self.assertEqual(code, 0, err)
        self.assertGreater(json.loads(out)["open"], 0)


class Clauses(Case):
    """Clause, rule, and the decisions of a real ledger."""

    def test_from_clause_to_decision(self):
        gate = open_clinic("agreements")
        for _ in range(3):
            self.passes(gate.get("/fhir/DocumentReference/doc-0001", "scribe.example"))
        flow = "id: notes-to-scribe\nfrom: ehr\nto: scribe\ndata: [clinical.note, clinical.encounter]\npurposes: [TREAT"
        gate.edit("flows.yaml", flow, flow + ', "licet:ai-training"')

        def trains():
            answer = gate.get("/fhir/DocumentReference/doc-0001", "scribe.example", purpose="licet:ai-training")
            return answer if answer.reason == "prohibited" else None

        refused = self.refused(wait_for(trains, 10), "prohibited", 403)
        self.assertIn("baa-scribe-2026 prohibits AI training (agreements.yaml:", refused["detail"])

        def clauses():
            code, out, err = gate.licet("check", "--clauses", "baa-scribe-2026", "--config", gate.config, "--format", "json")
            self.assertIn(code, (0, 1), err)
            return {c["clause"]: c for c in json.loads(out)["clauses"]}

        serving = clauses()
        training = serving["ai-training"]
        self.assertEqual((training["says"], training["by"]), ("prohibited", "gate"))
        self.assertRegex(training["at"], r"^agreements\.yaml:\d+$")
        self.assertIn("no-ai-training", training["rules"])
        self.assertGreaterEqual(training["decisions"]["refuse"], 1)
        self.assertEqual(set(training["decisions"]), {"refuse"})
        self.assertEqual(serving["systems"]["decisions"], {"reduce": 3})
        self.assertEqual(serving["164.504.e.2.ii.B"]["by"], "nobody", "a promise is called one")
        self.assertEqual(serving["164.504.e.2.ii.J"]["says"], "present, item 11")
        self.assertEqual((serving["retention"]["says"], serving["retention"]["status"]), (None, ""), "what is not agreed is not green")
        code, out, err = gate.licet("check", gate.stack, "--clauses", "baa-scribe-2026")
        self.assertIn("not asked (--config)", out, "no ledger, no decisions")

        # A recorded termination stops what stands on it, and leaves a finding until PHI is back.
        gate.edit("flows.yaml", 'purposes: [TREAT, "licet:ai-training"]', "purposes: [TREAT]")
        wait_for(lambda: gate.get("/fhir/DocumentReference/doc-0001", "scribe.example").status == 200, 10)
        code, out, err = gate.licet("record", "terminated", "baa-scribe-2026", *gate.at)
        self.assertEqual(code, 0, err)
        wait_for(lambda: gate.get("/fhir/DocumentReference/doc-0001", "scribe.example").reason == "lapsed", 10)
        self.assertEqual(clauses()["return-or-destroy"]["status"], "fail")
        code, out, err = gate.licet("record", "phi-returned", "scribe-ai", "baa-scribe-2026", *gate.at)
        self.assertEqual(code, 0, err)
        self.assertEqual(clauses()["return-or-destroy"]["status"], "pass")

        gate.stop()
        resting = clauses()
        self.assertEqual(resting["ai-training"]["decisions"], training["decisions"], "the same from the ledger at rest")


if __name__ == "__main__":
    unittest.main()
