"""fuzz/seeds.py FOLDER: invented seeds for the fuzzers of de-identification, one small file for each way of being written, in FOLDER/NAME for fuzz_NAME."""
import json
import pathlib
import struct
import sys

ROOT = pathlib.Path(sys.argv[1])
F, R, PROMPT, TEXT, FHIR, DICOM = (ROOT / name for name in ("deid_formats", "risk", "prompt", "deid", "fhir", "dicom"))
for folder in (F, R, PROMPT, TEXT, FHIR, DICOM):
    folder.mkdir(parents=True, exist_ok=True)


def put(folder, name, text):
    (folder / name).write_bytes(text.encode())


row = lambda i: f"P-{i},19{i % 90 + 10}-0{i % 9 + 1}-1{i % 9},{10000 + i * 37},{i / 7:.2f},2345-{i},OH,Maria Plantedworth,{i},any,{i}x,gone,seen by Dr. Plantedworth\n"
csvs = {
    "plain": "".join(row(i) for i in range(4)), "crlf": row(1).replace("\n", "\r\n") + row(2).replace("\n", "\r\n"), "cr": "a,b\r1,2\r",
    "mark": "\ufeffa,b\n1,2\n", "quotes": '"a ""b"" c","d,\ne"\n"","x"\n', "bare": 'a"b,c\nd,e\n', "behind": '"a"b,c\nd,e\n', "open": 'a,b\n"c,d\n',
    "blank": "a\n\n\nb\n", "short": "a,b\nc\n,\nd,e,f\n", "long": "a," + "x" * 300 + "\n" + "," * 150 + "\n", "noend": "a,b\n1,",
    "dates": "P-1,3/14/1979\nP-1,2020-02-30\nP-2,20200101\n,1/1/1900\n", "zip": "P,1,03601\nP,1,45990-1234\nP,1,459901234\nP,1,4599\n",
    "columns": "a = date  # its name\nb=zip\n", "columns2": "dob=date,sex=token,note=text",
    "numbers": "a,b,c,-1.5,12345678,OH\na,b,c,1e5,2345-7,Ohio\na,b,c,\"98.6\",\"F\",Nowhere\n",
}
for n, t in csvs.items(): put(F, "csv_" + n, t)
msg = ("MSH|^~\\&|LAB|CLINIC|EHR|CLINIC|20260301093000||ORU^R01^ORU_R01|77|P|2.5.1\r"
       "PID|1||P-1^^^CLINIC^MR||Plantedworth^Maria^Q||19790314|F|||12 Alder Lane^^Riverbend^OH^45990^USA^H||7405550123\r"
       "OBR|1|A1|F1|24323-8^Panel^LN|||20260301091500\rOBX|1|NM|2345-7^Glucose^LN||98|mg/dL|70-99|N|||F\rOBX|2|ST|X^Y^LN||words~more|||\rNTE|1|L|Fasting, seen by Dr. Plantedworth\rZPI|1|x\r")
put(F, "hl7", "h" + msg)
put(F, "hl7_mllp", "h\x0b" + msg + "\x1c\r" + msg)
put(F, "hl7_batch", "hFHS|^~\\&|A\rBHS|^~\\&|A\r" + msg + "BTS|1\rFTS|1\r")
isa = "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *260301*0930*^*00501*000000001*0*P*:~GS*HC*S*R*20260301*0930*1*X*005010X222A1~"
st = ("ST*837*0001*005010X222A1~BHT*0019*00*0123*20260301*0930*CH~NM1*IL*1*PLANTEDWORTH*MARIA****MI*W123~"
      "N3*12 ALDER LANE~N4*RIVERBEND*OH*45990~DMG*D8*19790314*F~CLM*A1*100***11:B:1*Y*A*Y*Y~SE*7*0001~")
put(F, "x12", "x" + isa + st + "GE*1*1~IEA*1*000000001~")
put(F, "x12_lines", "x" + (isa + st + st + "GE*2*1~IEA*1*000000001~").replace("~", "~\n"))
put(F, "ccda", 'c<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1.2" extension="x1"/><effectiveTime value="20260301"/>'
    '<recordTarget><patientRole><id root="1.2.3" extension="P-1"/>'
    '<addr><streetAddressLine>12 Alder Lane</streetAddressLine>'
    '<city>Riverbend</city><state>OH</state><postalCode>45990</postalCode></addr><patient><name><given>Maria</given><family>Plantedworth</family></name>'
    '<birthTime value="19790314"/></patient></patientRole></recordTarget>'
    '<component><structuredBody><component><section><title>Notes</title><text>Seen by <b>Dr. Plantedworth</b></text></section></component></structuredBody></component></ClinicalDocument>')
for n, t in {"date": "date:month,year,5y,10y\n1979-03-14", "prefix": "prefix:4,3,2,1\n45990", "number": "number:5,10,20,top=90\n93.5", "any": "any\nx", "keep": "keep\nx",
             "file": "flu;respiratory;*\nasthma;respiratory;*\ngout;joints;*\n", "file2": "a,b,c\n\"x, y\",z,\"\"\"q\"\"\"\n\nd,e,f\n", "tabs": "a\tb\nc\td\n", "match": "name~0.9=full_name,birth+1d=dob,zip\nMaria",
             "quarter": "date:day,quarter,year\n2/27/2026", "wrong": "number:3,5\nx", "open": "a,\"b\nc,d\n"}.items(): put(R, n, t)

# Prompts and answers: the first letter says which (fuzz_prompt.cc).
note = "Maria Plantedworth, MRN: 7654321, born 3/14/1979, phone (740) 555-0123, seen by Dr. Plantedworth."
prompts = {
    "c_text": {"model": "m", "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": note}], "stream": True},
    "c_parts": {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": note}, {"type": "image_url", "image_url": {"url": "data:,x"}}]}]},
    "c_tools": {"model": "m", "messages": [{"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": {
        "name": "look_up", "arguments": json.dumps({"patient": "Maria Plantedworth", "n": 7654321})}}]}, {"role": "tool", "tool_call_id": "c1", "content": note}],
        "tools": [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {"patient": {"type": "string"}}}}}]},
    "c_json": {"model": "m", "messages": [{"role": "user", "content": json.dumps({"name": "Plantedworth", "note": note})}], "response_format": {"type": "json_object"}},
    "r_text": {"model": "m", "input": note, "instructions": "Be brief."},
    "r_items": {"model": "m", "input": [{"role": "user", "content": [{"type": "input_text", "text": note}]}, {"type": "function_call_output", "call_id": "c", "output": note}]},
    "r_kept": {"model": "m", "input": "x", "previous_response_id": "resp_1"},
    "e_text": {"model": "m", "input": [note, "b"]},
    "m_text": {"model": "m", "max_tokens": 9, "system": "Be brief.", "messages": [{"role": "user", "content": note}]},
    "m_tools": {"model": "m", "max_tokens": 9, "messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "look_up", "input": {"patient": note}}]},
                                                         {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": note}]}]},
    "a_chat": {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Of [[NAME_0000]] and [[MRN_0000]]."}}]},
}
for n, t in prompts.items(): put(PROMPT, n, n[0] + json.dumps(t))
delta = lambda text: "data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}) + "\n\n"
put(PROMPT, "s_chat", "s" + delta("Of [[NA") + delta("ME_0000]] and [[") + ": a comment\n\n" + delta("MRN_0000]]") + "data: [DONE]\n\n")
put(PROMPT, "t_messages", "tevent: content_block_delta\ndata: " + json.dumps({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "[[NAME_0000"}})
    + "\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")

texts = {"note": note, "lines": note.replace(", ", "\n"), "spanish": "La paciente María Sandoval Ruiz, de 47 años, NHC 7654321, ingresó el 3 de marzo de 2026 en el Hospital de Riverbend.",
         "numbers": "SSN 123-45-6789, NPI 1234567893, DEA AP1234563, MBI 1EG4-TE5-MK73, VIN 1HGCM82633A004352, 10.1.2.3, https://example.com/~maria",
         "hidden": "Plan\u200btedworth, Ｍaria, &lt;b&gt;Sand&lt;/b&gt;oval, UGxhbnRlZHdvcnRo", "ages": "97-year-old, aged 91, 3 weeks old; ZIP 03601, 459"}
for n, t in texts.items(): put(TEXT, n, t)
resources = {
    "patient": {"resourceType": "Patient", "id": "p-1", "meta": {"versionId": "1", "lastUpdated": "2026-03-01T09:30:00Z"}, "identifier": [{"system": "urn:x", "value": "7654321"}],
                "name": [{"family": "Plantedworth", "given": ["Maria"]}], "birthDate": "1979-03-14", "address": [{"postalCode": "45990", "state": "OH"}], "deceasedBoolean": False},
    "observation": {"resourceType": "Observation", "id": "o-1", "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "2345-7"}], "text": "Glucose"},
                    "subject": {"reference": "Patient/p-1"}, "effectiveDateTime": "2026-03-01", "valueQuantity": {"value": 98.5, "unit": "mg/dL"}, "note": [{"text": note}]},
    "contained": {"resourceType": "List", "status": "current", "mode": "working", "contained": [{"resourceType": "Patient", "id": "x"}], "entry": [{"item": {"reference": "#x"}}]},
    "modified": {"resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"}, "modifierExtension": [{"url": "urn:y", "valueBoolean": True}]},
    "escaped": {"resourceType": "Patient", "id": "p-2", "name": [{"family": "O\u2019Pl\u00e1nted\tworth\\"}]},
}
resources["bundle"] = {"resourceType": "Bundle", "type": "searchset", "total": 2, "entry": [{"fullUrl": f"urn:uuid:{n}", "resource": r, "search": {"mode": "match"}} for n, r in resources.items()][:2]}
for n, t in resources.items():
    put(FHIR, n, json.dumps(t))
    put(FHIR, n + "_wide", json.dumps(t, indent=2))
    put(TEXT, n, json.dumps(t))
for n, t in {"search": "/Observation?patient=p-1&code=http://loinc.org|2345-7&_count=5", "read": "/Patient/p-1", "form": "/Patient/_search\nname=Plantedworth&birthdate=ge1979", "page": "?_page=x"}.items():
    put(FHIR, n, t)


# DICOM: explicit little endian.
def element(tag, vr, value):
    value = value.encode() if isinstance(value, str) else value
    value += (b"\0" if vr in ("UI", "OB") else b" ") * (len(value) % 2)
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    return head + (struct.pack("<HI", 0, len(value)) if vr in ("OB", "OW", "SQ", "UN", "UT") else struct.pack("<H", len(value))) + value


def item(value):
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(value)) + value


def file(syntax, pixels, more=b""):
    meta = element(0x00020002, "UI", "1.2.840.10008.5.1.4.1.1.2") + element(0x00020003, "UI", "1.2.3.4") + element(0x00020010, "UI", syntax)
    data = (element(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2") + element(0x00080018, "UI", "1.2.3.4") + element(0x00080020, "DA", "20260301") + element(0x00080060, "CS", "CT")
            + element(0x00081140, "SQ", item(element(0x00081155, "UI", "1.2.3.5"))) + element(0x00090010, "LO", "ACME") + element(0x00091001, "LO", "Plantedworth")
            + element(0x00100010, "PN", "Plantedworth^Maria") + element(0x00100020, "LO", "7654321") + element(0x00100030, "DA", "19790314") + more
            + element(0x00280002, "US", struct.pack("<H", 1)) + element(0x00280010, "US", struct.pack("<H", 2)) + element(0x00280011, "US", struct.pack("<H", 2))
            + element(0x00280100, "US", struct.pack("<H", 8)) + element(0x00280101, "US", struct.pack("<H", 8)))
    return bytes(128) + b"DICM" + element(0x00020000, "UL", struct.pack("<I", len(meta))) + meta + data + pixels


def fragments(*streams):
    return struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OB", 0, 0xFFFFFFFF) + item(b"") + b"".join(item(s + b"\0" * (len(s) % 2)) for s in streams) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


jpeg = b"\xff\xd8\xff\xe1\0\x0eExif Maria P\xff\xfe\0\x0ePlantedworth\xff\xda\0\x08\1\1\0\0\x3f\0ab\xff\0c\xff\xd0d\xff\xd9"
j2000 = b"\xff\x4f\xff\x51\0\x06size\xff\x64\0\x0f\0\1Plantedwort\xff\x90\0\x0a\0\0\0\0\0\0\0\1\xff\x93ab\xff\x8fc\xff\xd9"
dicoms = {
    "plain": file("1.2.840.10008.1.2.1", element(0x7FE00010, "OB", b"abcd")), "none": file("1.2.840.10008.1.2.1", b""),
    "text": file("1.2.840.10008.1.2.1", b"", element(0x00104000, "LT", note) + element(0x00104010, "UN", b"x")),
    "jpeg": file("1.2.840.10008.1.2.4.50", fragments(jpeg, jpeg)), "j2000": file("1.2.840.10008.1.2.4.90", fragments(j2000)), "rle": file("1.2.840.10008.1.2.5", fragments(b"rle")),
}
for n, t in dicoms.items(): (DICOM / n).write_bytes(t)
