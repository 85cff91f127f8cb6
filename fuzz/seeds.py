"""fuzz/seeds.py FORMATS RISK: invented seeds for fuzz_deid_formats and fuzz_risk, one small file for each way of being written, into two folders."""
import pathlib
import random
import sys

F, R = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
F.mkdir(parents=True, exist_ok=True)
R.mkdir(parents=True, exist_ok=True)


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
