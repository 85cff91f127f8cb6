#!/usr/bin/env python3
"""The same twenty rules, by Licet and by OPA, on the same declaration, in turns: wall and CPU of the whole process, answers compared.

    bench/opa/install                                # OPA from the Go module proxy, into build/parts/go
    python3 bench/opa/run.py [--systems 1000] [--pairs 5] [--licet build/release/licet]

Prints a table in Markdown, and exits 1 where one subject's verdict differs. Needs nothing but Python's own library."""
import argparse
import json
import os
import pathlib
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
RULES = """hipaa-164.504.e.2.i.uses hipaa-164.504.e.2.ii.A.no-other-use hipaa-164.504.e.2.ii.B.safeguards hipaa-164.504.e.2.ii.C.report
    hipaa-164.504.e.2.ii.D.subcontractors hipaa-164.504.e.2.ii.E.access hipaa-164.504.e.2.ii.F.amendment hipaa-164.504.e.2.ii.G.accounting
    hipaa-164.504.e.2.ii.H.delegated hipaa-164.504.e.2.ii.I.hhs hipaa-164.504.e.2.ii.J.return hipaa-164.504.e.2.iii.termination
    hipaa-164.308.b.3.end-in-sight hipaa-164.312.e.1.transmission hipaa-164.312.e.2.ii.encryption-in-transit
    hipaa-164.312.e.2.i.integrity-controls hipaa-164.312.b.passes-the-gate hipaa-164.308.a.2.security-official
    hipaa-164.312.a.2.iv.encryption-at-rest hipaa-164.308.a.7.ii.E.criticality""".split()
AS_OF = "2026-11-25"


def declaration(systems, seed=1):
    """A clinic, vendors with agreements in every state, flows between them; kind → id → document."""
    rng = random.Random(seed)
    some = lambda *choices: rng.choice(choices)
    docs = {k: {} for k in "organization person system flow agreement device media evidence decision".split()}
    docs["organization"]["clinic"] = {"name": "Clinic", "functions": ["provider"], "covered": True, "security-official": "p0"}
    docs["person"]["p0"] = {"organization": "clinic"}
    cites = [c for c in ("(i)", *(f"(ii)({x})" for x in "ABCDEFGHIJ"), "(iii)")]
    for i in range(systems // 2):
        docs["organization"][f"v{i}"] = {"name": f"Vendor {i}", "functions": ["vendor"]}
        a = {"is": "baa", "up": "clinic", "down": f"v{i}"}
        if i % 11:
            a["signed"] = "2025-01-01"
        if i % 13 == 0:
            a["effective"] = "2027-01-01"
        if i % 5:
            a["expires"] = some("2026-01-01", "2026-11-29", "2026-12-20", "2027-02-01", "2027-12-31") if i % 13 else "2028-01-01"
        a["clauses"] = [{"cite": f"164.504(e)(2){c}", "is": some("present", "absent", "unclear", "weaker", "stricter")} for c in cites if rng.random() < 0.7]
        if i % 7 == 0:
            a["terms"] = {"delegated": some(True, False)}
        docs["agreement"][f"baa{i}"] = a
        if i % 9 == 0:
            docs["agreement"][f"next{i}"] = {"is": "baa", "up": "clinic", "down": f"v{i}", "signed": "2026-10-01", "effective": "2026-11-30", "expires": "2029-01-01"}
    for i in range(systems):
        s = {"owner": "clinic" if i % 2 == 0 else f"v{i // 2}", "region": "us-east"}
        if i % 3:
            s["encrypted"] = some(True, False)
        if i % 4:
            s["keeps"] = some("none", "transient", "persistent")
        if i % 5:
            s["critical"] = some(True, False)
        docs["system"][f"s{i}"] = s
    for i in range(3 * systems):
        a, b = rng.randrange(systems), rng.randrange(systems)
        if a == b:
            continue
        f = {"from": f"s{a}", "to": f"s{b}", "data": ["clinical.note"], "purposes": ["TREAT"]}
        if i % 2:
            f["on-behalf-of"] = "clinic"
        if i % 3:
            f["encrypted"] = some(True, False)
        if i % 17 == 0:
            f["medium"] = some("paper", "oral")
        docs["flow"][f"f{i}"] = f
        if i % 19 == 0:
            docs["evidence"][f"e{i}"] = {"is": "config", "about": [f"f{i}"], "supports": ["164.312(b)"]}
        if i % 23 == 0:
            choice = some("accept-risk", "alternative")
            d = {"about": [f"f{i}"], "choice": choice, "reason": "weighed", "by": "p0", "on": "2026-01-01", "until": some("2027-12-31", "2028-12-31")}
            docs["decision"][f"d{i}"] = d | ({"alternative": "a private line"} if choice == "alternative" else {})
    for i in range(systems // 10):
        docs["device"][f"dev{i}"] = {"owner": "clinic", "is": "laptop", "holds-phi": some(True, False), "status": some("in-use", "retired"), "encrypted": some(True, False)}
        docs["media"][f"m{i}"] = {"owner": "clinic", "is": some("tape", "paper"), "encrypted": some(True, False)}
    return docs


def yaml_of(docs):
    head = f"kind: stack\nid: s\nformat: 1\ntenant: clinic\ntimezone: Etc/UTC\npacks: [opa20@1.0]\n"
    one = lambda kind, id_, d: f"---\nkind: {kind}\nid: {id_}\n" + "".join(f"{k}: {json.dumps(v)}\n" for k, v in d.items())
    return head + "".join(one(k, i, d) for k, all_ in docs.items() for i, d in all_.items())


def pack(folder):
    """The twenty, as they are in the shipped packs, less their cases; and the class map, which every check reads."""
    found = {}
    for path in sorted((ROOT / "packs").glob("*/*.yaml")):
        for doc in re.split(r"(?m)^---[^\n]*\n", path.read_text()):
            if m := re.search(r"(?m)^id: (\S+)", doc):
                if m.group(1) in RULES:
                    found[m.group(1)] = doc.split("\ncases:")[0].rstrip() + "\n"
    assert sorted(found) == sorted(RULES), set(RULES) - set(found)
    (folder / "opa20").mkdir(parents=True)
    (folder / "opa20" / "pack.yaml").write_text('kind: pack\nid: opa20\nversion: "1.0"\nstatus: in-force\ntitle: Twenty\nsource: the shipped packs\nretrieved-on: 2026-11-25\n')
    (folder / "opa20" / "rules.yaml").write_text("---\n".join(found.values()))
    (folder / "classes").symlink_to(ROOT / "packs" / "classes")


def timed(*command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    run = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if run.returncode not in (0, 1) or not run.stdout:
        sys.exit(f"{command[0]}: {run.stderr[:2000]}")
    return run.stdout, wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--systems", type=int, default=1000)
    p.add_argument("--pairs", type=int, default=5)
    p.add_argument("--licet", default=ROOT / "build" / "release" / "licet")
    p.add_argument("--opa", default=ROOT / "build" / "parts" / "go" / "bin" / "opa")
    args = p.parse_args()
    if not os.path.exists(args.opa):
        sys.exit(f"no OPA at {args.opa}: bench/opa/install")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        docs = declaration(args.systems)
        (folder / "stack").mkdir()
        (folder / "stack" / "stack.yaml").write_text(yaml_of(docs))
        (folder / "input.json").write_text(json.dumps({"as_of": AS_OF, "tenant": "clinic", "docs": docs}))
        pack(folder / "packs")
        ours = [args.licet, "check", folder / "stack", "--packs", folder / "packs", "--as-of", AS_OF, "--format", "json"]
        theirs = [args.opa, "eval", "--data", ROOT / "bench" / "opa" / "rules.rego", "--input", folder / "input.json", "--format", "json", "data.licet.findings"]
        rows = {"licet": [], "opa": []}
        for _ in range(args.pairs):
            out, wall, cpu = timed(*ours)
            rows["licet"].append((wall, cpu))
            raw, wall, cpu = timed(*theirs)
            rows["opa"].append((wall, cpu))
        a = sorted((f["requirement"], f["subject"], f["status"]) for f in json.loads(out)["findings"] if f["subject"])
        b = sorted(tuple(f) for f in json.loads(raw)["result"][0]["expressions"][0]["value"])
        version = subprocess.run([args.opa, "version"], capture_output=True, text=True).stdout.split()[1]
        counts = {}
        for _, _, status in a:
            counts[status] = counts.get(status, 0) + 1
        print(f"{args.systems} systems, {len(docs['flow'])} flows, {len(docs['agreement'])} agreements; 20 rules, {len(a)} findings ({counts}); OPA {version}\n")
        print("| | wall, median | CPU, median | CPU, range |\n|---|---|---|---|")
        for who, name in (("licet", "`licet check --format json`"), ("opa", "`opa eval`")):
            wall, cpu = [statistics.median(r[i] for r in rows[who]) for i in (0, 1)]
            print(f"| {name} | {wall * 1000:.0f} ms | {cpu * 1000:.0f} ms | {min(r[1] for r in rows[who]) * 1000:.0f}-{max(r[1] for r in rows[who]) * 1000:.0f} ms |")
        if a != b:
            print("\nNOT the same:", *sorted(set(a) ^ set(b))[:20], sep="\n  ")
            return 1
        print("\nThe same verdict on every subject.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
