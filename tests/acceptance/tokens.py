"""POST /token and transaction tokens: one use, one route, one purpose, at most a minute (RFC 8693; design §8)."""

import datetime

from world import Case, open_clinic, servers, wait_for

GATE = None
PATH = "/fhir/DocumentReference/doc-0001"


def setUpModule():
    global GATE
    GATE = open_clinic("tokens")


def use(token, path=PATH, method="GET", cert=None, **more):
    return GATE.request(method, path, cert, headers={"Txn-Token": token}, **more)


class OneUse(Case):
    def issue(self, cert="scribe.example", **details):
        answer = GATE.transaction_token(cert, **details)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.headers.get("cache-control"), "no-store")
        body = answer.json()
        self.assertEqual(body["issued_token_type"], "urn:ietf:params:oauth:token-type:txn_token")
        self.assertLessEqual(int(body["expires_in"]), 60)
        return body["access_token"]

    def test_once_and_only_once(self):
        token = self.issue()
        got = self.passes(use(token))
        self.assertNotIn("subject", got)
        self.refused(use(token), "token-spent", 401)

    def test_spent_stays_spent_over_restart_and_crash(self):
        first, second = self.issue(), self.issue()
        self.passes(use(first))
        GATE.restart()
        self.refused(use(first), "token-spent", 401)
        self.passes(use(second))
        GATE.kill()
        GATE.start()
        self.refused(use(second), "token-spent", 401)
        self.refused(use(first), "token-spent", 401)

    def test_two_uses_at_once_let_one_through(self):
        import concurrent.futures

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for _ in range(5):
                token = self.issue()
                statuses = sorted(a.status for a in pool.map(lambda _: use(token), range(8)))
                self.assertEqual(statuses, [200] + [401] * 7)

    def test_another_route_method_or_path(self):
        self.refused(use(self.issue(), "/observed/fhir/Encounter/enc-0001"), "no-identity", 401)
        self.refused(use(self.issue(method="GET", path=PATH), "/fhir/DocumentReference/doc-0002"), "no-identity", 401)
        token = self.issue(method="POST")
        self.refused(use(token), "no-identity", 401)
        self.passes(use(self.issue(method="GET", path=PATH)))

    def test_for_one_patient(self):
        token = self.issue(patient="p-0002")
        self.refused(use(token), "out-of-scope", 403)
        self.passes(use(self.issue(patient="p-0001")))

    def test_from_an_access_token(self):
        issued = GATE.transaction_token(token="ehr.dr-lee")
        self.assertEqual(issued.status, 200, issued)
        self.assertEqual(self.passes(use(issued.json()["access_token"])), servers().resources("DocumentReference")["doc-0001"])

    def test_the_command_line_gets_one(self):
        certs = servers().certs
        code, out, err = GATE.licet(
            "token",
            "--gate",
            GATE.gate_url,
            "--ca",
            certs / "ca.crt",
            "--cert",
            certs / "scribe.example.crt",
            "--key",
            certs / "scribe.example.key",
            "--route",
            "fhir-front",
            "--purpose",
            "TREAT",
        )
        self.assertEqual(code, 0, err)
        self.passes(use(out.strip()))
        code, out, err = GATE.licet(
            "token",
            "--gate",
            GATE.gate_url,
            "--ca",
            certs / "ca.crt",
            "--cert",
            certs / "scribe.example.crt",
            "--key",
            certs / "scribe.example.key",
            "--route",
            "fhir-front",
            "--purpose",
            "HMARKT",
        )
        self.assertNotEqual(code, 0)
        self.assertTrue(err)

    def test_nobody_gets_none(self):
        self.assertIn(GATE.transaction_token("stranger.example").status, (400, 401))
        self.assertIn(GATE.transaction_token().status, (400, 401))
        self.assertEqual(GATE.transaction_token("scribe.example", purpose="HRESCH").status, 400)
        self.assertIn(GATE.transaction_token("scribe.example", route="nowhere").status, (400, 404))
        self.assertEqual(GATE.get("/token", "scribe.example").status // 100, 4)

    def test_a_forged_or_foreign_one(self):
        token = self.issue()
        head, body, signature = token.split(".")
        for forged in (
            f"{head}.{body}.{'A' * len(signature)}",
            f"{head}.{body}.",
            f"eyJhbGciOiJub25lIn0.{body}.",
            servers().token("scribe"),
        ):
            with self.subTest(forged[:20]):
                self.refused(use(forged), "no-identity", 401)

    def test_issue_and_use_are_on_record(self):
        token = self.issue()
        answer = use(token)
        self.passes(answer)
        entries = GATE.ledger()
        self.assertTrue([e for e in entries if e["kind"] == "token" and e["actor"] == "scribe" and e["purpose"] == "TREAT"])
        spent = [e for e in entries if e.get("exchange") == answer.reference and "txn" in e]
        self.assertEqual(len(spent), 1)
        self.assertEqual(spent[0]["purpose_from"], "token")


class TimePasses(Case):
    """Last: the clock of this gate never goes back."""

    def test_expired(self):
        token = GATE.transaction_token("scribe.example").json()["access_token"]
        later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=90)
        GATE.clock.write_text(later.strftime("%Y-%m-%dT%H:%M:%SZ"))
        self.refused(use(token), "no-identity", 401)
        fresh = GATE.transaction_token("scribe.example")
        self.assertEqual(fresh.status, 200, fresh)
        self.passes(use(fresh.json()["access_token"]))
