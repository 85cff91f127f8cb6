// A FHIR upstream that misbehaves on purpose; raw sockets, so that it can lie. Prints `ready http://127.0.0.1:PORT/fhir/`.
//   node faulty.mjs [--port 0] [--fault NAME] [--drip MS] [--count N] [--mb N] [--data DIR] [--tls CERT KEY]
//
// GET /fhir/TYPE/FAULT (any type; other methods likewise) does what the table says. Every body that can holds the planted
// identifiers below, so that a test sees whether a broken answer leaks. `--fault NAME` does it for every path.
//
//  FAULT            what happens
//  ok               200, a good resource (id = the last path segment; also every id that is no fault)
//  stall            request read, nothing is ever sent
//  stall-body       head and half of the body, then silence
//  short            Content-Length 100 too long; body ends, connection closes
//  long             Content-Length 20 too short; the surplus follows on the same connection
//  cut              Content-Length right, closed after half
//  cut-chunked      chunked, closed after half, no last chunk
//  reset            as cut-chunked, with a TCP reset
//  close            closed before any answer
//  huge             200, a resource of --mb (64) MB, Content-Length right
//  endless          200, chunked, never stops
//  duplicate-keys   "id" and "subject" twice in one object, with different values
//  invalid-json     not JSON;  truncated-json: framing right, JSON ends early;  trailing-json: two values
//  bad-utf8         a byte 0xFF within a name;  bom: starts with EF BB BF
//  deep             arrays nested 100,000 deep
//  wrong-type       text/html;  no-type: no Content-Type;  charset: application/fhir+json; charset=utf-16
//  wrong-id         another patient's resource (id p-9999);  wrong-resource: an Observation
//  gzip             Content-Encoding: gzip, asked for or not;  gzip-bomb: 64 MB of spaces in it
//  etag             ETag W/"7"; If-None-Match of it gets 304
//  redirect         302 to http://127.0.0.1:1/elsewhere;  redirect-loop: 302 to itself
//  hints            103, then 200;  switch: 101;  no-content: 204;  not-modified: 304 unasked
//  error            500, an OperationOutcome with identifiers in `diagnostics`;  error-html: 502, an HTML page with them
//  denied           401 with WWW-Authenticate;  busy: 503 with Retry-After
//  both             Content-Length and Transfer-Encoding together;  two-lengths: two different Content-Lengths
//  bad-chunk        chunk size "zz";  bad-status: "HTTP/1.1 2000 Wow";  not-http: no HTTP at all
//  bare-lf          header lines end in LF;  bad-header: a space before the colon;  folded: obsolete line folding
//  http10           HTTP/1.0, body until close;  many-headers: 10,000 header lines;  big-header: one of 1 MB
//  cookie           Set-Cookie, Server, X-Powered-By and a header with a patient's name
//  two-answers      a second complete answer behind the first (response splitting)
//  early            answers 413 before the body is read, and closes
//  foreign-next     a searchset whose next page lies at http://internal:8080/fhir, as of a server that doesn't know its own address
//  slow             one byte every --drip (50) ms
//
// GET /fhir/TYPE?_count=N&drip=M: a searchset of N (--count, 20) entries, chunked, one entry every M (--drip, 50) ms, for
// cutting an answer in progress. Entries come from DIR/TYPE.ndjson round and round (ids made unique), or are made up.
import {existsSync, readFileSync} from 'node:fs'
import net from 'node:net'
import tls from 'node:tls'
import {join} from 'node:path'
import {parseArgs} from 'node:util'
import {gzipSync} from 'node:zlib'

const {values: opt, positionals} = parseArgs({allowPositionals: true, options: {
  port: {type: 'string', default: '0'}, fault: {type: 'string'}, drip: {type: 'string', default: '50'},
  count: {type: 'string', default: '20'}, mb: {type: 'string', default: '64'}, data: {type: 'string'}, tls: {type: 'boolean'}}})

const NAME = 'Faulta Plantedworth', MRN = 'RBC-FAULT-77', PHONE = '(740) 555-0199'
const sleep = ms => new Promise(r => setTimeout(r, ms))

function resource(type, id) {
  const who = {identifier: [{system: 'https://riverbend.example/mrn', value: MRN}]}
  if (type === 'Patient') return {resourceType: type, id, ...who, name: [{text: NAME}], telecom: [{system: 'phone', value: PHONE}], birthDate: '1950-01-01'}
  return {resourceType: type, id, status: 'current', ...who, subject: {reference: 'Patient/p-0001', display: NAME}, date: '2026-06-01T12:00:00Z',
    content: [{attachment: {contentType: 'text/plain', data: Buffer.from(`${NAME}, ${MRN}, ${PHONE}`).toString('base64')}}]}
}
const JSON_TYPE = 'Content-Type: application/fhir+json; charset=utf-8'
const head = (status, ...lines) => `HTTP/1.1 ${status}\r\n${lines.map(l => l + '\r\n').join('')}\r\n`
const whole = (status, body, ...lines) => Buffer.concat([Buffer.from(head(status, `Content-Length: ${Buffer.byteLength(body)}`, ...lines)), Buffer.from(body)])
const chunk = s => `${Buffer.byteLength(s).toString(16)}\r\n${s}\r\n`
// resolves once the peer has taken it; a peer that went away ends the fault
const send = (s, data) => new Promise((ok, no) => s.destroyed ? no(new Error('gone')) : s.write(data, e => e ? no(e) : ok()))

const FAULTS = {
  ok: (s, {body}) => send(s, whole('200 OK', body, JSON_TYPE)),
  stall: () => new Promise(() => {}),
  'stall-body': async (s, {body}) => { await send(s, whole('200 OK', body, JSON_TYPE).subarray(0, -(body.length >> 1))); await new Promise(() => {}) },
  short: async (s, {body}) => { await send(s, head('200 OK', JSON_TYPE, `Content-Length: ${body.length + 100}`) + body); s.end() },
  long: (s, {body}) => send(s, head('200 OK', JSON_TYPE, `Content-Length: ${body.length - 20}`) + body),
  cut: async (s, {body}) => { await send(s, whole('200 OK', body, JSON_TYPE).subarray(0, -(body.length >> 1))); s.end() },
  'cut-chunked': async (s, {body}) => { await send(s, head('200 OK', JSON_TYPE, 'Transfer-Encoding: chunked') + chunk(body.slice(0, body.length >> 1))); s.end() },
  reset: async (s, {body}) => { await send(s, head('200 OK', JSON_TYPE, 'Transfer-Encoding: chunked') + chunk(body.slice(0, body.length >> 1))); await sleep(50); s.resetAndDestroy?.() ?? s.destroy() },
  close: s => s.end(),
  huge: async (s, {type, id}) => {
    const mb = Number(opt.mb), r = JSON.stringify({...resource(type, id), text: {status: 'generated', div: '@'}}).split('@')
    await send(s, head('200 OK', JSON_TYPE, `Content-Length: ${r[0].length + (mb << 20) + r[1].length}`) + r[0])
    const block = Buffer.alloc(1 << 20, 'x')
    for (let i = 0; i < mb; i++) await send(s, block)
    await send(s, r[1])
  },
  endless: async s => {
    await send(s, head('200 OK', JSON_TYPE, 'Transfer-Encoding: chunked') + chunk('{"resourceType":"Bundle","type":"searchset","entry":['))
    for (let i = 0; ; i++) await send(s, chunk(JSON.stringify({resource: resource('Patient', 'p-' + i)}) + ','))
  },
  'duplicate-keys': (s, {type, id}) => send(s, whole('200 OK', `{"resourceType":"${type}","id":"${id}","subject":{"reference":"Patient/p-0001"},"id":"p-9999","subject":{"reference":"Patient/p-9999","display":"${NAME}"}}`, JSON_TYPE)),
  'invalid-json': s => send(s, whole('200 OK', `{resourceType: 'Patient', name: ${NAME}}`, JSON_TYPE)),
  'truncated-json': (s, {body}) => send(s, whole('200 OK', body.slice(0, body.length - 9), JSON_TYPE)),
  'trailing-json': (s, {body}) => send(s, whole('200 OK', body + body, JSON_TYPE)),
  'bad-utf8': (s, {body}) => { const b = Buffer.from(body); b[b.indexOf('Plantedworth') + 2] = 0xff; return send(s, whole('200 OK', b, JSON_TYPE)) },
  bom: (s, {body}) => send(s, whole('200 OK', '\uFEFF' + body, JSON_TYPE)),
  deep: (s, {type, id}) => send(s, whole('200 OK', `{"resourceType":"${type}","id":"${id}","x":${'['.repeat(1e5)}${']'.repeat(1e5)}}`, JSON_TYPE)),
  'wrong-type': s => send(s, whole('200 OK', `<html><body>${NAME} ${MRN}</body></html>`, 'Content-Type: text/html')),
  'no-type': (s, {body}) => send(s, whole('200 OK', body)),
  charset: (s, {body}) => send(s, whole('200 OK', Buffer.from(body, 'utf16le'), 'Content-Type: application/fhir+json; charset=utf-16')),
  'wrong-id': (s, {type}) => send(s, whole('200 OK', JSON.stringify(resource(type, 'p-9999')), JSON_TYPE)),
  'wrong-resource': (s, {id}) => send(s, whole('200 OK', JSON.stringify(resource('Observation', id)), JSON_TYPE)),
  gzip: (s, {body}) => send(s, whole('200 OK', gzipSync(body), JSON_TYPE, 'Content-Encoding: gzip')),
  'gzip-bomb': s => send(s, whole('200 OK', gzipSync(Buffer.alloc(64 << 20, ' ')), JSON_TYPE, 'Content-Encoding: gzip')),
  etag: (s, {body, headers}) => send(s, headers['if-none-match'] === 'W/"7"' ? head('304 Not Modified', 'ETag: W/"7"') : whole('200 OK', body, JSON_TYPE, 'ETag: W/"7"', 'Last-Modified: Mon, 01 Jun 2026 12:00:00 GMT')),
  redirect: s => send(s, whole('302 Found', '', 'Location: http://127.0.0.1:1/elsewhere')),
  'redirect-loop': (s, {url}) => send(s, whole('302 Found', '', 'Location: ' + url)),
  hints: async (s, {body}) => { await send(s, head('103 Early Hints', `Link: </${NAME}>`)); await sleep(20); await send(s, whole('200 OK', body, JSON_TYPE)) },
  switch: s => send(s, head('101 Switching Protocols', 'Upgrade: raw', 'Connection: upgrade')),
  'no-content': s => send(s, head('204 No Content')),
  'not-modified': s => send(s, head('304 Not Modified', 'ETag: W/"7"')),
  error: s => send(s, whole('500 Internal Server Error', JSON.stringify({resourceType: 'OperationOutcome', issue: [{severity: 'fatal', code: 'exception', diagnostics: `failed on ${NAME} ${MRN} ${PHONE}`}]}), JSON_TYPE)),
  'error-html': s => send(s, whole('502 Bad Gateway', `<h1>Bad gateway: ${NAME} ${MRN}</h1>`, 'Content-Type: text/html')),
  denied: s => send(s, whole('401 Unauthorized', '', `WWW-Authenticate: Bearer realm="${NAME}"`)),
  busy: s => send(s, whole('503 Service Unavailable', '', 'Retry-After: 1')),
  both: (s, {body}) => send(s, head('200 OK', JSON_TYPE, 'Content-Length: 5', 'Transfer-Encoding: chunked') + chunk(body) + '0\r\n\r\n'),
  'two-lengths': (s, {body}) => send(s, head('200 OK', JSON_TYPE, `Content-Length: ${body.length}`, 'Content-Length: 7') + body),
  'bad-chunk': (s, {body}) => send(s, head('200 OK', JSON_TYPE, 'Transfer-Encoding: chunked') + `zz\r\n${body}\r\n0\r\n\r\n`),
  'bad-status': (s, {body}) => send(s, whole('2000 Wow', body, JSON_TYPE)),
  'not-http': async s => { await send(s, `SSH-2.0-${NAME.replace(' ', '_')}\r\n`); s.end() },
  'bare-lf': (s, {body}) => send(s, `HTTP/1.1 200 OK\nContent-Type: application/fhir+json\nContent-Length: ${body.length}\n\n${body}`),
  'bad-header': (s, {body}) => send(s, whole('200 OK', body, JSON_TYPE, 'X-Odd : 1')),
  folded: (s, {body}) => send(s, whole('200 OK', body, JSON_TYPE, 'X-Folded: a\r\n b')),
  http10: async (s, {body}) => { await send(s, `HTTP/1.0 200 OK\r\n${JSON_TYPE}\r\n\r\n${body}`); s.end() },
  'many-headers': (s, {body}) => send(s, whole('200 OK', body, JSON_TYPE, ...Array.from({length: 10000}, (_, i) => `X-H${i}: ${i}`))),
  'big-header': (s, {body}) => send(s, whole('200 OK', body, JSON_TYPE, 'X-Big: ' + 'x'.repeat(1 << 20))),
  cookie: (s, {body}) => send(s, whole('200 OK', body, JSON_TYPE, 'Set-Cookie: session=secret', 'Server: Faulty/1', 'X-Powered-By: spite', `X-Patient: ${NAME}`)),
  'two-answers': (s, {body}) => send(s, Buffer.concat([whole('200 OK', body, JSON_TYPE), whole('200 OK', body.replaceAll('p-0001', 'p-9999'), JSON_TYPE)])),
  early: async s => { await send(s, whole('413 Content Too Large', '', 'Connection: close')); s.end() },
  'foreign-next': (s, {type, body}) => send(s, whole('200 OK', JSON.stringify({resourceType: 'Bundle', type: 'searchset', link: [{relation: 'next', url: `http://internal:8080/fhir/${type}?page=2`}], entry: [{resource: JSON.parse(body)}]}), JSON_TYPE)),
  slow: async (s, {body}) => { for (const b of whole('200 OK', body, JSON_TYPE)) { await send(s, Buffer.from([b])); await sleep(Number(opt.drip)) } },
}

async function drip(s, {type, query}) {
  const n = Number(query.get('_count') ?? opt.count), ms = Number(query.get('drip') ?? opt.drip)
  const file = opt.data && join(opt.data, type + '.ndjson')
  const lines = file && existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
  await send(s, head('200 OK', JSON_TYPE, 'Transfer-Encoding: chunked') + chunk(`{"resourceType":"Bundle","type":"searchset","total":${n},"entry":[`))
  for (let i = 0; i < n; i++) {
    const r = lines.length ? JSON.parse(lines[i % lines.length]) : resource(type, `${type === 'Patient' ? 'p' : 'x'}-${String(i + 1).padStart(4, '0')}`)
    if (lines.length && i >= lines.length) r.id += '-' + Math.floor(i / lines.length)
    await send(s, chunk((i ? ',' : '') + JSON.stringify({resource: r, search: {mode: 'match'}})))
    if (ms) await sleep(ms)
  }
  await send(s, chunk(']}') + '0\r\n\r\n')
}

async function serve(s) {
  s.setNoDelay(true)
  s.on('error', () => {})
  let buffer = Buffer.alloc(0)
  const arrives = s[Symbol.asyncIterator]()
  const more = async () => { const {value, done} = await arrives.next(); if (done) return false; buffer = Buffer.concat([buffer, value]); return true }
  for (;;) {                                          // keep-alive: one request after the other
    let end
    while ((end = buffer.indexOf('\r\n\r\n')) < 0) if (!await more()) return s.end()
    const [line, ...rest] = buffer.subarray(0, end).toString('latin1').split('\r\n')
    const headers = Object.fromEntries(rest.map(h => [h.slice(0, h.indexOf(':')).toLowerCase(), h.slice(h.indexOf(':') + 1).trim()]))
    const [, url] = line.split(' '), {pathname, searchParams: query} = new URL(url, 'http://x')
    const [, , type = 'Patient', id = ''] = pathname.split('/')
    const fault = opt.fault ?? (id in FAULTS ? id : id && id !== '_search' ? 'ok' : 'drip')
    buffer = buffer.subarray(end + 4)
    if (fault !== 'early') {
      if (headers.expect) await send(s, head('100 Continue'))
      if (/chunked/i.test(headers['transfer-encoding'] ?? '')) { while (!buffer.includes('0\r\n\r\n')) if (!await more()) return; buffer = buffer.subarray(buffer.indexOf('0\r\n\r\n') + 5) }
      for (let left = Number(headers['content-length'] ?? 0); left > 0;) {
        const take = Math.min(left, buffer.length)
        left -= take; buffer = buffer.subarray(take)
        if (left && !await more()) return
      }
    }
    await (fault === 'drip' ? drip : FAULTS[fault])(s, {url, type, id, query, headers, body: JSON.stringify(resource(type, id || 'x'))})
  }
}
if (opt.fault && opt.fault !== 'drip' && !FAULTS[opt.fault]) { console.error(`no fault ${opt.fault}; one of ${Object.keys(FAULTS).join(' ')} drip`); process.exit(2) }
const accept = s => serve(s).catch(() => s.destroy())
const server = opt.tls ? tls.createServer({cert: readFileSync(positionals[0]), key: readFileSync(positionals[1])}, accept) : net.createServer(accept)
server.on('tlsClientError', () => {})
server.listen(Number(opt.port), '127.0.0.1', () => console.log(`ready ${opt.tls ? 'https' : 'http'}://127.0.0.1:${server.address().port}/fhir/`))
for (const sig of ['SIGTERM', 'SIGINT']) process.on(sig, () => process.exit(0))
