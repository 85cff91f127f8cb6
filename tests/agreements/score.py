#!/usr/bin/env python3
"""How well `licet read` reads a folder of labeled agreements: per-term F1, the confusion table, and every answer that is not the label's.

    tests/agreements/score.py ../shared/data/baa            # labels.csv beside the texts: yes, partial, no, na
    tests/agreements/score.py FOLDER --misses --binary build/release/licet

A label `yes` is met by present or stricter; `partial` by weaker or unclear; `no` by absent (weaker and unclear are over-cautious, never false);
present on anything but `yes` is a false present. F1 is of present against yes.
"""

import argparse
import collections
import csv
import json
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
COLUMNS = {  # of the labels → our terms
    "permitted_uses": "permitted-uses", "no_further_use": "no-further-use", "safeguards": "safeguards", "security_rule": "security-rule",
    "report_impermissible_use": "report-use", "report_breach": "report-breach", "report_security_incident": "report-incident",
    "subcontractor_flowdown": "subcontractors", "access_524": "access", "amendment_526": "amendment", "accounting_528": "accounting",
    "ce_obligations": "entity-duties", "books_records_hhs": "books", "return_destroy": "return-destroy",
    "termination_material_breach": "termination",
}


def f1(right, false, missed):
    return 2 * right / (2 * right + false + missed) if right + false + missed else 1.0


def score(folder, binary):
    """(kinds wrong, {(term, label, said): [(file, quote, because)]})"""
    wrong, table = [], collections.defaultdict(list)
    for row in csv.DictReader((folder / "labels.csv").open()):
        run = subprocess.run([binary, "read", folder / row["file"], "--format", "json"], capture_output=True, text=True, cwd=ROOT)
        got = json.loads(run.stdout)
        decoy = row["doc_type"] == "not_a_baa"
        if (got["kind"] in ("not-an-agreement", "agreement")) != decoy:
            wrong.append(f"{row['file']}: {row['doc_type']}, said {got['kind']}")
        if decoy:
            continue
        said = {c["term"]: c for c in got["clauses"]}
        for column, term in COLUMNS.items():
            if row[column] == "na":
                continue
            c = said.get(term, {"is": "absent", "quote": "", "because": ""})
            here = "present" if c["is"] == "stricter" else c["is"]
            table[term, row[column], here].append((row["file"], c["quote"], c.get("because", "")))
    return wrong, table


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("folder", type=pathlib.Path)
    ask.add_argument("--binary", default=str(ROOT / "build/release/licet"))
    ask.add_argument("--misses", action="store_true", help="list every answer that is not the label's")
    args = ask.parse_args()
    wrong, table = score(args.folder.resolve(), args.binary)
    count = collections.Counter({key: len(v) for key, v in table.items()})
    said = ["present", "weaker", "unclear", "absent"]
    print(f"{'label → said':<16}" + "".join(f"{s:>9}" for s in said))
    for label in ("yes", "partial", "no"):
        print(f"{label:<16}" + "".join(f"{sum(n for (t, l, s), n in count.items() if (l, s) == (label, here)):>9}" for here in said))
    print(f"\n{'term':<18}{'F1':>6}{'right':>7}{'false':>7}{'missed':>8}")
    all_right = all_false = all_missed = 0
    for term in COLUMNS.values():
        right = count[term, "yes", "present"]
        false = count[term, "partial", "present"] + count[term, "no", "present"]
        missed = sum(count[term, "yes", s] for s in said[1:])
        all_right, all_false, all_missed = all_right + right, all_false + false, all_missed + missed
        print(f"{term:<18}{f1(right, false, missed):>6.3f}{right:>7}{false:>7}{missed:>8}")
    print(f"{'all':<18}{f1(all_right, all_false, all_missed):>6.3f}{all_right:>7}{all_false:>7}{all_missed:>8}")
    for line in wrong:
        print("kind:", line)
    if args.misses:
        for (term, label, here), found in sorted(table.items()):
            if (label == "yes") == (here == "present") and not (label == "partial" and here == "absent"):
                continue
            for file, quote, because in found:
                print(f"\n{file} {term}: {label}, said {here} ({because})\n    {' '.join(quote.split())[:300]}")


if __name__ == "__main__":
    main()
