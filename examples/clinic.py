#!/usr/bin/env python3
"""Riverbend Clinic on this machine: EHR, identity provider, gate and console. What ./run starts, and the library of tests/acceptance.

    python3 examples/clinic.py               # stays until Ctrl-C; prints what to try
    python3 examples/clinic.py --detach      # returns once all is ready;  --stop ends it.  $LICET_RUN: another folder than build/run

    with Servers(folder) as servers, Clinic(folder, servers) as clinic:
        clinic.request("GET", "/fhir/DocumentReference/doc-0001", cert="scribe.example").json()
        clinic.edit("agreements.yaml", "expires: 2027-01-10", "expires: 2026-01-10")
        clinic.licet("explain", reference, *clinic.at)

Python's standard library, openssl and the npm packages of examples/servers; nothing is installed. Everything that is started ends with
this process, even when it is killed. Nothing waits by sleeping: servers say `ready` on stdout, wait_for() polls a condition with a bound.
"""

import atexit
import base64
import collections
import ctypes
import datetime
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
SERVERS = ROOT / "examples" / "servers"
AUDIENCE = "https://gate.riverbend.example"  # what access tokens are for
ISSUER = "https://idp.riverbend.example"  # the stack's name of the identity provider
# `stranger` is certified, and declared nowhere.
CALLERS = "scribe referral mailhouse acme-ai billing university payer county hie fax logs ehr therapist counsel hr studio stranger".split()

_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_children = set()


def _end_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


@atexit.register
def _end_all():
    for child in list(_children):
        child.kill()


def wait_for(condition, seconds, what="the condition"):
    """What `condition()` returns, once that is true; AssertionError after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} was not met within {seconds} s")
        time.sleep(0.02)


def free_port(preferred=0):
    for port in (preferred, 0):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                return s.getsockname()[1]
            except OSError:
                continue
    raise OSError("no free port")


class Child:
    """A server: its stdout is read for what it says and kept, with its stderr, in LOG.out and LOG.err. Start it from the main thread: it is
    killed when the thread that started it ends."""

    def __init__(self, log, argv, env=None):
        self.log = pathlib.Path(log)
        self._lines, self._more = [], threading.Condition()
        self._ended = False
        with open(f"{log}.err", "ab") as err:
            self.process = subprocess.Popen(
                [str(a) for a in argv],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=err,
                start_new_session=True,
                preexec_fn=_end_with_parent,
                env={**os.environ, **(env or {})},
            )
        _children.add(self)
        self._pump = threading.Thread(target=self._read, daemon=True)
        self._pump.start()

    def _read(self):
        with open(f"{self.log}.out", "ab", buffering=0) as out:
            for line in self.process.stdout:
                out.write(line)
                with self._more:
                    self._lines.append(line.decode(errors="replace").rstrip("\n"))
                    self._more.notify_all()
        with self._more:
            self._ended = True
            self._more.notify_all()

    def line(self, pattern, seconds=60):
        """The match of the first line that matches."""
        end = time.monotonic() + seconds
        with self._more:
            seen = 0
            while True:
                for line in self._lines[seen:]:
                    if found := re.search(pattern, line):
                        return found
                seen = len(self._lines)
                if self._ended or not self._more.wait(max(0, end - time.monotonic())):
                    raise RuntimeError(f"{self.log.name} {'ended' if self._ended else 'is not ready'}:\n{self.output()[-3000:]}")

    def output(self):
        return "".join(
            pathlib.Path(f"{self.log}.{s}").read_text(errors="replace") for s in ("out", "err") if os.path.exists(f"{self.log}.{s}")
        )

    def stop(self, seconds=15):
        """Ends it politely, then by force. Returns its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        return self.kill()

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        code = self.process.wait()
        if threading.current_thread() is not self._pump:
            self._pump.join(5)
        _children.discard(self)
        return code


class Servers:
    """Certificates, data, EHR and identity provider: they are slow to start, so several Clinics may share them."""

    def __init__(self, folder, ports=None, clients=()):
        """`clients`: more of them for the identity provider, as in clients.json."""
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.certs, self.data = self.folder / "certs", self.folder / "data"
        self.node = SERVERS / "node_modules" / ".bin" / "node"
        if not self.node.exists():
            raise RuntimeError("examples/servers has no packages: tools/npm-install examples/servers")
        self._started = []
        ports = ports or {}
        made = self.certs / "ca.crt"
        if not made.exists() or time.time() - made.stat().st_mtime > 20 * 86400:  # they are good for 30 days
            shutil.rmtree(self.certs, ignore_errors=True)
            subprocess.run(
                ["sh", SERVERS / "certs.sh", self.certs, *(f"{name}.example" for name in CALLERS)], check=True, capture_output=True
            )
        shutil.rmtree(self.data, ignore_errors=True)
        subprocess.run([self.node, SERVERS / "generate.mjs", "--out", self.data, "--as-of", "today"], check=True, capture_output=True)
        known = [*json.loads((SERVERS / "clients.json").read_text()), *clients]
        (self.folder / "clients.json").write_text(json.dumps(known))
        self._clients, self._tokens = {c["client_id"]: c for c in known}, {}
        ehr = self.start(
            "ehr",
            "ehr.mjs",
            "--port",
            ports.get("ehr", 0),
            "--data",
            self.data,
            "--log",
            self.folder / "ehr.requests",
            "--tls",
            self.certs / "ehr.crt",
            self.certs / "ehr.key",
        )
        idp = self.start("idp", "idp.mjs", "--port", ports.get("idp", 0), "--resource", AUDIENCE, "--clients", self.folder / "clients.json")
        self.ehr, self.idp = self.url_of(ehr), self.url_of(idp)

    def start(self, log, script, *args):
        child = Child(self.folder / log, [self.node, SERVERS / script, *args])
        self._started.append(child)
        return child

    @staticmethod
    def url_of(child):
        return child.line(r"^ready (\S+)")[1]

    def faulty(self, *args, log="faulty"):
        """Another upstream, which misbehaves (examples/servers/faulty.mjs). Returns its URL."""
        return self.url_of(self.start(log, "faulty.mjs", *args, "--tls", self.certs / "ehr.crt", self.certs / "ehr.key"))

    def token(self, client):
        """An access token of the identity provider; `act_for` clients get a person's (examples/servers/README.md)."""
        kept = self._tokens.get(client)
        if kept and time.monotonic() - kept[1] < 120:  # they are good for 300 s
            return kept[0]
        known = self._clients[client]
        form = {"grant_type": "client_credentials", "resource": AUDIENCE}
        if "scope" in known:
            form["scope"] = known["scope"]
        where = urllib.parse.urlsplit(self.idp)
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=10)
        basic = base64.b64encode(f"{client}:{known['client_secret']}".encode()).decode()
        connection.request(
            "POST",
            "/token",
            urllib.parse.urlencode(form),
            {"content-type": "application/x-www-form-urlencoded", "authorization": f"Basic {basic}"},
        )
        answer = connection.getresponse()
        body = json.loads(answer.read())
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"no token for {client}: {body}")
        self._tokens[client] = (body["access_token"], time.monotonic())
        return body["access_token"]

    def resources(self, kind):
        """What the EHR was loaded with: id → resource."""
        lines = (self.data / f"{kind}.ndjson").read_text().splitlines()
        return {r["id"]: r for r in map(json.loads, lines)}

    def planted(self):
        """Identifiers that must never show up in a log, an error or a metric."""
        return [line for name in ("planted.txt", "planted-ids.txt") for line in (self.data / name).read_text().splitlines() if line]

    def stop(self):
        while self._started:
            self._started.pop().stop(3)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Answer(collections.namedtuple("Answer", "status headers body")):
    """Header names are lower-case."""

    def json(self):
        return json.loads(self.body)

    @property
    def reason(self):  # of a refusal
        return self.json().get("reason") if "problem+json" in self.headers.get("content-type", "") else None

    @property
    def reference(self):
        return self.headers.get("licet-reference")

    def __str__(self):
        return f"{self.status} {self.headers}\n{self.body[:2000].decode(errors='replace')}"


class Clinic:
    """One gate over a stack. `in_place` uses the stack's own folder; else FOLDER/stack is a copy that tests may edit.

    `forwards` overrides routes' addresses, `says` is what their upstreams call themselves; `config` is appended to licet.yaml; FOLDER/clock, once written, is the gate's time (RFC 3339).
    """

    def __init__(
        self, folder, servers, stack="examples/riverbend", in_place=False, ports=None, binary=None, forwards=None, says=None, config="", start=True
    ):
        self.folder, self.servers = pathlib.Path(folder), servers
        self.folder.mkdir(parents=True, exist_ok=True)
        self.binary = pathlib.Path(binary or os.environ.get("LICET") or ROOT / "build" / "release" / "licet")
        if in_place:
            self.stack = (ROOT / stack).resolve()
        else:
            self.stack = self.folder / "stack"
            shutil.rmtree(self.stack, ignore_errors=True)
            shutil.copytree(ROOT / stack, self.stack)
        self.state, self.config, self.clock = self.folder / "state", self.folder / "licet.yaml", self.folder / "clock"
        self.at = ["--config", str(self.config)]
        self.ports = {"gate": 0, "console": 0, **(ports or {})}
        self.forwards = {"fhir-front": servers.ehr, "observed-front": servers.ehr, **(forwards or {})}
        self.says = says or {}
        self.more_config, self.in_place = config, in_place
        self.child = None
        self.refusals = []  # bodies of what was answered with 400 and above: for the search for leaks
        self._contexts, self._cookie = {}, None
        if start:
            self.start()

    # ---- The program

    def write_config(self):
        c = self.servers.certs
        says = {route: f", says: \"{url}\"" for route, url in self.says.items()}
        routes = "".join(
            f"  {route}: {{forwards: \"{url}\", ca: {c / 'ca.crt'}{says.get(route, '')}}}\n" for route, url in self.forwards.items()
        )
        clock = "" if self.in_place else f"clock-file: {self.clock}\n"
        self.config.write_text(
            f"# Written by examples/clinic.py: ports, files and limits of this machine. What the law judges is the stack.\n"
            f"stack: {self.stack}\nstate: {self.state}\naudience: {AUDIENCE}\n{clock}"
            f"gate: {{port: {self.ports['gate']}, certificate: {c / 'gate.crt'}, key: {c / 'gate.key'}, client-ca: {c / 'ca.crt'}}}\n"
            f"console: {{port: {self.ports['console']}}}\n"
            f"issuers:\n  - {{issuer: \"{ISSUER}\", says: \"{self.servers.idp}\", jwks: \"{self.servers.idp}/jwks\"}}\n"
            f"routes:\n{routes}{self.more_config}"
        )

    def start(self, seconds=30):
        """Returns once the gate serves; it keeps its ports from start to start."""
        self.write_config()
        self.child = Child(self.folder / "licet", [self.binary, "serve", self.config])
        self.child.line(r"^ready", seconds)
        self.gate_url = self.child.line(r"^\s*gate +(\S+)", 5)[1]
        self.console_url = self.child.line(r"^\s*console +(\S+)", 5)[1]
        self.child.line(r"^\s*ledger +", 5)  # the last line
        self._cookie = None
        self.ports = {"gate": urllib.parse.urlsplit(self.gate_url).port, "console": urllib.parse.urlsplit(self.console_url).port}
        return self

    def stop(self):
        if self.child:
            child, self.child = self.child, None
            return child.stop()

    def kill(self):
        if self.child:
            child, self.child = self.child, None
            return child.kill()

    def restart(self):
        self.stop()
        return self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def licet(self, *args, timeout=60):
        """Runs a verb. Returns exit code, stdout, stderr."""
        run = subprocess.run([str(self.binary), *map(str, args)], capture_output=True, text=True, timeout=timeout, cwd=ROOT)
        return run.returncode, run.stdout, run.stderr

    # ---- The gate, as callers see it

    def context(self, cert=None):
        if cert not in self._contexts:
            context = ssl.create_default_context(cafile=str(self.servers.certs / "ca.crt"))
            if cert:
                context.load_cert_chain(self.servers.certs / f"{cert}.crt", self.servers.certs / f"{cert}.key")
            self._contexts[cert] = context
        return self._contexts[cert]

    def connect(self, cert=None, timeout=30):
        return http.client.HTTPSConnection("127.0.0.1", self.ports["gate"], context=self.context(cert), timeout=timeout)

    def request(self, method, path, cert=None, token=None, purpose=None, headers=None, body=None, timeout=40):
        """`token`: a client of the identity provider; `purpose`: Licet-Purpose. http.client's errors where the answer breaks off."""
        connection = self.connect(cert, timeout)
        try:
            return self.ask(connection, method, path, token, purpose, headers, body)
        finally:
            connection.close()

    def get(self, path, cert=None, **more):
        return self.request("GET", path, cert, **more)

    def ask(self, connection, method, path, token=None, purpose=None, headers=None, body=None):
        """The same on a connection that is open."""
        answer = self.begin(connection, method, path, token, purpose, headers, body)
        whole = Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        if whole.status >= 400:
            self.refusals.append(whole.body)
        return whole

    def begin(self, connection, method, path, token=None, purpose=None, headers=None, body=None):
        """Returns when the answer's head is there."""
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = f"Bearer {self.servers.token(token)}"
        if purpose:
            headers["Licet-Purpose"] = purpose
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/fhir+json")
        connection.request(method, path, body, headers)
        return connection.getresponse()

    def raw(self, data=b"", cert=None, timeout=15):
        """A TLS socket on which `data` was sent: for requests that no client library would make."""
        s = self.context(cert).wrap_socket(
            socket.create_connection(("127.0.0.1", self.ports["gate"]), timeout), server_hostname="127.0.0.1"
        )
        s.sendall(data)
        return s

    def transaction_token(self, cert=None, token=None, route="fhir-front", purpose="TREAT", **details):
        """POST /token (RFC 8693): the answer; its access_token goes into the header Txn-Token."""
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "requested_token_type": "urn:ietf:params:oauth:token-type:txn_token",
            "request_details": json.dumps({"route": route, "purpose": purpose, **details}),
        }
        if token:
            form |= {"subject_token": self.servers.token(token), "subject_token_type": "urn:ietf:params:oauth:token-type:access_token"}
        return self.request(
            "POST", "/token", cert, headers={"Content-Type": "application/x-www-form-urlencoded"}, body=urllib.parse.urlencode(form)
        )

    # ---- The office: declaration, console, ledger

    def edit(self, file, old, new):
        """Replaces the one occurrence of `old`; the file appears whole, as an editor's or git's does."""
        path = self.stack / file
        text = path.read_text()
        if text.count(old) != 1:
            raise ValueError(f"{file} holds {old!r} {text.count(old)} times")
        self.write(file, text.replace(old, new))

    def write(self, file, text):
        path = self.stack / file
        temporary = path.with_name("." + path.name + ".new")
        temporary.write_text(text)
        temporary.rename(path)

    def console(self, path):
        """GET of the console, signed in with the key that `serve` printed."""
        where = urllib.parse.urlsplit(self.console_url)

        def get(path, headers):
            connection = http.client.HTTPConnection(where.hostname, where.port, timeout=10)
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            whole = Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
            connection.close()
            return whole

        if self._cookie is None:
            self._cookie = get(f"/?{where.query}", {}).headers.get("set-cookie", "").split(";")[0]
        return get(path, {"Cookie": self._cookie})

    def office(self, path):
        """GET of the socket through which verbs talk to the running program."""
        connection = http.client.HTTPConnection("licet", timeout=10)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(10)
        connection.sock.connect(os.path.relpath(self.state / "licet.sock"))  # an absolute path may be longer than the 107 bytes that fit
        connection.request("GET", path)
        answer = connection.getresponse()
        whole = Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        connection.close()
        return whole

    def explain(self, reference):
        """The officer's sentence and the entries of an exchange."""
        code, out, err = self.licet("explain", reference, *self.at)
        if code != 0:
            raise AssertionError(f"explain {reference}: {code} {err}")
        return out

    def ledger(self):
        """Every leaf on disk, in order, read from the segments without the program's help (docs/formats/ledger.md)."""
        leaves = []
        for segment in sorted((self.state / "ledger" / "segments").glob("*.seg")):
            data, at = segment.read_bytes(), 0
            while data[at : at + 8] == b"licetgrp":
                (length,) = struct.unpack_from("<I", data, at + 12)
                (count,) = struct.unpack_from("<I", data, at + 56)
                place = at + 264
                for _ in range(count):
                    leaf, box = struct.unpack_from("<II", data, place)
                    leaves.append(json.loads(data[place + 8 : place + 8 + leaf]))
                    place += 8 + leaf + box
                at += length
        return leaves

    def entries(self, reference):
        return [leaf for leaf in self.ledger() if leaf.get("exchange") == reference]


# ---- ./run -------------------------------------------------------------------------------------------------------------------------------

RUN = pathlib.Path(os.environ.get("LICET_RUN") or ROOT / "build" / "run")
PORTS = {"gate": 8443, "console": 8080, "ehr": 8444, "idp": 8082}

TRY = """
ready
  gate      {gate}/fhir/
  console   {console}
  EHR       {ehr}   (what the gate stands in front of)
  tokens    {idp}
  files     {run}/: state, logs, certificates; the declaration is examples/riverbend

Five things to try, in the repository's folder. First, this once:

  c={run}/certs
  ask() {{ w=$1 p=$2; shift 2; curl -sS --cacert $c/ca.crt --cert $c/$w.example.crt --key $c/$w.example.key "$@" {gate}/fhir/$p; echo; }}

1. The scribe vendor, under a BAA, gets four fields of a note; the cardiologist who treats her gets all of it, and needs no BAA.
     ask scribe DocumentReference/doc-0001
     ask referral DocumentReference/doc-0001 -H 'Licet-Purpose: TREAT'

2. An AI vendor with nothing on record is refused, in the very sentence that `check` prints.
     ask acme-ai DocumentReference/doc-0001
     {licet} check examples/riverbend | grep acme

3. Maria's own app sees her record, and nobody else's.
     token=$(curl -sS -u patient-app.maria:example-maria -d grant_type=client_credentials -d resource={audience} \\
       -d scope='patient/*.rs launch/patient' {idp}/token | cut -d'"' -f4)
     for p in p-0001 p-0002; do
       curl -sS --cacert $c/ca.crt -H "Authorization: Bearer $token" -H 'Licet-Purpose: PATRQT' {gate}/fhir/Patient/$p; echo
     done

4. Break it: one line changed refuses the next request within two seconds; a suspension does at once. `explain` takes any reference.
     sed -i '/^id: baa-scribe-2026/,/^---/s/^expires: 2027/expires: 2026/' examples/riverbend/agreements.yaml
     sleep 2; ask scribe DocumentReference/doc-0001
     git checkout examples/riverbend/agreements.yaml
     {licet} suspend billing --config {run}/licet.yaml
     ask billing Claim
     {licet} explain REFERENCE --config {run}/licet.yaml
     {licet} lift billing --config {run}/licet.yaml

5. Prove it, and let somebody check the proof without this program's data.
     evidence={run}/evidence-$(date +%H%M%S)
     {licet} prove $evidence --from {first} --to {last} --config {run}/licet.yaml
     {licet} verify $evidence
"""


def below_root(path):
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def running():
    """The process id of the clinic that runs in build/run, or None."""
    try:
        pid = int((RUN / "pid").read_text())
        return pid if b"clinic.py" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() else None
    except (OSError, ValueError):
        return None


def run(say):
    """Starts everything, says what to try, and stays until a signal ends it."""

    def end(*_):
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    RUN.mkdir(parents=True, exist_ok=True)
    (RUN / "pid").write_text(str(os.getpid()))
    try:
        ports = {name: free_port(port) for name, port in PORTS.items()}
        with Servers(RUN, ports) as servers, Clinic(
            RUN, servers, in_place=True, ports={n: ports[n] for n in ("gate", "console")}
        ) as clinic:
            today = datetime.date.today()
            say(
                TRY.format(
                    gate=clinic.gate_url,
                    console=clinic.console_url,
                    ehr=servers.ehr,
                    idp=servers.idp,
                    audience=AUDIENCE,
                    run=below_root(RUN),
                    licet=below_root(clinic.binary),
                    first=today,
                    last=today + datetime.timedelta(days=1),
                )
            )
            code = clinic.child.process.wait()
            print(f"the gate ended by itself (exit {code}): build/run/licet.err", file=sys.stderr)
            return 1
    finally:
        (RUN / "pid").unlink(missing_ok=True)


def detach():
    """A daemon runs the clinic; this process ends once that is ready, or says why it is not."""
    ready, says = os.pipe()
    RUN.mkdir(parents=True, exist_ok=True)
    if os.fork():
        os.close(says)
        with open(ready) as pipe:
            text = pipe.read()
        print(text, end="")
        return 0 if text.strip().startswith("ready") else 1
    os.setsid()
    os.close(ready)
    log = os.open(RUN / "clinic.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)

    waits = [says]

    def say(text):
        while waits:
            os.write(waits[0], text.encode())
            os.close(waits.pop())

    try:
        return run(say)
    except Exception as problem:
        say(f"clinic: {problem}\n")  # the one who still waits must hear of it
        raise


def stop():
    pid = running()
    if pid is None:
        print("nothing runs")
        return 0
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: running() != pid, 30, "the end of the clinic")
    print("stopped")
    return 0


def main(args):
    if args == ["--stop"]:
        return stop()
    if args not in ([], ["--detach"]):
        print("usage: python3 examples/clinic.py [--detach | --stop]", file=sys.stderr)
        return 2
    if running():
        print("it runs already: ./run --stop ends it", file=sys.stderr)
        return 1
    try:
        return detach() if args else run(lambda text: print(text, flush=True))
    except (RuntimeError, OSError) as problem:
        print(f"clinic: {problem}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
