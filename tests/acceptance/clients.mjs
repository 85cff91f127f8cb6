// Real clients through the gate: npm's fhirclient and fhir-kit-client, with access tokens. NODE_EXTRA_CA_CERTS names the example's CA.
// Run with examples/servers as the working directory, from standard input, so that its packages are found:
//   node --input-type=module - GATE_URL PHYSICIAN_TOKEN SCRIBE_TOKEN < clients.mjs     prints one JSON object
import assert from 'node:assert/strict'
import smart from 'fhirclient'
import {Client} from 'fhir-kit-client'

const [gate, physician, scribe] = process.argv.slice(2)
const storage = {get: async () => undefined, set: async (_, v) => v, unset: async () => true}
const base = gate + '/fhir'
const out = {}

// fhirclient: the physician, full view. Paging drops headers of one's own, so the purpose is the token's
const a = smart({url: '/', headers: {host: 'app'}, socket: {}}, {}, storage)
  .client({serverUrl: base, tokenResponse: {access_token: physician}})
out.patient = (await a.request('Patient/p-0001')).id
out.all = (await a.request('Patient?_count=25', {pageLimit: 0, flat: true})).length
await assert.rejects(a.request('Patient/none'), /404|Not Found/)
await assert.rejects(a.request('DocumentReference/doc-psy-0007'), /403|Forbidden/)

// fhir-kit-client: the scribe, reduced view
const b = new Client({baseUrl: base, customHeaders: {Authorization: `Bearer ${scribe}`}})
const note = await b.read({resourceType: 'DocumentReference', id: 'doc-0001'})
out.note = Object.keys(note).sort()
const first = await b.search({resourceType: 'DocumentReference', searchParams: {_count: 10}})
out.first = first.entry.length
const second = await b.nextPage({bundle: first})
out.second = second?.entry?.length ?? 0
out.fresh = second ? second.entry.every(e => !first.entry.some(f => f.resource.id === e.resource.id)) : null
const hidden = b.search({resourceType: 'DocumentReference', searchParams: {author: 'Practitioner/dr-lee'}})
await assert.rejects(hidden, e => e.response?.status === 403)
await assert.rejects(b.read({resourceType: 'Patient', id: 'p-0001'}), e => e.response?.status === 403)
out.conformance = (await b.capabilityStatement()).resourceType
console.log(JSON.stringify(out))
