#!/usr/bin/env python3
"""The house lint: include edges between rooms, the co_await rule, long lines, TODO, big files, trailing space. Exits 1 and names each place."""
import os, re, subprocess, sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SRC = os.path.join(ROOT, "src")
# The table of ARCHITECTURE.md: what each room may include (CMakeLists.txt links the same).
MAY = {
    "base": "", "crypto": "base", "store": "base", "codec": "base", "stack": "base store", "rules": "base store stack",
    "license": "base store stack rules", "identity": "base crypto store", "ledger": "base crypto store",
    "deid": "base crypto codec stack", "reader": "base stack",
    "epoch": "base crypto store stack rules license ledger", "http": "base crypto",
    "gate": "base crypto codec license deid identity ledger http", "review": "base store stack ledger",
    "proof": "base crypto store stack rules license ledger review",
    "console": "base crypto store codec stack rules license identity ledger epoch gate proof review http", "cli": "*",
}
HTTP_HEADERS = {"gate": {"http/handler.h"}, "console": {"http/handler.h"}}  # of http, only these
ONLY = [  # (include pattern, rooms or files that may)
    (re.compile(r'^<openssl/'), lambda p: p.startswith("crypto/") or p.startswith("http/internal/tls") or p == "http/tls.cc" or p.endswith("_test.cc")),
    (re.compile(r'^<asio/(ip|ssl|local|generic)'), lambda p: p.startswith("http/")),
    (re.compile(r'^<simdjson'), lambda p: p.startswith("codec/")),
    (re.compile(r'^<spdlog/'), lambda p: p == "base/log.cc"),
    (re.compile(r'^<z3'), lambda p: p == "rules/internal/solve.cc"),
    (re.compile(r'^<CLI/'), lambda p: p.startswith("cli/")),
]
CO_AWAIT = re.compile(r'co_await[^;]*(\w\{|\(\{|\[[^]]+\]\s*(\(|\{))|\?[^;]*co_await')
wrong = []

def say(path, line, text):
    wrong.append(f"{os.path.relpath(path, ROOT)}:{line}: {text}")

for folder, dirs, names in os.walk(SRC):
    for name in sorted(names):
        if not name.endswith((".h", ".cc")):
            continue
        path = os.path.join(folder, name)
        inside = os.path.relpath(path, SRC)
        room = inside.split(os.sep)[0]
        test = name.endswith("_test.cc")
        allowed = MAY.get(room, "").split()
        with open(path, encoding="utf-8") as f:
            raw = None  # the end of the raw string that we are in: its lines are data
            for number, line in enumerate(f, 1):
                text = line.rstrip("\n")
                inside_raw = raw is not None
                if raw is None:
                    begins = re.search(r'R"([^\s()\\]*)\(', text)
                    if begins and ")" + begins.group(1) + '"' not in text[begins.end():]:
                        raw = ")" + begins.group(1) + '"'
                elif raw in text:
                    raw = None
                text_only = re.sub(r'R"([^\s()\\]*)\(.*?\)\1"', '""', text)
                code_only = re.sub(r'"(\\.|[^"\\])*"', '""', text_only)
                if len(code_only) > 160 and not inside_raw and raw is None:
                    say(path, number, f"{len(text)} columns")
                if text != text.rstrip():
                    say(path, number, "trailing space")
                if re.search(r'\b(TODO|FIXME|XXX)\b', text):
                    say(path, number, "TODO: file an issue instead")
                include = re.match(r'\s*#\s*include\s+(<[^>]+>|"([^"]+)")', text)
                if include:
                    target = include.group(2)
                    for pattern, may in ONLY:
                        if pattern.match(include.group(1)) and not may(inside):
                            say(path, number, f"{include.group(1)} belongs to another room")
                    if target and "/" in target:
                        other = target.split("/")[0]
                        if other in MAY and other != room and allowed != ["*"] and other not in allowed:
                            say(path, number, f"{room} may not include {other} (src/README.md)")
                        if other == "http" and room in HTTP_HEADERS and not test and target not in HTTP_HEADERS[room]:
                            say(path, number, f"{room} sees of http only handler.h")
                        if "/internal/" in target and other != room:
                            say(path, number, f"{target} is private to {other}")
                code = text.split("//")[0]
                if CO_AWAIT.search(code) and "co_return" not in code.split("co_await")[0].split(";")[-1]:
                    say(path, number, "name it, then co_await it")

tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True).stdout.split("\0")
for name in filter(None, tracked):
    path = os.path.join(ROOT, name)
    if os.path.isfile(path) and os.path.getsize(path) > 600_000:
        say(path, 1, f"{os.path.getsize(path)} bytes: too big for the repository")

for w in wrong:
    print(w)
sys.exit(1 if wrong else 0)
