#!/usr/bin/env python3
"""`licet deid` on a CSV of twelve columns and 2.2 million invented records, the whole program: megabytes (10⁶ bytes) of input per second of CPU, user and system.

    tools/build release licet
    python3 bench/deid_csv.py [--beside ANOTHER/licet] [--times 5]

Of each record a code for the patient, a year, a three-digit ZIP, four codes, two numbers and a unit stay, and two columns are dropped. Two orders: `by patient`
(the 22 records of one of 100,000 patients stand together, as in an export by patient) and `any order`. File to file, and through a pipe. With --beside the two
programs run in turns; the table has the least and the mean of each.
"""
import argparse
import os
import pathlib
import random
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "bench"
COLUMNS = "patient id=patient,dob=date,zip=zip,sex=token,loinc=token,value=number,systolic=number,flag=token,status=token,unit=token,name=name,address=street"


def records(path, rows, patients, together):
    if path.exists():
        return
    r = random.Random(7)
    zips = [f"{z:05}" for z in r.sample(range(1000, 99999), 900)]
    people = [f"P-{100_000 + p},{r.randrange(1930, 2020)}-{r.randrange(1, 13):02}-{r.randrange(1, 29):02},{r.choice(zips)},{r.choice('FM')}" for p in range(patients)]
    names = [f"{a} {b},{n} {s}" for a in ("Maria", "Tom", "Ruth") for b in ("Plantedworth", "Quillfeather") for n in (5, 12, 77) for s in ("Alder Lane", "Bell St")]
    tests, units = ("2345-7", "2160-0", "2951-2", "718-7", "4548-4", "13457-7"), ("mg/dL", "mmol/L", "%", "mm[Hg]")
    with open(path.with_suffix(".part"), "w") as f:
        f.write(",".join(c.split("=")[0] for c in COLUMNS.split(",")) + "\n")
        f.writelines(
            f"{people[n * patients // rows if together else r.randrange(patients)]},{r.choice(tests)},{r.randrange(10, 2000) / 10},{r.randrange(90, 190)},"
            f"{r.choice('NHL')},{r.choice(('final', 'preliminary', 'amended'))},{r.choice(units)},{r.choice(names)}\n" for n in range(rows))
    path.with_suffix(".part").rename(path)


def cpu(argv, **more):
    """Seconds of CPU of the program alone."""
    _, status, usage = os.wait4(subprocess.Popen(argv, **more).pid, 0)
    assert status == 0, status
    return usage.ru_utime + usage.ru_stime


def main():
    parse = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parse.add_argument("--beside", type=pathlib.Path, help="another build of licet, run in turns")
    parse.add_argument("--times", type=int, default=5)
    parse.add_argument("--rows", type=int, default=2_200_000)
    args = parse.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    programs = [ROOT / "build" / "release" / "licet", *([args.beside.resolve()] if args.beside else [])]
    out = WORK / "csv-out.csv"
    for order in ("by patient", "any order"):
        path = WORK / f"csv-{args.rows}-{order.replace(' ', '-')}.csv"
        records(path, args.rows, 100_000, order == "by patient")
        for way in ("file to file", "through a pipe"):
            seconds = {p: [] for p in programs}
            for _ in range(args.times):
                for p in programs:
                    argv = [p, "deid", "--columns", COLUMNS, "--profile", "safe-harbor", "--quiet", "--packs", ROOT / "packs"]
                    out.unlink(missing_ok=True)
                    if way == "file to file":
                        seconds[p].append(cpu([*argv, path, "--out", out]))
                    else:
                        cat = subprocess.Popen(["cat", path], stdout=subprocess.PIPE)
                        sink = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
                        seconds[p].append(cpu([*argv, "--format", "csv"], stdin=cat.stdout, stdout=sink.stdin))
                        cat.stdout.close()
                        sink.stdin.close()
                        cat.wait()
                        sink.wait()
            size = path.stat().st_size / 1e6
            for p in programs:
                least, mean = min(seconds[p]), sum(seconds[p]) / len(seconds[p])
                print(f"| {order}, {way} | {p} | {least:.2f} s, {size / least:.0f} MB/s | {mean:.2f} s, {size / mean:.0f} MB/s |", flush=True)
    out.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
