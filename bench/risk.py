#!/usr/bin/env python3
"""`licet risk` on a table of invented people, beside pycanon (PyPI) on the same file in the same run.

    tools/build release licet
    python3 -m pip install --target build/bench/pycanon pycanon==1.3.6     # the peer; left out where it is missing
    python3 bench/risk.py [--rows 1000000] [--print]                       # else writes bench/results/DATE-MACHINE-risk.md

What is timed is the whole command, from exec to exit: Licet's reading, hashing (SHA-256 of the file), measuring and printing; pycanon's reading by
pandas, k_anonymity, and with sensitive columns l_diversity, entropy_l_diversity and t_closeness. Both must agree before a time counts.
"""
import argparse
import datetime
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LICET = ROOT / "build" / "release" / "licet"
WORK = ROOT / "build" / "bench"
QUASI = ["birth", "zip", "sex", "race", "marital", "language", "payer", "admitted"]
SENSITIVE = ["diagnosis"]


def people(path, rows):
    """8 quasi-identifiers of the widths that hospital data have, a sensitive column, and one that nobody considers."""
    if path.exists():
        return
    r = random.Random(rows)
    days = [(datetime.date(1930, 1, 1) + datetime.timedelta(days=d)).isoformat() for d in range(28000)]
    admitted = [(datetime.date(2024, 1, 1) + datetime.timedelta(days=d)).isoformat() for d in range(366)]
    zips = [f"{z:05}" for z in r.sample(range(1000, 99999), 900)]
    codes = [f"{a}{n:02}.{m}" for a in "ABCDEFGIJKLM" for n in range(20) for m in range(4)]
    weights = [1 / (i + 1) for i in range(len(codes))]
    with open(path.with_suffix(".part"), "w") as f:
        f.write(",".join([*QUASI, *SENSITIVE, "note"]) + "\n")
        for start in range(0, rows, 100_000):
            dx = r.choices(codes, weights, k=100_000)
            f.writelines(
                f"{r.choice(days)},{r.choice(zips)},{r.choice('FM')},{r.choice('ABCDEF')},{r.choice('MSDW')},{r.choice(('en', 'es', 'zh', 'vi', 'ht'))},"
                f"{r.choice(('medicare', 'medicaid', 'blue', 'self', 'other'))},{r.choice(admitted)},{dx[i]},n{i}\n"
                for i in range(min(100_000, rows - start)))
    path.with_suffix(".part").rename(path)


def timed(argv, env=None):
    """Wall, CPU seconds, peak MiB, stdout."""
    begun = time.monotonic()
    process = subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=env)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begun
    if status not in (0, 256):
        raise RuntimeError(f"{argv}: status {status}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out


def best(argv, times, env=None):
    runs = [timed(argv, env) for _ in range(times)]
    return statistics.median(r[0] for r in runs), statistics.median(r[1] for r in runs), max(r[2] for r in runs), runs[0][3]


PEER = """
import json, sys, time
import pandas
from pycanon import anonymity
path, quasi, sensitive = sys.argv[1], sys.argv[2].split(","), [s for s in sys.argv[3].split(",") if s]
data = pandas.read_csv(path, dtype=str, usecols=quasi + sensitive)
out = {"k": int(anonymity.k_anonymity(data, quasi))}
if sensitive:
    out["l"] = int(anonymity.l_diversity(data, quasi, sensitive))
    out["entropy_l"] = float(anonymity.entropy_l_diversity(data, quasi, sensitive))
    out["t"] = float(anonymity.t_closeness(data, quasi, sensitive))
print(json.dumps(out))
"""


def peer(path, quasi, sensitive, limit):
    env = {**os.environ, "PYTHONPATH": str(WORK / "pycanon")}
    argv = ["timeout", str(limit), sys.executable, "-c", PEER, path, ",".join(quasi), ",".join(sensitive)]
    try:
        return timed(argv, env)
    except RuntimeError:
        return None


def figure(run):
    return f"{run[0]:.2f} s | {run[1]:.2f} s | {run[2]:,.0f} MiB"


def main():
    parse = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parse.add_argument("--rows", type=int, default=1_000_000)
    parse.add_argument("--times", type=int, default=5)
    parse.add_argument("--limit", type=int, default=300, help="seconds that the peer may take")
    parse.add_argument("--print", action="store_true")
    args = parse.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    big, small, huge = WORK / f"risk-{args.rows}.csv", WORK / f"risk-{args.rows // 200}.csv", WORK / f"risk-{args.rows * 4}.csv"
    people(big, args.rows)
    people(small, args.rows // 200)
    quasi, load = ",".join(QUASI), os.getloadavg()
    measure = lambda path, *more: [LICET, "risk", path, "--quasi", quasi, "--format", "json", *more]
    lines = []

    def row(what, run, note=""):
        lines.append(f"| {what} | {figure(run) if run else f'not done in {args.limit} s | – | –'} | {note} |")
        print(lines[-1], file=sys.stderr)

    rows, mib = args.rows, big.stat().st_size / 2**20
    name = f"{rows:,} rows × 8 ({mib:.0f} MiB)"
    plain = best(measure(big), args.times)
    row(f"licet risk, {name}", plain, f"target ≤ 2 s: {'met' if plain[0] <= 2 else f'**missed**: {plain[0] / 2:.2f}×'}")
    full = best(measure(big, "--sensitive", "diagnosis"), args.times)
    row(f"licet risk --sensitive, {name}", full)
    streamed = best(measure(big, "--sensitive", "diagnosis", "--memory", "16"), args.times)
    row("the same, streamed (--memory 16)", streamed)
    a, b = json.loads(full[3])["as_is"], json.loads(streamed[3])["as_is"]
    assert (a["classes"], a["k"], a["class_sizes"]) == (b["classes"], b["k"], b["class_sizes"])

    found = importlib.machinery.PathFinder.find_spec("pycanon", [str(WORK / "pycanon")])
    if found:
        run = peer(big, QUASI, [], args.limit)
        if run:
            assert json.loads(run[3])["k"] == json.loads(plain[3])["as_is"]["k"], run[3]
        row(f"pycanon k_anonymity, {name}", run, f"{run[0] / plain[0]:.0f}× Licet's time" if run else "")
        few = ["sex", "race", "payer"]
        ours = best([LICET, "risk", small, "--quasi", ",".join(few), "--sensitive", "diagnosis", "--format", "json"], args.times)
        row(f"licet risk --sensitive, {rows // 200:,} rows × 3", ours)
        run = peer(small, few, SENSITIVE, args.limit)
        if run:
            theirs, mine = json.loads(run[3]), json.loads(ours[3])["as_is"]
            mine_s = mine["sensitive"][0]
            assert (theirs["k"], theirs["l"]) == (mine["k"], mine_s["distinct_l"]), (theirs, mine)
            assert abs(theirs["t"] - mine_s["t"]) < 1e-3 and int(theirs["entropy_l"]) == int(mine_s["entropy_l"]), (theirs, mine_s)
        row(f"pycanon k, l, entropy l, t, {rows // 200:,} rows × 3", run, f"{run[0] / ours[0]:.0f}× Licet's time; k, l, entropy l, t agree" if run else "")
    else:
        lines.append("| pycanon | – | – | – | not installed |")

    for target, name in (("k=5,suppress=0.05", "8 columns"), ("k=11,suppress=0.01", "8 columns")):
        run = timed([LICET, "risk", big, "--quasi", quasi, "--target", target, "--format", "json", "--seconds", "120"])
        s = json.loads(run[3])["search"]
        row(f"search, {target}, {rows:,} rows, {name}", run,
            f"{s['nodes']:,.0f} combinations, {s['checks']} checked, {'optimal' if s['optimal'] else 'not proven optimal'}, loss {s.get('loss', 1):.3f}")
    people(huge, args.rows * 4)
    for memory in ("16",):
        run = timed(measure(huge, "--memory", memory))
        row(f"{rows * 4:,} rows ({huge.stat().st_size / 2**20:,.0f} MiB), streamed with --memory {memory}", run, f"{huge.stat().st_size / 2**20 / run[0]:.0f} MiB/s")
    half = timed(measure(big, "--memory", "16"))
    row(f"{rows:,} rows, streamed with --memory 16", half)

    sys.path.insert(0, str(ROOT / "bench"))
    loader = importlib.machinery.SourceFileLoader("bench_run", str(ROOT / "bench" / "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench_run", loader))
    loader.exec_module(module)
    slug, head = module.machine()
    today = datetime.date.today().isoformat()
    out = "\n".join([
        f"# Re-identification risk, {today}, {slug}", "", *(f"- {line}" for line in head), f"- load average at the start {load[0]:.1f}, at the end {os.getloadavg()[0]:.1f}", "",
        "Written by `bench/risk.py`; bench/README.md says how to read it. Wall and CPU time of the whole command, median of "
        f"{args.times} (searches, peers and the large file once), peak resident memory.", "",
        "| what | wall | CPU | memory | |", "|---|---|---|---|---|", *lines, ""])
    if args.print:
        print(out)
        return
    path = ROOT / "bench" / "results" / f"{today}-{slug}-risk.md"
    path.write_text(out)
    print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
