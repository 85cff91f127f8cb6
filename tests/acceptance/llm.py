"""Language models behind the gate: what the provider gets, what the caller gets back, and what is on record before either."""

import hashlib
import http.client
import http.server
import json
import os
import pathlib
import re
import ssl
import subprocess
import threading
import time
import unittest

from clinic import ROOT, Answer
from world import Case, folder, open_clinic, servers, wait_for

GATE = PROVIDER = None
CLIENTS = ROOT / "tests" / "llm"

NAMES = ["Sandoval", "Plantedworth", "7654321", "740-555-0199", "3/14/1979"]
NOTE = "Maria Sandoval, MRN: 7654321, born 3/14/1979, phone (740) 555-0199, was seen by Dr. Plantedworth."

# The scribe's program reaches one vendor's model in three ways, and a model without any contract.
STACK = """\
kind: system
id: words
name: Prompts with placeholders
owner: lexica
offer: lexica-enterprise
environment: production
region: us-east
keeps: transient
---
kind: system
id: whole
name: Prompts as they are
owner: lexica
offer: lexica-enterprise
environment: production
region: us-east
keeps: transient
---
kind: organization
id: open-models
name: Open Models
---
kind: system
id: study
owner: open-models
environment: production
region: us-east
keeps: persistent
---
kind: flow
id: drafts-openai
from: scribe
to: words
data: [clinical.note]
purposes: [TREAT]
on-behalf-of: riverbend
via: words-openai
---
kind: flow
id: drafts-anthropic
from: scribe
to: words
data: [clinical.note]
purposes: [TREAT]
on-behalf-of: riverbend
via: words-anthropic
---
kind: flow
id: drafts-whole
from: scribe
to: whole
data: [clinical.note]
purposes: [TREAT]
on-behalf-of: riverbend
via: whole-openai
---
kind: flow
id: drafts-study
from: scribe
to: study
data: [clinical.note]
purposes: [HRESCH]
on-behalf-of: riverbend
via: study-openai
---
kind: flow
id: labs-study
from: ehr
to: study
data: [clinical.lab]
purposes: [HRESCH]
via: study-openai
---
kind: permit
id: words-drafts
to: words
for: [TREAT]
data: [clinical.note]
form: pseudonymized
---
kind: permit
id: whole-drafts
to: whole
for: [TREAT]
data: [clinical.note]
---
kind: permit
id: study-drafts
to: study
for: [HRESCH]
data: [clinical.note, clinical.lab]
form: deidentified
---
kind: route
id: words-openai
listens: /words/openai/
forwards: https://lexica.example/v1/
speaks: llm.openai
reaches: words
---
kind: route
id: words-anthropic
listens: /words/anthropic/
forwards: https://lexica.example/
speaks: llm.anthropic
reaches: words
---
kind: route
id: whole-openai
listens: /whole/
forwards: https://lexica.example/v1/
speaks: llm.openai
reaches: whole
---
kind: route
id: study-openai
listens: /study/
forwards: https://open-models.example/v1/
speaks: llm.openai
reaches: study
"""
ROUTES = ["words-openai", "words-anthropic", "whole-openai", "study-openai"]


def determination(**more):
    words = {"id": "expert-study", "is": "expert-determination", "about": "[drafts-study]", **more}
    return "kind: evidence\n" + "".join(f"{key}: {value}\n" for key, value in words.items())


class Provider:
    """A model that says what the test has it say, in events cut into odd pieces; it keeps what it was sent."""

    def __init__(self):
        self.seen, self.says = [], lambda request: text_of(request)
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                provider.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                provider.answer(self, json.loads(body))

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, handler, request):
        kind = handler.path.rsplit("/", 1)[1]
        said = self.says(request)
        if hasattr(said, "__next__"):  # as it comes
            self.write(handler, "text/event-stream", said)
        elif request.get("stream"):
            events = {"completions": chat_events, "responses": response_events, "messages": message_events}[kind](said)
            self.write(handler, "text/event-stream", list(odd("".join(events).encode())))
        else:
            whole = {"completions": chat_whole, "responses": response_whole, "messages": message_whole, "embeddings": embedding}[kind](said)
            self.write(handler, "application/json", [json.dumps(whole).encode()])

    def write(self, handler, kind, pieces):
        try:
            self.write_all(handler, kind, pieces)
        except ConnectionError:  # the gate hung up
            handler.close_connection = True

    def write_all(self, handler, kind, pieces):
        handler.send_response(200)
        handler.send_header("content-type", kind)
        handler.send_header("transfer-encoding", "chunked")
        handler.end_headers()
        for piece in pieces:
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            handler.wfile.flush()
        handler.wfile.write(b"0\r\n\r\n")

    @property
    def last(self):
        return json.loads(self.seen[-1][2])


def odd(data, step=13):
    for at in range(0, len(data), step):
        yield data[at : at + step]


def text_of(request):
    """The last thing that was said to the model."""
    last = request["input"] if "input" in request else request["messages"]
    last = last if isinstance(last, str) else last[-1]
    content = last if isinstance(last, str) else last["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def pieces(text):
    return [text[at : at + 5] for at in range(0, len(text), 5)]


def tool(said):
    return isinstance(said, dict)  # a call of a tool with these arguments


def chat_whole(said):
    message = {"role": "assistant", "content": said}
    if tool(said):
        call = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": json.dumps(said)}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if tool(said) else "stop"}
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": USAGE}


USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


def chat_events(said):
    def event(delta, finish=None):
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return "data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}) + "\n\n"

    yield event({"role": "assistant", "content": None if tool(said) else ""})
    if tool(said):
        yield event({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": ""}}]})
        for piece in pieces(json.dumps(said)):
            yield event({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
    else:
        for piece in pieces(said):
            yield event({"content": piece})
    yield event({}, "tool_calls" if tool(said) else "stop")
    yield "data: [DONE]\n\n"


def response_item(said):
    if tool(said):
        return {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look_up", "arguments": json.dumps(said), "status": "completed"}
    part = {"type": "output_text", "text": said, "annotations": []}
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}


def response_whole(said):
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "m",
        "status": "completed",
        "output": [response_item(said)],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
    }


def response_events(said):
    number = iter(range(1000))

    def event(kind, **more):
        return f"event: {kind}\ndata: " + json.dumps({"type": kind, "sequence_number": next(number), **more}) + "\n\n"

    empty = {**response_whole(said), "status": "in_progress", "output": []}
    item = response_item(said)
    at = {"item_id": item["id"], "output_index": 0}
    yield event("response.created", response=empty)
    if tool(said):
        yield event("response.output_item.added", output_index=0, item={**item, "arguments": "", "status": "in_progress"})
        for piece in pieces(item["arguments"]):
            yield event("response.function_call_arguments.delta", delta=piece, **at)
        yield event("response.function_call_arguments.done", arguments=item["arguments"], name="look_up", **at)
    else:
        part = item["content"][0]
        yield event("response.output_item.added", output_index=0, item={**item, "content": [], "status": "in_progress"})
        yield event("response.content_part.added", content_index=0, part={**part, "text": ""}, **at)
        for piece in pieces(said):
            yield event("response.output_text.delta", content_index=0, delta=piece, logprobs=[], **at)
        yield event("response.output_text.done", content_index=0, text=said, logprobs=[], **at)
        yield event("response.content_part.done", content_index=0, part=part, **at)
    yield event("response.output_item.done", output_index=0, item=item)
    yield event("response.completed", response=response_whole(said))


def message_whole(said):
    block = {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": said} if tool(said) else {"type": "text", "text": said}
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [block],
        "stop_reason": "tool_use" if tool(said) else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


def message_events(said):
    def event(kind, **more):
        return f"event: {kind}\ndata: " + json.dumps({"type": kind, **more}) + "\n\n"

    whole = message_whole(said)
    yield event("message_start", message={**whole, "content": [], "stop_reason": None})
    start = {**whole["content"][0], "input": {}} if tool(said) else {"type": "text", "text": ""}
    yield event("content_block_start", index=0, content_block=start)
    yield event("ping")
    for piece in pieces(json.dumps(said) if tool(said) else said):
        delta = {"type": "input_json_delta", "partial_json": piece} if tool(said) else {"type": "text_delta", "text": piece}
        yield event("content_block_delta", index=0, delta=delta)
    yield event("content_block_stop", index=0)
    yield event("message_delta", delta={"stop_reason": whole["stop_reason"], "stop_sequence": None}, usage={"output_tokens": 1})
    yield event("message_stop")


def embedding(_):
    return {"object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -1.5]}], "usage": USAGE}


def setUpModule():
    global GATE, PROVIDER
    PROVIDER = Provider()
    unittest.addModuleCleanup(PROVIDER.stop)
    key = folder() / "llm.key"
    key.write_text("sk-the-gates-own\n")
    key.chmod(0o600)
    keys = "".join(
        f'  {r}: {{forwards: "{PROVIDER.url}/{"" if r == "words-anthropic" else "v1/"}", api-key: {key}}}\n' for r in ROUTES
    )
    GATE = open_clinic("llm", config=keys, start=False)
    GATE.edit("agreements.yaml", "covers: {systems: [scribe-llm],", "covers: {systems: [scribe-llm, words, whole],")
    GATE.edit("offers.yaml", "services: [scribe-llm, chat, embeddings]", "services: [scribe-llm, words, whole, chat, embeddings]")
    GATE.write("llm.yaml", STACK)
    GATE.start()


def chat(content, route="words/openai", cert="scribe.example", path="chat/completions", purpose=None, **more):
    messages = content if isinstance(content, list) else [{"role": "user", "content": content}]
    return post(f"/{route}/{path}", {"model": "m", "messages": messages, **more}, cert, purpose)


def claude(content, **more):
    messages = content if isinstance(content, list) else [{"role": "user", "content": content}]
    return post("/words/anthropic/v1/messages", {"model": "m", "max_tokens": 9, "messages": messages, **more})


def post(path, body, cert="scribe.example", purpose=None, **headers):
    return GATE.request("POST", path, cert, purpose=purpose, headers={"Content-Type": "application/json", **headers}, body=body)


def events(answer):
    return [json.loads(line[6:]) for line in answer.body.decode().splitlines() if line.startswith("data: {")]


def ask_calmly(content):
    """None where a change of form cut the exchange."""
    try:
        return chat(content)
    except (http.client.HTTPException, ConnectionError, ssl.SSLError):
        return None


class Prompts(Case):
    def setUp(self):
        PROVIDER.says = text_of

    def epochs(self):
        return sum(e["kind"] == "epoch" for e in GATE.ledger())

    def restored(self):
        """Prompts leave with placeholders again."""
        GATE.write("llm.yaml", STACK)
        PROVIDER.says = text_of
        wait_for(lambda: (a := ask_calmly("Maria Sandoval")) and a.status == 200 and b"[[" in PROVIDER.seen[-1][2], 10)

    def sent(self):
        """What the provider got, in which nothing identifies anybody."""
        body = PROVIDER.seen[-1][2].decode()
        self.assertEqual([n for n in NAMES if n in body], [], "identifiers at the provider")
        return body


class Pseudonymized(Prompts):
    def test_names_leave_as_placeholders_and_come_back(self):
        answer = self.passes(chat(f"Repeat: {NOTE}"))
        self.assertEqual(answer["choices"][0]["message"]["content"], f"Repeat: {NOTE}")
        sent = json.loads(self.sent())["messages"][0]["content"]
        self.assertRegex(sent, r"^Repeat: \[\[NAME_\w{4}\]\], MRN: \[\[MRN_\w{4}\]\], born \[\[DATE_\w{4}\]\]")

    def test_a_long_prompt_is_read_by_a_worker_and_comes_back_the_same(self):
        text = " ".join(f"{NOTE} Day {n}." for n in range(4000))  # 400 kB
        self.assertEqual(self.passes(chat(text))["choices"][0]["message"]["content"], text)
        self.sent()

    def test_the_same_value_has_the_same_placeholder_and_another_next_time(self):
        turns = [{"role": "system", "content": "Dr. Plantedworth asks."}, {"role": "user", "content": "Dr. Plantedworth again"}]
        seen = []
        for _ in range(2):
            self.passes(chat(turns))
            seen.append(set(re.findall(r"\[\[NAME_\w{4}\]\]", self.sent())))
        self.assertEqual([len(s) for s in seen], [1, 1])
        self.assertNotEqual(*seen, "the mapping lives for one exchange")

    def test_streams(self):
        for api, ask, path in (
            ("chat", chat, lambda e: [c["delta"].get("content") or "" for c in e.get("choices", [])]),
            ("messages", claude, lambda e: [e["delta"].get("text", "")] if e["type"] == "content_block_delta" else []),
        ):
            with self.subTest(api):
                answer = ask(f"Repeat: {NOTE} [[N", stream=True)
                self.assertEqual(answer.status, 200, str(answer))
                self.assertEqual("".join(t for e in events(answer) for t in path(e)), f"Repeat: {NOTE} [[N")
                self.sent()

    def test_responses_stream_with_numbers_in_order(self):
        answer = post("/words/openai/responses", {"model": "m", "input": f"{NOTE} [[NAME_", "stream": True})
        got = events(answer)
        self.assertEqual("".join(e["delta"] for e in got if e["type"] == "response.output_text.delta"), f"{NOTE} [[NAME_")
        self.assertEqual([e["sequence_number"] for e in got], list(range(len(got))))
        self.assertEqual([e["text"] for e in got if e["type"] == "response.output_text.done"], [f"{NOTE} [[NAME_"])
        self.assertEqual(json.loads(self.sent())["store"], False, "the API would store unasked")

    def test_tool_calls(self):
        name = {}

        def says(request):
            found = re.search(r"\[\[NAME_\w{4}\]\]", json.dumps(request))
            name["is"] = found[0]
            return {"patient": found[0], "note": f"about {found[0]}'s \"visit\""}

        PROVIDER.says = says
        quoted = 'Maria "Mia" Sandoval'
        tools = [{"type": "function", "function": {"name": "look_up", "description": "Finds", "parameters": {"type": "object"}}}]
        for stream in (False, True):
            with self.subTest(stream=stream):
                answer = chat("Look up Maria Sandoval.", tools=tools, stream=stream)
                if stream:
                    calls = [c for e in events(answer) for c in e["choices"][0]["delta"].get("tool_calls", [])]
                    arguments = "".join(c["function"].get("arguments", "") for c in calls)
                else:
                    arguments = answer.json()["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
                self.assertEqual(json.loads(arguments), {"patient": "Maria Sandoval", "note": "about Maria Sandoval's \"visit\""})
        # The result of the call, and the call itself, go out again.
        call = {"id": "call_7654321", "type": "function", "function": {"name": "look_up", "arguments": '{"patient": "Maria Sandoval"}'}}
        found = json.dumps({"name": "Maria Sandoval", "mrn": 7654321, "said": quoted})
        PROVIDER.says = text_of
        self.passes(
            chat(
                [
                    {"role": "user", "content": "Look up Maria Sandoval."},
                    {"role": "assistant", "content": None, "tool_calls": [call]},
                    {"role": "tool", "tool_call_id": "call_7654321", "content": found},
                ],
                tools=tools,
            )
        )
        sent = json.loads(self.sent())["messages"]
        self.assertEqual(sent[1]["tool_calls"][0]["id"], sent[2]["tool_call_id"])
        self.assertRegex(json.loads(sent[2]["content"])["mrn"], r"^\[\[\w+_\w{4}\]\]$")

    def test_anthropic_tool_use(self):
        PROVIDER.says = lambda request: {"who": re.search(r"\[\[NAME_\w{4}\]\]", json.dumps(request))[0]}
        tools = [{"name": "look_up", "input_schema": {"type": "object", "properties": {"who": {"type": "string"}}}}]
        answer = self.passes(claude("Look up Maria Sandoval.", tools=tools, system="Dr. Plantedworth asks."))
        self.assertEqual(answer["content"][0]["input"], {"who": "Maria Sandoval"})
        answer = claude("Look up Maria Sandoval.", tools=tools, stream=True)
        self.assertEqual(
            json.loads("".join(e["delta"]["partial_json"] for e in events(answer) if e["type"] == "content_block_delta")), {"who": "Maria Sandoval"}
        )
        self.sent()

    def test_what_could_not_be_put_back_is_said(self):
        PROVIDER.says = lambda request: "Dear [[NAME_0X0X]]"
        answer = chat("Maria Sandoval")
        self.assertEqual(answer.headers.get("licet-unresolved"), "1")
        streamed = chat("Maria Sandoval", stream=True).body.decode()
        self.assertIn(": licet: 1 placeholder could not be put back\n\ndata: [DONE]", streamed)
        PROVIDER.says = text_of
        answer = chat("My template says [[NAME_0X0X]] for Maria Sandoval")
        self.assertNotIn("licet-unresolved", answer.headers, "the caller's own words")
        self.assertIn("[[NAME_0X0X]] for Maria Sandoval", answer.body.decode())

    def test_the_key_is_the_gates(self):
        self.passes(chat("hello"))
        headers = PROVIDER.seen[-1][1]
        self.assertEqual(headers["authorization"], "Bearer sk-the-gates-own")
        self.passes(post("/words/anthropic/v1/messages", {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]}, **{
            "anthropic-version": "2023-06-01", "x-api-key": "the-callers", "x-patient": "Maria Sandoval"}))
        headers = PROVIDER.seen[-1][1]
        self.assertEqual((headers["x-api-key"], headers["anthropic-version"]), ("sk-the-gates-own", "2023-06-01"))
        self.assertNotIn("x-patient", headers)
        self.assertEqual(headers["accept-encoding"], "identity")

    def test_embeddings(self):
        answer = self.passes(post("/words/openai/embeddings", {"model": "m", "input": [NOTE, "Maria Sandoval"]}))
        self.assertEqual(answer["data"][0]["embedding"], [0.25, -1.5])
        self.sent()
        self.refused(post("/words/openai/embeddings", {"model": "m", "input": [[1, 2, 3]]}), "out-of-scope", 403)


class Refused(Prompts):
    def nothing(self, answer, reason, status, says):
        before = len(PROVIDER.seen)
        answer = answer()
        problem = self.refused(answer, reason, status)
        self.assertRegex(problem["detail"], says)
        self.assertEqual(len(PROVIDER.seen), before, "nothing reached the provider")

    def test_images_and_files_under_placeholders(self):
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
        ask = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]}]
        self.nothing(lambda: chat(ask), "out-of-scope", 403, r"messages\[0\]\.content\[1\]\.image_url\.url holds")
        source = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
        self.nothing(lambda: claude([{"role": "user", "content": [{"type": "image", "source": source}]}]), "out-of-scope", 403, "can't read")
        self.passes(chat(ask, route="whole"))
        self.assertEqual(PROVIDER.last["messages"], ask, "as it is, under a contract that covers it")

    def test_what_is_kept_at_the_provider_whatever_the_form(self):
        stored = {"type": "file", "file": {"file_id": "file-1"}}
        fetched = {"type": "image_url", "image_url": {"url": "https://riverbend.example/p-0001.png"}}
        for route in ("words/openai", "whole"):
            for name, ask in {
                "file": lambda: chat([{"role": "user", "content": [stored]}], route=route),
                "address": lambda: chat([{"role": "user", "content": [fetched]}], route=route),
                "store": lambda: chat("hello", route=route, store=True),
                "former": lambda: post(f"/{route}/responses", {"model": "m", "input": "x", "previous_response_id": "resp_1"}),
                "conversation": lambda: post(f"/{route}/responses", {"model": "m", "input": "x", "conversation": "conv_1"}),
                "later": lambda: post(f"/{route}/responses", {"model": "m", "input": "x", "background": True}),
                "search": lambda: chat("hello", route=route, tools=[{"type": "web_search"}]),
                "threads": lambda: post(f"/{route}/threads", {"messages": []}),
                "batches": lambda: post(f"/{route}/batches", {"input_file_id": "file-1"}),
            }.items():
                with self.subTest(route=route, what=name):
                    self.nothing(ask, ["out-of-scope", "malformed"], None, "(kept|keeps|keep|asks|ended|runs|judged)")
        self.nothing(lambda: GATE.get("/words/openai/files", "scribe.example"), "out-of-scope", 403, "POST")

    def test_what_is_not_listed(self):
        self.nothing(lambda: chat("hello", wishes="Maria Sandoval"), "malformed", 400, "^wishes is no field that the gate knows")
        self.nothing(lambda: chat("hello", model="Maria Sandoval"), "malformed", 400, "^model is not")
        self.nothing(lambda: chat("hello", **{"Maria Sandoval": 1}), "malformed", 400, r"^\(a field\) is no field")

    def test_broken_requests(self):
        for body in (b"{", b'{"model":"m","model":"m"}', b'{"model":"m","messages":[{"role":"user","content":"\xff"}]}', b"[" * 100 + b"]" * 100):
            with self.subTest(body[:20]):
                self.nothing(lambda: post("/words/openai/chat/completions", body), "malformed", 400, "JSON")

    def test_a_key_that_others_can_read_stops_the_start(self):
        loose = folder() / "loose.key"
        loose.write_text("sk-loose\n")
        loose.chmod(0o644)
        config = GATE.folder / "loose.yaml"
        config.write_text(GATE.config.read_text().replace(str(folder() / "llm.key"), str(loose)).replace(str(GATE.state), str(GATE.folder / "other")))
        code, _, err = GATE.licet("serve", config)
        self.assertNotEqual(code, 0)
        self.assertIn("others can read this key", err)
        self.assertNotIn("sk-loose", err)


class Identified(Prompts):
    def test_it_passes_as_it_is(self):
        answer = self.passes(chat(NOTE, route="whole"))
        self.assertEqual(answer["choices"][0]["message"]["content"], NOTE)
        self.assertEqual(PROVIDER.last["messages"][0]["content"], NOTE)

    def test_streams_part_by_part(self):
        answer = chat(NOTE, route="whole", stream=True)
        self.assertEqual("".join(e["choices"][0]["delta"].get("content") or "" for e in events(answer)), NOTE)

    def test_responses_are_not_stored(self):
        self.passes(post("/whole/responses", {"model": "m", "input": NOTE, "store": None}))
        self.assertIs(PROVIDER.last["store"], False)
        self.passes(post("/whole/responses", {"model": "m", "input": NOTE}))
        self.assertIs(PROVIDER.last["store"], False)


class Deidentified(Prompts):
    def tearDown(self):
        GATE.write("evidence-study.yaml", "")
        if GATE.clock.exists():
            GATE.clock.unlink()

    def ask(self):
        return chat(NOTE, route="study", purpose="HRESCH")

    def test_only_an_experts_determination_opens_it_and_its_end_closes_it(self):
        self.refused(self.ask(), ["no-ground", "lapsed"], 403)
        GATE.write("evidence-study.yaml", determination(**{"is": "safe-harbor"}))
        wait_for(lambda: self.ask().status == 403, 5)
        end = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 2 * 86400))
        GATE.write("evidence-study.yaml", determination(expires=end))
        wait_for(lambda: self.ask().status == 200, 10, "the determination")
        self.assertRegex(json.loads(self.sent())["messages"][0]["content"], r"^\[NAME\], MRN: \[MRN\], born 1979, phone \[PHONE\]")
        answer = self.ask()
        sent = wait_for(lambda: [e for e in GATE.entries(answer.reference) if e["kind"] == "exchange.sent"], 5)[0]
        self.assertEqual((sent["form"], sent["decision"], sent["ground"]), ("deidentified", "deidentify", "deidentified"))
        self.assertRegex(sent["profile"], r"^safe-harbor-text@1#")
        GATE.clock.write_text(time.strftime("%Y-%m-%dT12:00:00Z", time.gmtime(time.time() + 4 * 86400)))
        wait_for(lambda: self.ask().status == 403, 20, "the determination's end")

    def test_an_attestation_of_safe_harbor_opens_no_free_text(self):
        before = self.epochs()
        GATE.write("evidence-study.yaml", determination(**{"is": "safe-harbor", "about": "[labs-study]"}))
        wait_for(lambda: self.epochs() > before, 10, "the attestation")
        self.refused(chat("Potassium 4.1", route="study", cert="ehr.example", purpose="HRESCH"), ["no-ground"], 403)
        code, out, _ = GATE.licet("check", GATE.stack, "--may", "study", "--data", "clinical.lab", "--purpose", "HRESCH")
        self.assertEqual((code, out[:2]), (1, "no"), "check says what the gate does")

    def test_a_contract_does_not_make_text_deidentified(self):
        GATE.edit("llm.yaml", "form: pseudonymized", "form: deidentified")
        self.addCleanup(self.restored)
        refused = wait_for(lambda: (a := ask_calmly(NOTE)) and a.status == 403 and a, 10, "the other form")
        seen = len(PROVIDER.seen)
        self.refused(refused, ["no-ground"], 403)
        self.refused(ask_calmly(NOTE), ["no-ground"], 403)
        self.assertEqual(len(PROVIDER.seen), seen)
        code, out, _ = GATE.licet("check", GATE.stack, "--may", "words", "--data", "clinical.note", "--purpose", "TREAT")
        self.assertEqual((code, out[:2]), (1, "no"), out)


class Record(Prompts):
    def test_every_leg_is_on_record_with_what_left(self):
        answer = chat(NOTE, stream=True)
        legs = wait_for(lambda: (e := GATE.entries(answer.reference)) and e[-1]["kind"] == "exchange.outcome" and e, 5)
        request = [e for e in legs if e["kind"] == "exchange.sent" and e["leg"] == "request"][0]
        self.assertEqual(request["digest"], hashlib.sha256(PROVIDER.seen[-1][2]).hexdigest(), "the bytes that left, not those that came")
        self.assertEqual((request["form"], request["decision"], request["ground"]), ("pseudonymized", "reduce", "associate"))
        self.assertRegex(request["profile"], r"^pseudonymized@1#")
        parts = [e for e in legs if e["kind"] == "exchange.part"]
        self.assertGreater(len(parts), 0)
        self.assertEqual(sum(e["bytes"] for e in parts), len(answer.body))
        self.assertLess(legs.index(request), legs.index(parts[0]))

    def test_it_is_on_record_before_the_provider_has_it(self):
        digests = []

        def says(request):
            sent = hashlib.sha256(PROVIDER.seen[-1][2]).hexdigest()
            digests.append((sent, [e["digest"] for e in GATE.ledger() if e["kind"] == "exchange.sent"]))
            return text_of(request)

        PROVIDER.says = says
        for route in ("words/openai", "whole"):
            self.passes(chat(NOTE, route=route))
        self.assertEqual([sent in recorded for sent, recorded in digests], [True, True])

    def test_no_mapping_and_no_prompt_is_kept(self):
        self.passes(chat("Zebulon Plantedworth, MRN: 99887766"))
        chat("Zebulon Plantedworth, MRN: 99887766", stream=True)
        GATE.restart()
        for path in [*GATE.state.rglob("*"), *GATE.folder.glob("licet.*")]:
            if path.is_file():
                data = path.read_bytes()
                self.assertEqual([w for w in (b"Plantedworth", b"99887766", b"sk-the-gates-own") if w in data], [], path)


class Streams(Prompts):
    """A stream that waits in its middle, while the declaration changes."""

    def setUp(self):
        self.go_on = threading.Event()
        self.addCleanup(self.go_on.set)

        def says(request):
            events = list(chat_events(text_of(request)))
            half = len(events) // 2
            yield "".join(events[:half]).encode()
            self.go_on.wait(15)
            yield "".join(events[half:]).encode()

        PROVIDER.says = says
        self.connection = GATE.connect("scribe.example", timeout=15)
        self.addCleanup(self.connection.close)
        body = {"model": "m", "messages": [{"role": "user", "content": f"{NOTE} {NOTE}"}], "stream": True}
        headers = {"Content-Type": "application/json"}
        self.answer = GATE.begin(self.connection, "POST", "/words/openai/chat/completions", body=json.dumps(body), headers=headers)
        self.assertEqual(self.answer.status, 200)
        self.beginning = self.answer.read1(65536)
        self.assertIn(b"data: {", self.beginning)

    def test_a_change_that_does_not_touch_it_lets_it_go_on_with_its_names(self):
        before = self.epochs()
        GATE.edit("organizations.yaml", "contact: privacy@riverbend.example", "contact: office@riverbend.example")
        wait_for(lambda: self.epochs() > before, 5, "a new epoch")
        self.go_on.set()
        rest = self.answer.read()
        whole = Answer(200, {}, self.beginning + rest)
        self.assertEqual("".join(e["choices"][0]["delta"].get("content") or "" for e in events(whole)), f"{NOTE} {NOTE}")

    def test_another_form_cuts_it(self):
        GATE.edit("llm.yaml", "form: pseudonymized\n", "")
        self.addCleanup(self.restored)
        rest = b""
        with self.assertRaises((http.client.IncompleteRead, ConnectionError, ssl.SSLError)):
            while piece := self.answer.read1(65536):
                rest += piece
            if self.answer.chunk_left is not None or not self.answer.isclosed():
                raise ConnectionError("cut")
        self.assertNotIn(b"[DONE]", rest)


class Clients(Prompts):
    """npm's openai and @anthropic-ai/sdk, which know nothing of Licet."""

    def test_the_providers_own_libraries(self):
        made = subprocess.run([ROOT / "tools" / "npm-install", "tests/llm"], capture_output=True, text=True)
        if made.returncode != 0:
            self.skipTest("tests/llm has no packages: " + made.stdout[-200:])

        def says(request):
            if request.get("tools") and "tool" not in json.dumps((request.get("messages") or request["input"])[-1:]):
                return {"patient": re.search(r"\[\[NAME_\w{4}\]\]", json.dumps(request))[0]}
            return text_of(request) if isinstance((request.get("messages") or [{}])[-1].get("content", ""), str) else "done"

        PROVIDER.says = says
        run = subprocess.run(
            [servers().node, "--input-type=module", "-", GATE.gate_url, servers().token("scribe")],
            input=pathlib.Path(__file__).with_name("llm.mjs").read_text(),
            cwd=CLIENTS,
            capture_output=True,
            text=True,
            timeout=90,
            env={**os.environ, "NODE_EXTRA_CA_CERTS": str(servers().certs / "ca.crt")},
        )
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        told = json.loads(run.stdout)
        for what in ("chat", "stream", "responses", "responses_stream", "messages", "messages_stream"):
            self.assertEqual(told[what], "Summarize: Maria Sandoval, MRN: 7654321.", what)
        self.assertEqual(told["tool"], {"patient": "Maria Sandoval"})
        self.assertEqual(told["tool_stream"], {"patient": "Maria Sandoval"})
        self.assertEqual(told["tool_use"], {"patient": "Maria Sandoval"})
        self.assertEqual(told["tool_use_stream"], {"patient": "Maria Sandoval"})
        self.assertEqual(told["embedding"], 2)
        self.assertEqual(told["refused"], 400)
        for _, _, body in PROVIDER.seen:
            if b"Summarize" in body:
                self.assertNotIn(b"Sandoval", body)
