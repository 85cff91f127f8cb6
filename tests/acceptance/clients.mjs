// Real clients through the gate: npm's fhirclient and fhir-kit-client, with access tokens. Node trusts the example's CA by NODE_EXTRA_CA_CERTS.
//   node clients.mjs SERVERS GATE_URL PHYSICIAN_TOKEN SCRIBE_TOKEN     prints one JSON object
import assert from 'node:assert/strict'
import {createRequire} from 'node:module'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'

const [servers, gate, physician, scribe] = process.argv.slice(2)
const require = createRequire(join(servers, 'package.json'))
const load = name => import(pathToFileURL(require.resolve(name)))
const smart = (await load('fhirclient')).default, {Client} = await load('fhir-kit-client')

const storage = {get: async () => undefined, set: async (_, v) => v, unset: async () => true}
const base = gate + '/fhir'
const out = {}

// fhirclient: the physician, full view
const a = smart({url: '/', headers: {host: 'app'}, socket: {}}, {}, storage).client({serverUrl: base, tokenResponse: {access_token: physician}})
const treat = {headers: {'Licet-Purpose': 'TREAT'}}
out.patient = (await a.request({url: 'Patient/p-0001', ...treat})).id
out.all = (await a.request({url: 'Patient?_count=25', ...treat}, {pageLimit: 0, flat: true})).length
await assert.rejects(a.request({url: 'Patient/none', ...treat}), /404|Not Found/)
await assert.rejects(a.request({url: 'Patient/p-0001', headers: {'Licet-Purpose': 'HMARKT'}}), /403|Forbidden/)

// fhir-kit-client: the scribe, reduced view
const b = new Client({baseUrl: base, customHeaders: {Authorization: `Bearer ${scribe}`}})
const note = await b.read({resourceType: 'DocumentReference', id: 'doc-0001'})
out.note = Object.keys(note).sort()
const first = await b.search({resourceType: 'DocumentReference', searchParams: {_count: 10}})
out.first = first.entry.length
const second = await b.nextPage({bundle: first})
out.second = second?.entry?.length ?? 0
out.fresh = second ? second.entry.every(e => !first.entry.some(f => f.resource.id === e.resource.id)) : null
await assert.rejects(b.search({resourceType: 'DocumentReference', searchParams: {patient: 'p-0001'}}), e => e.response?.status === 403)
await assert.rejects(b.read({resourceType: 'Patient', id: 'p-0001'}), e => e.response?.status === 403)
out.conformance = (await b.capabilityStatement()).resourceType
console.log(JSON.stringify(out))
