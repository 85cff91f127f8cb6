#!/usr/bin/env python3
"""licet deid on DICOM beside its peers, file to file, the same files in the same run: CPU seconds of the whole process, children included.

    tools/install --bench; python3 -m venv build/parts/dicognito && build/parts/dicognito/bin/pip install dicognito==0.19.0
    python3 bench/dicom_peers.py [--copies 10] [--dicognito build/parts/dicognito/bin/python]

Files: those of Debian's python3-pydicom that end before a MiB and that every program here takes, repeated. gdcmanon (libgdcm-tools) runs its Basic
Profile once a file, as its folder mode stops early; dicognito (PyPI, on pydicom) once for all. What they do differs: gdcmanon keeps the originals
encrypted in each file, and neither reads texts or denies what the table doesn't list.
"""
import argparse
import os
import pathlib
import resource
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SAMPLES = pathlib.Path("/usr/lib/python3/dist-packages/pydicom/data")


def cpu(command, **more):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(command, capture_output=True, **more)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, run


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--copies", type=int, default=10)
    p.add_argument("--dicognito", default=str(ROOT / "build/parts/dicognito/bin/python"))
    args = p.parse_args()
    licet = ROOT / "build/release/licet"
    with tempfile.TemporaryDirectory(prefix="licet-bench-") as folder:
        folder = pathlib.Path(folder)
        key, cert = folder / "key.pem", folder / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-keyout", key, "-out", cert, "-days", "1", "-subj", "/CN=x"],
                       check=True, capture_output=True)
        probe = folder / "probe"
        probe.mkdir()
        gdcm = shutil.which("gdcmanon")
        cogs = args.dicognito if os.path.exists(args.dicognito) else None
        files = []
        for f in sorted(f for f in SAMPLES.rglob("*") if f.is_file() and f.stat().st_size < 1 << 20 and f.suffix in (".dcm", "")):
            if f.read_bytes()[128:132] != b"DICM":
                continue
            if gdcm and subprocess.run([gdcm, "-e", "-c", cert, f, probe / "o.dcm"], capture_output=True).returncode != 0:
                continue
            done = subprocess.run([licet, "deid", f, "--out", probe / "l.dcm", "--again"], capture_output=True, cwd=ROOT)
            if done.returncode == 0 and b"; 0 read by tesseract" in done.stderr:  # heads are compared, not the reading of words
                files.append(f)
        source = folder / "in"
        source.mkdir()
        for n in range(args.copies):
            for k, f in enumerate(files):
                shutil.copy(f, source / f"{n:03}-{k:03}.dcm")
        print(f"{len(files)} files, {args.copies} copies of each, {sum(f.stat().st_size for f in files) * args.copies / 1e6:.0f} MB")
        print("| program | profile | files | CPU s | files a second of CPU |\n|---|---|---|---|---|")

        def row(name, what, done, seconds):
            print(f"| {name} | {what} | {done} | {seconds:.2f} | {done / seconds:.0f} |", flush=True)

        for profile in ("safe-harbor", "safe-harbor-text", "limited-data-set", "pseudonymized"):
            out = folder / f"out-{profile}"
            t, _ = cpu([licet, "deid", source, "--out", out, "--profile", profile, "--quiet"], cwd=ROOT)
            row("licet deid", profile, len(list(out.iterdir())), t)
        if gdcm:
            out = folder / "gdcm"
            out.mkdir()
            total = 0
            for f in sorted(source.iterdir())[: len(files)]:
                t, _ = cpu([gdcm, "-e", "-c", cert, f, out / f.name])
                total += t
            row("gdcmanon", "Basic Profile, a process a file", len(list(out.iterdir())), total)
        if cogs:
            out = folder / "cogs"
            t, run = cpu([cogs, "-m", "dicognito", "--quiet", "--output-directory", out, source])
            # It names files by their new UID, so that copies fall together: what it was given is counted.
            row("dicognito 0.19.0", "its own", len(list(source.iterdir())) if run.returncode == 0 else 0, t)
            if run.returncode != 0:
                print(run.stderr.decode()[-300:])


if __name__ == "__main__":
    main()
