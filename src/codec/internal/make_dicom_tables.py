#!/usr/bin/python3
"""Writes dicom_tables.inc: the tag, the value representation and whether it is retired of each standard attribute (PS3.6), as Debian's
python3-pydicom carries them.

  /usr/bin/python3 make_dicom_tables.py > dicom_tables.inc

The output is checked in: a build needs neither Python nor pydicom. Repeating groups (50xx, 60xx), command elements (group 0000) and file meta
information (0002) are left out: nobody looks them up. "US or SS" is written US, "OB or OW" OW, as implicit VR has them.
"""
from pydicom import __version__
from pydicom.datadict import DicomDictionary

FIRST = {"US or SS": "US", "OB or OW": "OW", "US or OW": "US", "US or SS or OW": "US"}
rows = []
for tag, (vr, _, _, retired, _) in sorted(DicomDictionary.items()):
    if vr != "NONE" and tag >> 16 not in (0, 2):
        rows.append(f"{{0x{tag:08x},Vr::{FIRST.get(vr, vr)},{int(bool(retired))}}}")
print(f"// Made by make_dicom_tables.py from pydicom {__version__}: {len(rows)} attributes.")
line = ""
for row in rows:
    if len(line) + len(row) > 148:
        print(line)
        line = ""
    line += row + ","
print(line)
