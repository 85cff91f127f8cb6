#!/usr/bin/env python3
"""What the gate adds to an event of a language model's answer, beside nginx; and what small prompts wait for while long ones are read.

    tools/install --bench && tools/build release licet && python3 bench/llm_stream.py
    TMPDIR=/dev/shm python3 bench/llm_stream.py          # without the disk: what the gate itself adds

    caller ──TLS──► licet (form: pseudonymized) | nginx (proxy_buffering off) ──► a stand-in for a model, an event every GAP ms

An event's latency is from just before the stand-in writes it until its last byte is with the caller, in one process and by one clock; licet has put back what
placeholders stand for and has a record of the part on disk (fdatasync) by then, nginx does neither. Each round is one answer straight, one through nginx, one
through licet. The stand-in's text has a name in every tenth event.
"""
import argparse
import http.client
import json
import os
import pathlib
import re
import ssl
import statistics
import subprocess
import sys
import threading
import time
import unittest.case

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "acceptance"), str(ROOT / "examples")]
import llm  # noqa: E402
from world import folder, servers  # noqa: E402
from clinic import Child, free_port, wait_for  # noqa: E402

NGINX = """\
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.err;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3; uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  ssl_certificate {certs}/gate.crt; ssl_certificate_key {certs}/gate.key;
  server {{ listen 127.0.0.1:{port} ssl; client_max_body_size 16m;
    location / {{ proxy_pass {url}; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }} }}
}}
"""
NAME = "Maria Sandoval"


def disk(at):
    """The median of an append and fdatasync there, in ms: no record is durable sooner."""
    took = []
    with open(at / "sync", "wb", buffering=0) as file:
        for _ in range(200):
            file.write(b"x" * 3000)
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(1000 * (time.perf_counter() - begun))
    return statistics.median(took)


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, int(q * len(values)))]


class Model:
    """Says `count` events, one every `gap` seconds, and when it wrote each."""

    def __init__(self, count, gap):
        self.count, self.gap, self.written = count, gap, {}

    def __call__(self, request):
        self.written.clear()
        seen = re.search(r"\[\[NAME_\w{4}\]\]", json.dumps(request))
        name = seen[0] if seen else NAME
        return self.events(name)

    def events(self, name):
        due = time.perf_counter()
        for n in range(self.count):
            due += self.gap
            time.sleep(max(0, due - time.perf_counter()))
            text = f"<{n}> " + (f"said of {name}, " if n % 10 == 0 else "and so on, ")
            choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
            data = "data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}) + "\n\n"
            self.written[n] = time.perf_counter()
            yield data.encode()
        yield b"data: [DONE]\n\n"


def latencies(model, connection, path, body, headers):
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    if answer.status != 200:
        sys.exit(f"{path}: {answer.status} {answer.read()[:300]}")
    out, rest, all_text = {}, b"", b""
    while piece := answer.read1(65536):
        now = time.perf_counter()
        rest += piece
        all_text += piece
        *whole, rest = rest.split(b"\n\n")
        for event in whole:
            if at := re.search(rb"<(\d+)>", event):
                out[int(at[1])] = now - model.written[int(at[1])]
    if len(out) != model.count or NAME.encode() not in all_text or b"[[NAME" in all_text:
        sys.exit(f"{path}: {len(out)} of {model.count} events, or names that were not put back")
    return [1000 * seconds for _, seconds in sorted(out.items())][5:]  # without the first ones


def streams(args, nginx_port):
    model = Model(args.events, args.gap / 1000)
    llm.PROVIDER.says = model
    plain = {"model": "m", "messages": [{"role": "user", "content": f"Write of {NAME}."}], "stream": True}
    body, headers = json.dumps(plain), {"Content-Type": "application/json"}
    host, port = llm.PROVIDER.url.removeprefix("http://").split(":")
    context = ssl.create_default_context(cafile=str(servers().certs / "ca.crt"))
    context.check_hostname = False
    results = {"straight": [], "nginx": [], "licet": []}
    for _ in range(args.rounds):
        for name in results:
            if name == "straight":
                connection, path = http.client.HTTPConnection(host, int(port), timeout=60), "/v1/chat/completions"
            elif name == "nginx":
                connection, path = http.client.HTTPSConnection("127.0.0.1", nginx_port, context=context, timeout=60), "/v1/chat/completions"
            else:
                connection, path = llm.GATE.connect("scribe.example", timeout=60), "/words/openai/chat/completions"
            results[name].append(latencies(model, connection, path, body, headers))
            connection.close()
    print(f"{args.events} events, one every {args.gap} ms, {args.rounds} rounds in turns; ms from write to arrival\n")
    print(f"an append and fdatasync where the ledger is: {disk(folder()):.2f} ms\n")
    print("| through | p50 | p90 | p99 | added to straight, p50 (median of rounds) |\n|---|---|---|---|---|")
    for name, rounds in results.items():
        flat = [v for r in rounds for v in r]
        added = statistics.median(quantile(r, 0.5) - quantile(s, 0.5) for r, s in zip(rounds, results["straight"]))
        print(f"| {name} | {quantile(flat, 0.5):.2f} | {quantile(flat, 0.9):.2f} | {quantile(flat, 0.99):.2f} | {added:+.2f} |")


def prompts(seconds):
    """Small prompts, one after the other, alone and while long ones are read."""
    llm.PROVIDER.says = lambda request: "Yes."
    words = "The patient slept well and asked for more tea in the morning; nothing else happened. "
    long_one = json.dumps({"model": "m", "messages": [{"role": "user", "content": (words * 13000)[: 1 << 20]}]})
    small = json.dumps({"model": "m", "messages": [{"role": "user", "content": f"Write of {NAME}."}]})

    def ask(connection, body):
        begun = time.perf_counter()
        connection.request("POST", "/words/openai/chat/completions", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            sys.exit(f"a prompt: {answer.status}")
        return 1000 * (time.perf_counter() - begun)

    def loop(body, end, out):
        connection = llm.GATE.connect("scribe.example", timeout=60)
        while time.perf_counter() < end[0]:
            out.append(ask(connection, body))
        connection.close()

    print(f"\nsmall prompts on four kept connections, {seconds} s; ms a request\n\n| | small: p50 | p99 | longest | long ones read |\n|---|---|---|---|---|")
    for longs in (0, 1, 2):
        end, quick, slow = [time.perf_counter() + seconds], [], []
        threads = [threading.Thread(target=loop, args=(small, end, quick)) for _ in range(4)]
        threads += [threading.Thread(target=loop, args=(long_one, end, slow)) for _ in range(longs)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        took = f"{len(slow)}, {statistics.median(slow):.0f} ms each" if slow else "-"
        print(f"| beside {longs} callers with prompts of 1 MiB | {quantile(quick, 0.5):.1f} | {quantile(quick, 0.99):.1f} | {max(quick):.1f} | {took} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=400)
    parser.add_argument("--gap", type=float, default=5, help="milliseconds between events")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5, help="of each burst of prompts")
    args = parser.parse_args()
    llm.setUpModule()
    try:
        port, at = free_port(), folder() / "nginx"
        at.mkdir(exist_ok=True)
        (at / "nginx.conf").write_text(NGINX.format(folder=at, certs=servers().certs, port=port, url=llm.PROVIDER.url))
        nginx = Child(at / "nginx", ["nginx", "-c", at / "nginx.conf", "-p", at])
        wait_for(lambda: (at / "nginx.pid").exists() or None, 10, "nginx")
        streams(args, port)
        prompts(args.seconds)
        nginx.stop()
    finally:
        unittest.case.doModuleCleanups()
        llm.GATE.stop()
    print("\n" + subprocess.run(["uptime"], capture_output=True, text=True).stdout.strip())


if __name__ == "__main__":
    main()
