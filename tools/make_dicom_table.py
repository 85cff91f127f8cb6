#!/usr/bin/env python3
"""Writes packs/deid/dicom-table.yaml from DICOM PS3.15 Table E.1-1, as innolitics/dicom-standard carries it (MIT).

  tools/make_dicom_table.py ../shared/data/deid/dicom-standard/standard/confidentiality_profile_attributes.json > packs/deid/dicom-table.yaml

Of each attribute: tag, name, the Basic Profile's action and the options that change it. Nothing is decided here; packs/deid/dicom.yaml does that.
"""
import json
import re
import sys

COLUMNS = {
    "rtnUIDsOpt": "uids", "rtnDevIdOpt": "device", "rtnInstIdOpt": "institution", "rtnPatCharsOpt": "characteristics",
    "rtnLongFullDatesOpt": "full-dates", "rtnLongModifDatesOpt": "modified-dates", "cleanDescOpt": "descriptors",
    "cleanStructContOpt": "structured", "cleanGraphOpt": "graphics",
}
rows = []
for one in json.load(open(sys.argv[1])):
    tag = one["tag"].lower()
    if not re.fullmatch(r"\([0-9a-f]{4},[0-9a-f]{4}\)", tag):
        continue  # repeating groups and private attributes: all of them are removed, whatever the profile
    options = "".join(f", {COLUMNS[k]}: {one[k]}" for k in COLUMNS if k in one)
    name = one["name"].replace('"', "'")
    rows.append((tag, f'  "{tag}": {{name: "{name}", do: {one["basicProfile"]}{options}}}'))
print("""\
# DICOM PS3.15 Table E.1-1: what the Basic Application Level Confidentiality Profile does with each attribute that it lists, and which of its options
# do something else. X remove, Z empty, D a dummy of the same kind, U another UID, K keep, C clean; X/Z and so on: by what the object's definition
# requires. Made by tools/make_dicom_table.py; never edited. Source: innolitics/dicom-standard @ 7f4749d0, MIT, Copyright (c) 2017 Innolitics, LLC;
# the tables of the standard are NEMA's.
kind: dicom-table
id: ps3.15-e.1-1
attributes:""")
print("\n".join(line for _, line in sorted(rows)))
