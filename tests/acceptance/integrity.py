"""Any one bit flipped in the ledger, or in a bundle, is found and named."""

import datetime
import hashlib
import json
import pathlib
import random
import shutil

from world import LONG, Case, open_clinic, wait_for

GATE = None
FLIPS = 1500 if LONG else 70  # each is one run of the program


def setUpModule():
    """A ledger with some of everything in it, closed."""
    global GATE
    GATE = open_clinic("integrity", config="limits: {segment-bytes: 262144}\n")
    for n in range(1, 41):
        GATE.get(f"/fhir/DocumentReference/doc-{n:04}", "scribe.example")
        GATE.get(f"/fhir/Observation/obs-{n:04}", "referral.example", purpose="TREAT")
        GATE.get(f"/fhir/DocumentReference/doc-{n:04}", "acme-ai.example")
    GATE.get("/fhir/DocumentReference/doc-0001", "counsel.example")
    GATE.get("/fhir/DocumentReference?_count=50", "referral.example", purpose="TREAT")
    GATE.licet(
        "record", "training", "--subject", "dr-lee", "--object", "privacy-basics", "--from", "2026-03-01", "--until", "2027-03-01", *GATE.at
    )
    GATE.licet("suspend", "fax", *GATE.at)
    GATE.edit("organizations.yaml", "contact: privacy@riverbend.example", "contact: office@riverbend.example")
    wait_for(lambda: sum(e["kind"] == "epoch" for e in GATE.ledger()) == 2, 5)


def prove(*more):
    folder = GATE.folder / f"bundle-{len(list(GATE.folder.glob('bundle-*')))}"
    today = datetime.date.today()
    code, out, err = GATE.licet(
        "prove", folder, "--from", today - datetime.timedelta(days=1), "--to", today + datetime.timedelta(days=1), *GATE.at, *more
    )
    return code, out, err, folder


class Ledger(Case):
    @classmethod
    def setUpClass(cls):
        if GATE.child is None:
            GATE.start()
        GATE.stop()
        cls.ledger = GATE.state / "ledger"

    def verify(self, folder):
        return GATE.licet("verify", folder)

    def test_clean(self):
        code, out, err = self.verify(self.ledger)
        self.assertEqual(code, 0, out + err)
        self.assertIn("sound", out)
        self.assertIn(f"{len(GATE.ledger())} entries", out)

    def test_a_checkpoint_kept_elsewhere(self):
        checkpoint = GATE.folder / "kept-checkpoint"
        shutil.copy(self.ledger / "checkpoint", checkpoint)
        self.assertEqual(GATE.licet("verify", self.ledger, "--checkpoint", checkpoint)[0], 0)
        older = GATE.folder / "older"
        shutil.rmtree(older, ignore_errors=True)
        shutil.copytree(GATE.state, older)
        last = sorted((older / "ledger" / "segments").glob("*.seg"))
        self.assertTrue(last)

    def test_one_bit_anywhere(self):
        chance = random.Random(20261125)
        files = [p for p in sorted(self.ledger.rglob("*")) if p.is_file() and p.stat().st_size > 0 and p.name not in ("lock", "LOCK")]
        self.assertGreater(len(files), 3)
        done = 0
        while done < FLIPS:
            for path in files:
                if done >= FLIPS:
                    break
                data = path.read_bytes()
                used = (
                    len(data.rstrip(b"\0")) if path.suffix == ".seg" and done % 4 else len(data)
                )  # a reserved end counts, too, but not only
                at, bit = chance.randrange(max(used, 1)), chance.randrange(8)
                flipped = bytearray(data)
                flipped[at] ^= 1 << bit
                name = str(path.relative_to(self.ledger))
                with self.subTest(file=name, byte=at, bit=bit):
                    try:
                        path.write_bytes(flipped)
                        code, out, err = self.verify(self.ledger)
                    finally:
                        path.write_bytes(data)
                    self.assertNotEqual(code, 0, "not found")
                    self.assertTrue(
                        name.split(".p/")[0].rsplit("/", 1)[-1] in out + err or "entry" in out + err,
                        f"names neither file nor entry:\n{out}{err}",
                    )
                done += 1
        self.assertEqual(self.verify(self.ledger)[0], 0, "the ledger was left as it was")

    def test_a_missing_file(self):
        for path in sorted(self.ledger.rglob("*")):
            if not path.is_file() or not path.read_bytes().strip(b"\0"):  # a segment that is only reserved holds nothing
                continue
            with self.subTest(str(path.relative_to(self.ledger))):
                away = path.with_name(path.name + ".away")
                outside = GATE.folder / "away"
                shutil.move(path, outside)
                try:
                    code, out, err = self.verify(self.ledger)
                finally:
                    shutil.move(outside, path)
                self.assertNotEqual(code, 0, away)

    def test_another_key(self):
        code, out, err = GATE.licet("verify", self.ledger, "--key", "licet.example/riverbend/node-1+00000000+" + "A" * 44)
        self.assertNotEqual(code, 0)

    def test_a_start_refuses_what_was_changed(self):
        """Not even the program itself goes on with a ledger that somebody edited."""
        segment = sorted((self.ledger / "segments").glob("*.seg"))[0]
        data = segment.read_bytes()
        flipped = bytearray(data)
        flipped[300] ^= 1
        try:
            segment.write_bytes(flipped)
            with self.assertRaises(RuntimeError):
                GATE.start()
            GATE.kill()
        finally:
            segment.write_bytes(data)
        self.assertEqual(self.verify(self.ledger)[0], 0)


class Bundle(Case):
    @classmethod
    def setUpClass(cls):
        if GATE.child is None:
            GATE.start()
        cls.code, cls.out, cls.err, cls.folder = prove()

    def test_proves_and_verifies_offline(self):
        self.assertEqual(self.code, 0, self.out + self.err)
        GATE.stop()
        elsewhere = GATE.folder / "elsewhere"
        shutil.rmtree(elsewhere, ignore_errors=True)
        shutil.copytree(self.folder, elsewhere)
        code, out, err = GATE.licet("verify", elsewhere)
        self.assertEqual(code, 0, out + err)
        manifest = json.loads((elsewhere / "manifest.json").read_text())
        listed = {f["path"]: f["sha256"] for f in manifest["files"]}
        for path, digest in listed.items():
            self.assertEqual(hashlib.sha256((elsewhere / path).read_bytes()).hexdigest(), digest, path)
        present = {str(p.relative_to(elsewhere)) for p in elsewhere.rglob("*") if p.is_file()}
        self.assertEqual({p for p in present if not p.startswith("manifest.")}, set(listed), "nothing unlisted")

    def test_holds_no_identifiers(self):
        for path in self.folder.rglob("*"):
            if path.is_file():
                self.assert_clean(path.read_bytes(), str(path), allow=stack_words())

    def test_one_bit_anywhere(self):
        chance = random.Random(7)
        files = [p for p in sorted(self.folder.rglob("*")) if p.is_file() and p.stat().st_size > 0]
        self.assertGreater(len(files), 3)
        done = 0
        while done < FLIPS:
            for path in files:
                if done >= FLIPS:
                    break
                data = path.read_bytes()
                at, bit = chance.randrange(len(data)), chance.randrange(8)
                flipped = bytearray(data)
                flipped[at] ^= 1 << bit
                name = str(path.relative_to(self.folder))
                with self.subTest(file=name, byte=at, bit=bit):
                    try:
                        path.write_bytes(flipped)
                        code, out, err = GATE.licet("verify", self.folder)
                    finally:
                        path.write_bytes(data)
                    self.assertNotEqual(code, 0, "not found")
                    self.assertTrue(pathlib.PurePath(name).name in out + err or "manifest" in out + err or "entry" in out + err, out + err)
                done += 1
        self.assertEqual(GATE.licet("verify", self.folder)[0], 0)

    def test_a_file_too_many_or_too_few(self):
        extra = self.folder / "extra.txt"
        extra.write_text("x")
        try:
            self.assertNotEqual(GATE.licet("verify", self.folder)[0], 0)
        finally:
            extra.unlink()
        for path in [p for p in sorted(self.folder.rglob("*")) if p.is_file()]:
            with self.subTest(path.name):
                data = path.read_bytes()
                path.unlink()
                try:
                    self.assertNotEqual(GATE.licet("verify", self.folder)[0], 0)
                finally:
                    path.write_bytes(data)

    def test_days_mean_the_same_whether_a_node_runs_or_not(self):
        if GATE.child is None:
            GATE.start()
        periods = {}
        for running in (True, False):
            if not running:
                GATE.stop()
            code, out, err, folder = prove()
            self.assertEqual(code, 0, out + err)
            periods[running] = json.loads((folder / "manifest.json").read_text())["period"]
            manifest = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
            said = [e for e in GATE.ledger() if manifest in json.dumps(e)]
            self.assertEqual(len(said), 1, "that evidence was made is on the ledger")
        self.assertEqual(periods[True], periods[False])

    def test_of_one_vendor(self):
        if GATE.child is None:
            GATE.start()
        code, out, err, folder = prove("--vendor", "scribe-ai")
        self.assertEqual(code, 0, out + err)
        self.assertEqual(GATE.licet("verify", folder)[0], 0)
        self.assertNotEqual(prove("--vendor", "nobody-like-that")[0], 0)


def stack_words():
    """Identifiers that the declaration itself happens to hold, such as a date."""
    text = b"".join(p.read_bytes() for p in GATE.stack.rglob("*") if p.is_file())
    from world import planted_in, servers

    return planted_in(text, servers().planted())
