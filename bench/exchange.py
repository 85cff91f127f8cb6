#!/usr/bin/env python3
"""The exchange beside nginx: CPU per request and latency, in the same run, in turns, TLS on both legs.

    tools/install --bench && tools/build release licet bench_pass && python3 bench/exchange.py
    python3 bench/exchange.py --pairs 9 --seconds 3 --only full-1k     # one case, longer

    wrk ──TLS──► nginx | licet | bench_pass ──TLS──► nginx that serves static FHIR JSON

Each case is a row of CASES. A pair is one burst on nginx, then one on ours, so that what else the machine does hits both; the ratio is of the
two, and the table shows its median and range over the pairs. CPU is utime+stime of the proxy's process (all threads) over the requests of the
burst. bench/README.md says how to read it. Needs Debian's nginx-light and wrk, and openssl; Python's standard library.
"""
import argparse
import base64
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples"))
from clinic import AUDIENCE, ISSUER, Child, free_port, wait_for  # noqa: E402

RELEASE = ROOT / "build" / "release"
TICK = os.sysconf("SC_CLK_TCK")
CONNECTIONS = 16

# name, what it is, the path, nginx's port, ours, the most that ours may take of nginx's CPU per request (issue: Benchmarks)
CASES = [
    ("pass-1k", "pass-through, 1 KB", "/fhir/DocumentReference/doc-1", "pass", "pass", 1.25),
    ("pass-64k", "pass-through, 64 KB", "/fhir/Observation?_count=60", "pass", "pass", 1.3),
    ("full-1k", "full path, cached access token, 1 KB", "/fhir/DocumentReference/doc-1", "auth", "gate", 1.0),
    ("full-64k", "full path, cached access token, 64 KB filtered", "/fhir/Observation?_count=60", "auth", "gate", 2.0),
    ("token-1k", "full path, a new transaction token each, 1 KB", "/fhir/DocumentReference/doc-1", "auth", "gate", 2.5),
]

# What a vendor of the example clinic may read here, beside what the clinic's own permits say: a reduced view of results.
PERMIT = """\
kind: permit
id: bench-reads-results
to: scribe
for: [TREAT]
whose: all
reads: {Observation: [id, status, code, subject, effectiveDateTime, valueQuantity]}
form: identified
otherwise: refuse
when: {region: [us-east]}
"""

NGINX = """\
daemon off; worker_processes 1; pid {folder}/{name}.pid; error_log {folder}/{name}.err;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 100000000; server_tokens off; open_file_cache max=10;
  client_body_temp_path {folder}/{name}-1; proxy_temp_path {folder}/{name}-2; fastcgi_temp_path {folder}/{name}-3;
  uwsgi_temp_path {folder}/{name}-4; scgi_temp_path {folder}/{name}-5;
  ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem; ssl_protocols TLSv1.2 TLSv1.3;
  {body}
}}
"""

PROXIES = """\
  upstream record {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 100000000; }}
  upstream noop {{ server 127.0.0.1:{noop}; keepalive 64; keepalive_requests 100000000; }}
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffer_size 16k; proxy_buffers 16 16k;
  proxy_ssl_verify on; proxy_ssl_trusted_certificate {folder}/cert.pem; proxy_ssl_name localhost; proxy_ssl_protocols TLSv1.2 TLSv1.3;
  server {{ listen 127.0.0.1:{plain} ssl; location / {{ proxy_pass https://record; }} }}
  server {{ listen 127.0.0.1:{auth} ssl;
    location / {{ auth_request /allowed; proxy_pass https://record; }}
    location = /allowed {{ internal; proxy_pass http://noop/; proxy_pass_request_body off; proxy_set_header Content-Length "";
      proxy_set_header Connection ""; proxy_set_header X-Original-Method $request_method; proxy_set_header X-Original-URI $request_uri; }} }}
"""

MINT = """\
local out
function init(args) out = io.open("{tokens}", "w") out:setvbuf("full") end
wrk.method = "POST"
wrk.body = "{form}"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
function response(status, headers, body) local t = body:match('"access_token":"([^"]+)"') if t then out:write(t, "\\n") out:flush() end end
"""

SPEND = """\
local tokens, at = {{}}, 0
function init(args) for line in io.lines("{tokens}") do tokens[#tokens + 1] = line end end
function request()
  at = at + 1
  if at == #tokens then wrk.thread:stop() end
  return wrk.format(nil, nil, {{["Txn-Token"] = tokens[at] or "none"}})
end
"""


# ---- What is served

def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def document():
    """A progress note of 1 KB."""
    note = {"resourceType": "DocumentReference", "id": "doc-1", "status": "current",
            "type": {"coding": [{"system": "http://loinc.org", "code": "11506-3", "display": "Progress note"}]},
            "category": [{"coding": [{"system": "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category", "code": "clinical-note"}]}],
            "subject": {"reference": "Patient/p-0001"}, "date": "2026-11-20T09:30:00Z", "author": [{"reference": "Practitioner/dr-lee"}],
            "description": "Seen for cough",
            "content": [{"attachment": {"contentType": "text/plain", "data": ""}}]}
    room = 1024 - len(json.dumps(note))
    note["content"][0]["attachment"]["data"] = base64.b64encode(b"No fever. " * 100)[:room // 4 * 4].decode()
    return json.dumps(note)


def bundle(base):
    """A search answer of 64 KB: results of six patients, of which the view keeps about half the bytes."""
    def entry(i):
        return {"fullUrl": f"{base}/Observation/obs-{i:04}", "search": {"mode": "match"}, "resource": {
            "resourceType": "Observation", "id": f"obs-{i:04}", "meta": {"versionId": "1", "lastUpdated": "2026-11-20T09:30:00Z"}, "status": "final",
            "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory", "display": "Laboratory"}]}],
            "code": {"coding": [{"system": "http://loinc.org", "code": "718-7", "display": "Hemoglobin [Mass/volume] in Blood"}], "text": "Hemoglobin"},
            "subject": {"reference": f"Patient/p-{i % 6 + 1:04}", "display": "Maria Alvarez"}, "encounter": {"reference": f"Encounter/enc-{i:04}"},
            "effectiveDateTime": "2026-11-20T09:30:00Z", "issued": "2026-11-20T11:00:00.000Z", "performer": [{"reference": "Practitioner/dr-lee", "display": "Dr. Lee"}],
            "valueQuantity": {"value": 13.2 + i % 7 / 10, "unit": "g/dL", "system": "http://unitsofmeasure.org", "code": "g/dL"},
            "referenceRange": [{"low": {"value": 12.0, "unit": "g/dL"}, "high": {"value": 15.5, "unit": "g/dL"}}], "note": [{"text": "Repeat in three months."}]}}
    entries = []
    while True:
        text = json.dumps({"resourceType": "Bundle", "type": "searchset", "total": len(entries) + 1, "link": [{"relation": "self", "url": f"{base}/Observation?_count=60"}],
                           "entry": [*entries, entry(len(entries))]})
        if len(text) > 65536:
            return text
        entries.append(entry(len(entries)))


def run(*argv, stdin=None):
    return subprocess.run([str(a) for a in argv], input=stdin, check=True, capture_output=True).stdout


class Issuer:
    """An identity provider reduced to its key: RFC 9068 tokens, ES256."""

    def __init__(self, folder):
        self.key = folder / "issuer.pem"
        run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key)
        point = run("openssl", "ec", "-in", self.key, "-pubout", "-outform", "DER")[-64:]
        self.jwks = folder / "jwks.json"
        self.jwks.write_text(json.dumps({"keys": [{"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "b", "x": b64(point[:32]), "y": b64(point[32:])}]}))

    def token(self, client):
        now = int(time.time())
        head = {"alg": "ES256", "typ": "at+jwt", "kid": "b"}
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": client, "client_id": client, "iat": now - 1, "exp": now + 3600, "jti": "bench"}
        said = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claims).encode())}"
        der = run("openssl", "dgst", "-sha256", "-sign", self.key, stdin=said.encode())
        r_end = 4 + der[3]  # SEQUENCE { INTEGER r, INTEGER s }
        r, s = der[4:r_end], der[r_end + 2:]
        return f"{said}.{b64(b''.join(n.lstrip(bytes(1)).rjust(32, bytes(1)) for n in (r, s)))}"


# ---- What is started

class World:
    """Upstream, no-op authorizer, nginx, bench_pass and the gate, in `folder`."""

    def __init__(self, folder):
        self.folder = folder
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "cert.pem")
        at = {name: free_port() for name in ("upstream", "noop", "plain", "auth")}
        self.base = f"https://127.0.0.1:{at['upstream']}/fhir"
        files = folder / "www" / "fhir"
        (files / "DocumentReference").mkdir(parents=True)
        (files / "DocumentReference" / "doc-1").write_text(document())
        (files / "Observation").write_text(bundle(self.base))
        for at_path in [folder, *folder.rglob("*")]:  # nginx's workers are not root
            at_path.chmod(0o755 if at_path.is_dir() else 0o644)
        (folder / "key.pem").chmod(0o600)
        self.nginx("upstream", f"default_type application/fhir+json; server {{ listen 127.0.0.1:{at['upstream']} ssl; root {folder}/www; }}", at["upstream"])
        self.nginx("noop", f"server {{ listen 127.0.0.1:{at['noop']}; location / {{ return 204; }} }}", at["noop"])
        proxy = self.nginx("proxy", PROXIES.format(folder=folder, **at), at["auth"])
        self.nginx_pid = wait_for(lambda: run("pgrep", "-P", proxy.process.pid).split(), 5, "nginx's worker")[0].decode()
        self.issuer = Issuer(folder)
        self.ports = {("nginx", "pass"): at["plain"], ("nginx", "auth"): at["auth"]}
        self.pids = {("nginx", "pass"): self.nginx_pid, ("nginx", "auth"): self.nginx_pid}
        self.start_pass()
        self.stack()
        self.starts = [self.start_gate()]
        self.restart_gate()

    def nginx(self, name, body, port):
        conf = self.folder / f"{name}.conf"
        conf.write_text(NGINX.format(folder=self.folder, name=name, body=body))
        child = Child(self.folder / name, ["nginx", "-e", self.folder / f"{name}.err", "-c", conf])
        wait_for(lambda: subprocess.run(["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}"], capture_output=True).returncode == 0, 10, f"nginx {name}")
        return child

    def start_pass(self):
        child = Child(self.folder / "pass", [RELEASE / "bench_pass", self.base, self.folder / "cert.pem", self.folder / "key.pem"])
        self.ports["ours", "pass"] = int(child.line(r"^ready (\d+)")[1])
        self.pids["ours", "pass"] = child.process.pid

    def stack(self):
        """The example clinic's declaration, and a view of results for its scribe."""
        to = self.folder / "stack"
        shutil.copytree(ROOT / "examples" / "riverbend", to)
        (to / "bench.yaml").write_text(PERMIT)
        flows = (to / "flows.yaml").read_text()
        changed = re.sub(r"(id: notes-to-scribe\n.*?data: \[)", r"\1clinical.lab, ", flows, count=1, flags=re.S)
        assert changed != flows
        (to / "flows.yaml").write_text(changed)
        f = self.folder
        (f / "licet.yaml").write_text(
            f"stack: stack\nstate: state\naudience: {AUDIENCE}\nthreads: 1\ngate: {{port: 0, certificate: cert.pem, key: key.pem, client-ca: cert.pem}}\n"
            f"console: {{port: 0}}\nissuers:\n  - {{issuer: \"{ISSUER}\", jwks: \"{self.issuer.jwks}\"}}\n"
            f"routes:\n" + "".join(f"  {r}: {{forwards: \"{self.base}/\", ca: cert.pem}}\n" for r in ("fhir-front", "observed-front")))

    def start_gate(self):
        """Seconds until it serves."""
        begun = time.monotonic()
        self.gate = Child(self.folder / "gate", [RELEASE / "licet", "serve", self.folder / "licet.yaml"])
        port = int(self.gate.line(r"^\s*gate +\S+:(\d+)")[1])
        took = time.monotonic() - begun
        self.entries = int(self.gate.line(r"\((\d+) entries\)")[1])
        self.ports["ours", "gate"], self.pids["ours", "gate"] = port, self.gate.process.pid
        return took

    def restart_gate(self):
        self.gate.stop()
        self.starts.append(self.start_gate())


# ---- Measuring

def cpu(pid):
    """Seconds of processor time of all its threads so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def micros(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]


class Burst:
    """`seconds` of load by wrk on one proxy."""

    def __init__(self, pid, port, path, connections, seconds, headers=(), script=None):
        argv = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *(a for h in headers for a in ("-H", h)), *(["-s", script] if script else [])]
        before = cpu(pid)
        said = run(*argv, f"https://127.0.0.1:{port}{path}").decode()
        used = cpu(pid) - before
        self.requests = int(re.search(r"(\d+) requests in", said)[1])
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", said) or re.search(r"Socket errors: (.*)", said)
        if bad or self.requests == 0:
            raise RuntimeError(f"{path} on port {port}: {said}")
        self.cpu_us = used / self.requests * 1e6
        self.rate = float(re.search(r"Requests/sec: +([\d.]+)", said)[1])
        self.p50, self.p99 = (micros(re.search(rf"\s{p}%\s+(\S+)", said)[1]) for p in (50, 99))


def fdatasyncs(path, count=150):
    """Microseconds of each of `count` writes of 4 KiB into a file that is already there, with fdatasync."""
    with open(path, "r+b" if path.exists() else "w+b", buffering=0) as f:
        if path.stat().st_size == 0:
            f.write(bytes(4096 * count))
            os.fsync(f.fileno())
        took = []
        for i in range(count):
            begun = time.perf_counter()
            os.pwrite(f.fileno(), b"x" * 4096, 4096 * i)
            os.fdatasync(f.fileno())
            took.append((time.perf_counter() - begun) * 1e6)
    return took


def percentile(values, p):
    return sorted(values)[min(len(values) - 1, int(len(values) * p / 100))]


def stolen():
    fields = [int(v) for v in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return fields[7], sum(fields[:8])


class Runner:
    def __init__(self, world, args):
        self.world, self.args = world, args
        self.bearer = f"Authorization: Bearer {world.issuer.token('scribe')}"
        self.syncs = []
        f = world.folder
        form = ("grant_type=urn:ietf:params:oauth:grant-type:token-exchange&requested_token_type=urn:ietf:params:oauth:token-type:txn_token"
                "&subject_token_type=urn:ietf:params:oauth:token-type:access_token&subject_token=" + self.bearer.split()[-1] +
                "&scope=fhir-front%20TREAT")
        (f / "mint.lua").write_text(MINT.format(tokens=f / "tokens", form=form))
        (f / "spend.lua").write_text(SPEND.format(tokens=f / "tokens"))

    def burst(self, who, server, path, connections, seconds, **more):
        key = (who, server)
        return Burst(self.world.pids[key], self.world.ports[key], path, connections, seconds, **more)

    def check(self):
        """That each proxy answers what it must, before any of it is timed."""
        for name, _, path, peer, ours, _ in CASES:
            served = (self.world.folder / "www" / path.partition("?")[0].lstrip("/")).read_bytes()
            for who, server in (("nginx", peer), ("ours", ours)):
                got = run("curl", "-sS", "--fail-with-body", "--cacert", self.world.folder / "cert.pem", "-H", self.bearer, f"https://127.0.0.1:{self.world.ports[who, server]}{path}")
                whole = server != "gate"
                wrong = got != served if whole else (b"valueQuantity" not in got and b"attachment" not in got) or b"author" in got or b"performer" in got
                if wrong:
                    raise RuntimeError(f"{name}: {who} answered {got[:300]}")
                if not whole:
                    self.sizes = {**getattr(self, "sizes", {}), name: (len(served), len(got))}

    def pair(self, case):
        """nginx, then ours: at 16 connections (CPU, latency under load), then at one (latency)."""
        name, _, path, peer, ours, _ = case
        seconds = self.args.seconds
        self.syncs += fdatasyncs(self.world.folder / "state" / "bench.raw")
        nginx = self.burst("nginx", peer, path, CONNECTIONS, seconds, headers=[self.bearer])
        minted = None
        if name.startswith("token"):
            minted = self.burst("ours", ours, "/token", CONNECTIONS, seconds, script=self.world.folder / "mint.lua")
            mine = self.burst("ours", ours, path, CONNECTIONS, seconds, script=self.world.folder / "spend.lua")
            return nginx, mine, minted, None, None
        mine = self.burst("ours", ours, path, CONNECTIONS, seconds, headers=[self.bearer])
        quiet = [self.burst(who, server, path, 1, max(1, seconds // 2), headers=[self.bearer]) for who, server in (("nginx", peer), ("ours", ours))]
        return nginx, mine, minted, *quiet

    def run(self, cases):
        self.check()
        for case in cases:  # warm: connections, caches, pages
            for who, server in (("nginx", case[3]), ("ours", case[4])):
                self.burst(who, server, case[2], CONNECTIONS, 1, headers=[self.bearer])
        results = {case[0]: [] for case in cases}
        for number in range(self.args.pairs):
            for case in cases:
                results[case[0]].append(self.pair(case))
                if sys.stderr.isatty():
                    print(f"\r{case[0]} {number + 1}/{self.args.pairs}    ", end="", file=sys.stderr, flush=True)
        if sys.stderr.isatty():
            print("\r" + " " * 40 + "\r", end="", file=sys.stderr)
        return results


# ---- Telling

def median(values):
    return statistics.median(values)


def table(headings, rows):
    print("| " + " | ".join(headings) + " |\n|" + "---|" * len(headings))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def ratio(pairs, value):
    values = [value(p) for p in pairs]
    return f"**{median(values):.2f}** ({min(values):.2f}–{max(values):.2f})", median(values)


def verdict(value, most):
    return "met" if value <= most else f"**missed**: {value / most:.1f}× the target"


def tell(runner, cases, results, steal):
    args = runner.args
    print(f"{args.pairs} pairs, {args.seconds} s a burst, {CONNECTIONS} connections, 1 I/O thread or worker, TLS 1.3 on both legs; "
          f"load average {os.getloadavg()[0]:.1f} at the end, {steal:.1f} % of processor time stolen.\n")
    rows = []
    for case in cases:
        pairs = results[case[0]]
        said, value = ratio(pairs, lambda p: p[1].cpu_us / p[0].cpu_us)
        size = runner.sizes.get(case[0])
        rows.append([case[1] + (f" ({size[0]:,} → {size[1]:,} B)" if size else ""), f"{median([p[0].cpu_us for p in pairs]):.1f}",
                     f"{median([p[1].cpu_us for p in pairs]):.1f}", said, f"≤ {case[5]}", verdict(value, case[5])])
        if pairs[0][2]:
            said, value = ratio(pairs, lambda p: (p[1].cpu_us + p[2].cpu_us) / p[0].cpu_us)
            rows.append(["· the same with its minting (`POST /token`)", f"{median([p[0].cpu_us for p in pairs]):.1f}",
                         f"{median([p[1].cpu_us + p[2].cpu_us for p in pairs]):.1f}", said, "–", ""])
    print("CPU per request, µs. The peer of *pass-through* is nginx `proxy_pass`; of the *full path*, nginx with `auth_request` to a no-op that "
          "answers 204 (whose own CPU isn't counted).\n")
    table(["case", "nginx", "Licet", "ratio, median (range)", "target", ""], rows)

    sync50, sync99 = percentile(runner.syncs, 50), percentile(runner.syncs, 99)
    print(f"Raw `fdatasync` of 4 KiB on the ledger's disk, between the bursts: p50 {sync50:.0f} µs, p99 {sync99:.0f} µs ({len(runner.syncs)} of them).\n")
    rows = []
    for case in cases:
        pairs = [p for p in results[case[0]]]
        loaded = [f"{median([getattr(p[i], q) for p in pairs]):,.0f}" for i in (0, 1) for q in ("p50", "p99")]
        rate = [f"{median([p[i].rate for p in pairs]):,.0f}" for i in (0, 1)]
        quiet = ["", "", "", "", ""]
        if pairs[0][3]:
            quiet = [f"{median([getattr(p[i], q) for p in pairs]):,.0f}" for i in (3, 4) for q in ("p50", "p99")]
            quiet.append(f"{median([p[4].p99 - p[3].p99 for p in pairs]):+,.0f}")
        rows.append([case[0], *rate, *loaded, *quiet])
    print("Latency, µs (medians over the pairs of each burst's p50 and p99). At 16 connections a closed loop keeps both cores busy: there it measures "
          "throughput.\n")
    table(["case", "nginx req/s", "Licet req/s", "c=16: nginx p50", "p99", "Licet p50", "p99", "c=1: nginx p50", "p99", "Licet p50", "p99", "added p99"], rows)
    full = [p for case in cases if case[4] == "gate" for p in results[case[0]] if p[3]]
    if full:
        added = median([p[4].p99 - p[3].p99 for p in full])
        most = 2 * sync50 + 1000
        print(f"Added p99 of the full path at one connection: {added:,.0f} µs; target ≤ 2 fdatasyncs + 1 ms = {most:,.0f} µs by their p50 "
              f"({2 * sync99 + 1000:,.0f} by their p99): {verdict(added, most)}.\n")
    made, again, loaded = runner.world.starts
    entries, size = runner.world.entries, sum(f.stat().st_size for f in (runner.world.folder / "state" / "ledger").rglob("*") if f.is_file())
    print(f"Start-up of the gate over examples/riverbend, until it serves: {made * 1000:,.0f} ms with no state (keys are made), {again * 1000:,.0f} ms with it; "
          f"target ≤ 300 ms: {verdict(again, 0.3)}. With this run's ledger of {entries:,} entries ({size / 1e6:,.0f} MB): {loaded * 1000:,.0f} ms: {verdict(loaded, 0.3)}.\n")


def main():
    parse = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parse.add_argument("--pairs", type=int, default=5)
    parse.add_argument("--seconds", type=int, default=2, help="of each burst")
    parse.add_argument("--only", action="append", choices=[c[0] for c in CASES])
    parse.add_argument("--hold", action="store_true", help="start everything, print the addresses, wait for Enter: for a profiler")
    args = parse.parse_args()
    for name in ("nginx", "wrk", "openssl", "curl"):
        if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin"):
            sys.exit(f"{name} is missing: tools/install --bench")
    os.environ["PATH"] += ":/usr/sbin"
    cases = [c for c in CASES if not args.only or c[0] in args.only]
    kept = ROOT / "build" / "bench"  # not /tmp, which is memory on some machines: the ledger's disk is part of what is measured
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="exchange-", dir=kept) as name:
        world = World(pathlib.Path(name))
        runner = Runner(world, args)
        if args.hold:
            runner.check()
            print(json.dumps({"ports": {" ".join(k): v for k, v in world.ports.items()}, "pids": {" ".join(k): int(v) for k, v in world.pids.items()},
                              "header": runner.bearer, "folder": name}, indent=1), flush=True)
            sys.stdin.readline()
            return
        steal, total = stolen()
        results = runner.run(cases)
        steal_after, total_after = stolen()
        world.restart_gate()
        tell(runner, cases, results, 100 * (steal_after - steal) / max(1, total_after - total))
        world.gate.stop()


if __name__ == "__main__":
    main()
