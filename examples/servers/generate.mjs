// A clinic of our own: seeded, deterministic, all invented. Same arguments, same bytes.
//   node generate.mjs --out DIR [--seed 7] [--patients 60] [--as-of 2026-06-30|today]
// Writes DIR/TYPE.ndjson, DIR/planted.txt (identifiers a leak test greps for) and DIR/planted-ids.txt (Patient/…).
import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {parseArgs} from 'node:util'

const {values: opt} = parseArgs({options: {
  out: {type: 'string'}, seed: {type: 'string', default: '7'},
  patients: {type: 'string', default: '60'}, 'as-of': {type: 'string', default: '2026-06-30'}}})
if (!opt.out) { console.error('usage: generate.mjs --out DIR [--seed N] [--patients N] [--as-of DATE|today]'); process.exit(2) }
const N = Math.max(12, Number(opt.patients))
const asOf = new Date((opt['as-of'] === 'today' ? new Date().toISOString().slice(0, 10) : opt['as-of']) + 'T00:00:00Z')

// ---- chance: one generator per patient, so that a change to one leaves the others as they were
function chance(seed) {                              // mulberry32
  let a = seed >>> 0
  const next = () => {
    a = (a + 0x6D2B79F5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), a | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const int = (lo, hi) => lo + Math.floor(next() * (hi - lo + 1))
  return {next, int, of: list => list[int(0, list.length - 1)], in: p => next() < p,
    num: (lo, hi, digits) => Number((lo + next() * (hi - lo)).toFixed(digits))}
}
const pad = (n, w = 4) => String(n).padStart(w, '0')
const day = (offset, hour = 0, minute = 0) => new Date(asOf.getTime() + offset * 864e5 + hour * 36e5 + minute * 6e4)
const iso = d => d.toISOString().replace('.000Z', 'Z')
const date = d => d.toISOString().slice(0, 10)

// ---- out
const out = {}, planted = new Set(), ids = new Set()
const plant = (...words) => words.forEach(w => w && planted.add(w))
function put(r, when = day(-1)) {
  const key = `${r.resourceType}/${r.id}`
  if (ids.has(key)) throw new Error('twice ' + key)
  ids.add(key)
  const {resourceType, id, meta, ...rest} = r
  ;(out[resourceType] ??= []).push({resourceType, id, meta: {versionId: '1', lastUpdated: iso(when), ...meta}, ...rest})
  return {reference: key}
}
const ref = (r, display) => ({reference: r, ...(display && {display})})
const HL7 = 'http://terminology.hl7.org/CodeSystem/', LOINC = 'http://loinc.org', SCT = 'http://snomed.info/sct'
const ICD = 'http://hl7.org/fhir/sid/icd-10-cm', RX = 'http://www.nlm.nih.gov/research/umls/rxnorm'
const HERE = 'https://riverbend.example/codes/'
const concept = (system, code, display) => ({coding: [{system, code, display}], text: display})
const act = (code, display) => ({system: HL7 + 'v3-ActCode', code, display})
const conf = code => ({system: HL7 + 'v3-Confidentiality', code, display: {N: 'normal', R: 'restricted', V: 'very restricted'}[code]})
const PART2 = {security: [conf('R'), act('SUD', 'substance use disorder information sensitivity'),
  act('ETHUD', 'alcohol substance abuse information sensitivity'), act('42CFRPart2', '42 CFR Part2')]}

// ---- the clinic, its staff, and the organizations around it
const org = (id, name, code, display, more) => put({resourceType: 'Organization', id, active: true,
  identifier: [{system: HERE + 'organization', value: id}], type: [concept(HL7 + 'organization-type', code, display)], name, ...more})
org('riverbend', 'Riverbend Clinic', 'prov', 'Healthcare Provider')
org('riverbend-sud', 'Riverbend Recovery Unit', 'dept', 'Hospital Department', {partOf: ref('Organization/riverbend')})
org('lakeside', 'Lakeside Cardiology', 'prov', 'Healthcare Provider')
org('meridian-health-plan', 'Meridian Health Plan', 'pay', 'Payer')
org('statewide-medicaid', 'Statewide Medicaid', 'pay', 'Payer')
const place = (id, name, owner) => put({resourceType: 'Location', id, status: 'active', name, managingOrganization: ref('Organization/' + owner)})
place('riverbend-main', 'Riverbend Clinic, Main Street', 'riverbend')
place('riverbend-recovery', 'Riverbend Recovery Unit, second floor', 'riverbend-sud')
place('lakeside-office', 'Lakeside Cardiology', 'lakeside')

const STAFF = [ // id, given, family, org, SNOMED role
  ['dr-lee', 'Grace', 'Lee', 'riverbend', '62247001', 'Family medicine specialist'],
  ['dr-patel', 'Anil', 'Patel', 'riverbend', '62247001', 'Family medicine specialist'],
  ['nurse-kim', 'Jordan', 'Kim', 'riverbend', '224535009', 'Registered nurse'],
  ['j-ortiz', 'Julia', 'Ortiz', 'riverbend', null, 'Privacy officer'],
  ['front-desk-ana', 'Ana', 'Moreau', 'riverbend', '159561009', 'Receptionist'],
  ['billing-tom', 'Tom', 'Becker', 'riverbend', null, 'Billing clerk'],
  ['sud-counselor-ray', 'Ray', 'Duarte', 'riverbend-sud', null, 'Substance use counselor'],
  ['therapist-noor', 'Noor', 'Haddad', 'riverbend', '80584001', 'Psychiatrist'],
  ['dr-haines', 'Walter', 'Haines', 'lakeside', '17561000', 'Cardiologist'],
]
const STAFF_NAME = {}
for (const [id, given, family, at, code, title] of STAFF) {
  STAFF_NAME[id] = `${given} ${family}`
  put({resourceType: 'Practitioner', id, active: true, identifier: [{system: HERE + 'staff', value: id}],
    name: [{use: 'official', family, given: [given]}]})
  put({resourceType: 'PractitionerRole', id: 'role-' + id, active: true, practitioner: ref('Practitioner/' + id, STAFF_NAME[id]),
    organization: ref('Organization/' + at), code: [code ? concept(SCT, code, title) : concept(HERE + 'role', title.toLowerCase().replace(/ /g, '-'), title)]})
}
const staff = id => ref('Practitioner/' + id, STAFF_NAME[id])

// ---- words. Family names are rare on purpose: a leak test must not stumble over an ordinary word.
const GIVEN = {female: ['Adelaide', 'Beatrix', 'Carmen', 'Delphine', 'Esperanza', 'Fiona', 'Greta', 'Harriet', 'Imani', 'Josefina', 'Keiko', 'Leonora', 'Mireille', 'Nadia', 'Odette', 'Priya', 'Ramona', 'Saoirse', 'Talia', 'Yesenia'],
  male: ['Abelard', 'Bogdan', 'Cedric', 'Desmond', 'Emeka', 'Florian', 'Gideon', 'Hamza', 'Ignacio', 'Jerome', 'Kofi', 'Leander', 'Matteo', 'Nikolai', 'Osvaldo', 'Percival', 'Quentin', 'Rashid', 'Stellan', 'Tobias']}
const HEAD = ['Ashen', 'Brack', 'Corring', 'Dunmar', 'Eldring', 'Farrow', 'Garst', 'Hollin', 'Inver', 'Jarrow', 'Kestle', 'Lannic', 'Marring', 'Norvel', 'Ostrin', 'Pellin', 'Quill', 'Ravens', 'Strand', 'Thistle']
const TAIL = ['borough', 'combe', 'dale', 'feather', 'gate', 'hurst', 'mere', 'quist', 'stead', 'wick']
const STREET = ['Alderbank Lane', 'Bellwether Street', 'Coppersmith Road', 'Dovetail Avenue', 'Elderflower Way', 'Foxglove Terrace', 'Gristmill Road', 'Hawthorn Rise']
const TOWN = [['Riverbend', '45990'], ['Mill Hollow', '45991'], ['Harrow Creek', '45992'], ['East Tarn', '45993']]
const WORK = ['Calloway Freight', 'the Tarn Valley school district', 'Pinnacle Tool & Die', 'Osprey Bakery', 'Harrow Creek Library', 'Northfold Dairy']
const FIXED = { // the patients that documents and tests speak of
  1: {given: 'Maria', family: 'Sandoval', gender: 'female', born: '1979-03-14'},
  2: {given: 'Devon', family: 'Ashgrove', gender: 'male', born: '1988-11-02'},
  3: {given: 'Lily', family: 'Tranquist', gender: 'female', born: '2017-05-21'},
  4: {given: 'Victor', family: 'Hallorane', gender: 'male', born: '1961-08-30'},
  5: {given: 'Rosalind', family: 'Penhallow', gender: 'female', born: '1970-01-09'},
  6: {given: 'Caleb', family: 'Wintermoor', gender: 'male', born: '1993-07-17'},
  7: {given: 'Simone', family: 'Verhoeven', gender: 'female', born: '1984-12-05'},
}
const PROBLEM = [ // ICD-10-CM, drug (RxNorm), and what the note says
  ['E11.9', 'Type 2 diabetes mellitus', ['860975', 'metformin 500 mg oral tablet'], 'Home glucose readings range from 130 to 190 before breakfast. No hypoglycemia, no numbness of the feet.', 'Continue metformin, repeat hemoglobin A1c in three months, eye examination is due.'],
  ['I10', 'Essential hypertension', ['314076', 'lisinopril 10 mg oral tablet'], 'Home cuff readings average 138/86. No chest pain, no headache, occasional swelling of the ankles at the end of a long shift.', 'Continue lisinopril, reduce salt, recheck the basic metabolic panel before the next visit.'],
  ['J45.40', 'Moderate persistent asthma', ['895994', 'fluticasone 110 mcg inhaler'], 'Uses the rescue inhaler twice a week, mostly at night. One course of prednisone last winter. No emergency visits.', 'Step up the controller inhaler, review technique with the nurse, written action plan given.'],
  ['E78.5', 'Hyperlipidemia', ['617312', 'atorvastatin 20 mg oral tablet'], 'Takes the statin on most nights, no muscle pain. Has cut down on fried food and walks at lunch.', 'Continue atorvastatin, fasting lipid panel in six weeks.'],
  ['M54.50', 'Low back pain', ['310965', 'ibuprofen 200 mg oral tablet'], 'Pain after lifting at work three weeks ago, no radiation to the legs, no weakness, sleeps through the night.', 'Physical therapy referral, ibuprofen with food, return if leg symptoms appear.'],
  ['F41.1', 'Generalized anxiety disorder', ['312938', 'sertraline 50 mg oral tablet'], 'Worry on most days, poor sleep, no thoughts of self-harm. The support at home is good.', 'Continue sertraline, counseling referral, follow up in four weeks.'],
]
const VITALS = [['8480-6', 'Systolic blood pressure', 104, 158, 'mm[Hg]', 0], ['8462-4', 'Diastolic blood pressure', 62, 96, 'mm[Hg]', 0],
  ['8867-4', 'Heart rate', 58, 96, '/min', 0], ['8310-5', 'Body temperature', 36.2, 37.4, 'Cel', 1], ['29463-7', 'Body weight', 52, 108, 'kg', 1]]
const LABS = [['4548-4', 'Hemoglobin A1c/Hemoglobin.total in Blood', 5.1, 9.4, '%', 1], ['2345-7', 'Glucose [Mass/volume] in Serum or Plasma', 78, 210, 'mg/dL', 0],
  ['2160-0', 'Creatinine [Mass/volume] in Serum or Plasma', 0.6, 1.5, 'mg/dL', 2], ['2093-3', 'Cholesterol [Mass/volume] in Serum or Plasma', 140, 268, 'mg/dL', 0], ['718-7', 'Hemoglobin [Mass/volume] in Blood', 11.2, 16.4, 'g/dL', 1]]
const NOTE = {progress: ['11506-3', 'Progress note'], history: ['34117-2', 'History and physical note'], consult: ['11488-4', 'Consult note']}

function noteText({p, r, kind, when, author, problem, enc}) {
  const [, title, drug, story, plan] = problem
  const child = p.age(when) < 18, bp = child ? `${r.int(92, 110)}/${r.int(56, 70)}` : `${r.int(108, 156)}/${r.int(64, 94)}`
  const lines = [
    `RIVERBEND CLINIC — ${NOTE[kind][1].toUpperCase()}`,
    `Patient: ${p.name}   MRN: ${p.mrn}   Date of birth: ${p.born}`,
    `Date of service: ${date(when)}   Author: ${author}   Visit: ${enc}   Accession: ${p.accession(when)}`, '',
    `CHIEF COMPLAINT: Follow-up of ${title.toLowerCase()}.`, '',
    `HISTORY: ${p.given}, ${p.age(when)} years old, ${child ? 'comes with a parent' : `works at ${p.work}`}. ${story} `
      + `${p.her} ${p.kinship}, ${p.kin}, came along and confirms the history. Best reached at ${p.phone}.`, '',
    `MEDICATIONS: ${drug[1]}, taken as prescribed. No new over-the-counter medicines.`,
    `ALLERGIES: ${r.of(['none known', 'penicillin (rash)', 'sulfa (hives)', 'latex (itching)'])}.`, '',
    `EXAMINATION: Blood pressure ${bp}, pulse ${r.int(58, 94)}, oxygen saturation ${r.int(95, 100)} %. Alert, comfortable. Lungs clear. Heart regular without murmur. Abdomen soft. No edema.`, '',
    `ASSESSMENT AND PLAN: ${title}. ${plan}`]
  if (kind !== 'progress') lines.push('',
    `SOCIAL HISTORY: Lives at ${p.street} in ${p.town}. ${child ? 'Third grade, likes swimming.' : r.of(['Never smoked.', 'Stopped smoking ten years ago.', 'Smokes on weekends.'])} ${child ? '' : r.of(['No alcohol.', 'A glass of wine with dinner.'])}`.trimEnd(),
    `FAMILY HISTORY: ${r.of(['Father had a heart attack at 61.', 'Mother has diabetes.', 'A grandmother had breast cancer.', 'No early heart disease.'])}`,
    'REVIEW OF SYSTEMS: Negative for fever, weight loss, cough, shortness of breath, abdominal pain, changes of bowel habit, rash and joint swelling. Sleep and appetite are unchanged since the last visit.')
  if (r.in(0.4)) lines.push('', `Discussed with ${r.of(['nurse Kim', 'the on-call colleague', 'the pharmacist'])}. The after-visit summary was printed and sent to the portal. Time spent: ${r.int(15, 40)} minutes.`)
  lines.push('', `Electronically signed by ${author}, ${iso(when)}`)
  return lines.join('\n')
}

function document({id, p, r, type, text, when, author, enc, custodian = 'riverbend', meta, category = 'clinical-note'}) {
  const data = Buffer.from(text, 'utf8').toString('base64')
  plant(data.slice(60, 108))                          // a leak in encoded form must show too
  return put({resourceType: 'DocumentReference', id, meta, status: 'current', docStatus: 'final', type,
    identifier: [{system: HERE + 'accession', value: p.accession(when)}],
    category: [concept('http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category', category, 'Clinical Note')],
    subject: ref('Patient/' + p.id, p.name), date: iso(when), author: [staff(author)], custodian: ref('Organization/' + custodian),
    ...(meta?.security?.[0].code === 'R' && {securityLabel: [{coding: meta.security}]}),
    content: [{attachment: {contentType: 'text/plain; charset=utf-8', data, title: type.text, creation: iso(when)}}],
    context: {encounter: [ref('Encounter/' + enc)], period: {start: iso(when)}}}, when)
}

function observation({id, p, of: [code, display, lo, hi, unit, digits], category, when, enc, r, meta, value, performer = 'dr-lee'}) {
  return put({resourceType: 'Observation', id, meta, status: 'final',
    category: [concept(HL7 + 'observation-category', category, category === 'laboratory' ? 'Laboratory' : 'Vital Signs')],
    code: concept(LOINC, code, display), subject: ref('Patient/' + p.id, p.name), encounter: ref('Encounter/' + enc),
    effectiveDateTime: iso(when), issued: iso(when), performer: [staff(performer)],
    ...(value ?? {valueQuantity: {value: r.num(lo, hi, digits), unit, system: 'http://unitsofmeasure.org', code: unit}})}, when)
}

function visit({id, p, when, doctor, problem, selfPaid, meta, org: at = 'riverbend', where = 'riverbend-main'}) {
  return put({resourceType: 'Encounter', id, meta, status: 'finished', class: act('AMB', 'ambulatory'),
    ...(selfPaid && {extension: [{url: 'https://licet.example/fhir/StructureDefinition/self-paid', valueBoolean: true}]}),
    type: [concept(SCT, '185349003', 'Encounter for check up')], subject: ref('Patient/' + p.id, p.name),
    participant: [{individual: staff(doctor)}], period: {start: iso(when), end: iso(new Date(when.getTime() + 18e5))},
    reasonCode: [concept(ICD, problem[0], problem[1])], location: [{location: ref('Location/' + where)}],
    serviceProvider: ref('Organization/' + at)}, when)
}

function bill({n, p, enc, when, problem, doctor, coverage, payer, r}) {
  const total = {value: r.int(90, 420), currency: 'USD'}
  const type = concept(HL7 + 'claim-type', 'professional', 'Professional')
  const common = {status: 'active', type, use: 'claim', patient: ref('Patient/' + p.id, p.name), created: iso(when),
    provider: ref('Organization/riverbend'), insurance: [{sequence: 1, focal: true, coverage: ref('Coverage/' + coverage)}]}
  const product = {sequence: 1, productOrService: concept('http://www.ama-assn.org/go/cpt', '99213', 'Office visit, established patient')}
  put({resourceType: 'Claim', id: 'claim-' + n, ...common, priority: concept(HL7 + 'processpriority', 'normal', 'Normal'),
    insurer: payer && ref('Organization/' + payer), careTeam: [{sequence: 1, provider: staff(doctor)}],
    diagnosis: [{sequence: 1, diagnosisCodeableConcept: concept(ICD, problem[0], problem[1])}],
    item: [{...product, servicedDate: date(when), unitPrice: total, encounter: [ref('Encounter/' + enc)]}], total}, when)
  if (payer) put({resourceType: 'ExplanationOfBenefit', id: 'eob-' + n, ...common, insurer: ref('Organization/' + payer), claim: ref('Claim/claim-' + n),
    outcome: 'complete', insurance: [{focal: true, coverage: ref('Coverage/' + coverage)}],
    item: [{...product, adjudication: [{category: concept(HL7 + 'adjudication', 'benefit', 'Benefit Amount'), amount: {...total, value: Math.round(total.value * 0.8)}}]}]}, when)
}

// ---- patients
const used = new Set(Object.values(FIXED).map(f => f.family))
for (let n = 1; n <= N; n++) {
  const r = chance(Number(opt.seed) * 100003 + n * 7919)
  const k = pad(n), id = 'p-' + k
  const gender = FIXED[n]?.gender ?? r.of(['female', 'male'])
  const given = FIXED[n]?.given ?? r.of(GIVEN[gender])
  let family = FIXED[n]?.family
  // 200 combinations: walk on from the drawn one when it is taken; past those, number them
  for (let i = r.int(0, 199), tries = 0; !family; i++, tries++) {
    const f = HEAD[i % 20] + TAIL[Math.floor(i / 20) % 10] + (tries >= 200 ? pad(n) : '')
    if (!used.has(f)) used.add(family = f)
  }
  const born = FIXED[n]?.born ?? `${r.int(1938, 2004)}-${pad(r.int(1, 12), 2)}-${pad(r.int(1, 28), 2)}`
  const [town, zip] = r.of(TOWN)
  const p = {id, given, family, gender, born, town, name: `${given} ${family}`,
    mrn: `RBC-${100000 + (n * 7351 + Number(opt.seed) * 101) % 900000}`,
    // 9xx with group 01–49 was never issued, neither as SSN nor as ITIN; 555-01xx is kept for fiction
    ssn: `9${pad(n % 100, 2)}-${pad(1 + Math.floor(n / 100) % 49, 2)}-${pad(r.int(1000, 9999))}`,
    phone: `(${740 + Math.floor(n / 100)}) 555-01${pad(n % 100, 2)}`,
    street: `${r.int(11, 989)} ${r.of(STREET)}`, work: r.of(WORK),
    her: gender === 'female' ? 'Her' : 'His',
    age: when => Math.floor((when - new Date(born)) / 31557600000),
    accession: when => `ACC-${k}-${date(when).replaceAll('-', '')}`}
  const [kinship, kin] = n === 3 ? ['mother', 'Helena'] : r.of([['sister', 'Ofelia'], ['brother', 'Bertrand'], ['mother', 'Cosima'], ['son', 'Lucian'], ['cousin', 'Philippa']])
  Object.assign(p, {kinship, kin: `${kin} ${family}`})
  p.email = `${given}.${family}@mail.example`.toLowerCase()
  plant(p.name, family, p.mrn, p.ssn, p.phone, p.phone.replace(/\D/g, ''), p.email, p.street, born, p.kin)

  const minor = n === 3, vip = n === 4, sud = n === 2 || n === 6, therapy = n === 7, selfPay = n === 5
  const medicaid = n % 6 === 0, payer = medicaid ? 'statewide-medicaid' : 'meridian-health-plan'
  const doctor = n === 1 ? 'dr-lee' : r.of(['dr-lee', 'dr-patel'])
  const member = `${medicaid ? 'SMC' : 'MHP'}${k}${r.int(10000, 99999)}`
  plant(member)
  const meta = vip ? {security: [conf('V'), act('CEL', 'celebrity information sensitivity')]}
    : n === 9 ? {security: [conf('R'), act('EMP', 'employee information sensitivity')]} : undefined
  put({resourceType: 'Patient', id, meta, active: true,
    identifier: [{use: 'usual', type: concept(HL7 + 'v2-0203', 'MR', 'Medical record number'), system: 'https://riverbend.example/mrn', value: p.mrn},
      {type: concept(HL7 + 'v2-0203', 'SS', 'Social Security number'), system: 'http://hl7.org/fhir/sid/us-ssn', value: p.ssn}],
    name: [{use: 'official', text: p.name, family, given: [given]}],
    telecom: [{system: 'phone', value: p.phone, use: 'home'}, {system: 'email', value: p.email}],
    gender, birthDate: born, address: [{use: 'home', line: [p.street], city: town, state: 'OH', postalCode: zip, country: 'US'}],
    generalPractitioner: [staff(doctor)], managingOrganization: ref('Organization/riverbend'),
    ...(n % 5 === 0 && {communication: [{language: concept('urn:ietf:bcp:47', 'es', 'Spanish'), preferred: true}]})})

  if (minor) {
    plant('(740) 555-0190', '7405550190', '1986-02-11')
    put({resourceType: 'RelatedPerson', id: 'rel-0003', active: true, patient: ref('Patient/' + id, p.name),
      relationship: [concept(HL7 + 'v3-RoleCode', 'MTH', 'mother')], name: [{text: 'Helena Tranquist', family: 'Tranquist', given: ['Helena']}],
      telecom: [{system: 'phone', value: '(740) 555-0190', use: 'mobile'}], gender: 'female', birthDate: '1986-02-11'})
  }
  put({resourceType: 'Coverage', id: 'cov-' + k, status: 'active',
    type: medicaid ? concept(HL7 + 'v3-ActCode', 'PUBLICPOL', 'public healthcare') : concept(HL7 + 'v3-ActCode', 'EHCPOL', 'extended healthcare'),
    subscriberId: member, beneficiary: ref('Patient/' + id, p.name), payor: [ref('Organization/' + payer)], period: {start: '2025-01-01'}})
  if (selfPay) put({resourceType: 'Coverage', id: 'cov-0005-self', status: 'active', type: concept(HL7 + 'coverage-selfpay', 'pay', 'PAY'),
    beneficiary: ref('Patient/' + id, p.name), payor: [ref('Patient/' + id, p.name)]})

  put({resourceType: 'CareTeam', id: 'team-' + k, status: 'active', name: 'Care team', subject: ref('Patient/' + id, p.name),
    period: {start: date(day(-400))}, managingOrganization: [ref('Organization/riverbend')],
    participant: [staff(doctor), staff('nurse-kim'), ...(n === 1 ? [staff('dr-haines'), ref('Organization/lakeside', 'Lakeside Cardiology')] : [])].map(member => ({member}))})

  // visits, newest first: enc-NNNN is the last one, enc-NNNN-2 the one before it
  const visits = n <= 7 ? 3 : r.int(1, 4)
  let obs = 0
  const nextObs = () => `obs-${k}${obs++ ? '-' + obs : ''}`
  const problems = [n === 1 ? PROBLEM[0] : minor ? PROBLEM[2] : r.of(PROBLEM)]
  while (problems.length < (n === 1 ? 2 : minor ? 1 : r.int(1, 3))) { const q = r.of(PROBLEM); if (!problems.includes(q)) problems.push(q) }
  problems.forEach((q, i) => {
    const tail = i ? `-${i + 1}` : ''
    put({resourceType: 'Condition', id: `cond-${k}${tail}`, clinicalStatus: concept(HL7 + 'condition-clinical', 'active', 'Active'),
      verificationStatus: concept(HL7 + 'condition-ver-status', 'confirmed', 'Confirmed'),
      category: [concept(HL7 + 'condition-category', 'problem-list-item', 'Problem List Item')],
      code: concept(ICD, q[0], q[1]), subject: ref('Patient/' + id, p.name), recordedDate: date(day(-300 + 7 * i))})
    put({resourceType: 'MedicationRequest', id: `med-${k}${tail}`, status: 'active', intent: 'order',
      medicationCodeableConcept: concept(RX, q[2][0], q[2][1]), subject: ref('Patient/' + id, p.name),
      authoredOn: iso(day(-120 + i, 15)), requester: staff(doctor), dosageInstruction: [{text: 'Take as directed'}]})
  })
  for (let v = 1; v <= visits; v++) {
    const tail = v > 1 ? `-${v}` : '', enc = `enc-${k}${tail}`
    const when = day(-(v === 1 ? r.int(2, 20) : 60 * (v - 1) + r.int(0, 40)), r.int(13, 20), r.of([0, 15, 30, 45]))
    const problem = problems[(v - 1) % problems.length], paid = selfPay && v === 1
    visit({id: enc, p, when, doctor, problem, selfPaid: paid})
    const kind = v === visits ? 'history' : 'progress'
    plant(p.accession(when))
    document({id: `doc-${k}${tail}`, p, r, type: concept(LOINC, ...NOTE[kind]), when, author: doctor, enc,
      text: noteText({p, r, kind, when, author: STAFF_NAME[doctor], problem, enc})})
    const labs = v === 1 ? [LABS[0], r.of(LABS.slice(1))] : [r.of(LABS)]
    for (const l of labs) observation({id: nextObs(), p, of: l, category: 'laboratory', when, enc, r, performer: doctor})
    for (const l of VITALS.slice(0, v === 1 ? 5 : 2)) observation({id: nextObs(), p, of: minor && l[0] === '29463-7' ? [l[0], l[1], 27, 33, 'kg', 1] : l, category: 'vital-signs', when, enc, r, performer: 'nurse-kim'})
    bill({n: k + tail, p, enc, when, problem, doctor, r, coverage: paid ? 'cov-0005-self' : 'cov-' + k, payer: paid ? undefined : payer})
    put({resourceType: 'Appointment', id: `appt-${k}-past${tail}`, status: 'fulfilled', start: iso(when), end: iso(new Date(when.getTime() + 18e5)),
      participant: [{actor: ref('Patient/' + id, p.name), status: 'accepted'}, {actor: staff(doctor), status: 'accepted'}]}, when)
  }
  const soon = day(r.int(1, 30), r.int(13, 20))
  put({resourceType: 'Appointment', id: `appt-${k}`, status: 'booked', start: iso(soon), end: iso(new Date(soon.getTime() + 18e5)),
    description: `Follow-up ${problems[0][1].toLowerCase()}`,
    participant: [{actor: ref('Patient/' + id, p.name), status: 'accepted'}, {actor: staff(doctor), status: 'accepted'}]})

  if (n === 1) put({resourceType: 'ServiceRequest', id: 'ref-0001', status: 'active', intent: 'order', code: concept(SCT, '183519002', 'Referral to cardiology service'),
    subject: ref('Patient/' + id, p.name), encounter: ref('Encounter/enc-0001'), authoredOn: iso(day(-10, 16)), requester: staff('dr-lee'),
    performer: [staff('dr-haines'), ref('Organization/lakeside', 'Lakeside Cardiology')]})

  if (sud) {                                          // made by the Part 2 unit, labelled so
    const alcohol = ['F10.20', 'Alcohol dependence, uncomplicated'], when = day(-r.int(12, 40), 17, 30), enc = 'enc-sud-' + k
    visit({id: enc, p, when, doctor: 'sud-counselor-ray', problem: alcohol, meta: PART2, org: 'riverbend-sud', where: 'riverbend-recovery'})
    plant(p.accession(when))
    document({id: 'doc-sud-' + k, p, r, type: concept(LOINC, ...NOTE.progress), when, author: 'sud-counselor-ray', enc, custodian: 'riverbend-sud', meta: PART2, text: [
      'RIVERBEND RECOVERY UNIT — COUNSELING PROGRESS NOTE', `Patient: ${p.name}   MRN: ${p.mrn}   Date of birth: ${born}`,
      `Date of service: ${date(when)}   Author: ${STAFF_NAME['sud-counselor-ray']}   Accession: ${p.accession(when)}`, '',
      `${given} attended the sixth session of the outpatient program. Reports 41 days without alcohol, cravings on paydays and after calls from a former coworker at ${p.work}. Attends two mutual-help meetings a week with a sponsor. ${p.kin} drives to the evening group.`, '',
      'Screening today: breath alcohol 0.00, urine ethyl glucuronide negative. Takes naltrexone 50 mg daily without nausea. Sleep is improving. Denies thoughts of self-harm.', '',
      'PLAN: Continue weekly individual and group sessions, relapse plan reviewed and signed, liver panel with the next draw. Emergency contact is on file.', '',
      'This record is protected by federal confidentiality rules (42 CFR part 2). These rules prohibit further use or disclosure unless the patient consents in writing or the regulation permits it.',
      '', `Electronically signed by ${STAFF_NAME['sud-counselor-ray']}, ${iso(when)}`].join('\n')})
    put({resourceType: 'Condition', id: 'cond-sud-' + k, meta: PART2, clinicalStatus: concept(HL7 + 'condition-clinical', 'active', 'Active'),
      verificationStatus: concept(HL7 + 'condition-ver-status', 'confirmed', 'Confirmed'), category: [concept(HL7 + 'condition-category', 'problem-list-item', 'Problem List Item')],
      code: concept(ICD, ...alcohol), subject: ref('Patient/' + id, p.name), encounter: ref('Encounter/' + enc), recordedDate: date(when)}, when)
    put({resourceType: 'MedicationRequest', id: 'med-sud-' + k, meta: PART2, status: 'active', intent: 'order', medicationCodeableConcept: concept(RX, '1483744', 'naltrexone 50 mg oral tablet'),
      subject: ref('Patient/' + id, p.name), encounter: ref('Encounter/' + enc), authoredOn: iso(when), requester: staff('sud-counselor-ray')}, when)
    observation({id: 'obs-sud-' + k, p, of: ['5640-8', 'Ethanol [Presence] in Serum or Plasma'], category: 'laboratory', when, enc, meta: PART2, performer: 'sud-counselor-ray',
      value: {valueCodeableConcept: concept(SCT, '260385009', 'Negative')}})
    // p-0006 has consented to treatment, payment and operations; p-0002 has not
    if (n === 6) put({resourceType: 'Consent', id: 'consent-0006', status: 'active', scope: concept(HL7 + 'consentscope', 'patient-privacy', 'Privacy Consent'),
      category: [concept(LOINC, '59284-0', 'Consent Document')], patient: ref('Patient/' + id, p.name), dateTime: iso(day(-90, 15)), organization: [ref('Organization/riverbend-sud')],
      policy: [{authority: 'https://www.hhs.gov', uri: 'https://www.ecfr.gov/current/title-42/part-2'}],
      provision: {type: 'permit', period: {start: date(day(-90)), end: date(day(275))}, purpose: [['TREAT', 'treatment'], ['HPAYMT', 'healthcare payment'], ['HOPERAT', 'healthcare operations']].map(([code, display]) => ({system: HL7 + 'v3-ActReason', code, display})), securityLabel: [act('SUD', 'substance use disorder information sensitivity')]}})
  }
  if (therapy) {
    const anxious = PROBLEM[5], when = day(-9, 18), enc = 'enc-psy-' + k
    visit({id: enc, p, when, doctor: 'therapist-noor', problem: anxious})
    plant(p.accession(when))
    document({id: 'doc-psy-' + k, p, r, when, author: 'therapist-noor', enc,
      meta: {security: [conf('R'), act('PSYTHPN', 'psychotherapy note information sensitivity')]},
      type: concept(HERE + 'note-type', 'psychotherapy-note', 'Psychotherapy note'), text: [
        'PSYCHOTHERAPY NOTE — kept apart from the rest of the record (45 CFR 164.501)', `Patient: ${p.name}   MRN: ${p.mrn}   ${date(when)}   Accession: ${p.accession(when)}`, '',
        `${given} spoke at length about the argument with ${p.kin} at the reservoir and about the dream of the locked greenhouse that returned on three nights. Long silence after the question about the year in the old house. Wept, then laughed about weeping.`, '',
        'My impression: grief that had no place at the time, worn as worry about everything else. Counter-feeling of wanting to hurry. Did not interpret; stayed with the image. The transference is warm and watchful.', '',
        'To think about: whether the missed session in spring belongs to the same pattern. Bring to supervision without identifying details.', '', `${STAFF_NAME['therapist-noor']}, ${iso(when)}`].join('\n')})
  }
  if (n === 10) observation({id: 'obs-gen-0010', p, of: ['21636-6', 'BRCA1 gene mutations found [Identifier] in Blood or Tissue by Molecular genetics method Nominal'], category: 'laboratory',
    when: day(-50, 16), enc: 'enc-0010', meta: {security: [conf('R'), act('GDIS', 'genetic disease information sensitivity')]}, value: {valueString: 'No pathogenic variant detected'}})
  if (n === 11) observation({id: 'obs-hiv-0011', p, of: ['56888-1', 'HIV 1+2 Ab+HIV1 p24 Ag [Presence] in Serum or Plasma by Immunoassay'], category: 'laboratory',
    when: day(-33, 16), enc: 'enc-0011', meta: {security: [conf('R'), act('HIV', 'HIV/AIDS information sensitivity')]}, value: {valueCodeableConcept: concept(SCT, '260385009', 'Negative')}})
}

// ---- every reference must lead somewhere
for (const list of Object.values(out)) for (const r of list) JSON.stringify(r, (key, v) => {
  if (key === 'reference' && !ids.has(v)) throw new Error(`${r.resourceType}/${r.id} refers to ${v}`)
  return v
})
mkdirSync(opt.out, {recursive: true})
let total = 0
for (const [type, list] of Object.entries(out)) {
  total += list.length
  writeFileSync(join(opt.out, type + '.ndjson'), list.map(r => JSON.stringify(r) + '\n').join(''))
}
writeFileSync(join(opt.out, 'planted.txt'), [...planted].join('\n') + '\n')
writeFileSync(join(opt.out, 'planted-ids.txt'), out.Patient.map(p => `Patient/${p.id}\n`).join(''))
console.log(`${total} resources of ${Object.keys(out).length} types, ${out.Patient.length} patients, ${planted.size} planted identifiers`)
