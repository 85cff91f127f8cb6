"""What changes while the gate runs: a line of YAML, the date, a suspension, a declaration that doesn't parse."""

import http.client
import ssl
import time

from world import Case, open_clinic, servers, wait_for

GATE = STREAM = None
NOTE = "/fhir/DocumentReference/doc-0001"
CUT = (http.client.IncompleteRead, ConnectionError, ssl.SSLError, TimeoutError)


def setUpModule():
    global GATE, STREAM
    GATE = open_clinic("reload")
    # An upstream that takes 20 s for one answer: what is on its way can be cut.
    url = servers().faulty("--drip", "50", "--count", "400", "--data", servers().data, log="drip")
    STREAM = open_clinic("reload-stream", forwards={"fhir-front": url})


def epochs(gate):
    return [e["epoch"] for e in gate.ledger() if e["kind"] == "epoch"]


class Answering:
    """A long answer in progress. `beginning` holds the bytes that came when it was made."""

    def __init__(self, gate):
        self.connection = gate.connect("scribe.example", timeout=15)
        self.answer = gate.begin(self.connection, "GET", "/fhir/DocumentReference")
        self.status, self.reference = self.answer.status, self.answer.getheader("licet-reference")
        self.beginning = self.answer.read1(65536)

    def seconds_until_cut(self, most=6):
        begun = time.monotonic()
        self.connection.sock.settimeout(most)
        try:
            while self.answer.read1(65536):
                if time.monotonic() - begun > most:
                    return None
            # http.client calls a chunked body that stops without its last chunk the end of file; the connection tells.
            return time.monotonic() - begun if not self.answer.isclosed() or self.answer.chunk_left is not None else None
        except CUT as cut:
            return None if isinstance(cut, TimeoutError) else time.monotonic() - begun

    def close(self):
        self.connection.close()


class OneLine(Case):
    def tearDown(self):
        for gate in (GATE, STREAM):
            text = (gate.stack / "agreements.yaml").read_text()
            if "expires: 2026-01-11" in text:
                gate.edit("agreements.yaml", "expires: 2026-01-11", "expires: 2027-01-10")
                wait_for(
                    lambda: gate.get("/fhir/Encounter/enc-0001" if gate is GATE else "/fhir/Encounter/ok", "scribe.example").status == 200,
                    5,
                )

    def test_refuses_the_next_request_within_two_seconds(self):
        self.passes(GATE.get(NOTE, "scribe.example"))
        before = epochs(GATE)
        GATE.edit("agreements.yaml", "expires: 2027-01-10", "expires: 2026-01-11")
        begun = time.monotonic()
        refused = wait_for(lambda: (lambda a: a if a.status == 403 else None)(GATE.get(NOTE, "scribe.example")), 4, "the refusal")
        self.assertLess(time.monotonic() - begun, 2)
        problem = self.refused(refused, "lapsed", 403)
        self.assertIn("2026-01-11", problem["detail"])
        after = epochs(GATE)
        self.assertEqual(after, before + [before[-1] + 1], "the ledger shows both epochs")
        GATE.edit("agreements.yaml", "expires: 2026-01-11", "expires: 2027-01-10")
        wait_for(lambda: GATE.get(NOTE, "scribe.example").status == 200, 2, "the way back")
        self.assertEqual(len(epochs(GATE)), len(after) + 1)

    def test_cuts_an_answer_in_progress(self):
        answering = Answering(STREAM)
        self.assertEqual(answering.status, 200)
        self.assertIn(b"DocumentReference", answering.beginning)
        STREAM.edit("agreements.yaml", "expires: 2027-01-10", "expires: 2026-01-11")
        took = answering.seconds_until_cut()
        answering.close()
        self.assertIsNotNone(took, "the answer went on, or ended as if it were whole")
        self.assertLess(took, 2)
        outcome = wait_for(lambda: [e for e in STREAM.entries(answering.reference) if e["kind"] == "exchange.outcome"], 5)[0]
        self.assertEqual((outcome["decision"], outcome["reason"]), ("cut", "suspended"))
        parts = [e for e in STREAM.entries(answering.reference) if e["kind"] == "exchange.part"]
        self.assertTrue(parts)

    def test_a_change_that_does_not_touch_it_lets_it_go_on(self):
        answering = Answering(STREAM)
        before = epochs(STREAM)
        STREAM.edit("organizations.yaml", "contact: privacy@riverbend.example", "contact: office@riverbend.example")
        wait_for(lambda: len(epochs(STREAM)) > len(before), 3, "a new epoch")
        self.assertTrue(answering.answer.read1(65536))
        self.assertTrue(answering.answer.read1(65536))
        answering.close()


class Suspension(Case):
    def test_cuts_at_once_and_lift_restores(self):
        answering = Answering(STREAM)
        self.assertEqual(answering.status, 200)
        code, out, err = STREAM.licet("suspend", "scribe", "--by", "j-ortiz", *STREAM.at)
        self.assertEqual(code, 0, err)
        took = answering.seconds_until_cut()
        answering.close()
        self.assertIsNotNone(took)
        self.assertLess(took, 1)
        self.refused(STREAM.get("/fhir/Encounter/ok", "scribe.example"), "suspended", 403)
        begun = time.monotonic()
        self.assertEqual(STREAM.stop(), 0)
        self.assertLess(time.monotonic() - begun, 5, "what was cut holds no shutdown up")
        STREAM.start()
        self.refused(STREAM.get("/fhir/Encounter/ok", "scribe.example"), "suspended", 403)
        self.assertEqual(STREAM.licet("lift", "scribe", *STREAM.at)[0], 0)
        self.passes(STREAM.get("/fhir/Encounter/ok", "scribe.example"))

    def test_of_an_organization_and_a_person(self):
        for who, path, how in (
            ("billing-co", "/fhir/Claim/claim-0001", {"cert": "billing.example"}),
            ("dr-lee", NOTE, {"token": "ehr.dr-lee", "purpose": "TREAT"}),
        ):
            with self.subTest(who):
                self.passes(GATE.get(path, **how))
                self.assertEqual(GATE.licet("suspend", who, *GATE.at)[0], 0)
                self.refused(GATE.get(path, **how), "suspended", 403)
                self.assertEqual(GATE.licet("lift", who, *GATE.at)[0], 0)
                self.passes(GATE.get(path, **how))

    def test_of_somebody_unknown(self):
        code, out, err = GATE.licet("suspend", "nobody-like-that", *GATE.at)
        self.assertNotEqual(code, 0)
        self.assertTrue(err)


class Restriction(Case):
    def test_holds_at_once_and_neutrally(self):
        path = "/fhir/DocumentReference/doc-0004"
        self.passes(GATE.get(path, "referral.example", purpose="TREAT"))
        code, out, err = GATE.licet("record", "restriction", "--patient", "p-0004", "--subject", "lakeside", *GATE.at)
        self.assertEqual(code, 0, err)
        problem = self.refused(GATE.get(path, "referral.example", purpose="TREAT"), "restricted", 403)
        self.assertNotIn("p-0004", problem["detail"])
        self.passes(GATE.get("/fhir/DocumentReference/doc-0001", "referral.example", purpose="TREAT"))


class Broken(Case):
    def test_the_last_good_epoch_serves_and_the_status_says_so(self):
        good = (GATE.stack / "permits.yaml").read_text()
        self.addCleanup(GATE.write, "permits.yaml", good)
        for name, text in (
            ("not YAML", good + "\n---\nkind: [unclosed\n"),
            ("an unknown key", good + "\n---\nkind: permit\nid: x-y\nto: scribe\nfore: [TREAT]\n"),
            ("a dangling reference", good.replace("to: lakeside-ehr", "to: lakeside-erh")),
            ("a duplicate", good + "\n---\nkind: permit\nid: scribe-reads-notes\nto: scribe\nfor: [TREAT]\n"),
        ):
            with self.subTest(name):
                before = epochs(GATE)
                GATE.write("permits.yaml", text)
                wait_for(lambda: b"permits.yaml" in GATE.office("/status").body, 4, "the alarm")
                self.passes(GATE.get(NOTE, "scribe.example"))
                self.assertEqual(epochs(GATE), before)
                self.assertRegex(GATE.child.output(), r"permits\.yaml:\d+:\d+")
                GATE.write("permits.yaml", good)
                wait_for(lambda: b"permits.yaml" not in GATE.office("/status").body, 4, "the end of the alarm")

    def test_after_a_day_vendors_stop_and_care_goes_on(self):
        gate = open_clinic("reload-stale")
        gate.clock.write_text("2026-12-01T12:00:00Z")
        good = (gate.stack / "permits.yaml").read_text()
        gate.write("permits.yaml", good + "\n---\nkind: permit\nid: x-y\nto: scribe\nfore: [TREAT]\n")
        wait_for(lambda: b"permits.yaml" in gate.office("/status").body, 4, "the alarm")
        gate.clock.write_text("2026-12-02T11:59:00Z")
        self.passes(gate.get(NOTE, "scribe.example"))
        gate.clock.write_text("2026-12-02T12:01:00Z")
        self.refused(gate.get(NOTE, "scribe.example"), "suspended", 403)
        self.passes(gate.get(NOTE, "referral.example", purpose="TREAT"))
        gate.write("permits.yaml", good)
        wait_for(lambda: gate.get(NOTE, "scribe.example").status == 200, 4, "the vendor again")

    def test_at_start_it_refuses(self):
        gate = open_clinic("reload-broken", start=False)
        gate.write("permits.yaml", (gate.stack / "permits.yaml").read_text().replace("for: [BTG]", "fore: [BTG]"))
        with self.assertRaises(RuntimeError) as ended:
            gate.start()
        self.assertRegex(str(ended.exception), r"permits\.yaml:\d+:\d+.*fore")
        self.assertEqual(gate.kill(), 2)


class TheDate(Case):
    """Last: the clock of this gate never goes back."""

    def test_that_merely_passes(self):
        GATE.clock.write_text("2027-01-11T04:59:00Z")  # in New York the agreement's last day, 2027-01-10, has a minute left
        self.passes(GATE.get(NOTE, "scribe.example"))
        before = epochs(GATE)
        GATE.clock.write_text("2027-01-11T05:00:01Z")
        begun = time.monotonic()
        refused = wait_for(lambda: (lambda a: a if a.status == 403 else None)(GATE.get(NOTE, "scribe.example")), 4, "the refusal")
        self.assertLess(time.monotonic() - begun, 2)
        self.refused(refused, "lapsed", 403)
        wait_for(lambda: len(epochs(GATE)) > len(before), 3, "a new epoch")

    def test_cuts_an_answer_in_progress(self):
        STREAM.clock.write_text("2027-01-11T04:59:00Z")
        answering = Answering(STREAM)
        self.assertEqual(answering.status, 200)
        STREAM.clock.write_text("2027-01-11T05:00:01Z")
        took = answering.seconds_until_cut()
        answering.close()
        self.assertIsNotNone(took)
        self.assertLess(took, 2)
