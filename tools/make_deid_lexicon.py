#!/usr/bin/env python3
"""Makes src/deid/models/lexicon.bin: which words are names, places, or ordinary.

    tools/make_deid_lexicon.py [FOLDER]      # FOLDER keeps the downloaded packages (default: a temporary one)

| package | license | what is taken |
|---|---|---|
| names 0.3.0 (PyPI) | MIT; the lists are the US Census Bureau's of 1990, public domain | surnames, the 40,000 most frequent; first names |
| Faker 40.63.0 (PyPI) | MIT | first and last names, cities and states of en_US, en_GB, es_ES, es_MX; names of countries |
| zipcodes 8.0.0 (npm) | BSD-2-Clause; US Census and USPS place names | cities of the United States |
| scowl 2020.12.07 (Debian) | SCOWL's own permissive license (no GPL part is used) | ordinary English words, sizes 10 to 50 |

Format, little-endian: "LXC1", count (u32), then count × u32, sorted: 24 bits of FNV-1a 32 of the word in lower case, 8 bits of what it is
(src/deid/lexicon.h). One in 130 words that are in no list looks like one that is: features, not facts.
"""

import pathlib
import re
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile

FIRST, LAST, CITY, PLACE, COMMON, WORD, CLINICAL = 1, 2, 4, 8, 16, 32, 64
OUT = pathlib.Path(__file__).resolve().parent.parent / "src" / "deid" / "models" / "lexicon.bin"

# Ours: words of the clinic that look like names, or are ones that became words.
EPONYMS = """addison adson alzheimer apgar apley argyll babinski baker barrett bartholin behcet bell bennett berger billroth bishop blount
bouchard bovie braden bradley broca brodie brudzinski buerger burkitt cesarean charcot chiari chvostek colles cooley coombs cooper corrigan creutzfeldt crohn
cullen cushing dandy danlos darier debakey doppler down dressler duchenne dupuytren ebstein ehlers eisenmenger epley epstein erb ewing fallot fanconi
finkelstein fisher fitz foley fournier fowler friedreich gallant galeazzi gaucher gehrig gilbert gleason glasgow gram graves grey guillain barre
hartmann hashimoto heberden heimlich henoch hirschsprung hodgkin holter homans horner huntington jackson jacob jones kaposi kawasaki kegel kelly
kernig klinefelter koch kocher korotkoff korsakoff kussmaul lachman laennec leopold lewy lhermitte likert lisfranc lister lyme mallampati mallory
marfan mayfield mayo mcburney mcmurray meckel meniere mohs monteggia moro murphy nissen osler paget pancoast papanicolaou parkinson pavlik perthes peutz
phalen pick pott prinzmetal quincke ramstedt ranson raynaud reiter rett reye rinne romberg rorschach rovsing salter schilling schwann sjogren
skene snellen stevens still studer swan ganz sydenham tanner tietze tinel tourette trendelenburg trousseau turner valsalva vincent virchow volkmann von
waldenstrom wallenberg weber wegener wernicke whipple willebrand wilms wilson wright yankauer zenker zollinger ellison kerley westergren steinmann
kirschner steri hemovac penrose jackson pratt hickman groshong broviac vicryl prolene ethibond monocryl nylon"""
DRUGS = """abilify accupril acetaminophen adderall advair albuterol aldactone allegra allopurinol ambien amiodarone amitriptyline amlodipine amoxicillin
ancef aricept aspirin ativan atorvastatin augmentin avapro azithromycin bactrim benadryl benazepril benicar bupropion buspar captopril carbidopa
cardizem carvedilol ceftriaxone celebrex celexa cephalexin cipro ciprofloxacin citalopram claritin clindamycin clonazepam clonidine clopidogrel
colace compazine coreg coumadin cozaar crestor cymbalta decadron demerol depakote dexamethasone digoxin dilantin dilaudid diltiazem diovan dobutamine
docusate donepezil dopamine doxycycline duloxetine effexor eliquis enalapril enoxaparin epinephrine epogen escitalopram esomeprazole famotidine
fentanyl ferrous flagyl flexeril flomax flonase fluoxetine fluticasone folic fosamax furosemide gabapentin glipizide glucophage glyburide haldol
heparin humalog humira hydralazine hydrochlorothiazide hydrocodone ibuprofen imdur imitrex insulin isosorbide januvia kayexalate keflex keppra klonopin
labetalol lamictal lantus lasix levaquin levetiracetam levodopa levofloxacin levothyroxine lexapro lidocaine lipitor lisinopril lithium lopressor
lorazepam losartan lovenox lyrica macrobid meclizine medrol meropenem metformin methotrexate metoprolol metronidazole miralax mirtazapine morphine motrin
mucinex naproxen narcan neurontin nexium niacin nifedipine nitroglycerin norco norvasc novolog omeprazole ondansetron oxycodone pantoprazole paxil
pepcid percocet phenergan plaquenil plavix pravastatin prednisone prevacid prilosec prinivil propofol propranolol protonix prozac quetiapine ranitidine
reglan remeron risperdal risperidone ritalin rocephin roxicodone senna seroquel sertraline simvastatin singulair solu spironolactone synthroid
tamiflu tegretol terazosin timolol topamax toradol tramadol trazodone tylenol valium valsartan vancomycin vasotec ventolin verapamil versed viagra
vicodin vioxx warfarin wellbutrin xanax xarelto zantac zestril zetia zithromax zocor zofran zoloft zosyn zyprexa zyrtec"""


def fetch(folder):
    def have(pattern):
        return any(folder.glob(pattern))

    run = lambda *argv: subprocess.run(argv, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    if not have("names-0.3.0*"):
        run("pip", "download", "-q", "--no-deps", "names==0.3.0")
    if not have("faker-*.whl"):
        run("pip", "download", "-q", "--no-deps", "Faker==40.63.0")
    if not have("zipcodes-*.tgz"):
        run("npm", "pack", "--silent", "zipcodes@8.0.0")
    if not have("scowl_*.deb"):
        run("apt-get", "download", "-qq", "scowl")


def words_of(text):
    """The quoted strings of a Python or JavaScript source."""
    return re.findall(r'"([^"\n]{2,40})"', text)


def fnv(word):
    h = 0x811C9DC5
    for byte in word.lower().encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    return h


def main(folder):
    fetch(folder)
    table = {}

    def add(phrase, bit, least=2):
        for word in re.split(r"[\s.,'/()-]+", phrase):
            if len(word) >= least and word.isalpha():
                key = fnv(word) >> 8
                table[key] = table.get(key, 0) | bit

    with tarfile.open(next(folder.glob("names-0.3.0*"))) as tar:
        for name, bit, most in (("all.last", LAST, 40000), ("female.first", FIRST, 5000), ("male.first", FIRST, 5000)):
            member = next(m for m in tar.getmembers() if m.name.endswith(f"/dist.{name}"))
            for line in tar.extractfile(member).read().decode().splitlines()[:most]:
                add(line.split()[0], bit)
    with zipfile.ZipFile(next(folder.glob("faker-*.whl"))) as wheel:
        for locale in ("en_US", "en_GB", "es_ES", "es_MX", "es"):
            for kind in ("person", "address"):
                path = f"faker/providers/{kind}/{locale}/__init__.py"
                if path not in wheel.namelist():
                    continue
                for section in re.split(r"\n    (?=[a-z_]+\s*[:=])", wheel.read(path).decode()):
                    head = section.split("=", 1)[0]
                    bit = 0
                    if kind == "person" and "first_names" in head:
                        bit = FIRST
                    elif kind == "person" and "last_names" in head:
                        bit = LAST
                    elif kind == "address" and re.match(r"(cities|city_name|states|provinces|countries|regions)", head):
                        bit = PLACE if re.match(r"(states|countries|provinces|regions)", head) else CITY
                    for phrase in words_of(section) if bit else []:
                        add(phrase, bit, 3)
        for phrase in words_of(wheel.read("faker/providers/address/en/__init__.py").decode() if "faker/providers/address/en/__init__.py" in wheel.namelist() else ""):
            add(phrase, PLACE, 4)
    with tarfile.open(next(folder.glob("zipcodes-*.tgz"))) as tar:
        text = tar.extractfile("package/lib/codes.js").read().decode()
        for city in set(re.findall(r'"city":"([^"]+)"', text)):
            add(city, CITY, 4)
        for state in words_of(tar.extractfile("package/lib/states.js").read().decode()):
            add(state, PLACE, 4)
    with tempfile.TemporaryDirectory() as there:
        subprocess.run(["dpkg-deb", "-x", str(next(folder.glob("scowl_*.deb"))), there], check=True)
        lists = pathlib.Path(there) / "usr/share/dict/scowl"
        for size, bit in ((10, COMMON), (20, COMMON), (35, COMMON), (40, WORD), (50, WORD)):
            for name in (f"english-words.{size}", f"american-words.{size}"):
                for line in (lists / name).read_bytes().decode("latin-1").splitlines():
                    if line.isalpha() and line.islower():
                        add(line, bit)
    for word in (EPONYMS + " " + DRUGS).split():
        add(word, CLINICAL, 3)
    rows = sorted(key << 8 | bits for key, bits in table.items())
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_bytes(b"LXC1" + struct.pack(f"<I{len(rows)}I", len(rows), *rows))
    print(f"{OUT}: {len(rows)} words, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(pathlib.Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as there:
            main(pathlib.Path(there))
