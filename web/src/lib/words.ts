// Plain words and numbers for what the program says in codes.

export const number = (n: number): string => n.toLocaleString('en-US');
export const count = (n: number, one: string, many = one + 's'): string => `${number(n)} ${n === 1 ? one : many}`;
export const clock = (time: string): string => time.slice(11, 19);
export const day = (time: string): string => time.slice(0, 10);

/** The sentence without the packs it was judged by: the page says these once. */
export const brief = (sentence: string): string => sentence.replace(/ \(under packs [^)]*\)/g, '').replace(/([^.])$/, '$1.');

const roles: Record<string, string> = {
  individual: 'Patients’ own', entity: 'Covered entities', associate: 'Business associates', subcontractor: 'Subcontractors', other: 'Others',
};
export const roleName = (role: string): string => roles[role] ?? role;

const forms: Record<string, string> = { identified: 'identified', pseudonymized: 'with placeholders (still PHI)', limited: 'limited data set', deidentified: 'de-identified', none: 'nothing licensed' };
export const formName = (form: string): string => forms[form] ?? form;

const grounds: Record<string, string> = {
  associate: 'a contract with a business associate', treatment: 'treatment', payment: 'payment', operations: 'health care operations', ohca: 'an organized health care arrangement', workforce: 'the entity’s own workforce',
  individual: 'the patient’s own right', 'limited-data-set': 'a data use agreement', deidentified: 'de-identification', authorization: 'the patient’s authorization', opportunity: 'the opportunity to agree or object',
  'required-by-law': 'a law that requires it', 'public-health': 'public health', hhs: 'the Secretary’s oversight', 'legal-process': 'a court or legal process', 'research-waiver': 'a waiver for research', 'public-interest': 'the public interest',
};
export const groundName = (kind: string): string => grounds[kind] ?? kind;

// HL7 PurposeOfUse, as people say it.
const purposes: Record<string, string> = {
  TREAT: 'treatment', ETREAT: 'emergency treatment', BTG: 'breaking the glass', HPAYMT: 'payment', HOPERAT: 'operations', HRESCH: 'research', PUBHLTH: 'public health', PATRQT: 'the patient’s own request', FAMRQT: 'the family’s request',
  HMARKT: 'marketing', COVERAGE: 'coverage', CAREMGT: 'care management', DISASTER: 'disaster relief', THREAT: 'averting a threat', PATADMIN: 'patient administration', HSYSADMIN: 'system administration', HQUALIMP: 'quality improvement',
};
export const purposeName = (code: string): string => (purposes[code] ? `${purposes[code]} (${code})` : code.replace(/^licet:/, '').replaceAll('-', ' '));

const abouts: Record<string, string> = { contract: 'Contracts', ground: 'Grounds', program: 'Program' };
export const aboutName = (about: string): string => abouts[about] ?? about;

export function left(days: number | null): string {
  if (days === null) return 'no end';
  if (days < 0) return `ended ${count(-days, 'day')} ago`;
  return days === 0 ? 'last day today' : `${count(days, 'day')} left`;
}

/** A file made here, from what is on the page; nothing is asked of anybody. */
export function save(name: string, text: string, type: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  Object.assign(document.createElement('a'), { href: address, download: name }).click();
  URL.revokeObjectURL(address);
}
/** RFC 4180; no cell that a spreadsheet would run (docs/formats/bundle.md). */
export function saveTable(name: string, head: string[], rows: (string | number | null)[][]): void {
  const cell = (value: string | number | null) => {
    const text = String(value ?? ''), safe = /^\s*[=+\-@\t\n]/.test(text) ? `'${text}` : text;
    return /[",\r\n']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  save(name, [head, ...rows].map((row) => row.map(cell).join(',') + '\r\n').join(''), 'text/csv');
}

const titles: Record<string, string> = {
  starter: 'the key of the first start', 'privacy-officer': 'privacy officer', 'security-officer': 'security officer', 'vendor-manager': 'vendor manager',
  operator: 'operator', engineer: 'engineer', auditor: 'auditor, read-only', adviser: 'adviser, read-only', key: 'an API key',
};
export const roleTitle = (role: string): string => titles[role] ?? role;
export const moment = (time: string): string => `${time.slice(0, 16).replace('T', ' ')} UTC`;

export function groupBy<T>(list: readonly T[], key: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of list) { const k = key(one), group = groups.get(k); if (group) group.push(one); else groups.set(k, [one]); }
  return groups;
}
