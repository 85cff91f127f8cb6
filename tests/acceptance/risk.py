"""`licet risk`, seen from outside: figures that can be counted by hand, attacks whose truth is known, and no value of the data anywhere."""

import collections
import csv
import hashlib
import json
import os
import pathlib
import random
import re
import stat
import subprocess
import unittest

from world import BINARY, ROOT, folder

HERE = None
NAMES = ["name", "mrn", "birth", "zip", "sex", "race", "diagnosis", "charge"]
QUASI = "birth,zip,sex"


def setUpModule():
    global HERE
    HERE = folder() / "risk"
    HERE.mkdir()
    people(HERE / "visits.csv", 4000, 1)


def people(path, n, seed, more=()):
    """Invented people, with values that occur nowhere else: what leaks is found."""
    r = random.Random(seed)
    rows = []
    for i in range(n):
        born = f"{r.randint(1935, 2005)}-{r.randint(1, 12):02}-{r.randint(1, 28):02}"
        rows.append([f"{r.choice(['Zyxala', 'Qorvin', 'Wexmire'])} {r.choice(['Plonk', 'Grivet', 'Thrask'])}", f"MRN{seed}{i:07}", born,
                     f"977{r.randint(0, 39):02}", r.choice("FM"), r.choice(["Vexian", "Morlan", "Tarnic"]),
                     r.choice(["dxGlarb", "dxPlim", "dxQuon", "dxRusk", "dxSnell"]), str(r.randint(100, 140) * 7)])
    with open(path, "w", newline="") as f:
        w = csv.writer(f)
        w.writerow(NAMES)
        w.writerows(rows)
        w.writerows(more)
    return rows


def licet(*argv, expect=0, **env):
    done = subprocess.run([BINARY, "risk", *map(str, argv)], capture_output=True, text=True, cwd=HERE, env={**os.environ, **env}, timeout=120)
    if done.returncode != expect:
        raise AssertionError(f"exit {done.returncode}, not {expect}: {done.stdout}{done.stderr}")
    return done.stdout if expect != 2 else done.stderr


def measured(*argv, expect=0):
    return json.loads(licet(*argv, "--format", "json", expect=expect))


def table(path):
    with open(HERE / path, newline="") as f:
        return list(csv.DictReader(f))


def classes(rows, by=QUASI):
    return collections.Counter(tuple(row[c] for c in by.split(",")) for row in rows)


class Measures(unittest.TestCase):
    def test_are_what_counting_gives(self):
        rows = table("visits.csv")
        for quasi in ("zip,sex", "sex,race,zip", QUASI):
            with self.subTest(quasi):
                found, by_hand = measured("visits.csv", "--quasi", quasi, "--sensitive", "diagnosis,charge", "--threshold", "0.1"), classes(rows, quasi)
                a = found["as_is"]
                self.assertEqual((a["rows"], a["classes"], a["k"]), (len(rows), len(by_hand), min(by_hand.values())))
                self.assertEqual(a["unique_rows"], sum(1 for n in by_hand.values() if n == 1))
                self.assertAlmostEqual(a["prosecutor"]["mean"], len(by_hand) / len(rows))
                self.assertEqual(a["prosecutor"]["rows_above_threshold"], sum(n for n in by_hand.values() if 1 / n > 0.1))
                held = collections.defaultdict(set)
                for row in rows:
                    held[tuple(row[c] for c in quasi.split(","))].add(row["diagnosis"])
                self.assertEqual(a["sensitive"][0]["distinct_l"], min(map(len, held.values())))
                self.assertEqual([s["distance"] for s in a["sensitive"]], ["equal", "ordered"])
                self.assertEqual(found["inputs"][0]["sha256"], hashlib.sha256((HERE / "visits.csv").read_bytes()).hexdigest())

    def test_a_file_larger_than_memory_gives_the_same(self):
        people(HERE / "large.csv", 60000, 3)
        asked = ["large.csv", "--quasi", QUASI, "--sensitive", "diagnosis,charge"]
        small, whole = measured(*asked, "--memory", 1), measured(*asked)
        self.assertEqual((small["streamed"], whole["streamed"]), (True, False))
        for a, b in zip(small["as_is"].pop("sensitive"), whole["as_is"].pop("sensitive")):
            self.assertEqual(set(a), set(b))
            for key in a:
                (self.assertAlmostEqual if isinstance(a[key], float) else self.assertEqual)(a[key], b[key], key)
        self.assertEqual(small["as_is"], whole["as_is"])

    def test_a_population_table_and_an_estimate(self):
        everybody = people(HERE / "everybody.csv", 8000, 5)
        r = random.Random(2)
        sample = r.sample(everybody, 1600)
        with open(HERE / "sample.csv", "w", newline="") as f:
            csv.writer(f).writerows([NAMES, *sample])
        register = classes(table("everybody.csv"), "zip,sex,race")
        mine = classes(table("sample.csv"), "zip,sex,race")
        a = measured("sample.csv", "--quasi", "zip,sex,race", "--population", "everybody.csv")["as_is"]
        self.assertAlmostEqual(a["journalist"]["max"], max(1 / register[c] for c in mine))
        self.assertAlmostEqual(a["marketer"]["mean"], sum(n / register[c] for c, n in mine.items()) / 1600)
        self.assertEqual(a["rows_of_classes_larger_than_in_population"], 0)
        # What the sample alone says of the population, by birth year, is near what the register has.
        year = [dict(zip(NAMES, row), birth=row[2][:4]) for row in everybody]
        for name, rows in (("everybody-y.csv", year), ("sample-y.csv", r.sample(year, 1600))):
            with open(HERE / name, "w", newline="") as f:
                w = csv.DictWriter(f, NAMES)
                w.writeheader()
                w.writerows(rows)
        truly = measured("sample-y.csv", "--quasi", QUASI, "--population", "everybody-y.csv")["as_is"]["population_unique_rows"]
        guess = measured("sample-y.csv", "--quasi", QUASI, "--population-size", 8000)["as_is"]["population"]
        self.assertLess(abs(guess["pitman"]["unique_rows"] - truly), 0.5 * truly + 60, (guess, truly))


class Attack(unittest.TestCase):
    def test_finds_again_what_it_should(self):
        rows = table("visits.csv")
        voters = [dict(row, birth=f"{row['birth'][:8]}{(int(row['birth'][8:]) % 27) + 1:02}" if i % 4 == 0 else row["birth"]) for i, row in enumerate(rows[:2000])]
        with open(HERE / "voters.csv", "w", newline="") as f:
            w = csv.writer(f, delimiter=";")
            w.writerow(["id", "dob", "postal", "gender", "full"])
            w.writerows([v["mrn"], v["birth"], v["zip"], v["sex"], v["name"]] for v in voters)
        asked = ["visits.csv", "--quasi", QUASI, "--against", "voters.csv", "--truth", "mrn=id"]
        exact, fuzzy = measured(*asked, "--match", "birth=dob~28d,zip=postal,sex=gender")["linkage"]
        by = collections.Counter((v["birth"], v["zip"], v["sex"]) for v in voters)
        who = {(v["birth"], v["zip"], v["sex"]): v["mrn"] for v in voters}
        unique = [row for row in rows if by[(row["birth"], row["zip"], row["sex"])] == 1]
        self.assertEqual(exact["found_uniquely"], len(unique))
        self.assertEqual(exact["right"]["unique"], sum(who[(row["birth"], row["zip"], row["sex"])] == row["mrn"] for row in unique))
        self.assertGreater(fuzzy["found_uniquely"] + fuzzy["found_ambiguously"], exact["found_uniquely"] + exact["found_ambiguously"])
        self.assertGreater(fuzzy["right"]["unique"] + fuzzy["right"]["among_ambiguous"], exact["right"]["unique"])

    def test_rows_on_request_only_as_numbers(self):
        (HERE / "one.csv").write_text("birth,zip,sex\n" + ",".join(table("visits.csv")[41][c] for c in QUASI.split(",")) + "\n")
        licet("visits.csv", "--quasi", QUASI, "--against", "one.csv", "--rows", "rows.csv", "--again")
        self.assertIn({"row": "42", "found": "1"}, table("rows.csv"))
        self.assertEqual(stat.S_IMODE((HERE / "rows.csv").stat().st_mode), 0o600)

    def test_generalized_data_are_attacked_as_an_attacker_would(self):
        rows = table("visits.csv")
        with open(HERE / "all.csv", "w", newline="") as f:
            w = csv.DictWriter(f, NAMES)
            w.writeheader()
            w.writerows(rows)
        attacks = measured("visits.csv", "--quasi", QUASI, "--against", "all.csv", "--truth", "mrn", "--target", "k=8")["linkage"]
        before, after = attacks
        self.assertGreater(before["right"]["unique"], 3000)
        self.assertEqual((after["found_uniquely"], after["right"]["unique"]), (0, 0))
        self.assertEqual(after["right"]["among_ambiguous"], after["found_ambiguously"])


class Targets(unittest.TestCase):
    def test_are_met_by_the_file_that_is_written(self):
        out = HERE / "released.csv"
        found = measured("visits.csv", "--quasi", QUASI, "--sensitive", "diagnosis", "--target", "k=11,l=3,suppress=0.03", "--out", out, "--keep", "charge",
                         "--hierarchy", "birth=date:year,5y,10y", "--hierarchy", "zip=prefix:4,3")
        self.assertTrue(found["search"]["met"] and found["search"]["optimal"])
        rows = table(out)
        self.assertEqual(list(rows[0]), ["birth", "zip", "sex", "diagnosis", "charge"])  # no name, no number: nobody asked for them
        self.assertEqual(len(rows) + found["search"]["suppressed_rows"], 4000)
        by_hand = classes(rows)
        self.assertGreaterEqual(min(by_hand.values()), 11)
        again = measured(out, "--quasi", QUASI, "--sensitive", "diagnosis", "--target", "k=11,l=3", "--as-is")
        self.assertTrue(again["target"]["met_as_is"])
        self.assertEqual(again["as_is"]["class_sizes"], found["generalized"]["class_sizes"])
        self.assertEqual(found["output"]["sha256"], hashlib.sha256(out.read_bytes()).hexdigest())
        self.assertEqual(stat.S_IMODE(out.stat().st_mode), 0o600)
        self.assertIn("--again", licet("visits.csv", "--quasi", QUASI, "--target", "k=2", "--out", out, expect=2))

    def test_exit_codes(self):
        licet("visits.csv", "--quasi", "sex", "--target", "k=11", "--as-is")
        licet("visits.csv", "--quasi", QUASI, "--target", "k=11", "--as-is", expect=1)
        licet("visits.csv", "--quasi", QUASI, "--target", "k=5000", expect=1)
        licet("visits.csv", "--quasi", QUASI, "--target", "risk=0.09", "--hierarchy", "birth=keep", expect=1)

    def test_a_hierarchy_from_a_file(self):
        (HERE / "race.csv").write_text("Vexian;A;*\nMorlan;A;*\nTarnic;B;*\n")
        found = measured("visits.csv", "--quasi", "zip,race", "--target", "k=45", "--hierarchy", "race=race.csv", "--hierarchy", "zip=keep")
        self.assertEqual([q.get("levels") for q in found["quasi_identifiers"]], [["as is"], ["as is", "step 1", "*"]])
        self.assertIn("hierarchy", [i["role"] for i in found["inputs"]])


class Says(unittest.TestCase):
    def leaks(self, text):
        planted = {v for row in table("visits.csv") for k, v in row.items() if k not in ("sex", "charge")} | {"Zyxala", "Grivet"}
        return sorted(v for v in planted if v in text)[:5]

    def test_no_value_of_the_data(self):
        asked = ["visits.csv", "--quasi", QUASI + ",race", "--sensitive", "diagnosis", "--against", "visits.csv", "--truth", "mrn", "--population", "visits.csv",
                 "--match", "birth~2d,zip^4,sex,name~0.9", "--target", "k=3,suppress=0.1"]
        for form in ("text", "json", "html"):
            with self.subTest(form):
                text = licet(*asked, "--format", form)
                self.assertEqual(self.leaks(text), [])
                self.assertIn("164.514(b)(1)", text)
        for wrong in (["visits.csv", "--quasi", "birthday"], ["bad.csv", "--quasi", QUASI], ["headless.csv", "--quasi", QUASI]):
            lines = (HERE / "visits.csv").read_text().splitlines()
            (HERE / "bad.csv").write_text("\n".join([*lines[:3], lines[3] + ",more", *lines[4:9]]))
            (HERE / "headless.csv").write_text("\n".join(lines[1:9]))
            self.assertEqual(self.leaks(licet(*wrong, expect=2)), [])

    def test_where_and_what_to_do(self):
        for argv, says in (
            (["visits.csv", "--quasi", "brith"], 'is it "birth"?'),
            (["visits.csv"], "--quasi names the columns"),
            (["none.csv", "--quasi", "a"], "none.csv: can't be read"),
            (["visits.csv", "--quasi", QUASI, "--target", "k=x"], "none of k=11"),
            (["visits.csv", "--quasi", QUASI, "--target", "l=2"], "name them"),
            (["visits.csv", "--quasi", QUASI, "--target", "k=3", "--hierarchy", "zip=number:2,5"], "does not nest"),
            (["visits.csv", "--quasi", QUASI, "--target", "k=3", "--hierarchy", "birth=date:week"], "a step of a date is"),
            (["visits.csv", "--quasi", QUASI, "--match", "zip"], "go with --against"),
            (["visits.csv", "--quasi", QUASI, "--population-size", "9"], "the data alone have 4000 rows"),
            (["visits.csv", "--quasi", QUASI, "--sensitive", "sex"], "one or the other"),
            (["visits.csv", "--quasi", QUASI, "--target", "k=2", "--out", "visits.csv", "--again"], "is what is read"),
            (["open.csv", "--quasi", "a"], "row 2: a quote is opened and not closed"),
            (["short.csv", "--quasi", "a"], "row 2 has 1 fields, the first line 2"),
            (["empty.csv", "--quasi", "a"], "must name the columns"),
        ):
            (HERE / "open.csv").write_text('a,b\n1,2\n3,"4\n')
            (HERE / "short.csv").write_text("a,b\n1,2\n3\n")
            (HERE / "empty.csv").write_text("")
            with self.subTest(argv):
                self.assertIn(says, licet(*argv, expect=2))

    def test_a_report_to_print_and_sign(self):
        page = licet("visits.csv", "--quasi", QUASI, "--sensitive", "diagnosis", "--target", "k=5,suppress=0.05", "--population-size", "90000", "--format", "html")
        self.assertEqual(page.count("<svg"), 3)
        for word in ("Signature", "Qualifications", "not an expert determination", "SHA-256", "Pitman", "simple random sample", "@media print"):
            self.assertIn(word, page)
        self.assertIsNone(re.search(r"<script|https?://", page))
        self.assertEqual(page, licet("visits.csv", "--quasi", QUASI, "--sensitive", "diagnosis", "--target", "k=5,suppress=0.05", "--population-size", "90000",
                                     "--format", "html"), "the same input gives the same bytes")

    def test_the_page_is_well_formed(self):
        import xml.dom.minidom

        page = licet("visits.csv", "--quasi", QUASI, "--target", "k=5,suppress=0.05", "--format", "html")
        for svg in re.findall(r"<svg.*?</svg>", page, re.S):
            xml.dom.minidom.parseString(svg)

    def test_nothing_stays_in_scratch(self):
        scratch = pathlib.Path(HERE / "scratch")
        scratch.mkdir()
        people(HERE / "large.csv", 60000, 3)
        licet("large.csv", "--quasi", QUASI, "--memory", 1, "--scratch", scratch)
        self.assertEqual(list(scratch.iterdir()), [])
