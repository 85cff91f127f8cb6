// docs/api/openapi.yaml against a running node: every path answers as described, with every described member and no other, and refuses who
// has no business here, by scope too. Input: JSON on stdin {url, key, reference, held}, `key` that of the first start; the declaration is a git
// work tree. Prints what differs, a line each; nothing: all as described.
import { readFileSync } from 'node:fs';
import Ajv from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { parse } from 'yaml';

const given = JSON.parse(readFileSync(0, 'utf8'));
const api = parse(readFileSync(new URL('../../docs/api/openapi.yaml', import.meta.url), 'utf8'));
const ajv = new Ajv({ strict: false, allErrors: true });
formats(ajv);
ajv.addSchema(api, 'api');
const checks = new Map();
const check = (schema, value) => {
  // References are to the whole file.
  const text = JSON.stringify(schema).replaceAll('"#/', '"api#/');
  if (!checks.has(text)) checks.set(text, ajv.compile(JSON.parse(text)));
  const valid = checks.get(text);
  return valid(value) ? '' : ajv.errorsText(valid.errors);
};
const wrong = [];
const say = (...words) => wrong.push(words.join(' '));
const key = { authorization: `Bearer ${given.key}` };
const json = { 'content-type': 'application/json' };
const origin = new URL(given.url).origin;
const made = async (path, body) => (await (await fetch(`${given.url}/api/v1${path}`, { method: 'POST', headers: { ...key, ...json }, body: JSON.stringify(body) })).json()).id;
const source = (await (await fetch(`${given.url}/api/v1/source?id=baa-fax-2024`, { headers: key })).json()).text ?? '';
/** What an example of the description stands for. */
async function filled(value) {
  switch (value) {
    case '$reference': return given.reference;
    case '$held': return given.held;
    case '$proposed': return 'kind: agreement\nid: baa-fax-2024\nnonsense: 1\n';
    case '$proposed-good': return source.replace(/expires: .*/, 'expires: 2027-06-30');
    case '$tomorrow': return new Date(Date.now() + 36 * 36e5).toISOString().slice(0, 10);
    case '$key': return made('/keys', { name: 'to-be-ended', scopes: ['see'] });
    case '$link': return made('/trust/links', { for: 'to-be-ended' });
    default: return value;
  }
}
async function filledAll(sample) {
  const out = {};
  for (const [name, value] of Object.entries(sample)) out[name] = await filled(value);
  return out;
}
// A log-in by the page's own way: the cookie, and the token that its writes need.
const entered = await fetch(`${given.url}/login`, { method: 'POST', headers: { ...json, origin }, body: JSON.stringify({ key: given.key }) });
const cookie = entered.headers.get('set-cookie')?.split(';')[0] ?? '';
const { csrf } = await (await fetch(`${given.url}/api/v1/session`, { headers: { cookie } })).json();
const deref = (one) => (one.$ref ? one.$ref.slice(2).split('/').reduce((at, part) => at[part], api) : one);

async function ask(path, method, status, { headers = key, body, query = '' } = {}) {
  if (body && typeof body !== 'string') body = JSON.stringify(body.$fresh ? await filledAll(body.$fresh) : body);
  const answer = await fetch(`${given.url}/api/v1${path}${query}`, { method, headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' }, body });
  const text = await answer.text();
  const where = `${method} ${path}${query} ${answer.status}`;
  if (answer.status !== status) say(where, `instead of ${status}:`, text.slice(0, 300));
  const operation = api.paths[path]?.[method.toLowerCase()];
  const described = operation?.responses[answer.status];
  if (!described) return say(where, 'is not described'), { answer, text };
  const [type, content] = Object.entries(deref(described).content ?? {})[0] ?? [];
  if (!type) { if (text) say(where, 'has a body'); return { answer, text }; }
  if ((answer.headers.get('content-type') ?? '').split(';')[0] !== type) say(where, 'is', answer.headers.get('content-type'));
  if (!content.schema) return { answer, text };
  let value;
  try { value = JSON.parse(text); } catch { return say(where, 'is no JSON'), { answer, text }; }
  const problem = check(content.schema, value);
  if (problem) say(where, problem.slice(0, 600));
  if (answer.headers.get('x-content-type-options') !== 'nosniff') say(where, 'may be sniffed');
  return { answer, value };
}

// A key that may only see: every other act is refused it.
const narrow = await (await fetch(`${given.url}/api/v1/keys`, { method: 'POST', headers: { ...key, ...json }, body: JSON.stringify({ name: 'only-sees', scopes: ['see'] }) })).json();
const sees = { authorization: `Bearer ${narrow.key}` };
if (!narrow.key) say('no key was made:', JSON.stringify(narrow));
if (!cookie || !csrf) say('no log-in by key', entered.status);

for (const [path, operations] of Object.entries(api.paths))
  for (const [verb, operation] of Object.entries(operations)) {
    const method = verb.toUpperCase();
    const parameters = (operation.parameters ?? []).map(deref);
    const examples = [];
    for (const p of parameters) if (p.example !== undefined) examples.push(`${p.name}=${encodeURIComponent(await filled(p.example))}`);
    const query = examples.length ? `?${examples.join('&')}` : '';
    const sample = operation.requestBody?.content['application/json'].example;
    const body = sample && { $fresh: sample };
    if (!operation['x-act']) say(method, path, 'names no act');
    await ask(path, method, 401, { headers: {}, query, body });
    await ask(path, method, 401, { headers: { authorization: 'Bearer 00000000000000000000000000000000' }, query, body });
    if (!['see', 'none'].includes(operation['x-act'])) await ask(path, method, 403, { headers: sees, query, body });
    if (path === '/events') {
      const stop = new AbortController();
      const stream = await fetch(`${given.url}/api/v1/events`, { headers: key, signal: stop.signal });
      if (stream.status !== 200 || !(stream.headers.get('content-type') ?? '').startsWith('text/event-stream')) say('GET /events', stream.status, stream.headers.get('content-type'));
      stop.abort();
      continue;
    }
    const { answer } = await ask(path, method, 200, { query, body });
    const tag = answer.headers.get('etag');
    if (!!tag !== !!operation.responses['304']) say(method, path, tag ? 'has an ETag that is not described' : 'has no ETag');
    if (tag) await ask(path, method, 304, { query, headers: { ...key, 'if-none-match': tag } });
    // Whatever is asked for, an answer is described: never a failure inside, never a page of markup.
    for (const odd of ['', '%00', '%ff', "'; drop table x", '../../etc/passwd', '<script>alert(1)</script>', '9'.repeat(40), '%2e%2e%2f', 'ä']) {
      if (method !== 'GET') continue;
      const all = parameters.map((p) => `${p.name}=${odd.startsWith('%') ? odd : encodeURIComponent(odd)}`).join('&');
      const got = await fetch(`${given.url}/api/v1${path}?${all}`, { headers: key });
      if (odd === '%00' && got.status === 400) continue; // refused before anybody reads it
      if (!operation.responses[got.status]) say('GET', path, all.slice(0, 60), 'answers', got.status);
      if (!/json/.test(got.headers.get('content-type') ?? '') && !(got.status === 200 && path === '/report')) say('GET', path, 'is', got.headers.get('content-type'));
    }
    if (method !== 'POST') continue;
    for (const bad of ['', '[]', '{', '"x"', '{"by":"free text!"}', JSON.stringify({ id: '../..', by: 'x'.repeat(65) })])
      await ask(path, method, 400, { body: bad });
    // By cookie: only from our own page, with the token of this log-in.
    for (const headers of [{}, { origin: 'https://evil.example', 'licet-csrf': csrf }, { origin }, { 'licet-csrf': csrf, 'sec-fetch-site': 'cross-site' }, { 'licet-csrf': csrf, origin: 'null' },
      { 'licet-csrf': csrf, 'sec-fetch-site': 'same-site' }, { origin, 'licet-csrf': csrf.replace(/^./, (c) => (c === 'a' ? 'b' : 'a')) }, { origin, 'licet-console': '1' }])
      await ask(path, method, 403, { headers: { cookie, ...headers }, body });
    if (path === '/commit') await new Promise((go) => setTimeout(go, 1100)); // its branch is named by the second
    await ask(path, method, 200, { headers: { cookie, 'licet-csrf': csrf, origin }, body });
  }

// Pages add up to the whole.
const { value: whole } = await ask('/findings', 'GET', 200, { query: '?limit=500' });
let seen = 0;
for (let next = 0; next !== null;) {
  const { value } = await ask('/findings', 'GET', 200, { query: `?limit=37&offset=${next}` });
  seen += value.items.length;
  next = value.next;
}
if (seen !== whole.total) say(`pages hold ${seen} of ${whole.total} findings`);
for (const facet of ['status', 'owner', 'requirement'])
  for (const { value, count } of whole.facets[facet]) {
    const { value: some } = await ask('/findings', 'GET', 200, { query: `?limit=1&${facet}=${encodeURIComponent(value)}` });
    if (some.total !== count) say(`facet ${facet}=${value} says ${count}, and there are ${some.total}`);
  }
for (const item of whole.items.filter((f) => f.status !== 'pass').slice(0, 60))
  await ask('/why', 'GET', 200, { query: `?requirement=${encodeURIComponent(item.requirement)}&subject=${encodeURIComponent(item.subject)}` });
const { value: licenses } = await ask('/licenses', 'GET', 200);
for (const item of licenses.items) await ask('/why', 'GET', 200, { query: `?license=${encodeURIComponent(item.id)}` });
const unknown = await fetch(`${given.url}/api/v1/nothing`, { headers: key });
if (unknown.status !== 404) say('an unknown path answers', unknown.status);

for (const line of wrong) console.log(line);
