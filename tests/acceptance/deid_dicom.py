"""licet deid on DICOM: real files by pydicom, dcmtk and dciodvfy in and out; identifiers put into every attribute; words in pixels; and the text of
documents. Needs Debian's python3-pydicom (its test files too), dcmtk, dicom3tools, python3-pil; tests without them are skipped."""

import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import warnings

from world import BINARY, Case

try:
    import pydicom
except ImportError:  # a Python that isn't Debian's has none of its packages
    sys.path.append("/usr/lib/python3/dist-packages")
    try:
        import pydicom
    except ImportError:
        pydicom = None
warnings.simplefilter("ignore")

SAMPLES = pathlib.Path("/usr/lib/python3/dist-packages/pydicom/data")
FILES = SAMPLES / "test_files"
PROFILES = ["safe-harbor-text", "safe-harbor", "limited-data-set", "pseudonymized"]


def needs(*programs):
    missing = [p for p in programs if shutil.which(p) is None]
    return unittest.skipIf(missing or pydicom is None, f"{', '.join(missing) or 'python3-pydicom'} is not installed (tools/install --test)")


class Files(Case):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="licet-dicom-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.key = self.folder / "secret.key"
        self.key.write_bytes(bytes(range(32)))

    def deid(self, *args, stdin=b"", code=0):
        run = subprocess.run([str(BINARY), "deid", *map(str, args)], capture_output=True, timeout=600, input=stdin)
        if code is not None:
            self.assertEqual(run.returncode, code, run.stderr.decode())
        return run.stdout.decode("utf-8", "replace"), run.stderr.decode()

    def one(self, source, *args, code=0):
        out = self.folder / "one.dcm"
        out.unlink(missing_ok=True)
        _, err = self.deid(source, "--out", out, *args, code=code)
        return out, err


def sample(name):
    return next(SAMPLES.rglob(name))


def elements(ds):
    for e in ds:
        yield e
        if e.VR == "SQ":
            for item in e.value:
                yield from elements(item)


@needs("dcmdump")
class Samples(Files):
    # Not DICOM, cut short, or with a transfer syntax or value representation that isn't one; or a directory.
    def test_all_of_them_read_again(self):
        for profile in PROFILES:
            out = self.folder / profile
            _, err = self.deid(SAMPLES, "--out", out, "--pixels", "accept-unread", "--profile", profile, "--key", self.key, code=1)
            made = [p for p in out.rglob("*") if p.is_file() and p.suffix not in (".txt", ".json", ".md") and p.name != "README"]
            self.assertGreater(len(made), 135, err)
            for path in made:
                source = SAMPLES / path.relative_to(out)
                with self.subTest(source.name, profile=profile):
                    self.compared(source, path)

    def compared(self, source, path):
        before, after = pydicom.dcmread(source, force=True), pydicom.dcmread(path)
        dumped = subprocess.run(["dcmdump", "+L", "-q", str(path)], capture_output=True)
        self.assertEqual(dumped.returncode, 0, dumped.stderr)
        for e in elements(after):
            self.assertFalse(e.tag.is_private, e.tag)
            if e.VR == "UI" and e.keyword not in ("CodingSchemeUID",):
                for uid in e.value if isinstance(e.value, pydicom.multival.MultiValue) else [e.value]:
                    self.assertTrue(not uid or str(uid).startswith(("1.2.840.10008.", "2.25.")), (e.tag, uid))
        self.assertEqual(after.PatientIdentityRemoved, "YES")
        self.assertEqual(after.DeidentificationMethodCodeSequence[0].CodeValue, "113100")
        self.assertEqual(after.file_meta.MediaStorageSOPInstanceUID if "SOPInstanceUID" in after else None, after.get("SOPInstanceUID"))
        self.assertEqual(open(path, "rb").read(128), bytes(128))
        cleaned = "113101" in [i.CodeValue for i in after.DeidentificationMethodCodeSequence]
        for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData", "Rows", "Columns", "Modality"):
            if name in before and not (cleaned and name == "PixelData"):
                was, is_now = before.get(name), after.get(name)
                if name == "PixelData" and before.file_meta.TransferSyntaxUID.is_compressed and len(was) == len(is_now):
                    # What a JPEG says beside its picture is zeros now.
                    was = bytes(b if a == b else 0 for a, b in zip(is_now, was))
                self.assertEqual(is_now, was, name)
        name, patient = str(before.get("PatientName", "")), str(before.get("PatientID", ""))
        raw = path.read_bytes()[: 100_000]
        for word in re.findall(r"[^\W\d_]{4,}", name):
            if word not in ("Test", "Anonymized", "Patient", "Name"):  # words of attributes' own, in these names
                self.assertNotIn(word.encode("utf-8", "replace"), raw)
        if len(patient) > 5:
            self.assertNotIn(patient.encode(), raw)

    def test_what_is_left_out_says_why_and_leaves_nothing(self):
        out = self.folder / "out"
        _, err = self.deid(FILES, "--out", out, code=1)
        self.assertRegex(err, r"DICOMDIR[^\n]*: left out: a DICOMDIR")
        self.assertRegex(err, r"its pixels may show who it is \(.*\), and can't be read \(they are compressed\)")
        for line in err.splitlines():
            m = re.match(r"licet deid: (\S+): left out", line)
            if m:
                self.assertFalse((out / pathlib.Path(m[1]).relative_to(FILES)).exists(), line)
        self.assertEqual(list(out.rglob("*.part")), [])

    @needs("dciodvfy")
    def test_no_new_errors_of_dciodvfy(self):
        new = {}
        for profile in PROFILES:
            out = self.folder / profile
            self.deid(FILES, "--out", out, "--pixels", "accept-unread", "--profile", profile, "--key", self.key, code=1)
            for path in sorted(p for p in out.rglob("*") if p.is_file() and not p.name.startswith("README")):
                if path.name == "nested_priv_SQ.dcm":  # no SOP class: dciodvfy judges it by what it takes it for
                    continue
                more = errors(path) - errors(FILES / path.relative_to(out))
                if more:
                    new[f"{profile} {path.name}"] = sorted(more)
        self.assertEqual(new, {})


def errors(path):
    run = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, errors="replace", timeout=60)
    found = set()
    for line in (run.stderr + run.stdout).splitlines():
        if line.startswith("Error"):
            found.add(re.sub(r"<[^>]*>|[\d.]*\d", "#", line).strip())
    return found


@unittest.skipIf(pydicom is None, "python3-pydicom is not installed (tools/install --test)")
class Actions(Files):
    """Every attribute of the table at three levels, with identifiers of invented people; what is required is worked out from the table alone."""

    BASES = ["CT_small.dcm", "MR_small.dcm", "rtplan.dcm", "waveform_ecg.dcm", "reportsi.dcm", "liver_1frame.dcm"]
    SYNTAXES = ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"]

    def test_of_the_actions_that_are_required_all_are_done_and_nothing_leaks(self):
        import dicom_actions

        rows = dicom_actions.table()
        self.assertGreater(len(rows), 600)
        for profile in PROFILES:
            scores = dicom_actions.Scores()
            source, out = self.folder / f"{profile}-in", self.folder / profile
            source.mkdir()
            made = []
            for n in range(12):
                one = dicom_actions.Made(FILES / self.BASES[n % len(self.BASES)], dicom_actions.Person(n // 2), profile, rows, n)
                one.save(source / f"{n}.dcm", self.SYNTAXES[n % 4])
                made.append(one)
            self.deid(source, "--out", out, "--profile", profile, "--key", self.key, "--pixels", "accept-unread")
            for n, one in enumerate(made):
                scores.file(one, out / f"{n}.dcm")
            print(f"  {profile}: {scores.done} of {scores.asked} actions, {100 * scores.done / scores.asked:.3f} %; {len(scores.leaks)} leaks; "
                  + ", ".join(f"{k} {a}/{b}" for k, (a, b) in sorted(scores.by_action.items())))
            with self.subTest(profile):
                self.assertEqual(scores.leaks[:10], [])
                self.assertGreaterEqual(scores.done / scores.asked, 0.9995, scores.missed[:30])


@unittest.skipIf(pydicom is None, "python3-pydicom is not installed (tools/install --test)")
class Headers(Files):
    def test_uids_and_ids_are_the_same_from_file_to_file_and_from_run_to_run(self):
        codes = self.folder / "codes.tsv"
        out = self.folder / "a"
        source = self.folder / "in"
        source.mkdir()
        for n in range(2):
            ds = pydicom.dcmread(FILES / "CT_small.dcm")
            ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{n}"
            ds.PatientID, ds.StudyInstanceUID = "P-4711", "1.2.99"
            ds.ReferencedSOPInstanceUIDInFile = None
            ds.save_as(source / f"{n}.dcm")
        self.deid(source, "--out", out, "--codes", codes)
        self.deid(source, "--out", self.folder / "b", "--codes", codes)
        self.deid(source, "--out", self.folder / "c")
        a, b, c = ([pydicom.dcmread(self.folder / f / f"{n}.dcm") for n in range(2)] for f in "abc")
        self.assertEqual(a[0].StudyInstanceUID, a[1].StudyInstanceUID)
        self.assertNotEqual(a[0].SOPInstanceUID, a[1].SOPInstanceUID)
        self.assertRegex(a[0].SOPInstanceUID, r"^2\.25\.[1-9]\d{30,38}$")
        for x, y, z in zip(a, b, c):
            self.assertEqual((x.SOPInstanceUID, x.PatientID), (y.SOPInstanceUID, y.PatientID))
            self.assertNotEqual(x.SOPInstanceUID, z.SOPInstanceUID)
            self.assertEqual(x.file_meta.MediaStorageSOPInstanceUID, x.SOPInstanceUID)

    def test_dates_by_profile(self):
        source = self.folder / "in.dcm"
        ds = pydicom.dcmread(FILES / "CT_small.dcm")
        ds.PatientBirthDate, ds.StudyDate, ds.StudyTime, ds.AcquisitionDateTime = "19310502", "20240229", "101112", "20240229101112.5+0100"
        ds.PatientAge, ds.PatientID = "092Y", "P-1"
        ds.save_as(source)
        out, _ = self.one(source)  # safe-harbor-text
        ds = pydicom.dcmread(out)
        self.assertEqual((ds.PatientBirthDate, ds.StudyDate, ds.StudyTime, ds.AcquisitionDateTime), ("", "20240101", "", "2024"))
        self.assertEqual((ds.PatientAge, ds.LongitudinalTemporalInformationModified), ("090Y", "REMOVED"))
        out, _ = self.one(source, "--profile", "limited-data-set")
        ds = pydicom.dcmread(out)
        self.assertEqual((ds.PatientBirthDate, ds.StudyDate, ds.StudyTime, ds.PatientAge), ("", "20240229", "101112", "092Y"))  # of a birth date no option keeps anything
        self.assertEqual(ds.LongitudinalTemporalInformationModified, "UNMODIFIED")
        out, _ = self.one(source, "--profile", "pseudonymized", "--key", self.key)
        ds = pydicom.dcmread(out)
        self.assertNotEqual(ds.StudyDate, "20240229")
        self.assertEqual(ds.AcquisitionDateTime, ds.StudyDate + "101112.5+0100")
        self.assertEqual((ds.StudyTime, ds.LongitudinalTemporalInformationModified), ("101112", "MODIFIED"))

    def test_character_sets(self):
        for name in ("chrH31.dcm", "chrI2.dcm", "chrGreek.dcm", "chrX1.dcm", "chrKoreanMulti.dcm"):
            source = sample(name)
            ds = pydicom.dcmread(source)
            ds.SeriesDescription = str(ds.PatientName).split("=")[0].replace("^", " ") + " CHEST"
            path = self.folder / name
            ds.save_as(path)
            out, _ = self.one(path, "--pixels", "accept-unread")
            after = pydicom.dcmread(out)
            self.assertEqual(str(after.PatientName), "", name)
            for word in re.findall(r"\w{3,}", str(ds.PatientName)):
                self.assertNotIn(word, str(after.get("SeriesDescription", "")), name)

    def test_private_and_unlisted_attributes_go_at_every_level(self):
        ds = pydicom.dcmread(FILES / "CT_small.dcm")
        inner = pydicom.Dataset()
        inner.private_block(0x0011, "ACME", create=True).add_new(1, "LO", "Plantedworth")
        inner.CodeValue, inner.CodingSchemeDesignator, inner.CodeMeaning = "T-D1100", "SRT", "Head"
        ds.AnatomicRegionSequence = pydicom.Sequence([inner])
        ds.add_new(0x00089999, "LO", "Plantedworth")  # no such attribute
        ds.add_new(0x00280010, "LO", "Plantedworth")  # not of the kind that it is
        source = self.folder / "in.dcm"
        ds.save_as(source)
        out, err = self.one(source, "--pixels", "accept-unread")
        self.assertNotIn(b"Plantedworth", out.read_bytes())
        after = pydicom.dcmread(out)
        self.assertEqual(after.AnatomicRegionSequence[0].CodeMeaning, "Head")
        self.assertRegex(err, r"other values +drop +no rule lists them")

    def test_cut_anywhere_nothing_is_written(self):
        whole = (FILES / "CT_small.dcm").read_bytes()
        cut = self.folder / "cut"
        cut.mkdir()
        for n in [1, 100, 131, 132, 140, 200, 338, 403, 1000, 2345, 5000, 6300, len(whole) // 2, len(whole) - 500]:
            (cut / f"{n}.dcm").write_bytes(whole[:n])
        (cut / "whole.dcm").write_bytes(whole)
        out = self.folder / "out"
        _, err = self.deid(cut, "--out", out, "--format", "dicom", code=1)
        self.assertEqual([p.name for p in out.iterdir()], ["whole.dcm"])
        self.assertEqual(err.count("left out"), 14)
        self.assertNotIn("CompressedSamples", err)

    def test_hostile_files(self):
        head = bytes(128) + b"DICM" + struct.pack("<HH2sHI", 2, 0, b"UL", 4, 26 + 0) + struct.pack("<HH2sH", 2, 0x10, b"UI", 18) + b"1.2.840.10008.1.2\0"
        deep = b"".join(struct.pack("<HHI", 0x0008, 0x1140, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF) for _ in range(100_000))
        cases = {
            "deep.dcm": (head + deep, "nested deeper than 32"),
            "long.dcm": (head + struct.pack("<HHI", 0x0008, 0x0060, 0xFFFFFFF0) + b"CT", "ends inside"),
            "item.dcm": (head + struct.pack("<HHI", 0xFFFE, 0xE000, 4) + b"abcd", "where no item does"),
            "syntax.dcm": (head.replace(b"1.2.840.10008.1.2\0", b"1.2.3.4.5.6.7.8.9\0"), "transfer syntax"),
            "many.dcm": (head + struct.pack("<HHI", 0x0008, 0x0060, 0) * 1_100_000, "more than 1000000 elements"),
            "none.dcm": (b"hello, Plantedworth" * 20, "no DICOM file"),
        }
        source = self.folder / "in"
        source.mkdir()
        for name, (data, _) in cases.items():
            (source / name).write_bytes(data)
        out = self.folder / "out"
        _, err = self.deid(source, "--out", out, "--format", "dicom", code=1)
        for name, (_, why) in cases.items():
            self.assertRegex(err, f"{name}: left out: [^\n]*{why}")
        self.assertEqual(list(out.iterdir()), [])
        self.assertNotIn("Plantedworth", err)

    def test_memory_is_flat(self):
        ds = pydicom.dcmread(FILES / "CT_small.dcm")
        ds.NumberOfFrames = 40_000
        del ds.PixelData
        small = self.folder / "small.dcm"
        ds.save_as(small)
        source = self.folder / "big.dcm"
        shutil.copy(small, source)
        size = 40_000 * 128 * 128 * 2
        with open(source, "r+b") as f:
            f.seek(0, os.SEEK_END)
            f.write(struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, size))
            f.truncate(f.tell() + size)
        out = self.folder / "out.dcm"
        # From a small process: a child's peak begins with that of who starts it, and this one has held many files.
        measure = (
            "import os, subprocess, sys\nchild = subprocess.Popen(sys.argv[1:])\n_, status, usage = os.wait4(child.pid, 0)\n"
            "print(status, usage.ru_maxrss)"
        )
        run = subprocess.run(
            [sys.executable, "-c", measure, str(BINARY), "deid", str(source), "--out", str(out), "--quiet"], capture_output=True, text=True
        )
        status, peak = map(int, run.stdout.split())
        self.assertEqual(status, 0)
        self.assertGreater(out.stat().st_size, size)
        self.assertLess(peak, 200_000, "KiB, of 1.3 GB of pixels")

    def test_to_a_pipe_it_is_refused(self):
        _, err = self.deid(stdin=(FILES / "CT_small.dcm").read_bytes(), code=2)
        self.assertIn("DICOM is written to a file", err)
        out = self.folder / "piped.dcm"
        self.deid("--out", out, stdin=(FILES / "CT_small.dcm").read_bytes())
        self.assertEqual(pydicom.dcmread(out).PatientName, "")


try:
    import PIL.Image
    import PIL.ImageDraw
    import PIL.ImageFont
except ImportError:
    PIL = None


@needs("tesseract")
@unittest.skipIf(PIL is None, "python3-pil is not installed (tools/install --test)")
class Pixels(Files):
    WORDS = ["BRINDLEMOOR", "XANTHE", "19790314", "MR8812734"]

    def picture(self, mode, words=WORDS, size=(640, 480)):
        """Something gray that is no text, and words on it as ultrasound machines put them."""
        image = PIL.Image.new(mode, size)
        draw = PIL.ImageDraw.Draw(image)
        for k in range(60):
            shade = 30 + k
            draw.ellipse([150 + k, 120 + k * 2, 500 - k, 440 - k], fill=(shade,) * 3 if mode == "RGB" else shade)
        fonts = [f for f in ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf") if os.path.exists(f)]
        font = PIL.ImageFont.truetype(fonts[0], 20) if fonts else PIL.ImageFont.load_default()
        for n, word in enumerate(words):
            at = (10, 10 + 26 * n) if n < 3 else (420, 10)
            draw.text(at, word, fill=(255, 255, 255) if mode == "RGB" else 255, font=font)
        return image

    def file(self, image, name="us.dcm", bits=8, photometric=None, modality="US", **more):
        ds = pydicom.dcmread(FILES / "CT_small.dcm")
        for tag in [t for t in ds.keys() if t.group == 0x0028 or t.group == 0x7FE0]:
            del ds[tag]
        ds.Modality, ds.SOPClassUID = modality, "1.2.840.10008.5.1.4.1.1.6.1"
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
        color = image.mode == "RGB"
        ds.SamplesPerPixel, ds.PhotometricInterpretation = (3, "RGB") if color else (1, photometric or "MONOCHROME2")
        if color:
            ds.PlanarConfiguration = 0
        ds.Rows, ds.Columns = image.height, image.width
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = (8, 8, 7, 0) if bits == 8 else (16, 12, 11, 0)
        raw = image.tobytes()
        if photometric == "MONOCHROME1":
            raw = bytes(255 - b for b in raw)
        ds.PixelData = raw if bits == 8 else b"".join(struct.pack("<H", b * 16) for b in raw)
        ds["PixelData"].VR = "OB" if bits == 8 else "OW"
        for k, v in more.items():
            setattr(ds, k, v)
        path = self.folder / name
        ds.save_as(path, write_like_original=False)
        return path

    def seen(self, path):
        ds = pydicom.dcmread(path)
        raw = ds.PixelData
        if ds.BitsAllocated == 16:
            raw = bytes(min(255, v // 16) for v in struct.unpack(f"<{len(raw) // 2}H", raw))
        image = PIL.Image.frombytes("RGB" if ds.SamplesPerPixel == 3 else "L", (ds.Columns, ds.Rows), raw[: ds.Rows * ds.Columns * ds.SamplesPerPixel])
        image = PIL.ImageOps.invert(image.convert("L")) if ds.PhotometricInterpretation != "MONOCHROME1" else image
        png = self.folder / "seen.png"
        image.resize((image.width * 2, image.height * 2)).save(png)
        return subprocess.run(["tesseract", str(png), "stdout", "--psm", "11"], capture_output=True, text=True).stdout

    def test_words_are_made_black_and_the_file_says_so(self):
        import PIL.ImageOps  # noqa: F401

        for name, image, kind in [
            ("gray.dcm", self.picture("L"), {}),
            ("color.dcm", self.picture("RGB"), {}),
            ("sixteen.dcm", self.picture("L"), {"bits": 16}),
            ("inverted.dcm", self.picture("L"), {"photometric": "MONOCHROME1"}),
        ]:
            with self.subTest(name):
                source = self.file(image, name, **kind)
                self.assertIn("BRINDLEMOOR", self.seen(source))
                out, err = self.one(source)
                self.assertRegex(err, r"1 read by tesseract, [1-9]\d* places made black")
                after = self.seen(out)
                for word in self.WORDS:
                    self.assertNotIn(word[:6], after)
                ds, before = pydicom.dcmread(out), pydicom.dcmread(source)
                self.assertEqual(ds.BurnedInAnnotation, "NO")
                self.assertIn("113101", [i.CodeValue for i in ds.DeidentificationMethodCodeSequence])
                # The rest of the picture is as it was.
                same = sum(a == b for a, b in zip(ds.PixelData, before.PixelData))
                self.assertGreater(same / len(before.PixelData), 0.9)

    def test_refused_where_words_are_found(self):
        source = self.file(self.picture("L"))
        out, err = self.one(source, "--pixels", "refuse", code=1)
        self.assertFalse(out.exists())
        self.assertRegex(err, r"us.dcm: left out: its pixels hold words")
        out, _ = self.one(self.file(self.picture("L", words=[])), "--pixels", "refuse")
        self.assertTrue(out.exists())

    def test_where_they_cannot_be_read_the_file_is_withheld_until_a_person_says_so(self):
        compressed = sample("JPEG-lossy.dcm") if list(SAMPLES.rglob("JPEG-lossy.dcm")) else sample("SC_rgb_rle.dcm")
        ds = pydicom.dcmread(compressed)
        ds.BurnedInAnnotation = "YES"
        source = self.folder / "compressed.dcm"
        ds.save_as(source)
        out, err = self.one(source, code=1)
        self.assertFalse(out.exists())
        self.assertIn("can't be read (they are compressed)", err)
        out, err = self.one(source, "--pixels", "accept-unread")
        self.assertIn("1 written unread, as --pixels accept-unread says", err)
        self.assertEqual(pydicom.dcmread(out).PixelData, ds.PixelData)

    def test_what_a_jpeg_says_beside_its_picture(self):
        import io

        from PIL import Image, JpegImagePlugin  # noqa: F401
        from pydicom.encaps import encapsulate

        picture = Image.linear_gradient("L").resize((64, 64))
        exif = Image.Exif()
        exif[0x010E], exif[0x013B] = "Sandoval, Maria 1979", "Plantedworth"
        frames = []
        for n in range(2):
            jpeg = io.BytesIO()
            picture.rotate(90 * n).save(jpeg, "JPEG", comment=f"Sandoval frame {n}", exif=exif)
            bytes_of = jpeg.getvalue()
            if b"Sandoval frame" not in bytes_of:  # an older PIL writes no comment
                bytes_of = bytes_of[:2] + b"\xff\xfe" + struct.pack(">H", 18) + b"Sandoval frame 0" + bytes_of[2:]
            frames.append(bytes_of)
        ds = pydicom.dcmread(FILES / "CT_small.dcm")
        ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.50"
        ds.Rows = ds.Columns = 64
        ds.BitsAllocated = ds.BitsStored = 8
        ds.HighBit, ds.PixelRepresentation, ds.NumberOfFrames = 7, 0, 2
        ds.PixelData = encapsulate(frames)
        ds["PixelData"].is_undefined_length = True
        source = self.folder / "jpeg.dcm"
        ds.save_as(source)
        self.assertIn(b"Sandoval", source.read_bytes())
        out, _ = self.one(source, "--pixels", "accept-unread")
        self.assertEqual([w for w in (b"Sandoval", b"Plantedworth", b"1979") if w in out.read_bytes()], [])
        after = list(pydicom.encaps.generate_pixel_data_frame(pydicom.dcmread(out).PixelData, 2))
        for made, frame in zip(after, frames, strict=True):
            self.assertEqual(Image.open(io.BytesIO(made)).tobytes(), Image.open(io.BytesIO(frame)).tobytes())

    def test_an_overlay_in_the_bits_that_are_not_the_pixels_own(self):
        ds = pydicom.dcmread(FILES / "CT_small.dcm")
        ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 12, 11, 0
        ds.PixelData = b"".join(struct.pack("<H", k % 4096 | 0x1000 * (k % 2)) for k in range(128 * 128))
        ds.add_new(0x60000010, "US", 128)
        ds.add_new(0x60000011, "US", 128)
        ds.add_new(0x60000100, "US", 16)
        ds.add_new(0x60000102, "US", 12)
        source = self.folder / "overlay.dcm"
        ds.save_as(source)
        out, _ = self.one(source)
        after = pydicom.dcmread(out)
        self.assertNotIn((0x6000, 0x0010), after)
        self.assertEqual(after.PixelData, b"".join(struct.pack("<H", k % 4096) for k in range(128 * 128)))

    def test_what_clears_pixels_and_what_does_not(self):
        ds = pydicom.dcmread(FILES / "CT_small.dcm")
        for change, looked in [({}, False), ({"BurnedInAnnotation": "YES"}, True), ({"ImageType": ["DERIVED", "SECONDARY"]}, True),
                               ({"Modality": "CR"}, True), ({"Modality": "CR", "BurnedInAnnotation": "NO"}, False), ({"Modality": "OT", "BurnedInAnnotation": "NO"}, True)]:
            one = pydicom.dcmread(FILES / "CT_small.dcm")
            for k, v in change.items():
                setattr(one, k, v)
            path = self.folder / "ct.dcm"
            one.save_as(path)
            out, err = self.one(path)
            self.assertIn(f"{int(not looked)} not looked at, since their kind holds no words; {int(looked)} read", err, change)
        ds.Modality = "XC"
        ds.save_as(path)
        _, err = self.one(path, code=1)
        self.assertIn("a photograph of a person", err)


class Documents(Files):
    LETTER = ["Dear Dr. Marchbanks,", "Ms. Xanthe Brindlemoor (MRN 8812734, born 03/14/1979) was seen on 02/27/2026.", "She rested, and lisinopril was continued."]

    def checked(self, path, *args):
        text = path.read_text()
        self.assertIn("lisinopril was continued", " ".join(text.split()))
        for secret in ("Brindlemoor", "Marchbanks", "8812734", "03/14"):
            self.assertNotIn(secret, text)

    def test_pdf_docx_and_html_in_a_folder(self):
        from read import docx, pdf

        source = self.folder / "in"
        source.mkdir()
        (source / "letter.pdf").write_bytes(pdf([self.LETTER]))
        (source / "letter.docx").write_bytes(docx(self.LETTER))
        (source / "page.html").write_text("<!doctype html><html><body>" + "".join(f"<p>{line}</p>" for line in self.LETTER) + "<script>Brindlemoor()</script></body></html>")
        out = self.folder / "out"
        _, err = self.deid(source, "--out", out)
        self.assertEqual(sorted(p.name for p in out.iterdir()), ["letter.docx.txt", "letter.pdf.txt", "page.html.txt"])
        for path in out.iterdir():
            self.checked(path)
        self.assertIn("3 documents: plain text is what was made of them; pictures beside text were not read", err)
        _, err = self.deid(source, "--out", out)
        self.assertIn("0 files, 3 there already", err)

    def test_one_by_name_and_through_a_pipe(self):
        from read import pdf

        source = self.folder / "letter.pdf"
        source.write_bytes(pdf([self.LETTER]))
        self.deid(source, "--out", self.folder / "letter.txt")
        self.checked(self.folder / "letter.txt")
        out, _ = self.deid(stdin=source.read_bytes())
        self.assertIn("lisinopril was continued", " ".join(out.split()))
        self.assertNotIn("Brindlemoor", out)

    def test_by_a_real_tool(self):
        chromium = shutil.which("chromium")
        if not chromium:
            self.skipTest("chromium is not installed (tools/install --test)")
        page, made = self.folder / "letter.html", self.folder / "printed.pdf"
        page.write_text("<h1>Letter</h1>" + "".join(f"<p>{line}</p>" for line in self.LETTER))
        subprocess.run([chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--print-to-pdf={made}", page.as_uri()], capture_output=True, timeout=120,
                       env={**os.environ, "HOME": str(self.folder)})
        if not made.exists():
            self.skipTest("chromium printed nothing")
        self.deid(made, "--out", self.folder / "printed.txt")
        self.checked(self.folder / "printed.txt")

    def test_what_cannot_be_read_and_what_would_leave_nothing(self):
        from read import docx, pdf

        source = self.folder / "broken.docx"
        source.write_bytes(docx(self.LETTER)[:-40])
        out = self.folder / "broken.txt"
        _, err = self.deid(source, "--out", out, code=1)
        self.assertFalse(out.exists())
        self.assertIn("broken.docx: left out: ", err)
        letter = self.folder / "letter.pdf"
        letter.write_bytes(pdf([self.LETTER]))
        _, err = self.deid(letter, "--profile", "safe-harbor", "--out", out, code=1)
        self.assertFalse(out.exists())
        self.assertIn("takes out all text", err)
