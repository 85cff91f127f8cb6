"""check --plan, report, signed facts, notify by mail and of lapses: what a judgment becomes for people who act on it."""

import csv
import io
import json
import re
import shutil
import socketserver
import subprocess
import threading

from agreements import Hook
from cli import RIVERBEND, Temporary, licet
from world import BINARY, ROOT

DAY = "2026-11-25"


def plan(folder, *more):
    code, out, err = licet("check", folder, "--as-of", DAY, "--plan", "--format", "json", *more)
    return code, json.loads(out), err


class Plan(Temporary):
    def test_what_it_says_is_mended_is_mended_when_it_is_done(self):
        """The acts of the plan, put into a copy of the declaration: check says no more of what the plan said it mends."""
        for example in (RIVERBEND, "examples/scribe"):
            with self.subTest(example):
                code, made, err = plan(example)
                self.assertEqual(code, 1, err)
                self.assertTrue(made["least"])
                self.assertGreater(made["mended"], 5)
                folder = self.copy(pathname := example.split("/")[-1], example)
                acts = made["acts"]
                self.assertEqual(made["hours"], sum(a["hours"] for a in acts))
                for act in acts:
                    for id_ in act["remove"]:
                        self.take_out(folder, id_)
                    for field in act["remove_fields"]:
                        self.take_out(folder, *field.split())
                (folder / "decisions").mkdir(exist_ok=True)
                (folder / "decisions" / "plan.yaml").write_text("---\n".join(a["change"] for a in acts if a["change"]))
                facts = [self.fact(i, command) for i, command in enumerate(c for a in acts for c in a["record"])]
                (self.folder / "facts.json").write_text(json.dumps({"format": 1, "facts": facts}))
                code, out, err = licet("check", folder, "--as-of", DAY, "--format", "json", "--facts", self.folder / "facts.json", "--facts-unsigned")
                now = {(f["requirement"], f["subject"]): f["status"] for f in json.loads(out)["findings"]}
                for act in acts:
                    for settled in act["mends"]:
                        self.assertNotIn(now.get((settled["requirement"], settled["subject"])), ("fail", "stale"), settled)
                self.assertEqual(made["mended"] + len(made["left"]), made["amiss"], pathname)

    def take_out(self, folder, id_, field=None):
        for path in folder.rglob("*.yaml"):
            documents = re.split(r"(?m)^---[^\n]*\n", path.read_text())
            kept = [d for d in documents if field or not re.search(rf"(?m)^id: {re.escape(id_)}\b", d)]
            if field:
                kept = [re.sub(rf"(?m)^{field}:.*\n", "", d) if re.search(rf"(?m)^id: {re.escape(id_)}\b", d) else d for d in kept]
            if kept != documents:
                path.write_text("---\n".join(kept))

    def fact(self, index, command):
        words = command.split()
        self.assertEqual(words[:2], ["licet", "record"])
        return {"index": index, "kind": words[2], "subject": words[3], "object": words[4] if words[4] != "--from" else "", "from": words[words.index("--from") + 1],
                "until": None, "recorded": f"{DAY}T00:00:00.000000Z", "by": "plan"}

    def test_the_same_plan_twice_and_one_for_people(self):
        first = licet("check", RIVERBEND, "--as-of", DAY, "--plan")
        self.assertEqual(first, licet("check", RIVERBEND, "--as-of", DAY, "--plan"))
        self.assertIn("the least of", first[1])
        self.assertIn("A person:", first[1])
        self.assertIn("was judged again", first[1])

    def test_strict_takes_unknowns_in_and_says_what_it_brings(self):
        code, made, err = plan("examples/scribe", "--strict")
        self.assertEqual(code, 1, err)
        self.assertGreater(made["amiss"], 40)
        self.assertEqual(made["mended"] + len(made["left"]), made["amiss"])

    def test_acts_are_data(self):
        packs = self.folder / "packs"
        shutil.copytree(ROOT / "packs", packs)
        acts = packs / "mends" / "acts.yaml"
        acts.write_text(acts.read_text().replace("cost: 40", "cost: 1"))
        made = plan(RIVERBEND, "--packs", packs)[1]
        self.assertEqual({a["act"] for a in made["acts"]} & {"sign-baa"}, set(), "stopping is cheaper now")
        acts.write_text("kind: act\nid: x\nwords: a\ndoes: b\n")
        code, out, err = licet("check", RIVERBEND, "--plan", "--packs", packs)
        self.assertEqual(code, 2)
        self.assertIn("acts.yaml:1:", err)
        shutil.rmtree(packs / "mends")
        self.assertEqual(licet("check", RIVERBEND, "--plan", "--packs", packs)[0], 2)


class Reports(Temporary):
    def report(self, kind, *more):
        code, out, err = licet("report", *([kind] if isinstance(kind, str) else kind), "--stack", RIVERBEND, "--as-of", DAY, *more)
        self.assertEqual(code, 0, err)
        return out

    def rows(self, kind):
        return list(csv.DictReader(io.StringIO(self.report(kind, "--format", "csv"))))

    def test_every_format_twice_is_the_same(self):
        (self.folder / "q.csv").write_text("question\n164.312(e)(1)\n")
        for kind in ("responsibility", "exposure", ["answers", self.folder / "q.csv"]):
            for form in ("text", "json", "csv", "html"):
                with self.subTest(f"{kind} {form}"):
                    first = self.report(kind, "--format", form)
                    self.assertTrue(first)
                    self.assertEqual(first, self.report(kind, "--format", form))
            self.assertEqual(len(json.loads(self.report(kind, "--format", "json"))["rows"]), len(self.rows(kind)))

    def test_who_carries_what(self):
        rows = self.rows("responsibility")
        findings = json.loads(licet("check", RIVERBEND, "--as-of", DAY, "--format", "json")[1])["findings"]
        self.assertLessEqual({f["requirement"] for f in findings if f["subject"]}, {r["what"] for r in rows}, "no requirement is left out")
        carried = {(r["carried by"], r["as"]) for r in rows}
        self.assertIn(("riverbend", "own"), carried)
        self.assertIn(("scribe-ai", "other party, under contract"), carried)
        self.assertIn(("acme", "other party, no contract in force on record"), carried)
        clause = [r for r in rows if r["by what"] == "baa-scribe-lexica" and r["what"] == "164.504.e.2.ii.C"]
        self.assertRegex(clause[0]["standing"], r"^present, agreements\.yaml:\d+")

    def test_exposure_says_why_and_the_points_add_up(self):
        folder = self.copy()
        path = folder / "systems.yaml"
        path.write_text(re.sub(r"(?m)^(kind: system\nid: ehr\b.*)$", r"\1\npeople: 42000", path.read_text(), count=1))
        code, out, err = licet("report", "exposure", "--stack", folder, "--as-of", DAY, "--format", "csv")
        self.assertEqual(code, 0, err)
        rows = list(csv.DictReader(io.StringIO(out)))
        points = [int(r["points"]) for r in rows]
        self.assertEqual(points, sorted(points, reverse=True))
        for r in rows:
            self.assertEqual(int(r["points"]), sum(map(int, re.findall(r"\(\+(\d+)\)", r["why"]))), r)
        ehr = next(r for r in rows if r["system"] == "ehr")
        self.assertEqual(ehr["people"], "42000")
        self.assertIn("about 42000 people is declared (+32)", ehr["why"])
        self.assertEqual({r["people"] for r in rows} - {"42000"}, {"not declared"})
        acme = next(r for r in rows if r["system"] == "acme-ai")
        self.assertIn("amiss: hipaa-164.308.b.1.contract-covers-flow", acme["why"])

    def test_answers_only_what_is_on_record(self):
        (self.folder / "q.csv").write_text(
            'No,Question\n1,"A sanction policy, 45 CFR 164.308(a)(1)(ii)(C)?"\n2,Do you like tea?\n3,"§ 164.312(c)(2), is it there?"\n'
            "4,See hipaa-164.312.e.1.transmission.\n5,164.999(z)\n6,Encryption under 164.308(a)(99)?\n7,hipaa-164.312.e.1.transmissions\n"
        )
        rows = {r["No"]: r for r in self.rows(["answers", self.folder / "q.csv"])}
        self.assertEqual(rows["1"]["answer"], "1 pass")
        self.assertIn("sanction-policy", rows["1"]["evidence"])
        self.assertIn("organizations.yaml:", rows["1"]["evidence"])
        self.assertRegex(rows["4"]["answer"], r"^\d+ pass$")
        for n in "2567":
            self.assertTrue(rows[n]["answer"].startswith("no evidence on record"), rows[n])
            self.assertEqual(rows[n]["evidence"], "")
        for broken in ("", "a,b\n1,2\n", 'question\n"open'):
            (self.folder / "q.csv").write_text(broken)
            code, out, err = licet("report", "answers", self.folder / "q.csv", "--stack", RIVERBEND)
            self.assertEqual((code, "q.csv: " in err), (2, True), err)

    def test_a_release_is_signed_and_is_no_certificate(self):
        clinic = self.copy("clinic")
        (clinic / "licet.yaml").write_text("{}\n")
        out = self.folder / "checked"
        code, said, err = licet("report", "release", "2026.11", "--stack", clinic, "--config", clinic / "licet.yaml", "--as-of", DAY, "--out", out)
        self.assertEqual(code, 0, err)
        self.assertIn("HHS recognizes no certificate", said)
        self.assertIn("recognizes no certificate", (out / "index.html").read_text())
        self.assertTrue({"open.csv", "coverage.csv", "findings.sarif", "responsibility.csv", "exposure.html", "manifest.sig"} <= {p.name for p in out.iterdir()})
        rows = list(csv.DictReader(io.StringIO((out / "open.csv").read_text())))
        self.assertEqual({r["status"] for r in rows} - {"fail", "stale", "unknown"}, set())
        code, said, err = licet("verify", out, "--key", clinic / "state" / "log.vkey") if (clinic / "state" / "log.vkey").exists() else licet("verify", out)
        self.assertEqual(code, 0, said + err)
        self.assertIn("release   2026.11", said)
        for name in ("open.csv", "manifest.json", "stack/flows.yaml"):
            with self.subTest(name):
                was = (out / name).read_bytes()
                (out / name).write_bytes(was.replace(b"a", b"b", 1))
                code, said, err = licet("verify", out)
                self.assertEqual((code, name in said), (1, True), said)
                (out / name).write_bytes(was)
        self.assertEqual(licet("report", "release", "x", "--stack", clinic, "--out", out)[0], 2, "the folder is not empty")
        bare = self.folder / "bare"
        code, said, err = licet("report", "release", "2026.11", "--stack", clinic, "--as-of", DAY, "--out", bare)
        self.assertIn("not signed", said)
        self.assertEqual((bare / "open.csv").read_bytes(), (out / "open.csv").read_bytes())


class SignedFacts(Temporary):
    def setUp(self):
        super().setUp()
        self.clinic = self.copy("clinic")
        (self.clinic / "licet.yaml").write_text("gate: {port: 0}\nconsole: {port: 0}\n")
        node = subprocess.Popen([BINARY, "serve", self.clinic / "licet.yaml"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT)
        self.addCleanup(node.stdout.close)
        self.addCleanup(node.wait)
        self.addCleanup(node.terminate)
        self.assertIn("ready", node.stdout.readline())
        code, out, err = licet("record", "training", "dr-lee", "privacy-basics", "--from", "2026-10-01", "--config", self.clinic / "licet.yaml")
        self.assertEqual(code, 0, err)
        self.file = self.folder / "facts.json"
        code, out, err = licet("facts", self.file, "--config", self.clinic / "licet.yaml")
        self.assertEqual(code, 0, err)
        # By the node that serves, and by its key where none does: the same bytes.
        node.terminate()
        node.wait()
        self.assertEqual(licet("facts", "--config", self.clinic / "licet.yaml")[1], self.file.read_text())
        origin = json.loads(self.file.read_text())["origin"]
        # The node's key, as serve writes it to log.vkey; a release carries it, too.
        out = self.folder / "release"
        self.assertEqual(licet("report", "release", "k", "--stack", self.clinic, "--config", self.clinic / "licet.yaml", "--out", out)[0], 0)
        self.key = out / "key.txt"
        self.assertTrue(self.key.read_text().startswith(origin + "+"))

    def check(self, *more):
        return licet("check", self.clinic, "--facts", self.file, *more)

    def test_what_the_node_signed_is_believed_by_its_key(self):
        code, out, err = self.check("--facts-key", self.key, "--format", "json")
        self.assertEqual(code, 1, err)
        self.assertEqual(err, "")
        lee = [f for f in json.loads(out)["findings"] if f["requirement"].endswith("training-current") and f["subject"] == "dr-lee"]
        self.assertEqual([f["status"] for f in lee], ["pass"])

    def test_one_altered_byte_is_refused(self):
        text = self.file.read_text()
        for old, new in (("dr-lee", "dr-pat"), ("2026-10-01", "2026-10-02"), ('"format": 1', '"format": 1, "more": 2')):
            with self.subTest(old):
                self.file.write_text(text.replace(old, new, 1))
                code, out, err = self.check("--facts-key", self.key)
                self.assertEqual((code, "altered" in err), (2, True), err)
        self.file.write_text(json.dumps({k: v for k, v in json.loads(text).items() if k != "signature"}))
        code, out, err = self.check("--facts-key", self.key)
        self.assertEqual((code, "not signed" in err), (2, True), err)

    def test_without_a_key_only_with_a_flag_that_is_said(self):
        code, out, err = self.check()
        self.assertEqual((code, "--facts-key" in err), (2, True), err)
        code, out, err = self.check("--facts-unsigned")
        self.assertEqual(code, 1)
        self.assertIn("no key vouches", out)
        self.assertIn("no key vouches", err)
        other = self.key.read_text().replace("+A", "+B", 1)
        self.assertEqual(self.check("--facts-key", other)[0], 2)


class Relay(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"220 relay\r\n")
        data, inside = [], False
        for line in self.rfile:
            if inside:
                if line == b".\r\n":
                    inside = False
                    self.server.got.append(b"".join(data).decode())
                    self.wfile.write(b"250 taken\r\n")
                else:
                    data.append(line[1:] if line.startswith(b".") else line)
                continue
            self.server.said.append(line.decode().strip())
            verb = line.split(b" ")[0].strip().upper()
            if verb == b"DATA":
                inside = True
                self.wfile.write(b"354 go on\r\n")
            elif verb == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            elif verb == b"RCPT" and self.server.refuse:
                self.wfile.write(b"550 nobody here\r\n")
            else:
                self.wfile.write(b"250-well\r\n250 fine\r\n")


class Notify(Temporary):
    def setUp(self):
        super().setUp()
        self.clinic = self.copy("clinic")
        self.relay = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Relay)
        self.relay.got, self.relay.said, self.relay.refuse = [], [], False
        threading.Thread(target=self.relay.serve_forever, daemon=True).start()
        self.addCleanup(self.relay.server_close)
        self.addCleanup(self.relay.shutdown)
        self.config = self.clinic / "licet.yaml"
        self.config.write_text(f"notify: {{mail: officer@clinic.example, from: licet@clinic.example, relay: '127.0.0.1:{self.relay.server_address[1]}'}}\n")

    def notify(self, day=DAY, *more):
        return licet("notify", "--config", self.config, "--as-of", day, *more)

    def test_by_mail_once(self):
        code, out, err = self.notify()
        self.assertEqual(code, 0, err)
        self.assertIn("RCPT TO:<officer@clinic.example>", self.relay.said)
        self.assertEqual(len(self.relay.got), 1)
        mail = self.relay.got[0]
        self.assertIn("From: <licet@clinic.example>", mail)
        self.assertIn("Newly amiss (fail): exam-room-1", mail)
        self.assertIn("Within ", mail)
        self.assertTrue(all(len(line) <= 1000 for line in mail.splitlines()))
        code, out, err = self.notify()
        self.assertEqual((code, len(self.relay.got)), (0, 1), "told once")

    def test_a_refusal_is_told_again(self):
        self.relay.refuse = True
        code, out, err = self.notify()
        self.assertEqual((code, "550" in err), (2, True), err)
        self.relay.refuse = False
        self.assertEqual(self.notify()[0], 0)
        self.assertEqual(len(self.relay.got), 1)

    def test_only_this_machines_relay(self):
        for relay in ("192.0.2.1:25", "mail.example:25", "127.0.0.1", "127.0.0.1:0"):
            self.config.write_text(f"notify: {{mail: o@c.example, relay: '{relay}'}}\n")
            self.assertEqual(self.notify()[0], 2, relay)

    def test_lapses_by_bands_and_drift(self):
        hook = Hook()
        self.addCleanup(hook.stop)
        self.config.write_text(f"notify: {{url: {hook.url}/in}}\n")

        def told(day):
            hook.got.clear()
            code, out, err = self.notify(day)
            self.assertEqual(code, 0, err)
            return json.loads(hook.got[0][2]) if hook.got else {"findings": [], "lapses": [], "settled": 0}

        def of_scribe(said):
            return [(x["on"], x["within_days"]) for x in said["lapses"] if x["subject"] == "notes-to-scribe" and x["requirement"].endswith("contract-covers-flow")]

        # baa-scribe-2026 ends on 2027-01-10: from the 11th on its flow has no contract.
        self.assertEqual(of_scribe(told("2026-10-13")), [("2027-01-11", 90)])
        self.assertEqual(of_scribe(told("2026-10-14")), [], "told in this band")
        self.assertEqual(of_scribe(told("2026-11-12")), [("2027-01-11", 60)])
        self.assertEqual(of_scribe(told("2026-12-12")), [("2027-01-11", 30)])
        self.assertEqual(of_scribe(told("2027-01-04")), [("2027-01-11", 7)])
        # Drift: somebody takes a guard away, and puts it back.
        flows = self.clinic / "flows.yaml"
        was = flows.read_text()
        flows.write_text(was.replace("encrypted: true", "encrypted: false", 1))
        drift = {f["requirement"] for f in told("2027-01-04")["findings"]}
        self.assertTrue(any("164.312.e" in r for r in drift), drift)
        flows.write_text(was)
        self.assertEqual(told("2027-01-04")["findings"], [])


class Speed(Temporary):
    def test_two_threads_or_one_say_the_same(self):
        """A declaration that is large enough for two threads, on one core and on all."""
        text = "kind: stack\nid: s\nformat: 1\ntenant: clinic\ntimezone: Etc/UTC\npacks: [hipaa-baa-2013@1.0, hipaa-grounds-2013@1.0, hipaa-security-2013@1.0]\n"
        text += "---\nkind: organization\nid: clinic\nname: Clinic\nfunctions: [provider]\ncovered: true\n"
        for i in range(150):
            text += f"---\nkind: organization\nid: v{i}\nname: V{i}\nfunctions: [vendor]\n---\nkind: system\nid: s{i}\nowner: {'clinic' if i % 2 else f'v{i}'}\nregion: us-east\n"
            text += f"---\nkind: agreement\nid: b{i}\nis: baa\nup: clinic\ndown: v{i}\nsigned: 2026-01-01\n"
        for i in range(300):
            text += f"---\nkind: flow\nid: f{i}\nfrom: s{i % 75 * 2 + 1}\nto: s{(i * 7 + 4) % 75 * 2}\ndata: [clinical.note]\npurposes: [TREAT]\non-behalf-of: clinic\n"
        (self.folder / "stack.yaml").write_text(text)
        command = [str(BINARY), "check", str(self.folder), "--as-of", DAY, "--format", "json"]
        both = subprocess.run(command, capture_output=True, cwd=ROOT).stdout
        one = subprocess.run(["taskset", "-c", "0", *command], capture_output=True, cwd=ROOT).stdout
        self.assertGreater(len(both), 100_000)
        self.assertEqual(both, one)
