"""What check and diff say: to people, to code review, to GRC tools; of other days, of other commits."""

import csv
import io
import json
import os
import pathlib
import re
import subprocess
import sys

from cli import RIVERBEND, Temporary, licet
from world import BINARY, ROOT, Case

SCHEMAS = ROOT / "tests" / "schemas"
NIST = pathlib.Path(os.environ.get("LICET_OSCAL") or ROOT / ".." / "shared" / "data" / "schemas" / "oscal")
DAY = "2026-11-25"


def validate(test, schema, *files):
    """By ajv: tests/schemas/validate.mjs."""
    if not (SCHEMAS / "node_modules" / "ajv").exists():
        test.skipTest("tests/schemas has no packages: tools/npm-install tests/schemas")
    run = subprocess.run(["node", SCHEMAS / "validate.mjs", schema, *files], capture_output=True, text=True, timeout=120)
    test.assertEqual((run.returncode, run.stdout), (0, ""), run.stderr)


def judged(*args):
    code, out, err = licet("check", RIVERBEND, "--as-of", DAY, *args)
    return out


class Formats(Temporary):
    def test_the_same_bytes_twice(self):
        for form in ("text", "json", "sarif", "csv", "html", "oscal", "oscal-catalog"):
            with self.subTest(form):
                first = judged("--format", form)
                self.assertTrue(first)
                self.assertEqual(first, judged("--format", form))
                self.assertNotIn("\033", first)

    def test_every_format_has_every_finding(self):
        findings = json.loads(judged("--format", "json"))["findings"]
        rows = list(csv.DictReader(io.StringIO(judged("--format", "csv"))))
        self.assertEqual(
            sorted((f["requirement"], f["subject"], f["status"]) for f in findings),
            sorted((r["requirement"], r["subject"], r["status"]) for r in rows),
        )
        html = judged("--format", "html")
        results = json.loads(judged("--format", "oscal"))["assessment-results"]["results"][0]
        self.assertEqual(len(results["observations"]), len(findings))
        for finding in findings:
            self.assertIn(finding["requirement"], html)

    def test_sarif_points_at_the_line(self):
        run = json.loads(judged("--format", "sarif"))["runs"][0]
        rules = run["tool"]["driver"]["rules"]
        places = 0
        for result in run["results"]:
            self.assertEqual(rules[result["ruleIndex"]]["id"], result["ruleId"])
            for location in result.get("locations", []):
                place = location["physicalLocation"]
                lines = (ROOT / place["artifactLocation"]["uri"]).read_text().splitlines()
                # The place is a document's first line, or a line inside of one.
                self.assertLessEqual(place["region"]["startLine"], len(lines))
                places += 1
        self.assertGreater(places, 5)
        for rule in rules:
            if rule["properties"]["tags"][0].startswith("164."):
                self.assertTrue(rule["helpUri"].startswith("https://www.ecfr.gov/current/title-45/section-164."), rule)

    def test_oscal_is_valid_and_never_green_without_data(self):
        if not NIST.exists():
            self.skipTest(f"NIST's schemas are not at {NIST}")
        results, catalog = self.folder / "results.json", self.folder / "catalog.json"
        results.write_text(judged("--format", "oscal"))
        catalog.write_text(judged("--format", "oscal-catalog"))
        validate(self, NIST / "oscal_assessment-results_schema.json", results)
        validate(self, NIST / "oscal_catalog_schema.json", catalog)
        findings = json.loads(judged("--format", "json"))["findings"]
        of = {}
        for f in findings:
            of.setdefault(f["requirement"], set()).add(f["status"])
        said = {
            f["title"]: f["target"]["status"]["state"]
            for f in json.loads(results.read_text())["assessment-results"]["results"][0]["findings"]
        }
        for requirement, statuses in of.items():
            asked = statuses - {"not-applicable"}
            want = None if not asked else "satisfied" if asked == {"pass"} else "not-satisfied"
            self.assertEqual(said.get(requirement), want, requirement)
        controls = {c["id"] for g in json.loads(catalog.read_text())["catalog"]["groups"] for c in g.get("controls", [])}
        self.assertLessEqual(set(of), controls)

    def test_text_begins_with_the_summary_and_caps_its_groups(self):
        text = judged()
        self.assertRegex(text.splitlines()[0], r"^examples/riverbend as of 2026-11-25: \d+ pass, \d+ fail, .*licenses\.$")
        self.assertIn("not legal advice", text)
        more = judged("--all")
        self.assertGreater(len(more), len(text))
        self.assertRegex(text, r"(?m)^  [a-z-]+  [a-z]+\.yaml:\d+$")

    def test_the_next_best_steps(self):
        first = judged("--next", "1")
        self.assertRegex(first, r"(?m)^  1\. (Do|Find out): ")
        self.assertNotIn("  2. ", first)
        every = judged("--next", "0")
        findings = json.loads(judged("--format", "json"))["findings"]
        for f in findings:
            if f["status"] in ("fail", "stale", "unknown"):
                self.assertIn(f["mend"], every)

    def test_the_schema_of_the_declaration_fits_the_examples(self):
        schema = self.folder / "stack.schema.json"
        schema.write_text(licet("schema")[1])
        for example in ("riverbend", "scribe"):
            files = [p for p in (ROOT / "examples" / example).rglob("*.yaml") if p.name != "licet.yaml"]
            validate(self, schema, *files)
        wrong = self.folder / "wrong.yaml"
        wrong.write_text("kind: flow\nid: f\nform: ehr\n")
        with self.assertRaises(AssertionError):
            validate(self, schema, wrong)


class Time(Temporary):
    def test_until_lists_what_lapses_and_when(self):
        code, out, err = licet("check", RIVERBEND, "--as-of", "2026-11-25", "--until", "2027-01-31", "--format", "json")
        self.assertEqual(code, 1, err)
        days = json.loads(out)["days"]
        self.assertEqual([d["on"] for d in days], sorted(d["on"] for d in days))
        lapse = next(d for d in days if d["on"] == "2027-01-11")  # baa-scribe-2026 expires on 2027-01-10, the last day in force
        broken = {f["finding"]["subject"] for f in lapse["findings"] if f["what"] == "breaks"}
        self.assertIn("notes-to-scribe", broken)
        self.assertIn("loses", {c["what"] for c in lapse["licenses"] if c["flow"] == "notes-to-scribe"})
        # Each day is what --as-of says of it.
        for day in days:
            then = json.loads(licet("check", RIVERBEND, "--as-of", day["on"], "--format", "json")[1])
            statuses = {(f["requirement"], f["subject"]): f["status"] for f in then["findings"]}
            for f in day["findings"]:
                key = (f["finding"]["requirement"], f["finding"]["subject"])
                self.assertEqual(statuses.get(key), f["after"], (day["on"], key))
        self.assertIn("notes-to-scribe", licet("check", RIVERBEND, "--as-of", "2026-11-25", "--until", "2027-01-31")[1])

    def test_until_today_changes_nothing(self):
        code, out, err = licet("check", RIVERBEND, "--as-of", DAY, "--until", DAY, "--format", "json")
        self.assertEqual((code, json.loads(out)["days"]), (0, []), err)

    def test_facts_from_a_file(self):
        facts = self.folder / "facts.json"
        fact = {"index": 7, "kind": "terminated", "subject": "baa-scribe-2026", "from": "2026-11-01", "recorded": "2026-11-02T10:00:00Z", "by": "j"}
        facts.write_text(json.dumps({"format": 1, "facts": [fact]}))

        def licenses(*args):
            text = judged(*args)
            return int(re.search(r"(?m) (\d+) licenses\.$", text)[1])

        self.assertLess(licenses("--facts", facts, "--facts-unsigned"), licenses())
        for broken in ("", "[]", '{"facts":[{}]}', '{"format":2,"facts":[]}', '{"facts":[{"index":1,"kind":"x","recorded":"soon"}]}'):
            facts.write_text(broken)
            code, out, err = licet("check", RIVERBEND, "--facts", facts, "--facts-unsigned")
            self.assertEqual(code, 2, out)
            self.assertIn("facts.json: ", err)


class Commits(Temporary):
    def setUp(self):
        super().setUp()
        self.repo = self.folder / "repo"
        (self.repo / "clinic").parent.mkdir()
        self.copy("repo/clinic")
        self.git("init", "-q", "-b", "main")
        self.commit("first", "2026-10-01T12:00:00Z")

    def git(self, *args, **env):
        who = {f"GIT_{w}_{k}": v for w in ("AUTHOR", "COMMITTER") for k, v in (("NAME", "T"), ("EMAIL", "t@example"))}
        return subprocess.run(
            ["git", *args], cwd=self.repo, env={**os.environ, **who, **env}, check=True, capture_output=True, text=True
        ).stdout.strip()

    def commit(self, message, when):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message, GIT_AUTHOR_DATE=when, GIT_COMMITTER_DATE=when)
        return self.git("rev-parse", "HEAD")

    def new_vendor(self):
        (self.repo / "clinic" / "vendor.yaml").write_text(
            "kind: organization\nid: tracker\nname: Tracker\n---\nkind: system\nid: tracker-sdk\nowner: tracker\nkeeps: persistent\n---\n"
            "kind: flow\nid: events-to-tracker\nfrom: ehr\nto: tracker-sdk\ndata: [clinical.note]\npurposes: [HOPERAT]\non-behalf-of: riverbend\n"
        )

    def check(self, *args):
        return licet("check", self.repo / "clinic", "--as-of", DAY, *args)

    def test_a_change_that_breaks_nothing_passes_though_old_failures_stay(self):
        self.assertEqual(self.check()[0], 1)
        code, out, err = self.check("--since", "HEAD")
        self.assertEqual(code, 0, out + err)
        self.assertIn("0 newly amiss, 0 mended", out)

    def test_an_uncovered_vendor_fails_and_its_end_mends(self):
        self.new_vendor()
        code, out, err = self.check("--since", "main")
        self.assertEqual(code, 1, out + err)
        self.assertIn("events-to-tracker", out)
        self.assertIn("Tracker", out)
        sarif = json.loads(self.check("--since", "main", "--format", "sarif")[1])["runs"][0]["results"]
        self.assertTrue(sarif)
        self.assertTrue(all("tracker" in json.dumps(r) for r in sarif), "only what is new")
        self.commit("vendor", "2026-11-01T12:00:00Z")
        (self.repo / "clinic" / "vendor.yaml").unlink()
        code, out, err = self.check("--since", "HEAD")
        self.assertEqual(code, 0, out + err)
        self.assertRegex(out, r"mends .*events-to-tracker")

    def test_diff_of_commits_names_who_loses_what(self):
        agreements = self.repo / "clinic" / "agreements.yaml"
        agreements.write_text(agreements.read_text().replace("expires: 2027-01-10", "expires: 2026-11-20", 1))
        code, out, err = licet("diff", self.repo / "clinic", "--since", "HEAD", "--as-of", DAY, "--format", "json")
        self.assertEqual(code, 1, err)
        report = json.loads(out)
        self.assertIn(("loses", "scribe"), {(c["what"], c["holder"]) for c in report["licenses"]})
        self.assertIn("notes-to-scribe", {f["finding"]["subject"] for f in report["findings"] if f["what"] == "breaks"})

    def test_what_was_known(self):
        self.new_vendor()
        self.commit("vendor", "2026-11-01T12:00:00Z")

        def subjects(day):
            code, out, err = licet("check", self.repo / "clinic", "--known", day, "--format", "json")
            self.assertIn(code, (0, 1), err)
            return {f["subject"] for f in json.loads(out)["findings"]}

        self.assertNotIn("events-to-tracker", subjects("2026-10-31"))
        self.assertIn("events-to-tracker", subjects("2026-11-01"))
        self.assertEqual(self.check("--known", "2026-09-30")[0], 2, "nothing was on record then")

    def test_what_is_no_commit(self):
        here = self.folder / "owned"
        for name in ("nothing", "--output=" + str(here), "-C", "HEAD..main", "$(touch x)", "HEAD:clinic", ""):
            if not name:
                continue
            with self.subTest(name):
                code, out, err = self.check(f"--since={name}")
                self.assertEqual(code, 2, out + err)
        self.assertFalse(here.exists())
        self.assertEqual(licet("check", self.copy("plain"), "--since", "HEAD")[0], 2, "no git work tree")

    def test_a_link_in_the_tree_leads_nowhere(self):
        os.symlink("/etc/hostname", self.repo / "clinic" / "outside.yaml")
        self.commit("link", "2026-11-01T12:00:00Z")
        os.unlink(self.repo / "clinic" / "outside.yaml")
        self.assertEqual(self.check("--since", "HEAD")[0], 0)


class Diff(Temporary):
    def test_two_days(self):
        code, out, err = licet("diff", RIVERBEND, "--as-of", DAY, "--then", "2027-02-01")
        self.assertEqual(code, 1, err)
        self.assertRegex(out, r"breaks pass → fail +notes-to-scribe")
        self.assertRegex(out, r"loses( care)? +scribe +notes-to-scribe")

    def test_a_pack(self):
        packs = self.folder / "packs"
        subprocess.run(["cp", "-r", ROOT / "packs", packs], check=True)
        (packs / "my-policy").mkdir()
        (packs / "my-policy" / "pack.yaml").write_text(
            'kind: pack\nid: my-policy\nversion: "1"\nstatus: proposed\ntitle: Ours\nsource: us\nretrieved-on: 2026-01-01\n---\n'
            "id: policy.named\ncites: [ours]\nsource: policy\nabout: program\nlevel: required\nasks: Every system has a name.\nproves: full\n"
            "effect: {default: alarm}\nnone: No system\neach: select id as subject, name, label from v_system\n"
            "check: select subject, case when name is null then 'fail' else 'pass' end as status, label || ' is looked at' as because,"
            " json_array(subject) as witness, json_array(subject) as facts from {each}\nmend: Name {subject}.\n"
            "cases:\n  pass: [{yaml: \"kind: organization\\nid: o\\nname: O\\n---\\nkind: system\\nid: s\\nname: S\\nowner: o\\n\", subject: s}]\n"
            "  fail: [{yaml: \"kind: organization\\nid: o\\nname: O\\n---\\nkind: system\\nid: s\\nowner: o\\n\", subject: s}]\n"
        )
        args = ("diff", RIVERBEND, "--packs", packs, "--as-of", DAY, "--pack", "my-policy", "--format", "json")
        code, out, err = licet(*args)
        self.assertEqual(code, 1, err)
        report = json.loads(out)
        self.assertEqual({f["finding"]["requirement"] for f in report["findings"]}, {"policy.named"})
        self.assertEqual(report["licenses"], [])
        self.assertEqual(licet("diff", RIVERBEND, "--pack", "no-such-pack")[0], 2)

    def test_what_the_proposed_rule_would_change(self):
        args = ("diff", RIVERBEND, "--as-of", DAY, "--pack", "hipaa-security-2025-proposed")
        code, out, err = licet(*args)
        self.assertEqual(code, 1, err)
        self.assertTrue(out.startswith("Proposed, not in force: hipaa-security-2025-proposed@"), out[:200])
        self.assertIn("None of this is the law today", out)
        change, rest = out.split("would have to change\n")[1].split("to find out: not on record\n")
        # What a person can act on: what is asked, of what, why, where, and what to do.
        self.assertRegex(change, r"nprm-2025\.164\.316\.reviewed-every-year \(nprm-2025:164\.316\)\n +Every policy.+Provenance: ")
        self.assertRegex(change, r"- password-procedure +security\.yaml:\d+\n +.+ was last approved on .+12 months\n +Do: Look password-procedure through")
        self.assertIn("unverified", change)
        self.assertRegex(rest, r"nprm-2025\.164\.312\.h\.2\.i\.scans")
        self.assertRegex(out, r"met already: .*nprm-2025\.")
        self.assertIn("Nothing else differs", out, "it takes nobody's license away")
        code, out, err = licet(*args, "--format", "json")
        report = json.loads(out)
        self.assertEqual(report["licenses"], [])
        [pack] = report["proposed"]
        ids = {r["id"] for r in pack["requirements"]}
        self.assertEqual({f["finding"]["requirement"] for f in report["findings"]}, ids)
        self.assertIn("(proposed, not in force)", report["after"]["under"])
        self.assertNotIn("proposed", report["before"]["under"], "never on by itself")
        self.assertTrue(all(r["notes"].startswith("Provenance: ") for r in pack["requirements"]))
        for example in (ROOT / "examples").glob("*/stack.yaml"):
            self.assertNotIn("proposed", example.read_text())

    def test_nothing_to_compare_with(self):
        self.assertEqual(licet("diff", RIVERBEND)[0], 2)
        code, out, err = licet("diff", RIVERBEND, RIVERBEND)
        self.assertEqual((code, "No difference" in out), (0, True), err)


class Coverage(Case):
    def test_every_paragraph_is_asked_about(self):
        code, out, err = licet("coverage", "--format", "json")
        report = json.loads(out)
        self.assertEqual((code, report["without_requirement"]), (0, 0), [p for p in report["paragraphs"] if not p["requirements"]])

    def test_the_audit_protocol(self):
        code, out, err = licet("coverage", "--ocr", "--format", "json")
        self.assertEqual(code, 0, err)
        report = json.loads(out)
        self.assertEqual(len(report["rows"]), 180)
        self.assertEqual([r for r in report["rows"] if bool(r["by"]) == bool(r["outside"])], [])
        code, out, err = licet("coverage", RIVERBEND, "--as-of", DAY, "--ocr")
        self.assertEqual(code, 0, err)
        self.assertRegex(out, r"164\.308\(a\)\(5\)\(ii\)\(D\) .*1 fail +hipaa-164\.308\.a\.5\.ii\.D\.passwords")
        self.assertRegex(out, r"outside: .*retaliates")


class HostilePacks(Temporary):
    """A pack is untrusted: what it tries is refused or stopped, with the place and the reason, and nothing is judged."""

    RULE = (
        'kind: pack\nid: hostile\nversion: "1"\nstatus: in-force\ntitle: H\nsource: x\nretrieved-on: 2026-01-01\n---\n'
        "{before}id: bad\ncites: [{cite}]\nsource: policy\nabout: program\nlevel: required\nasks: A.\nproves: full\neffect: {{default: alarm}}\n"
        "each: {each}\ncheck: {check}\nmend: M.\n"
    )
    EACH = "select id as subject from v_system"
    CHECK = "select subject, 'pass' as status, 'b' as because from {each}"

    def answer(self, each=EACH, check=CHECK, cite="ours", before=""):
        packs = self.folder / "packs"
        (packs / "hostile").mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-r", ROOT / "packs" / "classes", packs], check=True)
        (packs / "hostile" / "pack.yaml").write_text(self.RULE.format(each=each, check=check, cite=cite, before=before))
        stack = self.folder / "stack"
        stack.mkdir(exist_ok=True)
        (stack / "stack.yaml").write_text(
            "kind: stack\nid: s\nformat: 1\ntenant: o\ntimezone: Etc/UTC\npacks: [hostile@1]\n---\nkind: organization\nid: o\nname: O\n---\nkind: system\nid: sys\nowner: o\n"
        )
        return licet("check", stack, "--packs", packs)

    def test_the_harmless_one_judges(self):
        code, out, err = self.answer()
        self.assertEqual((code, "1 pass" in out), (0, True), err)

    def test_writing_and_reaching_out(self):
        target = self.folder / "written"
        for sql in (
            "delete from system",
            "insert into v_thing values ('a', 'b', 'c')",
            "update system set region = 'x'",
            "drop table system",
            "create table x(y)",
            f"attach database '{target}' as y",
            f"vacuum into '{target}'",
            "pragma writable_schema = 1",
            "select load_extension('x')",
            "select subject, 'pass' as status, readfile('/etc/passwd') as because from {each}",
        ):
            with self.subTest(sql):
                code, out, err = self.answer(check=sql)
                self.assertEqual((code, out), (2, ""), err)
                self.assertRegex(err, r"pack\.yaml:9: bad \(check\): (not authorized|no such function)")
                self.assertFalse(target.exists())
        code, out, err = self.answer(before="kind: view\nid: v_x\nrows: select 1; drop table system\n---\n")
        self.assertEqual((code, "more than one SQL statement" in err), (2, True), err)

    def test_running_for_ever_and_giving_too_much(self):
        numbers = "with recursive n(i) as (select 1 union all select i + 1 from n{end}) "
        for part, sql, says in (
            ("check", numbers.format(end="") + "select 'sys' as subject, 'pass' as status, 'b' as because from n where i < 0", "bad (check)"),
            ("each", numbers.format(end=" where i < 10000000") + "select i as subject from n", "bad (each): more than 500000 rows"),
            ("check", numbers.format(end=" where i < 10000000") + "select 'sys' as subject, 'pass' as status, 'b' as because from n", "bad (check)"),
            ("check", "select subject, 'pass' as status, hex(zeroblob(20000)) as because from {each}", "longer than"),
        ):
            with self.subTest(sql):
                code, out, err = self.answer(**{part: sql})
                self.assertEqual((code, out), (2, ""), err)
                self.assertIn(says, err)

    def test_citing_what_is_not_there(self):
        table = 'kind: citations\nsource: x\nretrieved-on: 2026-01-01\ntable:\n  - {cite: "164.308(a)(2)", level: standard, title: T}\n---\n'
        code, out, err = self.answer(cite='"164.308(b)(4)"', before=table)
        self.assertEqual((code, out), (2, ""))
        self.assertIn("no paragraph 164.308(b)(4) in the pack's citations", err)
        code, out, err = self.answer(cite='"164.308(a)(2)"', before=table)
        self.assertIn("164.308(a)(2) is standard, not required", err)


class Documents(Case):
    def test_docs_cli_is_what_the_program_says(self):
        sys.path.insert(0, str(ROOT / "tools"))
        import make_cli_docs

        text = (ROOT / "docs" / "cli.md").read_text()
        known = re.findall(r"(?m)^## `licet ([a-z]+)", text)
        verbs = make_cli_docs.verbs(BINARY)
        self.assertLessEqual(set(known), set(verbs), "a verb that is not there")
        for verb in known:
            with self.subTest(verb):
                self.assertIn(make_cli_docs.section(BINARY, verb), text + "\n", "tools/make_cli_docs.py > docs/cli.md")
        if missing := sorted(set(verbs) - set(known)):
            self.skipTest(f"docs/cli.md has no section on {', '.join(missing)}: tools/make_cli_docs.py > docs/cli.md")
