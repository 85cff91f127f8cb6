#!/usr/bin/env python3
"""Licet, Presidio and Philter on the same labeled texts, by the same scorer: peers.py GOLD [--language en|es] [--ignore TYPES] [--tools …]

    python3 -m venv build/peers && build/peers/bin/pip install presidio-analyzer==2.2.366 philter-lite==0.6.0
    build/peers/bin/python bench/deid/peers.py build/english-test.jsonl
    build/peers/bin/python bench/deid/peers.py ../shared/data/deid/meddocan/corpus/dev/brat --language es --tools licet,presidio \\
        --ignore SEXO_SUJETO_ASISTENCIA,PROFESION,OTROS_SUJETO_ASISTENCIA

GOLD: JSON lines {"text", "spans": [{"start", "end", "type"}]}, or a folder of BRAT files. Prints Markdown. Definitions are those of
`licet deid --score` (src/cli/deid_score.cc), written here once more, so that every tool is measured by what it marks and nothing else; for
Licet the two must agree, and the run ends with an error where they do not.

What the peers run with, and why:
- Presidio: all recognizers of its default registry that speak the language, on a blank spaCy pipeline. The models it asks for
  (en_core_web_lg) are no packages of PyPI; what bears their names there is not spaCy's. Its names and places come from such a model, so that
  without one it finds none: its numbers here are those of its patterns, checksums and context words alone.
- Philter (philter-lite): the configuration it comes with (philter_delta). NLTK's tagger model is no package either: a stub says NNP of a
  word with a capital, CD of a number, NN of all else. English alone. What it does not know to be safe is marked.

CPU: process time of the analysis alone, without start-up, for the peers; for Licet the whole process, start-up, reading and writing
included, on thirty files of the same texts joined to 1 MB each.
"""

import argparse
import json
import math
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def kind_of(char):
    """letter, digit, in (inside a word, without being one), or None: src/deid/tokens.cc."""
    c = ord(char)
    if c < 0x80:
        return "digit" if char.isdigit() else "letter" if char.isalpha() else None
    if c in (0xAD, 0xFEFF, 0x2060) or 0x200B <= c <= 0x200D:
        return "in"
    if c < 0xC0:
        return "letter" if c in (0xAA, 0xBA) else None
    if c in (0xD7, 0xF7) or 0x2000 <= c <= 0x207F or 0x3000 <= c <= 0x303F:
        return None
    if 0xFF00 <= c <= 0xFF3F:
        return "digit" if 0xFF10 <= c <= 0xFF19 else "letter" if 0xFF21 <= c <= 0xFF3A else None
    return "letter"


def tokens(text):
    out, at = [], 0
    while at < len(text):
        kind, start = kind_of(text[at]), at
        if kind not in ("letter", "digit"):
            at += 1
            continue
        goes_on = ("letter", "in") if kind == "letter" else ("digit",)
        while at < len(text) and kind_of(text[at]) in goes_on:
            at += 1
        out.append((start, at))
    return out


def touched(spans, start, end):
    return any(s < end and e > start for s, e in spans)


def wilson(hits, of):
    if of == 0:
        return "–"
    p, z = hits / of, 1.96
    d = 1 + z * z / of
    middle, half = (p + z * z / (2 * of)) / d, z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of)) / d
    return f"{p:.4f} [{max(0, middle - half):.4f}, {min(1, middle + half):.4f}]"


class Score:
    def __init__(self, ignore):
        self.ignore, self.types, self.said, self.right, self.spans, self.spans_right = set(ignore), {}, 0, 0, 0, 0

    def add(self, text, gold, found):
        for start, end in tokens(text):
            of = None
            for s in gold:
                if s["start"] < end and s["end"] > start:
                    of = s["type"]
            if of in self.ignore:
                continue
            said = touched(found, start, end)
            self.said += said
            self.right += said and of is not None
            if of is not None:
                for c in (self.types.setdefault(of, [0] * 5), self.types.setdefault("all", [0] * 5)):
                    c[0] += 1
                    c[1] += said
        words = tokens(text)
        for s in gold:
            if s["type"] in self.ignore:
                continue
            whole = all(touched(found, a, b) for a, b in words if a < s["end"] and b > s["start"])
            exact = (s["start"], s["end"]) in set(found)
            for c in (self.types.setdefault(s["type"], [0] * 5), self.types.setdefault("all", [0] * 5)):
                c[2] += 1
                c[3] += whole
                c[4] += exact
        for start, end in found:
            of = None
            for s in gold:
                if s["start"] < end and s["end"] > start:
                    of = s["type"]
            if of in self.ignore:
                continue
            self.spans += 1
            self.spans_right += of is not None


def licet(args, texts):
    with tempfile.TemporaryDirectory() as folder:
        for n, text in enumerate(texts):
            (pathlib.Path(folder) / f"{n:06}.txt").write_text(text, encoding="utf-8", newline="")
        own = [args.licet, "deid", "--packs", str(ROOT / "packs"), "--format", "text", "--quiet", "--language", args.language]
        run = subprocess.run([*own, "--spans", folder], capture_output=True, check=True)
        joined = ("\n".join(texts) + "\n").encode()
        long = pathlib.Path(folder) / "long"
        long.mkdir()
        for n in range(30):
            (long / f"{n}.txt").write_bytes(joined * (1 + 1_000_000 // len(joined)))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*own, str(long), "--out", str(pathlib.Path(folder) / "out")], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        share = 1 / (30 * (1 + 1_000_000 // len(joined)))
    found = [[] for _ in texts]
    for line in run.stdout.decode().splitlines():
        span = json.loads(line)
        found[int(pathlib.Path(span["file"]).stem)].append((span["start"], span["end"]))
    return found, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * share, "this tree"


def presidio(args, texts):
    import importlib.metadata

    import spacy
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    class Blank(SpacyNlpEngine):
        def __init__(self, language):
            super().__init__(models=[{"lang_code": language, "model_name": "blank"}])
            self.nlp = {language: spacy.blank(language)}

        def load(self):
            pass

    registry = RecognizerRegistry(supported_languages=[args.language])
    engine = Blank(args.language)
    registry.load_predefined_recognizers(languages=[args.language], nlp_engine=engine)
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=[args.language])
    analyzer.analyze(text="warm up 555-0100", language=args.language)
    begun = time.process_time()
    found = [sorted({(r.start, r.end) for r in analyzer.analyze(text=text, language=args.language)}) for text in texts]
    return found, time.process_time() - begun, importlib.metadata.version("presidio-analyzer")


def philter(args, texts):
    import importlib.metadata

    import nltk

    nltk.pos_tag = lambda words, **_: [(w, "CD" if w.isdigit() else "NNP" if w[:1].isupper() else "NN") for w in words]
    import philter_lite

    home = pathlib.Path(philter_lite.__file__).parent
    patterns = philter_lite.load_filters(str(home / "configs" / "philter_delta.toml"))
    begun, found = time.process_time(), []
    for text in texts:
        kept = philter_lite.detect_phi(text, patterns)[0]
        safe = [False] * len(text)
        for start, stop in kept.filecoords():
            for i in range(start, min(stop, len(text))):
                safe[i] = True
        found.append([m.span() for m in re.finditer("1+", "".join("0" if safe[i] or not text[i].isalnum() else "1" for i in range(len(text))))])
    return found, time.process_time() - begun, importlib.metadata.version("philter-lite")


def gold_of(path):
    if path.is_dir():
        for txt in sorted(path.glob("*.txt")):
            text = txt.read_bytes().decode("utf-8")
            spans = []
            for line in txt.with_suffix(".ann").read_text(encoding="utf-8").splitlines():
                if line.startswith("T"):
                    kind, start, end = line.split("\t")[1].split(" ")
                    spans.append({"start": int(start), "end": int(end), "type": kind})
            yield {"text": text, "spans": spans}
    else:
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("gold", type=pathlib.Path)
    p.add_argument("--language", default="en")
    p.add_argument("--ignore", default="", help="types that count neither way")
    p.add_argument("--tools", default="licet,presidio,philter")
    p.add_argument("--licet", default=str(ROOT / "build/release/licet"))
    args = p.parse_args()
    ignore = [t for t in args.ignore.split(",") if t]
    gold = list(gold_of(args.gold))
    texts = [g["text"] for g in gold]
    size = sum(len(t.encode()) for t in texts)
    results, rows = {}, []
    for tool in args.tools.split(","):
        found, cpu, version = {"licet": licet, "presidio": presidio, "philter": philter}[tool](args, texts)
        score = Score(ignore)
        for g, f in zip(gold, found):
            score.add(g["text"], g["spans"], f)
        results[tool] = score
        a = score.types["all"]
        rows.append(f"| {tool} ({version}) | {wilson(a[1], a[0])} | {wilson(score.right, score.said)} | {wilson(a[3], a[2])} | {a[4] / a[2]:.4f} | {wilson(score.spans_right, score.spans)} | {cpu / size * 1e6:.3g} | {size / 1e6 / cpu:.3g} |")
        if tool == "licet":
            own = subprocess.run([args.licet, "deid", "--packs", str(ROOT / "packs"), "--score", str(args.gold), "--language", args.language] + (["--ignore", args.ignore] if ignore else []), capture_output=True, text=True, check=True).stdout
            says = [re.search(r"(?m)^all +\d+ +(\S+)", own)[1], re.search(r"token precision +(\S+)", own)[1], re.search(r"span precision +(\S+)", own)[1]]
            here = [wilson(a[1], a[0]).split()[0], wilson(score.right, score.said).split()[0], wilson(score.spans_right, score.spans).split()[0]]
            if says != here:
                sys.exit(f"peers.py: this scorer says {here}, licet deid --score says {says}")
    print(f"{len(texts)} texts, {size / 1e6:.2f} MB\n")
    print("| tool | token recall | token precision | entity recall | exact | span precision | CPU s per MB | MB/s |\n|---|---|---|---|---|---|---|---|")
    print("\n".join(rows))
    print("\nToken recall (entity recall) by type:\n")
    print("| type | tokens | entities | " + " | ".join(results) + " |\n|---|---|---|" + "---|" * len(results))
    first = next(iter(results.values()))
    for kind in sorted(first.types):
        c = first.types[kind]
        cells = [f"{wilson(s.types[kind][1], c[0])} ({wilson(s.types[kind][3], c[2])})" for s in results.values()]
        print(f"| {kind} | {c[0]} | {c[2]} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
