"""Who gets into the console and what they may do there, driven from outside: accounts, roles, sessions, the example's identity provider, and
the attacks that each stands against. What the unit tests of src/console hold for a fake clock is held here for the program itself."""

import base64
import datetime
import hashlib
import hmac
import http.client
import json
import os
import re
import struct
import time
import urllib.parse

import yaml

import clinic
from clinic import ROOT, wait_for
from world import Case, folder, open_clinic, planted_in, servers

GATE = None
ROLES = ("privacy-officer", "security-officer", "vendor-manager", "operator", "engineer", "auditor", "adviser")
ACCOUNTS = {}
MARKUP = '"><img src=x onerror="hacked=1"><script>hacked=1</script>'


def totp(secret, at=None):
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.new(key, struct.pack(">Q", int(at or time.time()) // 30), hashlib.sha1).digest()
    at = mac[19] & 15
    return f"{(struct.unpack_from('>I', mac, at)[0] & 0x7FFFFFFF) % 1000000:06}"


def where():
    return urllib.parse.urlsplit(GATE.console_url)


def ask(path, method="GET", headers=None, body=None):
    connection = http.client.HTTPConnection(where().hostname, where().port, timeout=30)
    if isinstance(body, dict):
        body, headers = json.dumps(body), {"Content-Type": "application/json", **(headers or {})}
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer, data


def account(name, role, *more):
    until = (datetime.date.today() + datetime.timedelta(days=30)).isoformat()
    code, out, err = GATE.licet("user", "add", name, "--role", role, "--until", until, "--json", *more, *GATE.at)
    assert code == 0, out + err
    return {"name": name, "role": role, **json.loads(out)}


def log_in(who, cookie=None):
    """Cookie and token of a new session. A code counts once, and none before it: a recovery code stands in, so that nobody waits."""
    body = {"name": who["name"], "password": who["password"], "code": who["recovery"].pop()}
    answer, data = ask("/login", "POST", {"Cookie": cookie} if cookie else None, body)
    assert answer.status == 200, (answer.status, data)
    return answer.getheader("set-cookie").split(";")[0], json.loads(data)["csrf"]


def api():
    return yaml.safe_load((ROOT / "docs/api/openapi.yaml").read_text())


def setUpModule():
    """A clinic where every field that a person writes is markup, with one account a role; the provider of the example knows one of them."""
    global GATE
    provider = {
        "client_id": "licet-console",
        "client_secret": "example-console",
        "logs_in": {"sub": "u-17", "acr": "mfa", "amr": ["pwd", "otp"]},
    }
    # Its own provider: the redirect address must be known to it, and that holds the console's port.
    port = clinic.free_port()
    provider["redirect_uris"] = [f"http://127.0.0.1:{port}/oidc/callback"]
    at = folder() / "access-clients.json"
    at.write_text(json.dumps([provider]))
    idp = servers().start("access-idp", "idp.mjs", "--port", 0, "--resource", clinic.AUDIENCE, "--clients", at)
    issuer = servers().url_of(idp)
    (folder() / "access-secret").write_text("example-console\n")
    GATE = open_clinic("access", start=False, ports={"console": port})
    GATE.write_config()
    GATE.more_config = ""
    config = GATE.write_config

    def with_provider():
        config()
        text = GATE.config.read_text()
        oidc = f", oidc: {{issuer: \"{issuer}\", client: licet-console, secret: {folder() / 'access-secret'}, name: Riverbend}}"
        GATE.config.write_text(re.sub(r"^console: \{(.*)\}$", lambda m: f"console: {{{m[1]}{oidc}}}", text, flags=re.M))

    GATE.write_config = with_provider
    quoted = json.dumps(MARKUP)
    GATE.write(
        "access-marked.yaml",
        f"kind: organization\nid: access-marked\nname: {quoted}\nfunctions: [vendor]\n---\nkind: system\nid: access-marked-tool\nowner: access-marked\n"
        f"name: {quoted}\nservice: {quoted}\n---\nkind: flow\nid: to-access-marked\nfrom: ehr\nto: access-marked-tool\ndata: [clinical.note]\n"
        f"purposes: [TREAT]\non-behalf-of: riverbend\ndescription: {quoted}\n---\nkind: agreement\nid: baa-access-marked\nis: baa\nup: riverbend\n"
        f"down: access-marked\nstatus: signed\nsigned: 2026-01-05\neffective: 2026-01-10\ndocument: agreements/none.txt\n"
        f"signatures: [{{party: riverbend, by: {quoted}, on: 2026-01-05}}]\n",
    )
    GATE.start()
    # The last account that is made before the key ends needs none; from here on nobody has the key.
    for role in ROLES:
        ACCOUNTS[role] = account(role.split("-")[0][:8] + ".test", role)
    ACCOUNTS["provider"] = account("from-provider", "auditor", "--provider-only", "--subject", "u-17")
    ACCOUNTS["team"] = account("team.test", "vendor-manager", "--owner", "scribe-ai")
    for role in (*ROLES, "team"):
        ACCOUNTS[role]["session"] = log_in(ACCOUNTS[role])


def as_(role, path, method="GET", body=None, **headers):
    cookie, csrf = ACCOUNTS[role]["session"]
    return ask(path, method, {"Cookie": cookie, **({"Licet-Csrf": csrf} if method == "POST" else {}), **headers}, body)


class Roles(Case):
    def test_each_role_and_each_operation(self):
        """Every operation of the description, by every role: allowed exactly where GET /roles says so. Nothing is done: bodies are wrong."""
        table = json.loads(as_("adviser", "/api/v1/roles")[1])
        may = {r["id"]: set(r["acts"]) for r in table["items"]}
        tried = 0
        for path, operations in api()["paths"].items():
            for method, operation in operations.items():
                act = operation["x-act"]
                for role in ROLES:
                    if path == "/events" and act in may[role]:
                        continue  # a stream
                    answer, data = as_(role, f"/api/v1{path}", method.upper(), {"by": "not a name!"} if method == "post" else None)
                    with self.subTest(f"{role} {method} {path}"):
                        tried += 1
                        if act == "none" or act in may[role]:
                            self.assertNotIn(answer.status, (401, 403), data[:200])
                        else:
                            self.assertEqual(answer.status, 403, data[:200])
                            self.assertEqual(answer.getheader("content-type"), "application/problem+json")
                            self.assertNotIn(b"scribe", data)
        self.assertGreater(tried, 300)
        self.assertEqual(set(may["auditor"]) & {"propose", "commit", "record", "suspend", "lift", "release", "share", "keys"}, set())
        self.assertEqual(set(may["adviser"]), {"see", "report"})

    def test_the_first_starts_key_is_gone(self):
        key = urllib.parse.parse_qs(where().query).get("key", [""])[0]
        self.assertTrue(key, "this node began without accounts")
        self.assertEqual(ask("/api/v1/status", headers={"Authorization": f"Bearer {key}"})[0].status, 401)
        self.assertEqual(ask(f"/?key={key}")[0].status, 401)
        self.assertEqual(ask("/login", "POST", None, {"key": key})[0].status, 401)
        self.assertFalse(json.loads(ask("/login-options")[1])["first"])

    def test_a_team_sees_its_own(self):
        findings = json.loads(as_("team", "/api/v1/findings?limit=500")[1])
        self.assertTrue(findings["items"])
        self.assertEqual([f["subject"] for f in findings["items"] if re.search("fax|acme|billing|mail", f["subject"])], [])
        agreements = json.loads(as_("team", "/api/v1/agreements")[1])["items"]
        self.assertTrue(agreements and all("scribe-ai" in (a["up"], a["down"]) for a in agreements))
        for path in ("why?id=baa-fax-2024", "source?id=baa-fax-2024", "cut?id=*", "cut?id=fax", "may?system=fax&data=clinical.note"):
            self.assertEqual(as_("team", f"/api/v1/{path}")[0].status, 404, path)
        self.assertEqual(as_("team", "/api/v1/suspend", "POST", {"id": "fax"})[0].status, 404)


class Sessions(Case):
    def test_fixation(self):
        planted = "licet_console=00000000000000000000000000000000"
        cookie, _ = log_in(ACCOUNTS["engineer"], planted)
        self.assertNotEqual(cookie, planted)
        self.assertEqual(ask("/api/v1/session", headers={"Cookie": planted})[0].status, 401)
        again, _ = log_in(ACCOUNTS["engineer"], cookie)
        self.assertNotEqual(again, cookie)
        self.assertEqual(ask("/api/v1/session", headers={"Cookie": cookie})[0].status, 401, "the session before it ended")
        self.assertEqual(ask("/api/v1/session", headers={"Cookie": again})[0].status, 200)

    def test_cookie_and_log_off(self):
        who = ACCOUNTS["engineer"]
        body = {"name": who["name"], "password": who["password"], "code": who["recovery"].pop()}
        answer, data = ask("/login", "POST", None, body)
        flags = answer.getheader("set-cookie")
        for part in ("HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(part, flags)
        cookie, csrf = flags.split(";")[0], json.loads(data)["csrf"]
        self.assertEqual(ask("/logout", "POST", {"Cookie": cookie})[0].status, 403)
        self.assertEqual(ask("/logout", "POST", {"Cookie": cookie, "Licet-Csrf": csrf})[0].status, 204)
        self.assertEqual(ask("/api/v1/session", headers={"Cookie": cookie})[0].status, 401)
        acts = [e["payload"]["act"] for e in GATE.ledger() if e["kind"] == "login" and e.get("actor") == who["name"]]
        self.assertIn("login", acts)
        self.assertIn("logout", acts)

    def test_csrf(self):
        cookie, csrf = ACCOUNTS["privacy-officer"]["session"]
        origin = f"http://{where().netloc}"
        size = len(GATE.ledger())
        for headers in (
            {},
            {"Licet-Csrf": "0" * 32},
            {"Licet-Csrf": csrf, "Origin": "https://evil.example"},
            {"Licet-Csrf": csrf, "Origin": "null"},
            {"Licet-Csrf": csrf, "Sec-Fetch-Site": "cross-site"},
            {"Licet-Csrf": ACCOUNTS["operator"]["session"][1], "Origin": origin},
            {"Licet-Console": "1", "Origin": origin},
        ):
            for path in ("suspend", "record", "commit", "keys", "trust/links", "bundle"):
                answer, data = ask(f"/api/v1/{path}", "POST", {"Cookie": cookie, **headers}, {"id": "scribe"})
                self.assertEqual(answer.status, 403, (headers, path, data[:200]))
        answer, _ = ask("/login", "POST", {"Origin": "https://evil.example"}, "name=a&password=b&code=c")
        self.assertEqual(answer.status, 403, "nor is anybody logged in from elsewhere")
        self.assertEqual(len(GATE.ledger()), size, "and nothing was done")

    def test_guessing_is_slowed_and_told_alike(self):
        def later(minutes):
            GATE.clock.write_text((datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ"))

        later(1)
        self.addCleanup(lambda: later(3))
        told = set()
        for body in ({"name": "nobody", "password": "x", "code": "1"}, {"name": ACCOUNTS["operator"]["name"], "password": "x", "code": "1"}):
            answer, data = ask("/login", "POST", None, body)
            self.assertEqual(answer.status, 401)
            told.add(data)
        self.assertEqual(len(told), 1)
        statuses = [ask("/login", "POST", None, {"name": f"guess{i}", "password": "x", "code": "1"})[0].status for i in range(12)]
        self.assertEqual(statuses[-1], 429, statuses)
        later(2)
        self.assertEqual(ask("/login", "POST", None, {"name": "nobody", "password": "x", "code": "1"})[0].status, 401, "a minute later")

    def test_an_account_that_ends_ends_its_session(self):
        gone = account("soon-gone", "engineer")
        cookie, _ = log_in(gone)
        self.assertEqual(ask("/api/v1/status", headers={"Cookie": cookie})[0].status, 200)
        self.assertEqual(GATE.licet("user", "end", "soon-gone", *GATE.at)[0], 0)
        self.assertEqual(ask("/api/v1/status", headers={"Cookie": cookie})[0].status, 401)
        self.assertTrue([e for e in GATE.ledger() if e.get("payload", {}).get("act") == "account-end"])
        code, out, err = GATE.licet("user", "list", *GATE.at)
        self.assertRegex(out, r"soon-gone\s+engineer\s+ended")
        self.assertEqual(GATE.licet("user", "add", "x", "--role", "auditor", *GATE.at)[0], 2, "an auditor needs an end")


class Provider(Case):
    def browser(self, url, cookies):
        """Follows redirects as a browser does, a cookie jar per host and path prefix; returns the last answer and its address."""
        for _ in range(12):
            at = urllib.parse.urlsplit(url)
            jar = cookies.setdefault(at.port, {})
            connection = http.client.HTTPConnection(at.hostname, at.port, timeout=20)
            connection.request("GET", at.path + (f"?{at.query}" if at.query else ""), headers={"Cookie": "; ".join(f"{k}={v}" for k, v in jar.items())})
            answer = connection.getresponse()
            data = answer.read()
            for field, value in answer.getheaders():
                if field.lower() == "set-cookie":
                    name, _, rest = value.partition("=")
                    jar[name] = rest.split(";")[0]
            connection.close()
            if answer.status not in (302, 303):
                return answer, data, url
            url = urllib.parse.urljoin(url, answer.getheader("location"))
            if "/oidc/callback" in url:
                self.callback = url
        self.fail("too many redirects")

    def test_log_in_there(self):
        self.assertEqual(json.loads(ask("/login-options")[1]), {"first": False, "oidc": True, "name": "Riverbend"})
        cookies = {}
        answer, data, url = self.browser(f"http://{where().netloc}/oidc/start", cookies)
        self.assertEqual((answer.status, urllib.parse.urlsplit(url).path), (200, "/"), data[:500])
        session = cookies[where().port]["licet_console"]
        me = json.loads(ask("/api/v1/session", headers={"Cookie": f"licet_console={session}"})[1])
        self.assertEqual((me["user"], me["role"], me["via"]), ("from-provider", "auditor", "oidc"))
        # The same answer again, here or in another browser, opens nothing.
        for jar in (cookies, {}):
            again, data, _ = self.browser(self.callback, jar)
            self.assertEqual(again.status, 401, data[:300])
        forged = re.sub(r"state=[^&]+", "state=x", self.callback)
        self.assertEqual(self.browser(forged, {where().port: {"licet_oidc": "x"}})[0].status, 401)

    def test_who_is_not_known_here_stays_out(self):
        self.assertEqual(GATE.licet("user", "end", "from-provider", *GATE.at)[0], 0)
        answer, data, _ = self.browser(f"http://{where().netloc}/oidc/start", {})
        self.assertEqual(answer.status, 401, data[:300])
        ACCOUNTS["provider"] = account("from-provider", "auditor", "--provider-only", "--subject", "u-17")


class Inputs(Case):
    def test_markup_stays_text(self):
        """Every page that the program itself writes; the front end's own pages are the browser's test."""
        reference = GATE.get("/fhir/DocumentReference/%22%3E%3Cscript%3Ehacked=1%3C%2Fscript%3E", "scribe.example").reference
        for of in ("today", "findings", "agreements", "map", "rules", "trust", "card&system=access-marked-tool&data=clinical.note&purpose=TREAT"):
            with self.subTest(of):
                answer, data = as_("privacy-officer", f"/api/v1/report?of={of}")
                self.assertEqual(answer.status, 200, data[:300])
                self.assertNotIn(b"<img", data)
                self.assertNotIn(b"<script", data)
                self.assertIn("default-src 'none'", answer.getheader("content-security-policy"))
                self.assertNotIn("unsafe", answer.getheader("content-security-policy"))
        self.assertIn(b"&quot;&gt;&lt;img", as_("privacy-officer", "/api/v1/report?of=agreements")[1])
        for path in ("map?level=systems", "agreements", "vocabulary", "findings?q=access-marked", f"explain?ref={reference}", "exchanges"):
            answer, data = as_("privacy-officer", f"/api/v1/{path}")
            self.assertEqual((answer.status, answer.getheader("content-type"), answer.getheader("x-content-type-options")), (200, "application/json", "nosniff"))
        _, data = as_("privacy-officer", "/api/v1/trust/links", "POST", {"for": "somebody", "names": True})
        answer, page = ask(json.loads(data)["path"])
        self.assertNotIn(b"<img", page)
        for field in ("name", "password", "code", "key"):
            answer, page = ask("/login", "POST", {"Content-Type": "application/x-www-form-urlencoded"}, urllib.parse.urlencode({field: MARKUP}))
            self.assertNotIn(b"<img", page)

    def test_paths_lead_nowhere(self):
        secrets = [b"root:", b"argon2", (GATE.state / "keys" / "kek").read_bytes()]
        for path in (
            "/../etc/passwd", "/assets/../../../etc/passwd", "/assets/%2e%2e/%2e%2e/etc/passwd", "/trust/../state/keys/kek", "/trust/%2e%2e%2f",
            "/api/v1/../../state/accounts.json", "/api/v1/source?id=../../licet.yaml", "/api/v1/why?id=../licet.yaml", "/api/v1/since?base=--output=/tmp/x",
            "/api/v1/since?base=HEAD:../../etc/passwd", "/api/v1/since?base=../../..", "/api/v1/report?of=../../etc/passwd", "/api/v1/findings?known=../../x",
        ):  # fmt: skip
            with self.subTest(path):
                answer, data = as_("privacy-officer", path)
                self.assertIn(answer.status, (400, 404, 409), data[:200])
                for secret in secrets:
                    self.assertNotIn(secret, data)
        self.assertFalse(os.path.exists("/tmp/x"))
        for body in ({"id": "baa-fax-2024", "text": "x", "branch": "licet/../../main"}, {"id": "baa-fax-2024", "text": "x", "branch": "main"},
                     {"id": "baa-fax-2024", "text": "x", "branch": "licet/-x"}, {"id": "../licet.yaml", "text": "x"}):  # fmt: skip
            answer, data = as_("privacy-officer", "/api/v1/commit", "POST", body)
            self.assertIn(answer.status, (400, 404, 409), data[:200])

    def test_no_phi_and_no_secret_anywhere(self):
        planted = set(servers().planted()) - set(planted_in(b"\n".join(p.read_bytes() for p in GATE.stack.rglob("*") if p.is_file()), servers().planted()))
        for name in [n for n in sorted(planted) if n[0].isalpha()][:8]:
            quoted = urllib.parse.quote(name)
            for path in (f"/api/v1/why?id={quoted}", f"/api/v1/explain?ref={quoted}", f"/api/v1/entries?kind={quoted}", f"/api/v1/findings?as_of={quoted}", f"/{quoted}"):
                answer, data = as_("privacy-officer", path)
                self.assertGreaterEqual(answer.status, 400)
                self.assertEqual(planted_in(data, planted), [], "an error repeats nothing of what was asked")
        for path in ("entries?limit=500", "findings?limit=500", "held", "exchanges", "users", "keys"):
            self.assertEqual(planted_in(as_("privacy-officer", f"/api/v1/{path}")[1], planted), [])
        rest = (GATE.state / "accounts.json").read_text() + GATE.child.output()
        for who in ACCOUNTS.values():
            for secret in (who.get("password"), who.get("secret")):
                if secret:
                    self.assertNotIn(secret, rest)
        self.assertEqual((GATE.state / "accounts.json").stat().st_mode & 0o077, 0)


class Edits(Case):
    def git(self, *args):
        import subprocess

        run = subprocess.run(["git", "-C", GATE.stack, "-c", "user.name=t", "-c", "user.email=t@t", *args], capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout.strip()

    def test_a_change_goes_to_a_branch_and_nowhere_else(self):
        source = json.loads(as_("privacy-officer", "/api/v1/source?id=baa-fax-2024")[1])["text"]
        changed = source.replace("expires: 2026-06-30", "expires: 2027-06-30")
        answer, data = as_("privacy-officer", "/api/v1/commit", "POST", {"id": "baa-fax-2024", "text": changed})
        self.assertEqual(answer.status, 409, data)
        self.git("init", "-q", "-b", "main")
        hook = GATE.stack / ".git" / "hooks" / "reference-transaction"
        hook.write_text(f"#!/bin/sh\ntouch {GATE.folder}/hooked\n")
        hook.chmod(0o755)
        self.git("add", ".")
        self.git("commit", "-qm", "as it was")
        if (GATE.folder / "hooked").exists():
            (GATE.folder / "hooked").unlink()
        before = {p: p.read_bytes() for p in GATE.stack.rglob("*.yaml")}
        why = "renewed $(touch /tmp/licet-hacked) `id`"
        answer, data = as_("privacy-officer", "/api/v1/commit", "POST", {"id": "baa-fax-2024", "text": changed, "why": why})
        self.assertEqual(answer.status, 200, data)
        done = json.loads(data)
        self.assertTrue(done["branch"].startswith("licet/baa-fax-2024-"))
        self.assertEqual(self.git("rev-parse", done["branch"]), done["commit"])
        self.assertEqual(self.git("symbolic-ref", "--short", "HEAD"), "main")
        self.assertEqual(self.git("status", "--porcelain"), "", "index and work tree are as they were")
        self.assertEqual({p: p.read_bytes() for p in GATE.stack.rglob("*.yaml")}, before)
        self.assertEqual(self.git("diff", "--name-only", "main", done["branch"]), "agreements.yaml")
        self.assertIn("+expires: 2027-06-30", self.git("diff", "main", done["branch"]))
        self.assertIn(why, self.git("log", "-1", "--format=%B", done["branch"]))
        self.assertEqual(self.git("log", "-1", "--format=%an", done["branch"]), ACCOUNTS["privacy-officer"]["name"])
        self.assertFalse((GATE.folder / "hooked").exists(), "hooks are off")
        self.assertFalse(os.path.exists("/tmp/licet-hacked"))
        self.assertEqual(as_("privacy-officer", "/api/v1/commit", "POST", {"id": "baa-fax-2024", "text": changed, "branch": done["branch"]})[0].status, 409)
        self.assertTrue([e for e in GATE.ledger() if e.get("payload", {}).get("act") == "change-committed" and e["payload"]["commit"] == done["commit"]])
        # And what it would do stands beside the base.
        since = json.loads(as_("engineer", f"/api/v1/since?base={done['branch']}")[1])
        self.assertGreater(since["breaks"], 0, "main lacks what that branch mends")
        self.assertIn("documents-to-fax", [t["subject"] for t in since["items"]])
        self.assertEqual(as_("engineer", "/api/v1/since?base=nothing")[0].status, 404)

    def test_everything_and_a_route_can_be_stopped(self):
        read = "/fhir/DocumentReference/doc-0001"
        self.passes(GATE.get(read, "scribe.example"))
        for whom in ("fhir-front", "*"):
            cut = json.loads(as_("operator", f"/api/v1/cut?id={urllib.parse.quote(whom)}")[1])
            self.assertGreater(cut["care"], 0)
            self.assertTrue(cut["flows"][0]["care"], "care comes first")
            answer, data = as_("operator", "/api/v1/suspend", "POST", {"id": whom})
            self.assertEqual(answer.status, 200, data)
            self.refused(GATE.get(read, "scribe.example"), "suspended")
            self.assertEqual(as_("operator", "/api/v1/lift", "POST", {"id": whom})[0].status, 403, "who stops does not start again")
            self.assertEqual(as_("security-officer", "/api/v1/lift", "POST", {"id": whom})[0].status, 200)
            self.passes(GATE.get(read, "scribe.example"))

    def test_a_card_is_signed(self):
        answer, page = as_("adviser", "/api/v1/report?of=card&system=scribe&data=clinical.note&purpose=TREAT")
        at = GATE.folder / "card.html"
        at.write_bytes(page)
        code, out, err = GATE.licet("verify", at, "--key", GATE.state / "log.vkey")
        self.assertEqual(code, 0, out + err)
        self.assertIn('"answer":"yes"', out)
        at.write_bytes(page.replace(b"answer&quot;:&quot;yes", b"answer&quot;:&quot;no!"))
        self.assertEqual(GATE.licet("verify", at, "--key", GATE.state / "log.vkey")[0], 1)

    def test_a_report_as_pdf(self):
        if not os.path.exists("/usr/bin/chromium"):
            answer, data = as_("adviser", "/api/v1/report?of=agreements&format=pdf")
            self.assertEqual(answer.status, 503)
            self.assertIn(b"chromium", data)
            return
        answer, data = as_("adviser", "/api/v1/report?of=agreements&format=pdf")
        self.assertEqual((answer.status, answer.getheader("content-type")), (200, "application/pdf"), data[:300])
        self.assertTrue(data.startswith(b"%PDF-"))


class Live(Case):
    def test_exchanges_come_as_they_happen_and_end_with_the_session(self):
        who = account("listener", "operator")
        cookie, _ = log_in(who)
        connection = http.client.HTTPConnection(where().hostname, where().port, timeout=20)
        connection.request("GET", "/api/v1/events", headers={"Cookie": cookie})
        stream = connection.getresponse()
        self.assertEqual((stream.status, stream.getheader("content-type")), (200, "text/event-stream"))
        refused = GATE.get("/fhir/Encounter/enc-0001", "acme-ai.example")
        told = b""
        while b"event: exchange" not in told or not told.endswith(b"\n\n"):
            told += stream.readline()
        data = json.loads(re.search(rb"data: (.*)\n", told[told.index(b"event: exchange"):])[1])
        self.assertEqual(data["exchange"], refused.reference)
        explained = json.loads(as_("privacy-officer", f"/api/v1/explain?ref={refused.reference}")[1])
        self.assertEqual(data["sentence"], explained["sentence"], "one sentence")
        GATE.licet("user", "end", "listener", *GATE.at)
        rest = stream.read()
        self.assertIn(b"event: end", rest)
        self.assertEqual(ask("/api/v1/events", headers={"Cookie": ACCOUNTS["adviser"]["session"][0]})[0].status, 403)
