"""DICOM files with identifiers of invented people put into every attribute of PS3.15 E.1-1 and into texts, at several levels; and a score: of the
actions that a profile requires, how many were done. The actions are worked out here, from the table alone, apart from the program.

What is counted is as in MIDI-B (MICCAI 2024): text_removed, text_notnull, text_retained, tag_retained, date_shifted, uid_changed, uid_consistent,
patid_consistent. A value that may not stay and is found anywhere in the bytes of the output is a leak, whatever else was done with it.
"""

import random
import re

import pydicom
from pydicom.datadict import DicomDictionary
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import UID
from world import ROOT

TABLE = ROOT / "packs" / "deid" / "dicom-table.yaml"
ROOT_UID = "1.2.826.0.1.3680043.9.7777."
LONG = {"OB", "OW", "OF", "OD", "OL", "OV", "UN"}
# Descriptors that stay, less the people in them.
CLEANED = {"safe-harbor-text", "pseudonymized"}
RETAINED = ["Modality", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PhotometricInterpretation", "SamplesPerPixel",
            "PixelSpacing", "SliceThickness", "ImageOrientationPatient", "ImagePositionPatient", "KVP", "Manufacturer", "ConvolutionKernel", "SOPClassUID",
            "RescaleSlope", "RescaleIntercept", "ScanOptions", "ImageType", "InstanceNumber", "SeriesNumber", "WindowCenter", "WindowWidth"]


def table():
    rows = {}
    for line in TABLE.read_text().splitlines():
        m = re.match(r'  "\(([0-9a-f]{4}),([0-9a-f]{4})\)": \{name: "(.*?)", do: ([A-Z/*]+)(.*)\}', line)
        if m:
            rows[int(m[1] + m[2], 16)] = (m[3], m[4], dict(re.findall(r"([a-z-]+): ([KC])", m[5])))
    return rows


class Person:
    FAMILY = ["Brindlemoor", "Plantedworth", "Quagginton", "Oszkarvy", "Thistlewaite", "Vandermolen"]
    GIVEN = ["Xanthe", "Perpetua", "Zbigniew", "Ottoline", "Lysander", "Fenella"]

    def __init__(self, n):
        r = random.Random(n)
        self.n = n
        self.family, self.given = self.FAMILY[n % 6], self.GIVEN[n // 2 % 6]
        self.mrn = f"MR{r.randrange(10**7, 10**8)}"
        self.accession = f"AC{r.randrange(10**7, 10**8)}"
        self.phone = f"740-555-{r.randrange(1000, 9999)}"
        self.street = f"{r.randrange(100, 999)} Alderbrook Lane"
        self.birth = f"19{r.randrange(45, 99)}{r.randrange(1, 13):02}{r.randrange(1, 28):02}"
        self.study = f"20{r.randrange(10, 24)}{r.randrange(1, 13):02}{r.randrange(1, 28):02}"
        self.physician = ("Marchbanks", "Ignatius") if n % 2 else ("Woolcombe", "Drusilla")


class Made:
    """One file: its data set, and what is required of it."""

    def __init__(self, path, person, profile, rows, seed):
        self.person, self.profile, self.rows = person, profile, rows
        self.random = random.Random(seed)
        self.required = []  # (action, path to the attribute, what it was)
        self.secrets = set()  # of the output's bytes none
        self.uids = {}
        self.ds = pydicom.dcmread(path, force=True)
        self.ds.walk(lambda ds, e: None)  # everything is decoded
        self.fill()

    def secret(self, text):
        self.secrets.add(text)
        return text

    def uid(self, tag):
        uid = f"{ROOT_UID}{self.person.n + 1}.{tag}"
        self.secrets.add(uid)
        return uid

    # A value of that VR which says who it is.
    def value(self, tag, vr, name):
        p, word = self.person, f"Qz{self.random.randrange(36**6):06x}"
        if vr == "PN":
            return f"{p.physician[0]}^{p.physician[1]}" if "hysician" in name or "perator" in name else f"{p.family}^{p.given}"
        if vr in ("LO", "SH", "LT", "ST", "UT", "UC", "AE"):
            return self.secret(word)
        if vr == "CS":
            return self.secret(word.upper())
        if vr == "DA":
            return p.study
        if vr == "DT":
            return p.study + "101112"
        if vr == "TM":
            return "101112"
        if vr == "UI":
            return self.uid(tag)
        if vr == "AS":
            return "043Y"
        if vr in ("DS", "IS"):
            return "41"
        if vr in ("US", "SS", "UL", "SL"):
            return 41
        if vr in ("FL", "FD"):
            return 41.5
        if vr == "UR":
            return "https://" + self.secret(word) + ".example/"
        if vr in LONG:
            return self.secret(word + word).encode()
        return None

    def fill(self):
        p, ds = self.person, self.ds
        for group in [t for t in ds.keys() if t.group >= 0x5000 and t.group < 0x7F00]:
            del ds[group]
        ds.PatientName, ds.PatientID, ds.PatientBirthDate = f"{p.family}^{p.given}", p.mrn, p.birth
        ds.PatientSex, ds.PatientAge, ds.PatientWeight = "F", "043Y", "61"
        ds.AccessionNumber, ds.StudyDate, ds.StudyTime = p.accession, p.study, "101112"
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID = self.uid("1.1"), self.uid("1.2"), self.uid(f"1.3.{self.random.randrange(10**9)}")
        ds.Modality = ds.get("Modality", "CT")
        ds.Manufacturer, ds.InstanceNumber = "ACME Imaging", "7"
        self.secrets |= {p.family, p.mrn, p.accession, p.physician[0], p.street, p.phone, f"{p.family}^{p.given}"}
        for name in RETAINED:
            if name in ds and ds[name].value not in ("", None):
                self.required.append(("tag_retained", (Tag(name),), ds[name].value))
        self.required.append(("patid_consistent", (Tag("PatientID"),), p.mrn))
        self.level(ds, ())
        # The same in an item of a sequence that stays, and in one of that.
        inner = Dataset()
        self.level(inner, (Tag(0x00081140), 0))
        deeper = Dataset()
        self.level(deeper, (Tag(0x00081140), 0, Tag(0x00082112), 0))
        inner[0x00082112] = DataElement(0x00082112, "SQ", Sequence([deeper]))
        ds[0x00081140] = DataElement(0x00081140, "SQ", Sequence([inner]))
        self.texts(ds, ())
        self.texts(inner, (Tag(0x00081140), 0))
        self.private(ds, ())
        self.private(deeper, (Tag(0x00081140), 0, Tag(0x00082112), 0))
        # Referred to by another name, the same UID stays one.
        self.required.append(("uid_consistent", (Tag(0x00080018),), ds.SOPInstanceUID))

    def level(self, ds, path):
        for tag, (name, do, options) in self.rows.items():
            if tag in (0x00081140, 0x00082112, 0x00420011, 0x0040A730, 0x00700001) or tag >> 16 < 8 or tag >> 16 >= 0x5000 or tag not in DicomDictionary:
                continue
            vr = DicomDictionary[tag][0].split(" ")[0]
            if vr == "SQ":
                item = Dataset()
                item.add_new(0x00080100, "SH", self.person.mrn if self.cleans(options) else self.secret(f"Qz{self.random.randrange(36**6):06x}"))
                item.add_new(0x00080102, "SH", "99LOCAL")
                item.add_new(0x00080104, "LO", self.person.family)
                ds[tag] = DataElement(tag, "SQ", Sequence([item]))
                self.require(path + (Tag(tag),), do, options, vr, None)
                continue
            if Tag(tag) in ds and not path and tag in (0x00100010, 0x00100020, 0x00080050, 0x00080018, 0x0020000D, 0x0020000E, 0x00100030, 0x00080020, 0x00080030,
                                                       0x00100040, 0x00101010, 0x00101030):
                value = ds[tag].value
            else:
                value = self.value(f"{tag}", vr, name)
                if options.get("characteristics") == "K" and vr == "CS":
                    value = "NO"  # a characteristic that stays
                if self.cleans(options) and vr in ("LO", "LT", "ST", "UT", "UC"):  # read, not removed: so its people are those of the file
                    value = f"of {self.person.family}, {self.person.mrn}" if "Address" in name else f"CHEST of {self.person.family}, {self.person.mrn}"
                if self.cleans(options) and vr == "SH":
                    value = self.person.family
                if value is None:
                    continue
                ds[tag] = DataElement(tag, vr, value)
            self.require(path + (Tag(tag),), do, options, vr, value)

    def require(self, path, do, options, vr, value):
        p = self.profile
        dates = vr in ("DA", "DT", "TM") and "full-dates" in options
        if dates and p in ("limited-data-set",):
            return self.required.append(("text_retained", path, value))
        if dates and p == "pseudonymized":
            return self.required.append(("date_shifted", path, value))
        if "characteristics" in options and options["characteristics"] == "K" and vr in ("AS", "DS", "US"):
            return self.required.append(("text_retained", path, value))
        if options.get("characteristics") == "K" and vr == "CS":
            return self.required.append(("text_retained", path, value))
        if do == "U":
            return self.required.append(("uid_changed", path, value))
        self.required.append(("text_removed", path, value))
        cleans = self.cleans(options)
        if do == "X" and not cleans and not options.get("characteristics") == "K":
            self.required.append(("gone", path, value))
        if do in ("D", "X/D", "Z/D", "X/Z/D") and not cleans and not (dates and p not in ("safe-harbor", "safe-harbor-text")):
            self.required.append(("text_notnull", path, value))

    def cleans(self, options):
        return self.profile in CLEANED and bool({"descriptors", "structured", "characteristics"} & set(options))

    def texts(self, ds, path):
        """Descriptors with people in them, of attributes in the table and of others."""
        p = self.person
        clinical = ["CHEST", "contrast", "portal"]
        sentences = [f"CT CHEST with contrast portal, pt {p.family}", f"CHEST contrast portal MRN {p.mrn}",
                     f"CHEST contrast portal phone {p.phone}"]
        for n, name in enumerate(["SeriesDescription", "StudyDescription", "ProtocolName", "ImageComments", "PatientComments", "AdditionalPatientHistory",
                                  "SegmentDescription", "PartialViewDescription", "SpecimenShortDescription", "FrameLabel", "SoftwareVersions",
                                  "ManufacturerModelName", "BodyPartExamined"]):
            tag = Tag(name)
            vr = DicomDictionary[tag][0]
            value = sentences[n % 3]
            if vr == "SH":
                value = p.family
            if vr == "CS":
                value = p.family.upper()
            ds[tag] = DataElement(tag, vr, value)
            self.required = [r for r in self.required if r[1] != path + (tag,)]
            self.required.append(("text_removed", path + (tag,), value))
            if self.profile in CLEANED and vr not in ("SH", "CS") and name not in ("SpecimenShortDescription",):
                self.required.append(("words_retained", path + (tag,), clinical))

    def private(self, ds, path):
        block = ds.private_block(0x0099, "Plantedworth Tools", create=True)
        block.add_new(0x01, "LO", self.secret(f"Qz{self.random.randrange(36**6):06x}"))
        block.add_new(0x02, "UN", self.secret(f"Qz{self.random.randrange(36**6):06x}").encode())
        self.required.append(("gone", path + (Tag(0x00991001),), None))
        self.required.append(("gone", path + (Tag(0x00990010),), None))

    def save(self, path, syntax):
        ds = self.ds
        ds.is_little_endian, ds.is_implicit_VR = syntax != "1.2.840.10008.1.2.2", syntax == "1.2.840.10008.1.2"
        if "PixelData" in ds and not ds.is_little_endian and ds.BitsAllocated == 16:
            ds.PixelData = b"".join(ds.PixelData[k : k + 2][::-1] for k in range(0, len(ds.PixelData), 2))
        ds.file_meta.TransferSyntaxUID = UID(syntax)
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
        if hasattr(ds, "read_encoding"):
            ds.SpecificCharacterSet = "ISO_IR 100"
        ds.save_as(path, write_like_original=False)
        self.bytes_before = open(path, "rb").read()


def find(ds, path):
    """The element at a path of tags and numbers of items; None: it isn't there."""
    e = None
    for step in path:
        if isinstance(step, int) and not isinstance(step, type(Tag(0))):
            if e is None or e.VR != "SQ" or len(e.value) <= step:
                return None
            ds = e.value[step]
        else:
            if step not in ds:
                return None
            e = ds[step]
    return e


def empty(e):
    return e.value in ("", None, b"") or (e.VR == "SQ" and len(e.value) == 0) or str(e.value) == ""


class Scores:
    def __init__(self):
        self.done, self.asked, self.missed, self.leaks = 0, 0, [], []
        self.by_action = {}
        self.ids, self.uids, self.shifts = {}, {}, {}

    def count(self, good, action, path, was, now):
        self.asked += 1
        self.done += bool(good)
        right, all_ = self.by_action.get(action, (0, 0))
        self.by_action[action] = (right + bool(good), all_ + 1)
        if not good:
            self.missed.append((action, " ".join(map(str, path)), str(was)[:40], str(now)[:60]))

    def file(self, made, path):
        out = open(path, "rb").read()
        after = pydicom.dcmread(path)
        for secret in made.secrets:
            for form in {secret, secret.upper(), secret.lower()}:
                if form.encode() in out or (len(form) < 16 and form.encode("utf-16-le") in out):
                    self.leaks.append((path.name, form))
        for action, where, was in made.required:
            e = find(after, where)
            now = None if e is None else e.value
            if action == "tag_retained" or action == "text_retained":
                good = e is not None and str(now) == str(was)
            elif action == "gone":
                good = e is None
            elif action == "text_removed":
                if e is None or empty(e):
                    good = True
                elif e.VR == "SQ":
                    good = all(str(was_) not in str(i) for i in e.value for was_ in made.secrets)
                elif e.VR in ("DA", "DT", "TM", "DS", "IS", "AS", "US", "SS", "UL", "SL", "FL", "FD"):
                    good = str(now) != str(was)
                else:
                    good = str(was) not in str(now) and not any(s in str(now) for s in made.secrets)
            elif action == "text_notnull":
                good = e is not None and not empty(e)
            elif action == "words_retained":
                good = e is not None and all(w in str(now) for w in was)
            elif action == "uid_changed":
                good = e is not None and str(now) != str(was) and str(now).startswith("2.25.") and len(str(now)) <= 64
                if good:
                    good = self.uids.setdefault(str(was), str(now)) == str(now)
            elif action == "uid_consistent":
                good = e is not None and self.uids.setdefault(str(was), str(now)) == str(now) and str(after.file_meta.MediaStorageSOPInstanceUID) == str(now)
            elif action == "patid_consistent":
                good = e is not None and str(now) != was and self.ids.setdefault(was, str(now)) == str(now)
            elif action == "date_shifted":
                good = self.shifted(made.person.mrn, e, was)
            self.count(good, action, where, was, now)

    def shifted(self, patient, e, was):
        import datetime

        if e is None or empty(e):
            return False
        if e.VR == "TM":
            return str(e.value) == str(was)
        day = lambda v: datetime.datetime.strptime(str(v)[:8], "%Y%m%d")  # noqa: E731
        days = (day(e.value) - day(was)).days
        return days != 0 and str(e.value)[8:] == str(was)[8:] and self.shifts.setdefault(patient, days) == days
