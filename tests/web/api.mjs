// docs/api/openapi.yaml against a running node: every path answers as described, with every described member and no other, and refuses who
// has no business here. Input: JSON on stdin {url, key, cookie, reference, held}. Prints what differs, a line each; nothing: all as described.
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
const filled = (value) => (value === '$reference' ? given.reference : value === '$held' ? given.held : value === '$proposed' ? 'kind: agreement\nid: baa-fax-2024\nnonsense: 1\n' : value);
const key = { authorization: `Bearer ${given.key}` };
const deref = (one) => (one.$ref ? one.$ref.slice(2).split('/').reduce((at, part) => at[part], api) : one);

async function ask(path, method, status, { headers = key, body, query = '' } = {}) {
  const answer = await fetch(`${given.url}/api/v1${path}${query}`, { method, headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' }, body });
  const text = await answer.text();
  const where = `${method} ${path}${query} ${answer.status}`;
  if (answer.status !== status) say(where, `instead of ${status}:`, text.slice(0, 300));
  const operation = api.paths[path]?.[method.toLowerCase()];
  const described = operation?.responses[answer.status];
  if (!described) return say(where, 'is not described'), { answer, text };
  const [type, content] = Object.entries(deref(described).content ?? {})[0] ?? [];
  if (!type) { if (text) say(where, 'has a body'); return { answer, text }; }
  if (answer.headers.get('content-type') !== type) say(where, 'is', answer.headers.get('content-type'));
  if (!content.schema) return { answer, text };
  let value;
  try { value = JSON.parse(text); } catch { return say(where, 'is no JSON'), { answer, text }; }
  const problem = check(content.schema, value);
  if (problem) say(where, problem.slice(0, 600));
  if (answer.headers.get('x-content-type-options') !== 'nosniff') say(where, 'may be sniffed');
  return { answer, value };
}

for (const [path, operations] of Object.entries(api.paths))
  for (const [verb, operation] of Object.entries(operations)) {
    const method = verb.toUpperCase();
    const parameters = (operation.parameters ?? []).map(deref);
    const examples = parameters.filter((p) => p.example !== undefined).map((p) => `${p.name}=${encodeURIComponent(filled(p.example))}`).join('&');
    const query = examples && `?${examples}`;
    const sample = operation.requestBody?.content['application/json'].example;
    const body = sample && JSON.stringify(Object.fromEntries(Object.entries(sample).map(([name, value]) => [name, filled(value)])));
    await ask(path, method, 401, { headers: {}, query, body });
    await ask(path, method, 401, { headers: { authorization: 'Bearer 00000000000000000000000000000000' }, query, body });
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
      if (!/json/.test(got.headers.get('content-type') ?? '')) say('GET', path, 'is', got.headers.get('content-type'));
    }
    if (method !== 'POST') continue;
    for (const bad of ['', '[]', '{', '"x"', '{"by":"free text!"}', JSON.stringify({ id: '../..', by: 'x'.repeat(65) })])
      await ask(path, method, 400, { body: bad });
    // By cookie: only from our own page.
    const cookie = { cookie: given.cookie };
    const origin = new URL(given.url).origin;
    for (const headers of [{}, { origin: 'https://evil.example', 'licet-console': '1' }, { origin }, { 'licet-console': '1', 'sec-fetch-site': 'cross-site' },
      { 'licet-console': '1', origin: 'null' }, { 'licet-console': '1', 'sec-fetch-site': 'same-site' }])
      await ask(path, method, 403, { headers: { ...cookie, ...headers }, body });
    await ask(path, method, 200, { headers: { ...cookie, 'licet-console': '1', origin }, body });
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
