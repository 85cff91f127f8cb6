#!/usr/bin/python3
"""How many of the words burned into pictures `licet deid` makes black: pictures of noise and ellipses, words on black and over them, six sizes.

    /usr/bin/python3 bench/deid/dicom_words.py [--pictures 24] [--seed 5]     # python3-pydicom, python3-pil, fonts-dejavu-core, tesseract-ocr

A word counts as gone where at most a tenth of its bright pixels are left. Invented pictures are kinder than those of old machines: measure on yours.
"""
import argparse
import collections
import glob
import pathlib
import random
import subprocess
import tempfile

import pydicom
from PIL import Image, ImageDraw, ImageFont

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SAMPLE = "/usr/lib/python3/dist-packages/pydicom/data/test_files/CT_small.dcm"
WORDS = ["BRINDLEMOOR", "Xanthe", "19790314", "MR8812734", "740-555-0199", "03/14/1979", "RIVERBEND", "DOB", "Woolcombe", "12:44:03"]
SIZES = [11, 13, 15, 18, 22, 28]
BRIGHT = 140

p = argparse.ArgumentParser()
p.add_argument("--pictures", type=int, default=24)
p.add_argument("--seed", type=int, default=5)
args = p.parse_args()
fonts = sorted(f for f in glob.glob("/usr/share/fonts/truetype/**/*.ttf", recursive=True) if "Sans" in f or "Mono" in f)
r = random.Random(args.seed)


def picture(path):
    width, height = r.choice([(640, 480), (800, 600), (1024, 768)])
    image = Image.new("L", (width, height), r.choice([0, 0, 10]))
    draw = ImageDraw.Draw(image)
    for k in range(120, 0, -1):
        draw.ellipse([width // 2 - k * 2, height // 2 - k * 2 + 20, width // 2 + k * 2, height // 2 + k * 2 + 20], fill=r.randrange(20, 120))
    boxes = []
    for k in range(6):
        size, word = r.choice(SIZES), r.choice(WORDS)
        font = ImageFont.truetype(r.choice(fonts), size)
        at = r.choice([(8, 8 + k * 32), (width - 230, 8 + k * 32), (8, height - 200 + k * 32)])
        draw.text(at, word, fill=r.choice([255, 255, 200, 160]), font=font)
        boxes.append((draw.textbbox(at, word, font=font), size))
    ds = pydicom.dcmread(SAMPLE)
    for tag in [t for t in ds.keys() if t.group in (0x28, 0x7FE0)]:
        del ds[tag]
    ds.Modality, ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.Rows, ds.Columns = "US", 1, "MONOCHROME2", height, width
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.PixelData = image.tobytes()
    ds["PixelData"].VR = "OB"
    ds.save_as(path, write_like_original=False)
    return boxes, image.tobytes(), width, height


with tempfile.TemporaryDirectory(prefix="licet-words-") as folder:
    source, out = pathlib.Path(folder) / "in", pathlib.Path(folder) / "out"
    source.mkdir()
    truth = [picture(source / f"{n}.dcm") for n in range(args.pictures)]
    subprocess.run([ROOT / "build/release/licet", "deid", source, "--out", out, "--quiet"], check=True, cwd=ROOT)
    gone, asked, changed, pixels = collections.Counter(), collections.Counter(), 0, 0
    for n, (boxes, before, width, height) in enumerate(truth):
        after = pydicom.dcmread(out / f"{n}.dcm").PixelData
        for (x0, y0, x1, y1), size in boxes:
            places = [y * width + x for y in range(max(0, y0), min(height, y1)) for x in range(max(0, x0), min(width, x1)) if before[y * width + x] >= BRIGHT]
            asked[size] += 1
            gone[size] += sum(after[k] >= BRIGHT for k in places) <= len(places) / 10
        changed += sum(a != b for a, b in zip(before, after))
        pixels += width * height
    for size in SIZES:
        print(f"{size} px: {gone[size]} of {asked[size]} words made black")
    print(f"all: {sum(gone.values())} of {sum(asked.values())}; {100 * changed / pixels:.1f} % of the pixels changed")
