// The example's servers, driven from outside with real clients: `node_modules/.bin/node --test test.mjs`.
import assert from 'node:assert/strict'
import {execFileSync, spawn} from 'node:child_process'
import {createPublicKey, generateKeyPairSync, verify} from 'node:crypto'
import {mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {after, before, test} from 'node:test'
import {fileURLToPath} from 'node:url'
import smart from 'fhirclient'
import {Client} from 'fhir-kit-client'
import {token} from './token.mjs'

const here = dirname(fileURLToPath(import.meta.url)), dir = mkdtempSync(join(tmpdir(), 'licet-servers-')), data = join(dir, 'data')
const started = []
after(() => { for (const p of started) p.kill('SIGKILL'); rmSync(dir, {recursive: true, force: true}) })

const run = (script, ...args) => execFileSync(process.execPath, [join(here, script), ...args], {encoding: 'utf8'})
function start(script, ...args) {
  const p = spawn(process.execPath, [join(here, script), ...args], {stdio: ['ignore', 'pipe', 'pipe']})
  started.push(p)
  let out = '', err = ''
  p.stderr.on('data', d => err += d)
  p.line = pattern => new Promise((ok, no) => {
    const look = () => { const m = out.match(pattern); if (m) ok(m[1]) }
    p.stdout.on('data', look); look()
    p.on('exit', c => no(new Error(`${script} ended (${c}): ${err}`)))
  })
  p.stdout.prependListener('data', d => out += d)
  return p.line(/^ready (\S+)$/m).then(url => Object.assign(p, {url}))
}
const body = async r => ({status: r.status, headers: r.headers, json: JSON.parse(await r.text() || 'null')})
const get = async (url, options) => body(await fetch(url, options))
const post = (url, json) => get(url, {method: 'POST', headers: {'content-type': 'application/fhir+json'}, body: JSON.stringify(json)})
const ndjson = type => readFileSync(join(data, type + '.ndjson'), 'utf8').trim().split('\n').map(l => JSON.parse(l))

let ehr
before(async () => {
  run('generate.mjs', '--out', data)
  ehr = await start('ehr.mjs', '--data', data, '--log', join(dir, 'ehr.log'))
})

test('generate: the same arguments give the same bytes, another seed gives others', () => {
  const again = join(dir, 'again'), other = join(dir, 'other')
  const t = performance.now()
  run('generate.mjs', '--out', again)
  assert.ok(performance.now() - t < 3000)
  run('generate.mjs', '--out', other, '--seed', '8')
  for (const f of readdirSync(data)) assert.deepEqual(readFileSync(join(again, f)), readFileSync(join(data, f)), f)
  assert.notDeepEqual(readFileSync(join(other, 'Patient.ndjson')), readFileSync(join(data, 'Patient.ndjson')))
})

test('generate: the well-known records, and identifiers that a leak test can grep for', () => {
  const by = Object.fromEntries(readdirSync(data).filter(f => f.endsWith('.ndjson')).flatMap(f => ndjson(f.slice(0, -7)).map(r => [`${r.resourceType}/${r.id}`, r])))
  for (const id of ['Patient/p-0001', 'DocumentReference/doc-0001', 'Encounter/enc-0001', 'Observation/obs-0001', 'DocumentReference/doc-sud-0002', 'DocumentReference/doc-psy-0007',
    'RelatedPerson/rel-0003', 'Coverage/cov-0005-self', 'Claim/claim-0005', 'ServiceRequest/ref-0001', 'Consent/consent-0006', 'Practitioner/dr-lee', 'Practitioner/j-ortiz']) assert.ok(by[id], id)
  const labels = r => r.meta.security.map(s => s.code)
  assert.deepEqual(labels(by['DocumentReference/doc-sud-0002']), ['R', 'SUD', 'ETHUD', '42CFRPart2'])
  assert.deepEqual(labels(by['Patient/p-0004']), ['V', 'CEL'])
  assert.equal(by['Encounter/enc-0005'].extension[0].valueBoolean, true)
  assert.equal(by['ExplanationOfBenefit/eob-0005'], undefined)
  assert.equal(by['DocumentReference/doc-0001'].context.encounter[0].reference, 'Encounter/enc-0001')
  const planted = readFileSync(join(data, 'planted.txt'), 'utf8').trim().split('\n'), text = JSON.stringify(by)
  assert.ok(planted.every(w => w.length > 6))
  assert.equal(new Set(planted).size, planted.length)
  for (const p of ndjson('Patient')) for (const v of [p.name[0].text, p.identifier[0].value, p.identifier[1].value, p.telecom[0].value, p.address[0].line[0]]) assert.ok(planted.includes(v), v)
  for (const staff of ndjson('Practitioner')) assert.ok(!planted.includes(staff.name[0].family))
  for (const d of ndjson('DocumentReference')) {
    const note = Buffer.from(d.content[0].attachment.data, 'base64').toString()
    assert.ok(note.length > 500 && note.length < 3000)
    assert.ok(planted.some(w => d.content[0].attachment.data.includes(w)), d.id)
  }
  for (const w of planted.filter(w => /^RBC-|^9\d\d-/.test(w))) assert.ok(text.includes(w))
})

test('ehr: read, vread, 404, 304, HEAD, keep-alive', async () => {
  const r = await get(ehr.url + 'Patient/p-0001')
  assert.equal(r.status, 200)
  assert.match(r.headers.get('content-type'), /^application\/fhir\+json/)
  assert.equal(r.headers.get('etag'), 'W/"1"')
  assert.ok(Number(r.headers.get('content-length')) > 500)
  assert.equal(r.json.name[0].family, 'Sandoval')
  assert.equal((await get(ehr.url + 'Patient/p-0001/_history/1')).json.id, 'p-0001')
  for (const u of ['Patient/none', 'Nothing/1', '../x']) {
    const n = await get(ehr.url + u)
    assert.equal(n.status, 404, u)
    assert.equal(n.json.resourceType, 'OperationOutcome')
  }
  assert.equal((await get(ehr.url + 'Patient/p-0001', {headers: {'if-none-match': 'W/"1"'}})).status, 304)
  assert.equal((await get(ehr.url + 'Patient/p-0001', {method: 'HEAD'})).status, 200)
  assert.equal((await get(ehr.url + 'metadata')).json.fhirVersion, '4.0.1')
  const agent = new http.Agent({keepAlive: true, maxSockets: 1}), ports = new Set()
  for (let i = 0; i < 3; i++) await new Promise((ok, no) => http.get(ehr.url + 'Patient/p-0001', {agent}, r => r.resume().on('end', ok)).on('socket', s => s.localPort ? ports.add(s.localPort) : s.once('connect', () => ports.add(s.localPort))).on('error', no))
  agent.destroy()
  assert.equal(ports.size, 1)
})

test('ehr: search by GET and POST, paging links, include, what it refuses', async () => {
  const found = await get(ehr.url + 'Observation?patient=Patient/p-0001&category=laboratory&code=http://loinc.org|4548-4')
  assert.ok(found.json.entry.some(e => e.resource.id === 'obs-0001'))
  assert.equal(found.json.entry[0].fullUrl, ehr.url + 'Observation/' + found.json.entry[0].resource.id)
  const form = {method: 'POST', headers: {'content-type': 'application/x-www-form-urlencoded'}, body: 'category=laboratory'}
  const posted = await get(ehr.url + 'Observation/_search?patient=p-0001', form)
  assert.deepEqual(new Set(posted.json.entry.flatMap(e => e.resource.category[0].coding[0].code)), new Set(['laboratory']))
  assert.deepEqual(new Set(posted.json.entry.map(e => e.resource.subject.reference)), new Set(['Patient/p-0001']))
  const seen = new Set()
  let pages = 0
  for (let url = ehr.url + 'Patient?_count=25&_sort=_id'; url; pages++) {
    const {json} = await get(url)
    json.entry.forEach(e => seen.add(e.resource.id))
    url = json.link.find(l => l.relation === 'next')?.url
  }
  assert.deepEqual([seen.size, pages], [60, 3])
  const included = await get(ehr.url + 'DocumentReference?_id=doc-0001&_include=DocumentReference:subject')
  assert.deepEqual(included.json.entry.map(e => [e.resource.id, e.search.mode]), [['doc-0001', 'match'], ['p-0001', 'include']])
  assert.equal((await get(ehr.url + 'Encounter?patient.name=Sandoval')).json.total, 3)
  for (const bad of ['Patient?bogus=1', 'Patient?_has:Observation:patient:code=1', '?_type=Patient']) assert.equal((await get(ehr.url + bad)).status, 400, bad)
})

test('ehr: create, update, conditional update, delete, batch', async () => {
  const made = await post(ehr.url + 'Observation', {resourceType: 'Observation', status: 'final', code: {text: 'x'}, subject: {reference: 'Patient/p-0001'}})
  assert.equal(made.status, 201)
  assert.match(made.headers.get('location'), new RegExp(`^${ehr.url}Observation/${made.json.id}/_history/`))
  const put = (json, headers) => get(`${ehr.url}Observation/${json.id}`, {method: 'PUT', headers: {'content-type': 'application/fhir+json', ...headers}, body: JSON.stringify(json)})
  const changed = await put({...made.json, status: 'amended'}, {'if-match': made.headers.get('etag')})
  assert.deepEqual([changed.status, changed.json.status], [200, 'amended'])
  assert.equal((await put(made.json, {'if-match': 'W/"old"'})).status, 412)
  assert.equal((await put({resourceType: 'Observation', id: 'obs-new', status: 'final', code: {text: 'y'}})).status, 201)
  assert.equal((await get(ehr.url + 'Observation/obs-new', {method: 'DELETE'})).status, 200)
  assert.equal((await get(ehr.url + 'Observation/obs-new')).status, 404)
  const batch = await post(ehr.url, {resourceType: 'Bundle', type: 'batch', entry: [
    {request: {method: 'GET', url: 'Patient/p-0001'}}, {request: {method: 'GET', url: 'Patient/none'}}, {request: {method: 'GET', url: 'Encounter?patient=p-0001'}}]})
  assert.deepEqual(batch.json.entry.map(e => e.response.status), ['200', '404', '200'])
  assert.equal(batch.json.entry[0].resource.id, 'p-0001')
  assert.equal((await get(ehr.url + 'Patient', {method: 'POST', headers: {'content-type': 'application/fhir+json'}, body: '{'})).status, 400)
  assert.equal((await get(ehr.url + 'Patient', {method: 'POST', headers: {'content-type': 'text/plain'}, body: 'x'})).status, 415)
})

test('ehr: fhirclient (SMART) and fhir-kit-client work unchanged', async () => {
  const storage = {get: async () => {}, set: async (k, v) => v, unset: async () => true}
  const a = smart({url: '/', headers: {host: 'app'}, socket: {}}, {}, storage).client(ehr.url)
  assert.equal((await a.request('Patient/p-0001')).birthDate, '1979-03-14')
  const all = await a.request('Patient?_count=20', {pageLimit: 0, flat: true})
  assert.equal(all.length, 60)
  await assert.rejects(a.request('Patient/none'), /404/)
  const b = new Client({baseUrl: ehr.url})
  assert.equal((await b.read({resourceType: 'Patient', id: 'p-0001'})).id, 'p-0001')
  const first = await b.search({resourceType: 'Patient', searchParams: {_count: 40}})
  const second = await b.nextPage({bundle: first})
  assert.equal(first.entry.length + second.entry.length, 60)
  const byPost = await b.search({resourceType: 'DocumentReference', searchParams: {patient: 'p-0001'}, options: {postSearch: true}})
  assert.equal(byPost.total, 3)
  const made = await b.create({resourceType: 'Patient', body: {resourceType: 'Patient', name: [{text: 'Kit'}]}})
  await b.update({resourceType: 'Patient', id: made.id, body: {...made, active: true}})
  await b.delete({resourceType: 'Patient', id: made.id})
  await assert.rejects(b.read({resourceType: 'Patient', id: made.id}), e => e.response.status === 404)
})

test('ehr: chunked, TLS, client certificates, the log', async () => {
  const certs = join(dir, 'certs'), at = f => join(certs, f)
  execFileSync(join(here, 'certs.sh'), [certs, 'gate.example'])
  const s = await start('ehr.mjs', '--data', join(data, 'Patient.ndjson'), '--chunked', '--tls', at('ehr.crt'), at('ehr.key'), '--client-ca', at('ca.crt'))
  const read = options => new Promise((ok, no) => https.get(s.url + 'Patient/p-0001', {ca: readFileSync(at('ca.crt')), ...options}, r => { let t = ''; r.on('data', d => t += d).on('end', () => ok({r, t})) }).on('error', no))
  const {r, t} = await read({cert: readFileSync(at('gate.example.crt')), key: readFileSync(at('gate.example.key'))})
  assert.equal(r.headers['transfer-encoding'], 'chunked')
  assert.equal(JSON.parse(t).id, 'p-0001')
  await assert.rejects(read({}))
  execFileSync('openssl', ['verify', '-x509_strict', '-CAfile', at('ca.crt'), at('gate.crt'), at('gate.example.crt')], {stdio: 'ignore'})
  const log = readFileSync(join(dir, 'ehr.log'), 'utf8').trim().split('\n').map(l => JSON.parse(l))
  assert.ok(log.some(l => l.method === 'GET' && l.url === '/fhir/Patient/p-0001' && l.headers.host))
})

const raw = (url, path, wait = 400, extra = '') => new Promise(ok => {
  const s = net.connect(new URL(url).port, '127.0.0.1', () => s.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n${extra}\r\n`))
  let t = '', ended = false
  s.on('data', d => { t += d.toString('latin1'); if (t.length > 3e6) s.destroy() }).on('end', () => ended = true).on('error', () => ended = 'reset').on('close', () => ok({t, ended}))
  setTimeout(() => s.destroy(), wait)
})

test('faulty: each path does what its table says', async () => {
  const f = await start('faulty.mjs', '--mb', '2', '--data', data)
  const at = name => raw(f.url, '/fhir/Patient/' + name)
  const length = t => [Number(t.match(/Content-Length: (\d+)/)[1]), t.split('\r\n\r\n').slice(1).join('\r\n\r\n').length]
  assert.deepEqual(await at('stall'), {t: '', ended: false})
  { const {t, ended} = await at('stall-body'); const [said, sent] = length(t); assert.ok(said > sent && !ended) }
  { const {t, ended} = await at('short'); const [said, sent] = length(t); assert.ok(said === sent + 100 && ended) }
  { const [said, sent] = length((await at('long')).t); assert.equal(said, sent - 20) }
  { const {t, ended} = await at('cut'); const [said, sent] = length(t); assert.ok(said > sent && ended) }
  { const {t, ended} = await at('cut-chunked'); assert.ok(ended && !t.endsWith('0\r\n\r\n')) }
  assert.equal((await at('reset')).ended, 'reset')
  assert.deepEqual(await at('close'), {t: '', ended: true})
  { const [said, sent] = length((await raw(f.url, '/fhir/Patient/huge', 3000)).t); assert.ok(said === sent && said > 2 << 20) }
  assert.ok((await raw(f.url, '/fhir/Patient/endless', 3000)).t.length > 1e6)
  assert.equal((await at('duplicate-keys')).t.match(/"id":/g).length, 2)
  await assert.rejects(get(f.url + 'Patient/invalid-json'))
  await assert.rejects(get(f.url + 'Patient/truncated-json'))
  assert.match((await at('wrong-type')).t, /text\/html/)
  assert.equal((await get(f.url + 'Patient/gzip')).json.id, 'gzip')
  assert.equal((await get(f.url + 'Patient/etag')).headers.get('etag'), 'W/"7"')
  assert.equal((await get(f.url + 'Patient/etag', {headers: {'if-none-match': 'W/"7"'}})).status, 304)
  assert.equal((await fetch(f.url + 'Patient/redirect', {redirect: 'manual'})).status, 302)
  assert.match((await at('both')).t, /Content-Length: 5\r\nTransfer-Encoding/)
  assert.equal((await at('two-lengths')).t.match(/Content-Length/g).length, 2)
  assert.equal((await at('two-answers')).t.match(/HTTP\/1\.1 200/g).length, 2)
  assert.match((await raw(f.url, '/fhir/Patient', 400, 'Content-Length: 1000000000\r\n')).t, /^$/)
  const all = [], table = readFileSync(join(here, 'faulty.mjs'), 'utf8').split('import')[0]
  for (const name of readFileSync(join(here, 'faulty.mjs'), 'utf8').matchAll(/^  '?([a-z0-9-]+)'?: (async )?(\(|s =>)/gm)) {
    assert.match(table, new RegExp(`\\b${name[1]}\\b`))
    if (name[1] !== 'endless') all.push(raw(f.url, '/fhir/Patient/' + name[1], 300))
  }
  await Promise.all(all)
  assert.equal((await get(f.url + 'Patient/p-0001')).status, 200)                    // still alive after all of them
})

test('faulty: a slow bundle drips entry by entry', async () => {
  const f = await start('faulty.mjs', '--data', data, '--drip', '30')
  const t = performance.now(), r = await fetch(f.url + 'DocumentReference?_count=10')
  const times = []
  let text = ''
  for await (const c of r.body) { times.push(performance.now() - t); text += Buffer.from(c).toString() }
  assert.equal(JSON.parse(text).entry.length, 10)
  assert.ok(times.at(-1) >= 250 && times.length >= 8, String(times))
  assert.equal((await get(f.url + 'Patient?_count=150&drip=0')).json.entry.length, 150)
})

test('idp: tokens for systems, people and patients; rotation; backend services', async () => {
  const resource = 'https://127.0.0.1:8443/fhir', other = 'https://127.0.0.1:8443/llm', clients = join(dir, 'clients.json'), jwkFile = join(dir, 'key.jwk')
  const pair = generateKeyPairSync('ec', {namedCurve: 'P-384'})
  writeFileSync(jwkFile, JSON.stringify({...pair.privateKey.export({format: 'jwk'}), kid: 'k1'}))
  writeFileSync(clients, JSON.stringify([...JSON.parse(readFileSync(join(here, 'clients.json'), 'utf8')),
    {client_id: 'bulk', jwks: {keys: [{...pair.publicKey.export({format: 'jwk'}), kid: 'k1', use: 'sig', alg: 'ES384'}]}, claims: {purpose_of_use: 'HOPERAT'}}]))
  const idp = await start('idp.mjs', '--resource', resource, '--resource', other, '--clients', clients)
  const part = (t, i) => JSON.parse(Buffer.from(t.split('.')[i], 'base64url'))
  const keys = async () => (await get(idp.url + '/jwks')).json.keys
  const check = async t => {
    const jwk = (await keys()).find(k => k.kid === part(t, 0).kid)
    assert.ok(verify('sha256', t.split('.').slice(0, 2).join('.'), createPublicKey({key: jwk, format: 'jwk'}), Buffer.from(t.split('.')[2], 'base64url')))
    return part(t, 1)
  }
  const first = await token(idp.url, 'scribe', 'example-scribe', resource, 'system/*.rs')
  assert.deepEqual([part(first, 0).alg, part(first, 0).typ], ['RS256', 'at+jwt'])
  const c = await check(first)
  assert.deepEqual([c.iss, c.aud, c.sub, c.client_id, c.scope, c.exp - c.iat], [idp.url, resource, 'scribe', 'scribe', 'system/*.rs', 300])
  assert.equal((await check(await token(idp.url, 'scribe', 'example-scribe'))).aud, resource)
  assert.equal((await check(await token(idp.url, 'scribe', 'example-scribe', other))).aud, other)
  const lee = await check(await token(idp.url, 'ehr.dr-lee', 'example-dr-lee', resource))
  assert.deepEqual([lee.sub, lee.client_id, lee.licet_person, lee.acr, lee.amr], ['dr-lee', 'ehr', 'dr-lee', 'mfa', ['pwd', 'otp']])
  const maria = await check(await token(idp.url, 'patient-app.maria', 'example-maria', resource, 'patient/*.rs'))
  assert.deepEqual([maria.sub, maria.client_id, maria.patient], ['maria.sandoval', 'patient-app', 'p-0001'])
  assert.equal((await check(await token(idp.url, 'bulk', '@' + jwkFile, resource))).purpose_of_use, 'HOPERAT')
  await assert.rejects(token(idp.url, 'scribe', 'wrong', resource), /invalid_client/)
  await assert.rejects(token(idp.url, 'scribe', 'example-scribe', 'https://elsewhere.example'), /invalid_target/)
  idp.kill('SIGHUP')
  const kid = await idp.line(/^rotated (\S+)$/m), second = await token(idp.url, 'scribe', 'example-scribe', resource)
  assert.equal(part(second, 0).kid, kid)
  assert.equal((await keys()).length, 2)
  await check(first); await check(second)
  assert.ok((await keys()).every(k => !('d' in k)))
  assert.match(run('token.mjs', idp.url, 'scribe', 'example-scribe', resource), /^eyJ[\w.-]+\n$/)
})
