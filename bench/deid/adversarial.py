#!/usr/bin/env python3
"""Texts that hide their identifiers, and how many are still found: adversarial.py [--licet BINARY] [--print]

Version 1. Sentences, people and numbers are invented. Each way of hiding is applied to the identifiers of every sentence; a seed makes it
the same list each time. --print writes it as JSON lines {"way", "text", "spans"}, offsets in code points; without it the list is given to
`licet deid --spans`, and a Markdown table says of each way how many identifiers are touched in every one of their words and numbers
(whole), and how many in none (missed).
"""

import argparse
import base64
import json
import pathlib
import random
import re
import subprocess
import tempfile

from peers import tokens, touched

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FIRST = "Maria Thomas Denise Walter Priya Carlos Helen Marcus Yvonne Albert".split()
LAST = "Sandoval Brewster Kowalski Hartley Mendoza Okafor Lindqvist Pemberton Vasquez Delaney".split()
STREETS = "Alder Lane|Hickory Road|Juniper Court|Walnut Avenue|Cypress Drive".split("|")
TOWNS = "Columbus|Toledo|Albany|Denver|Fresno".split("|")
SENTENCES = """Patient {first} {last} was admitted on {date} with chest pain.
Mrs. {last} lives at {street}, {town}, OH {zip} and can be reached at {phone}.
Name: {first} {last}   DOB: {date}   MRN: {mrn}
Dr. {last} asked for the records of {first} {last}, SSN {ssn}.
Please write to {email} or call {phone}; the fax is {fax}.
Seen by {first} {last}, MD, on {date}. Follow-up in two weeks.
Member ID {plan}; account number {account}.
Spoke with his wife, {first} {last}, at {phone} on {date}.""".splitlines()

ZERO = ["\u200b", "\u200c", "\u200d", "\u2060", "\u00ad"]
LIKE = dict(zip("ABCEHIJKMOPSTXYaceijopsxyhd", "АВСЕНІЈКМОРЅТХУасеіјорѕхуһԁ"))
OCR = {"l": "1", "O": "0", "o": "0", "I": "l", "S": "5", "B": "8", "rn": "m", "0": "O", "1": "l", "5": "S", "8": "B"}


def between(value, put, r, least=1):
    """`put` between characters of a value, at some places inside its words and numbers."""
    places = [i for i in range(1, len(value)) if value[i - 1].isalnum() and value[i].isalnum()]
    chosen = set(r.sample(places, min(len(places), max(least, len(places) // 4)))) if places else set()
    return "".join((r.choice(put) if i in chosen else "") + c for i, c in enumerate(value))


def ocr(value, r):
    places = [i for i, c in enumerate(value) if c in OCR]
    return "".join(OCR[c] if i in set(r.sample(places, min(1, len(places)))) else c for i, c in enumerate(value)) if places else value


WAYS = {
    "as it is": lambda v, r: v,
    "zero-width characters": lambda v, r: between(v, ZERO, r),
    "lookalike letters (one a word)": lambda v, r: " ".join(w.replace(c, LIKE[c], 1) if (c := next((c for c in w if c in LIKE), None)) and any(x.isascii() and x.isalpha() and x != c for x in w) else w for w in v.split(" ")),
    "full-width letters and digits": lambda v, r: "".join(chr(ord(c) + 0xFEE0) if c.isalnum() else c for c in v),
    "tags inside words": lambda v, r: between(v, ["<b>", "</b>", "<i>", '<span class="x">', "</span>"], r),
    "tags around words": lambda v, r: " ".join(f"<b>{w}</b>" for w in v.split(" ")),
    "HTML entities (a third of the characters)": lambda v, r: "".join(f"&#{ord(c)};" if r.random() < 0.34 else c for c in v),
    "no-break spaces as entities": lambda v, r: v.replace(" ", "&nbsp;"),
    "percent-encoding of what is no letter or digit": lambda v, r: "".join(c if c.isalnum() else f"%{ord(c):02X}" for c in v),
    "letters spaced out": lambda v, r: " ".join(" ".join(w) if w.isalpha() and len(w) >= 4 else w for w in v.split(" ")),
    "words split over lines with a hyphen": lambda v, r: " ".join(w[: len(w) // 2] + "-\n" + w[len(w) // 2 :] if w.isalpha() and len(w) >= 6 else w for w in v.split(" ")),
    "words split by a space": lambda v, r: " ".join(w[: len(w) // 2] + " " + w[len(w) // 2 :] if w.isalpha() and len(w) >= 6 else w for w in v.split(" ")),
    "ALL CAPS (the whole text)": lambda v, r: v.upper(),
    "lower case (the whole text)": lambda v, r: v.lower(),
    "OCR noise (one character)": lambda v, r: ocr(v, r),
    "two letters swapped": lambda v, r: v[:1] + v[2] + v[1] + v[3:] if len(v) > 4 and v[1:3].isalpha() else v,
    "base64 (the whole text)": lambda v, r: v,
    "base64 (the value alone)": lambda v, r: base64.b64encode(v.encode()).decode(),
}


def texts(seed=1, rounds=10):
    r = random.Random(seed)
    digits = lambda n: "".join(r.choice("0123456789") for _ in range(n))
    for way, hide in WAYS.items():
        for _ in range(rounds):
            for sentence in SENTENCES:
                text, spans = "", []
                for n, part in enumerate(sentence.replace("{", "\0").replace("}", "\0").split("\0")):
                    if n % 2 == 0:
                        text += part.upper() if way.startswith("ALL") else part.lower() if way.startswith("lower") else part
                        continue
                    value = {
                        "first": lambda: r.choice(FIRST),
                        "last": lambda: r.choice(LAST),
                        "date": lambda: r.choice([f"{r.randint(1, 12)}/{r.randint(1, 28)}/{r.randint(1940, 2024)}", f"March {r.randint(1, 28)}, {r.randint(1940, 2024)}"]),
                        "street": lambda: f"{r.randint(10, 9999)} {r.choice(STREETS)}",
                        "town": lambda: r.choice(TOWNS),
                        "zip": lambda: f"4{digits(4)}",
                        "phone": lambda: f"740-555-01{digits(2)}",
                        "fax": lambda: f"(740) 555-01{digits(2)}",
                        "mrn": lambda: digits(8),
                        "ssn": lambda: f"9{digits(2)}-{r.randint(10, 99)}-{digits(4)}",
                        "email": lambda: f"{r.choice(FIRST).lower()}.{r.choice(LAST).lower()}@mail.example",
                        "plan": lambda: f"XQD{digits(9)}",
                        "account": lambda: digits(9),
                    }[part]()
                    value = hide(value, r)
                    spans.append({"start": len(text), "end": len(text) + len(value), "type": part})
                    text += value
                if way == "base64 (the whole text)":
                    text = base64.b64encode(text.encode()).decode()
                    spans = [{"start": 0, "end": len(text), "type": "text"}]
                yield {"way": way, "text": text, "spans": spans}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--licet", default=str(ROOT / "build/release/licet"))
    p.add_argument("--print", action="store_true")
    args = p.parse_args()
    all_ = list(texts())
    if args.print:
        for one in all_:
            print(json.dumps(one))
        return
    with tempfile.TemporaryDirectory() as folder:
        for n, one in enumerate(all_):
            (pathlib.Path(folder) / f"{n:06}.txt").write_text(one["text"], encoding="utf-8", newline="")
        out = subprocess.run([args.licet, "deid", "--packs", str(ROOT / "packs"), "--format", "text", "--spans", "--quiet", folder], capture_output=True, check=True).stdout
    found = [[] for _ in all_]
    for line in out.decode().splitlines():
        s = json.loads(line)
        found[int(pathlib.Path(s["file"]).stem)].append((s["start"], s["end"]))
    counts = {}
    for one, spans in zip(all_, found):
        tags = [m.span() for m in re.finditer("</?[a-z][^>]*>", one["text"])]
        words = [w for w in tokens(one["text"]) if not touched(tags, *w)]
        for s in one["spans"]:
            inside = [touched(spans, a, b) for a, b in words if a < s["end"] and b > s["start"]]
            c = counts.setdefault(one["way"], [0, 0, 0])
            c[0] += 1
            c[1] += all(inside)
            c[2] += not any(inside)
    print("| way of hiding | identifiers | whole | missed |\n|---|---|---|---|")
    for way, (n, whole, missed) in counts.items():
        print(f"| {way} | {n} | {whole / n:.3f} | {missed / n:.3f} |")


if __name__ == "__main__":
    main()
