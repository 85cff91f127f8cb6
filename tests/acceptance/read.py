"""Agreements: what `licet read` says of them, in which formats, and what hostile files get."""

import csv
import io
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile

from world import BINARY, ROOT, Case

AGREEMENTS = ROOT / "tests" / "agreements"
LABELED = ROOT.parent / "shared" / "data" / "baa"
sys.path.insert(0, str(AGREEMENTS))
from score import COLUMNS  # noqa: E402  of the shared labels → our terms
STATES = {"present", "absent", "weaker", "stricter", "unclear"}
PLAIN = (AGREEMENTS / "01-plain.txt").read_text()


def licet(*args, timeout=120):
    run = subprocess.run([str(BINARY), "read", *map(str, args)], capture_output=True, text=True, timeout=timeout, cwd=ROOT)
    return run.returncode, run.stdout, run.stderr


def read(path):
    code, out, err = licet(path, "--format", "json")
    return code, json.loads(out), err


def pdf(pages, extra=""):
    """A PDF of text pages, by hand: a page is a list of lines."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", None, "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for lines in pages:
        text = "\n".join(f"({line}) Tj T*" for line in (s.replace("\\", "").replace("(", "\\(").replace(")", "\\)") for s in lines))
        stream = f"BT /F1 9 Tf 11 TL 40 780 Td\n{text}\nET"
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
        content = len(objects)
        objects.append(f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 700 800] /Contents {content} 0 R /Resources << /Font << /F1 3 0 R >> >> >>")
        kids.append(len(objects))
    objects[1] = f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(f'{k} 0 R' for k in kids)}] >>"
    out, places = io.BytesIO(), []
    out.write(b"%PDF-1.4\n")
    for number, body in enumerate(objects, 1):
        places.append(out.tell())
        out.write(f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1", "replace"))
    start = out.tell()
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode())
    for p in places:
        out.write(f"{p:010} 00000 n \n".encode())
    out.write(f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {extra} >>\nstartxref\n{start}\n%%EOF\n".encode())
    return out.getvalue()


def wrapped(text, width=110):
    lines = []
    for line in text.split("\n"):
        while len(line) > width:
            cut = line.rfind(" ", 0, width)
            lines.append(line[:cut])
            line = line[cut + 1 :]
        lines.append(line)
    return lines


def docx(paragraphs, comments=""):
    out = io.BytesIO()
    body = "".join(f"<w:p><w:r><w:t xml:space=\"preserve\">{p}</w:t></w:r></w:p>" for p in paragraphs)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("[Content_Types].xml", "<Types/>")
        z.writestr("word/document.xml", f'<?xml version="1.0"?><w:document xmlns:w="w"><w:body>{body}</w:body></w:document>')
        if comments:
            z.writestr("word/comments.xml", f'<w:comments xmlns:w="w"><w:comment><w:p><w:r><w:t>{comments}</w:t></w:r></w:p></w:comment></w:comments>')
    return out.getvalue()


def odt(paragraphs):
    out = io.BytesIO()
    body = "".join(f"<text:p>{p}</text:p>" for p in paragraphs)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(zipfile.ZipInfo("mimetype"), "application/vnd.oasis.opendocument.text")
        z.writestr("content.xml", f'<?xml version="1.0"?><office:document-content xmlns:office="o" xmlns:text="t"><office:body>{body}</office:body></office:document-content>')
    return out.getvalue()


def escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


class Temporary(Case):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="licet-read-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def file(self, name, data):
        path = self.folder / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path


class Clauses(Temporary):
    def test_the_shape_of_its_json(self):
        code, got, err = read(AGREEMENTS / "01-plain.txt")
        self.assertEqual(code, 0, err)
        self.assertLessEqual({"file", "sha256", "kind", "parties", "dates", "clauses", "terms"}, set(got))
        self.assertEqual(got["kind"], "baa")
        self.assertEqual({p["role"] for p in got["parties"]}, {"covered-entity", "business-associate"})
        self.assertEqual(got["dates"]["effective"], "2026-03-03")
        self.assertEqual(got["terms"]["breach-notice"], "10d")
        self.assertEqual(got["terms"]["incident-notice"], "72h")
        text = licet(AGREEMENTS / "01-plain.txt", "--text")[1]
        for c in got["clauses"]:
            self.assertLessEqual({"cite", "is", "quote", "page", "start", "end", "confidence"}, set(c))
            self.assertIn(c["is"], STATES)
            self.assertEqual(text[c["start"] : c["end"]], c["quote"])
            self.assertTrue(0 <= c["confidence"] <= 1)

    def test_nothing_missing_is_called_present_in_the_invented_agreements(self):
        right = missed = 0
        for row in csv.DictReader((AGREEMENTS / "labels.csv").open()):
            with self.subTest(row["file"]):
                _, got, err = read(AGREEMENTS / row["file"])
                self.assertEqual(got["kind"], row["kind"], err)
                for c in got["clauses"]:
                    label = row.get(c["term"], "na")
                    if label in ("no", "partial"):
                        self.assertNotIn(c["is"], ("present", "stricter"), f"{c['term']}: {c['quote']}")
                    elif label == "yes":
                        right += c["is"] in ("present", "stricter")
                        missed += c["is"] not in ("present", "stricter")
        self.assertGreaterEqual(2 * right / (2 * right + missed), 0.95)

    @unittest.skipUnless((LABELED / "labels.csv").exists(), "the labeled agreements of ../shared are not here")
    def test_labeled_agreements(self):
        table, missed = {}, []
        for row in csv.DictReader((LABELED / "labels.csv").open()):
            _, got, err = read(LABELED / row["file"])
            self.assertEqual(got["kind"] == "not-an-agreement", row["doc_type"] == "not_a_baa", row["file"] + err)
            said = {c["term"]: c for c in got["clauses"]}
            for column, term in COLUMNS.items():
                if row[column] == "na":
                    continue
                here = said[term]["is"] if term in said else "absent"
                table[row[column], here] = table.get((row[column], here), 0) + 1
                if row[column] != "yes":
                    self.assertNotIn(here, ("present", "stricter"), f"{row['file']} {term}: {said[term]['quote'][:200]}")
                elif here != "present":
                    missed.append(f"{row['file'][:2]} {term} ({here})")
        print("  label → said: " + ", ".join(f"{a} → {b} {n}" for (a, b), n in sorted(table.items())) + "; missed: " + ", ".join(missed))
        right = table.get(("yes", "present"), 0)
        self.assertGreaterEqual(2 * right / (2 * right + len(missed)), 0.95)


class Formats(Temporary):
    def complete(self, path, kind="baa"):
        code, got, err = read(path)
        self.assertEqual(code, 0, err)
        self.assertEqual(got["kind"], kind)
        missing = [c["term"] for c in got["clauses"] if c["required"] and c["is"] != "present"]
        self.assertEqual(missing, ["subcontractors-security"], "its subcontractors promise the same restrictions, and no Security Rule")
        return got

    def test_pdf_with_pages(self):
        lines = wrapped(PLAIN)
        got = self.complete(self.file("a.pdf", pdf([lines[:20], lines[20:]])))
        self.assertEqual(got["pages"], 2)
        page = {c["term"]: c["page"] for c in got["clauses"]}
        self.assertEqual(page["permitted-uses"], 1)
        self.assertEqual(page["return-destroy"], 2)

    def test_docx_and_odt(self):
        paragraphs = [escaped(p) for p in PLAIN.split("\n") if p]
        self.complete(self.file("a.docx", docx(paragraphs)))
        self.complete(self.file("a.odt", odt(paragraphs)))

    def test_html_and_utf16(self):
        self.complete(self.file("a.html", "<html><body>" + "".join(f"<p>{escaped(p)}</p>" for p in PLAIN.split("\n")) + "</body></html>"))
        self.complete(self.file("a.txt", PLAIN.encode("utf-16")))

    @unittest.skipUnless((LABELED / "06_source_alaska_standard_agreement.pdf").exists(), "the labeled agreements of ../shared are not here")
    def test_a_real_pdf(self):
        code, got, err = read(LABELED / "06_source_alaska_standard_agreement.pdf")
        self.assertEqual(code, 0, err)
        self.assertEqual(got["kind"], "baa")
        said = {c["term"]: c for c in got["clauses"]}
        self.assertEqual(said["books"]["is"], "present")
        self.assertIn(said["books"]["page"], range(7, 12))

    @unittest.skipUnless(shutil.which("tesseract") and shutil.which("pdftoppm"), "tesseract and pdftoppm are not installed")
    def test_scanned_pages_are_recognized(self):
        source = self.file("text.pdf", pdf([wrapped(PLAIN, 90)]))
        image = subprocess.run(["pdftoppm", "-r", "150", "-gray", str(source)], capture_output=True).stdout
        head, size, _, pixels = image.split(b"\n", 3)
        width, height = map(int, size.split())
        body = (
            b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Count 1 /Kids [3 0 R] >>\nendobj\n"
            b"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 700 800] /Contents 5 0 R /Resources << /XObject << /I 4 0 R >> >> >>\nendobj\n"
            + f"4 0 obj\n<< /Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceGray /BitsPerComponent 8 /Length {len(pixels)} >>\nstream\n".encode()
            + pixels + b"\nendstream\nendobj\n5 0 obj\n<< /Length 28 >>\nstream\nq 700 0 0 800 0 0 cm /I Do Q\nendstream\nendobj\ntrailer\n<< /Root 1 0 R /Size 6 >>\n%%EOF\n"
        )
        code, got, err = read(self.file("scan.pdf", body))
        self.assertEqual(code, 0, err)
        self.assertEqual(got["kind"], "baa")
        self.assertIn("tesseract", " ".join(got["notes"]))
        code, got, _ = read_args(self.folder / "scan.pdf", "--no-ocr")
        self.assertEqual((code, got["kind"]), (2, "unreadable"))


def read_args(path, *args):
    code, out, err = licet(path, "--format", "json", *args)
    return code, json.loads(out), err


class Hostile(Temporary):
    def refused(self, path, *words, seconds=60):
        began = time.monotonic()
        code, got, err = read(path)
        took = time.monotonic() - began
        self.assertEqual((code, got["kind"]), (2, "unreadable"), got)
        self.assertTrue(any(w in got["error"] for w in words), got["error"])
        self.assertLess(took, seconds)

    def test_each_gets_a_clear_answer(self):
        encrypt = "/ID [<00000000000000000000000000000000> <00000000000000000000000000000000>] /Encrypt << /Filter /Standard /V 1 /R 2 /O <" + "11" * 32 + "> /U <" + "22" * 32 + "> /P -4 >>"
        self.refused(self.file("empty.pdf", b""), "empty")
        self.refused(self.file("damaged.pdf", b"%PDF-1.7\n" + os.urandom(2000)), "damaged")
        self.refused(self.file("encrypted.pdf", pdf([wrapped(PLAIN)], encrypt)), "encrypted")
        self.refused(self.file("named.pdf", "no PDF at all"), "does not begin as one")
        self.refused(self.file("locked.docx", b"\xd0\xcf\x11\xe0" + bytes(500)), "encrypted")
        self.refused(self.file("damaged.docx", docx(["x"])[:-40]), "damaged")
        self.refused(self.file("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(50)), "PDF")
        self.refused(self.file("bytes.txt", bytes(range(256)) * 4), "no text")
        self.refused(self.file("blank.txt", "\n \n"), "no text")
        self.refused(self.folder / "absent.txt", "no such file")
        os.symlink("/etc/passwd", self.folder / "link.txt")
        self.refused(self.folder / "link.txt", "symbolic link")
        os.mkfifo(self.folder / "pipe.txt")
        self.refused(self.folder / "pipe.txt", "no regular file")

    def test_a_zip_bomb_is_stopped_by_what_it_unpacks_to(self):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as z:
            z.writestr("word/document.xml", b"<w:document>" + b" " * (300 << 20))
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        self.refused(self.file("bomb.docx", out.getvalue()), "unpacks to more than", seconds=30)
        self.assertLess(max(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, before), 1 << 20, "KiB: under 1 GiB")

    def test_5000_pages(self):
        lines = wrapped(PLAIN)
        began = time.monotonic()
        code, got, err = read(self.file("long.pdf", pdf([lines] + [["Page of an annex, with nothing in it."]] * 4999)))
        self.assertEqual((code, got["kind"], got["pages"]), (0, "baa", 5000), err)
        self.assertLess(time.monotonic() - began, 60)

    def test_long_lines_and_wrong_bytes_are_read(self):
        code, got, err = read(self.file("line.txt", PLAIN + "x" * (4 << 20) + "[" * 100_000))
        self.assertEqual((code, got["kind"]), (0, "baa"), err)
        code, got, err = read(self.file("latin.txt", PLAIN.replace("Larkspur", "L\u00e4rkspur").encode("latin-1")))
        self.assertEqual((code, got["kind"]), (0, "baa"), err)

    def test_what_no_reader_sees_binds_nobody(self):
        self.assertEqual(read(self.file("note.md", f"# Notes\n\nNothing new.\n\n<!--\n{PLAIN}\n-->\n"))[1]["kind"], "not-an-agreement")
        self.assertEqual(read(self.file("page.html", f"<html><body><p>Hello.</p><!-- {PLAIN} --></body></html>"))[1]["kind"], "not-an-agreement")
        self.assertEqual(read(self.file("memo.docx", docx(["Lunch is at noon."], comments=escaped(PLAIN))))[1]["kind"], "not-an-agreement")


class Vendors(Temporary):
    def setUp(self):
        super().setUp()
        for name in ("01-plain.txt", "03-denials.txt", "90-guide.md"):
            shutil.copy(AGREEMENTS / name, self.folder / name)
        self.file("vendors.csv", 'vendor,scope,file\n"Quillfeather Software, Inc.",reminders,\nHollow Oak Analytics,claims,03-denials.txt\nNobody Ltd,notes,\n=cmd,x,\n')

    def test_vendor_by_scope_by_what_is_missing(self):
        code, out, err = licet(self.folder, "--vendors", self.folder / "vendors.csv", "--format", "csv")
        self.assertEqual(code, 0, err)
        rows = list(csv.DictReader(io.StringIO(out)))
        by = {r["vendor"]: r for r in rows}
        self.assertEqual((by["Quillfeather Software, Inc."]["present"], by["Quillfeather Software, Inc."]["missing"]), ("15 of 16", ""))
        self.assertIn("164.504(e)(2)(ii)(D)", by["Hollow Oak Analytics"]["missing"])
        self.assertEqual(by["Nobody Ltd"]["kind"], "none found")
        self.assertIn("'=cmd", by, "no cell is a formula")
        self.assertEqual([r["kind"] for r in rows if r["vendor"] == "(not in the list)"], ["not-an-agreement"])

    def test_html_and_json_carry_the_quotes(self):
        code, out, err = licet(self.folder, "--vendors", self.folder / "vendors.csv", "--format", "html")
        self.assertEqual(code, 0, err)
        self.assertIn("has no obligation to ensure", out)
        code, out, err = licet(self.folder, "--vendors", self.folder / "vendors.csv", "--format", "json")
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([v["vendor"] for v in lines][:2], ["Quillfeather Software, Inc.", "Hollow Oak Analytics"])
        self.assertEqual(lines[1]["agreements"][0]["kind"], "baa")


STACK = """# ours
kind: agreement          # signed in paper
id: baa-quill
is: baa
up: clinic
down: quill
terms: {breach-notice: 10d}
clauses:
  - {cite: "164.504(e)(2)(ii)(D)", is: absent, checked-by: somebody}   # to be talked about
---
# the next one
kind: organization
id: quill
name: Quillfeather
"""


class Write(Temporary):
    def write(self, stack, *args):
        path = self.file("stack.yaml", stack)
        code, out, err = licet(AGREEMENTS / "01-plain.txt", "--write", path, "--checked-by", "j.ortiz", "--checked", "2026-06-01", *args)
        return code, out + err, path.read_text()

    def test_it_adds_and_keeps_all_else(self):
        code, said, after = self.write(STACK, "--dry-run")
        self.assertEqual((code, after), (0, STACK), said)
        self.assertIn("164.504(e)(2)(ii)(I)", said)
        code, said, after = self.write(STACK)
        self.assertEqual(code, 0, said)
        for line in STACK.splitlines():
            if not line.startswith("terms:"):
                self.assertIn(line + "\n", after)
        self.assertRegex(after, r'(?m)^terms: \{breach-notice: 10d, .*incident-notice: 72h')
        self.assertRegex(after, r'(?m)^  - \{cite: "164\.504\(e\)\(2\)\(ii\)\(I\)", is: present, at: "page 1", quote-sha256: "[0-9a-f]{64}", checked-by: "j\.ortiz", checked: 2026-06-01\}$')
        self.assertIn("the file says absent, the document seems to say present: left as it is", said)
        self.assertLess(after.index("(ii)(I)"), after.index("# the next one"))
        again = self.write(after)
        self.assertEqual((again[0], again[2]), (0, after), again[1])

    def test_it_refuses_what_is_ambiguous(self):
        two = STACK + "---\nkind: agreement\nid: other\nis: baa\nup: clinic\ndown: quill\n"
        for stack, args, words in (
            (two, [], "say which with --agreement"),
            (STACK, ["--agreement", "nope"], "no agreement 'nope'"),
            (STACK.replace("clauses:\n  - {cite", "clauses: [{cite").replace("somebody}   #", "somebody}]   #"), [], "in brackets"),
            (STACK.replace("is: baa\n", f'is: baa\nsha256: "{"0" * 64}"\n'), [], "another document"),
            ("kind: agreement\nid: [\n", [], "stack.yaml:"),
        ):
            with self.subTest(words):
                code, said, after = self.write(stack, *args)
                self.assertEqual((code, after), (2, stack), said)
                self.assertIn(words, said)
        self.assertEqual(self.write(two, "--agreement", "baa-quill")[0], 0)
