#!/usr/bin/env python3
"""Labeled texts for deid_train, from public corpora: prepare.py es|en DATA > texts.jsonl   (DATA: shared/data/deid; en also reads stdin)"""

import json
import pathlib
import random
import sys

SPANISH = {
    "NOMBRE_SUJETO_ASISTENCIA": "name", "NOMBRE_PERSONAL_SANITARIO": "name", "FAMILIARES_SUJETO_ASISTENCIA": "relative",
    "TERRITORIO": "place", "PAIS": "place", "CALLE": "street", "HOSPITAL": "organization", "INSTITUCION": "organization",
    "CENTRO_SALUD": "organization", "FECHAS": "date", "EDAD_SUJETO_ASISTENCIA": "age", "CORREO_ELECTRONICO": "contact",
    "NUMERO_TELEFONO": "contact", "NUMERO_FAX": "contact", "ID_SUJETO_ASISTENCIA": "id", "ID_ASEGURAMIENTO": "id",
    "ID_CONTACTO_ASISTENCIAL": "id", "ID_TITULACION_PERSONAL_SANITARIO": "id", "ID_EMPLEO_PERSONAL_SANITARIO": "id",
}  # SEXO, PROFESION and OTROS are no identifiers of HIPAA
ENGLISH = {
    "PERSON": "name", "ADDRESS": "street", "LOCATION": "place", "GPE": "place", "ORGANIZATION": "organization",
}  # what has a form is left to the parsers


def out(text, spans):
    """spans: (start, end, label) in characters; printed in bytes."""
    at = [0]
    for c in text:
        at.append(at[-1] + len(c.encode()))
    print(json.dumps({"text": text, "spans": [{"start": at[s], "end": at[e], "label": label} for s, e, label in sorted(spans)]}, ensure_ascii=False))


def main(language, data):
    if language == "es":
        for path in sorted((data / "meddocan/corpus/train/brat").glob("*.txt")):
            spans = []
            for line in path.with_suffix(".ann").read_text(encoding="utf-8").splitlines():
                _, where, _ = line.split("\t", 2)
                kind, start, end = where.split()
                if kind in SPANISH:
                    spans.append((int(start), int(end), SPANISH[kind]))
            with open(path, encoding="utf-8", newline="") as f:
                out(f.read(), spans)
        return
    for one in json.loads((data / "presidio-research/tests/data/generated_large.json").read_text()):
        if one["template_id"] % 5 == 0:  # the template-disjoint part that is tested on
            continue
        spans = [(s["start_position"], s["end_position"], ENGLISH[s["entity_type"]]) for s in one["spans"] if s["entity_type"] in ENGLISH]
        out(one["full_text"], spans)
    ordinary(data)
    for line in sys.stdin:  # bench/deid/english.py --split train
        one = json.loads(line)
        out(one["text"], [(s["start"], s["end"], LABEL[s["type"]]) for s in one["spans"] if s["type"] in LABEL])


def ordinary(data):
    """Clinical and everyday words in random order, none of them an identifier: what a capital letter alone does not mean."""
    words = sorted(json.loads((data / "philter-lexicons/filters/whitelists/whitelist_plus_fps_091718_nonames.json").read_text()))
    words = [w for w in words if w.isascii() and w.isalpha() and 3 <= len(w) <= 14]
    chance = random.Random(1)
    consonants = "BCDGHLMNPRSTVW"
    for _ in range(5000):
        line = []
        for _ in range(chance.randint(4, 12)):
            few = [chance.choice(words) for _ in range(chance.randint(2, 7))]
            how = chance.random()
            if how < 0.4:  # a sentence, with an abbreviation now and then
                few[0] = few[0].capitalize()
                if chance.random() < 0.4:
                    few[chance.randrange(len(few))] = "".join(chance.choice(consonants) for _ in range(chance.randint(1, 4)))
                line.append(" ".join(few) + ". ")
            elif how < 0.6:  # a heading and what stands behind it
                line.append(f"{few[0].capitalize()}{' ' + few[1].capitalize() if chance.random() < 0.5 else ''}: {few[-1].capitalize()}, {few[0]}.\n")
            elif how < 0.8:  # Title Case
                line.append(" ".join(w.capitalize() for w in few) + chance.choice([".", "", ","]) + " ")
            elif how < 0.9:
                line.append(" ".join(few).upper() + "\n")
            else:
                line.append(f"{few[0].capitalize()} {few[1]} {chance.randint(1, 900)} mg {few[-1]} W/O {few[0].capitalize()}, {few[1]} 98.{chance.randint(0, 9)}. ")
        out("".join(line), [])


LABEL = {"name": "name", "city": "place", "county": "place", "street": "street", "organization": "organization"}

if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]))
