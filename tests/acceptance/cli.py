"""The command line: verbs that need no running gate."""

import json
import re
import shutil
import subprocess
import tempfile
import pathlib
import unittest

from world import BINARY, ROOT, Case

RIVERBEND = "examples/riverbend"
VERBS = "init check coverage diff deid risk serve token record suspend lift release explain prove verify report schema letter notify facts import read".split()
STATUSES = {"pass", "fail", "unknown", "not-applicable", "accepted", "stale"}


def licet(*args, stdin="", timeout=60):
    run = subprocess.run([str(BINARY), *map(str, args)], capture_output=True, text=True, timeout=timeout, cwd=ROOT, input=stdin)
    return run.returncode, run.stdout, run.stderr


class Temporary(Case):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="licet-cli-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def copy(self, name="stack", example=RIVERBEND):
        shutil.copytree(ROOT / example, self.folder / name)
        return self.folder / name


class Help(Case):
    def test_every_verb_has_help_with_an_example(self):
        code, out, err = licet("--help")
        self.assertEqual(code, 0, err)
        for verb in VERBS:
            with self.subTest(verb):
                self.assertRegex(out, rf"(?m)^  {verb}\b")
                code, text, err = licet(verb, "--help")
                self.assertEqual(code, 0, err)
                self.assertRegex(text, rf"(?m)^  +licet {verb}\b", "an example")

    def test_no_verb_or_a_wrong_one_is_an_error(self):
        for args in ([], ["chek"], ["check", "--nonsense"], ["check", RIVERBEND, "--format", "xml"]):
            with self.subTest(args):
                code, out, err = licet(*args)
                self.assertEqual(code, 2, out + err)
                self.assertTrue(err + out)

    def test_version(self):
        self.assertRegex(licet("--version")[1], r"licet \d")


class Check(Temporary):
    def test_the_shape_of_its_json(self):
        code, out, err = licet("check", RIVERBEND, "--format", "json")
        self.assertEqual(code, 1, err)
        report = json.loads(out)
        self.assertLessEqual({"as_of", "packs", "findings", "summary"}, set(report))
        self.assertRegex(report["as_of"], r"^\d{4}-\d\d-\d\d")
        named = re.search(r"^packs: \[(.*)\]", (ROOT / RIVERBEND / "stack.yaml").read_text(), re.MULTILINE)[1]
        self.assertEqual({f"{p['id']}@{p['version']}" for p in report["packs"]}, set(named.split(", ")))
        self.assertGreater(len(report["findings"]), 20)
        for finding in report["findings"]:
            self.assertLessEqual({"requirement", "cites", "subject", "status", "because", "witness", "facts", "mend"}, set(finding))
            self.assertIn(finding["status"], STATUSES)
            self.assertTrue(finding["because"], finding)
            self.assertTrue(finding["cites"], finding)
            if finding["status"] in ("fail", "stale", "unknown"):
                self.assertTrue(finding["mend"] or "?" in finding["because"], finding)  # what to do, or what to ask next
        counted = {s: sum(f["status"] == s for f in report["findings"]) for s in STATUSES}
        for status, count in counted.items():
            self.assertEqual(report["summary"].get(status, report["summary"].get(status.replace("-", "_"), 0)), count, status)

    def test_what_is_amiss_at_riverbend(self):
        report = json.loads(licet("check", RIVERBEND, "--format", "json")[1])
        amiss = {f["subject"] for f in report["findings"] if f["status"] in ("fail", "stale")}
        for flow in (
            "notes-to-acme",
            "prompts-to-acme",
            "statements-to-mailhouse",
            "billing-to-mailhouse",
            "documents-to-fax",
            "events-to-logs",
        ):
            self.assertIn(flow, amiss)
        for flow in ("notes-to-scribe", "scribe-to-s3", "scribe-to-llm", "claims-to-billing", "referral-to-lakeside", "record-to-hie"):
            self.assertNotIn(flow, amiss)

    def test_same_input_same_bytes(self):
        first = licet("check", RIVERBEND, "--format", "json", "--as-of", "2026-11-25")
        self.assertEqual(first, licet("check", RIVERBEND, "--format", "json", "--as-of", "2026-11-25"))

    def test_as_of_another_day(self):
        def status(day):
            report = json.loads(licet("check", RIVERBEND, "--format", "json", "--as-of", day)[1])
            return {f["status"] for f in report["findings"] if f["subject"] == "documents-to-fax" and "contract" in f["requirement"]}

        self.assertEqual(status("2026-06-30"), {"pass"}, "`expires` is the last day in force")
        self.assertNotIn("pass", status("2026-07-01"))

    def test_sarif(self):
        report = json.loads(licet("check", RIVERBEND, "--format", "sarif")[1])
        self.assertEqual(report["version"], "2.1.0")
        self.assertTrue(report["runs"][0]["results"])
        for result in report["runs"][0]["results"]:
            self.assertTrue(result["ruleId"] and result["message"]["text"])

    def test_text_for_people(self):
        code, out, err = licet("check", RIVERBEND)
        self.assertEqual(code, 1, err)
        self.assertIn(
            "No business associate agreement between Riverbend Clinic (riverbend) and Acme AI (acme) is on record", " ".join(out.split())
        )
        self.assertRegex(out, r"\d+ pass, \d+ fail")
        self.assertNotIn("\033", out, "no colors into a pipe")

    def test_may(self):
        code, out, err = licet("check", RIVERBEND, "--may", "scribe", "--data", "clinical.note", "--purpose", "TREAT")
        self.assertEqual((code, "yes" in out), (0, True), out + err)
        code, out, err = licet("check", RIVERBEND, "--may", "acme-ai", "--data", "clinical.note", "--purpose", "TREAT")
        self.assertEqual((code, out.startswith("no")), (1, True), out + err)
        self.assertIn("Acme AI", out)
        self.assertEqual(licet("check", RIVERBEND, "--may", "nobody", "--data", "clinical.note")[0], 2)

    def test_the_other_example(self):
        code, out, err = licet("check", "examples/scribe")
        self.assertIn(code, (0, 1), err)

    def test_the_packs_own_cases(self):
        code, out, err = licet("check", "--cases")
        self.assertEqual(code, 0, out + err)
        self.assertRegex(out, r"\d+ cases of \d+ packs, 0 wrong")

    def test_what_can_not_be_loaded(self):
        stack = self.copy()
        permits = (stack / "permits.yaml").read_text()
        table = [
            ("not YAML", "kind: [unclosed\n", r"permits\.yaml:\d+:\d+"),
            (
                "an unknown key, with the nearest name",
                permits.replace("whose: all", "whos: all", 1),
                r"permits\.yaml:\d+:\d+: .*whos.*whose",
            ),
            ("a bad id", permits.replace("id: nurses-treat", "id: Nurses"), r"permits\.yaml:\d+:\d+: .*Nurses"),
            (
                "a dangling reference, with the nearest id",
                permits.replace("to: lakeside-ehr", "to: lakesid-ehr"),
                r"permits\.yaml:\d+:\d+: .*lakeside-ehr",
            ),
            ("a key twice", permits.replace("whose: all", "whose: all\nwhose: all", 1), r"permits\.yaml:\d+:\d+: .*whose"),
            (
                "an id twice",
                permits + "\n---\nkind: permit\nid: nurses-treat\nto: nurse\nfor: [TREAT]\n",
                r"permits\.yaml:\d+:\d+: .*nurses-treat",
            ),
            ("an alias", permits + "\n---\nkind: permit\nid: &a aliased\nto: *a\n", r"permits\.yaml:\d+:\d+"),
            ("an unknown kind", permits + "\n---\nkind: permitt\nid: x1\n", r"permits\.yaml:\d+:\d+: .*permit"),
        ]
        for name, text, says in table:
            with self.subTest(name):
                (stack / "permits.yaml").write_text(text)
                code, out, err = licet("check", stack)
                self.assertEqual(code, 2, out + err)
                self.assertRegex(err, says)
        (stack / "permits.yaml").write_text(permits)
        agreements = (stack / "agreements.yaml").read_text()
        for name, old, new in (
            ("an impossible date", "signed: 2026-01-05", "signed: 2026-02-30"),
            ("an end before the beginning", "expires: 2027-01-10", "expires: 2025-01-10"),
        ):
            with self.subTest(name):
                (stack / "agreements.yaml").write_text(agreements.replace(old, new, 1))
                code, out, err = licet("check", stack)
                self.assertEqual(code, 2, out + err)
                self.assertRegex(err, r"agreements\.yaml:\d+:\d+")
        code, out, err = licet("check", self.folder / "nothing-here")
        self.assertEqual(code, 2)
        self.assertTrue(err)

    def test_a_pack_that_is_not_there(self):
        stack = self.copy()
        text = (stack / "stack.yaml").read_text()
        (stack / "stack.yaml").write_text(text.replace("hipaa-baa-2013@1.0", "hipaa-baa-1999@1.0"))
        code, out, err = licet("check", stack)
        self.assertEqual(code, 2)
        self.assertIn("hipaa-baa-1999", err)


class Init(Temporary):
    def test_scaffolds_a_declaration_that_checks(self):
        stack = self.folder / "elm"
        code, out, err = licet("init", stack, "--name", "Elm Street Clinic", "--yes")
        self.assertEqual(code, 0, err)
        code, out, err = licet("check", stack)
        self.assertEqual(code, 0, out + err)
        code, out, err = licet("serve", stack / "licet.yaml", "--check-config")
        self.assertEqual(code, 0, out + err)

    def test_of_every_function(self):
        for function in ("provider", "plan", "clearinghouse", "vendor"):
            with self.subTest(function):
                stack = self.folder / function
                self.assertEqual(licet("init", stack, "--function", function, "--yes")[0], 0)
                code, out, err = licet("check", stack)
                self.assertIn(code, (0, 1), out + err)

    def test_writes_over_nothing(self):
        stack = self.copy()
        before = {p: p.read_bytes() for p in stack.rglob("*") if p.is_file()}
        code, out, err = licet("init", stack, "--yes")
        self.assertEqual(code, 2)
        self.assertIn("not empty", err)
        self.assertEqual(before, {p: p.read_bytes() for p in stack.rglob("*") if p.is_file()})


class Diff(Temporary):
    def test_of_the_same(self):
        code, out, err = licet("diff", RIVERBEND, self.copy())
        self.assertEqual((code, out), (0, "No difference in what is found or licensed.\n"), err)

    def test_what_a_lapse_takes_away_and_a_contract_gives(self):
        stack = self.copy()
        text = (stack / "agreements.yaml").read_text()
        (stack / "agreements.yaml").write_text(text.replace("expires: 2027-01-10", "expires: 2026-01-11"))
        code, out, err = licet("diff", RIVERBEND, stack)
        self.assertEqual(code, 1, err)
        self.assertRegex(out, r"loses.*scribe")
        self.assertNotIn("gains", out)
        (stack / "agreements.yaml").write_text(re.sub(r"^#\| ?", "", text, flags=re.MULTILINE))
        code, out, err = licet("diff", RIVERBEND, stack)
        self.assertEqual(code, 1, err)
        self.assertRegex(out, r"gains.*mailhouse")
        self.assertNotIn("loses", out)


class Schema(Case):
    def test_is_json_that_knows_every_kind(self):
        code, out, err = licet("schema")
        self.assertEqual(code, 0, err)
        whole = json.loads(out)
        self.assertIn("$schema", whole)
        for kind in ("stack", "organization", "system", "flow", "agreement", "permit", "route", "person", "decision"):
            with self.subTest(kind):
                self.assertIn(kind, out)
                one = json.loads(licet("schema", kind)[1])
                self.assertIn("properties", json.dumps(one))
        self.assertNotEqual(licet("schema", "nonsense")[0], 0)


class NobodyServes(Temporary):
    def test_verbs_that_need_a_gate_say_so(self):
        stack = self.folder / "elm"
        self.assertEqual(licet("init", stack, "--yes")[0], 0)
        at = ["--config", stack / "licet.yaml"]
        for args in (
            ["suspend", "ehr", *at],
            ["release", "0" * 26, *at],
            ["explain", "0" * 26, *at],
            ["record", "training", "--subject", "a", "--object", "b", *at],
        ):
            with self.subTest(args[0]):
                code, out, err = licet(*args)
                self.assertEqual(code, 2)
                self.assertIn("licet serve", err)

    def test_a_configuration_with_an_unknown_key(self):
        (self.folder / "licet.yaml").write_text("gate: {prt: 1}\n")
        code, out, err = licet("serve", self.folder / "licet.yaml", "--check-config")
        self.assertEqual(code, 2)
        self.assertRegex(err, r"licet\.yaml:1:\d+: .*prt.*port")

    def test_the_manual_lists_each_key_and_no_other(self):
        def known(inside):
            (self.folder / "licet.yaml").write_text(inside)
            err = licet("serve", self.folder / "licet.yaml", "--check-config")[2]
            return set(re.search(r"unknown key 'x'; known are (.*)", err)[1].split(", "))

        maps = {"gate": "gate: {x: 1}", "console": "console: {x: 1}", "limits": "limits: {x: 1}"}
        maps |= {"notify": "notify: {x: 1}", "console.oidc": "console: {oidc: {x: 1}}"}
        maps |= {"issuers[]": "issuers: [{x: 1}]", "routes.ID": "routes: {r: {x: 1}}"}
        keys = known("x: 1") - {m.split(".")[0].removesuffix("[]") for m in maps}
        for name, text in maps.items():
            keys |= {f"{name}.{key}" for key in known(text)} - set(maps)
        table = (ROOT / "docs" / "operating.md").read_text().split("## licet.yaml")[1].split("\n## ")[0]
        listed = set()
        for row in re.findall(r"^\| (`.*)", table, re.M):
            names = re.findall(r"`([a-zA-Z.\[\]-]+)`", row.split(" | ")[0])
            listed |= set(names)
            if "`console.` has" in row:
                listed |= {n.replace("gate.", "console.") for n in names}
        self.assertEqual(listed, keys)


if __name__ == "__main__":
    unittest.main()
