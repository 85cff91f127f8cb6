// What the console knows of /api/v1: docs/api/openapi.yaml in types. Only ids of declared things, counts and sentences ever come here.

export type Status = 'pass' | 'fail' | 'unknown' | 'not-applicable' | 'accepted' | 'stale';
export interface Finding {
  requirement: string; cites: string[]; subject: string; status: Status; because: string; mend: string;
  about: string; level: string; source: string; owner: string; since: string | null; until: string | null;
}
export interface FacetValue { value: string; count: number }
export interface Findings { epoch: number; items: Finding[]; total: number; next: number | null; facets: Record<string, FacetValue[]> }
export interface License {
  id: string; holder: string; permit: string; flow: string; ground: string; ground_kind: string; entity: string; classes: string[];
  purposes: string[]; regions: string[]; actions: string[]; conditions: string[]; agreements: string[]; form: string; view: string;
  whose: string; hold: boolean; accountable: boolean; carries: boolean; from: string | null; until: string | null; because: string;
}
export interface Clause { cite: string; is: string; at?: string; [more: string]: unknown }
export interface Agreement {
  id: string; is: string; up: string; up_name: string; down: string; down_name: string; state: string; effective: string | null;
  ends: string | null; days_left: number | null; next_review: string | null; covers: Record<string, unknown>; terms: Record<string, unknown>;
  clauses: Clause[]; document: string; at: string; amiss: { requirement: string; status: Status }[];
}
export interface Exchange {
  exchange: string; time: string; actor: string; client: string; route: string; action: string; type: string; purpose: string;
  decision: string; reason: string; sentence: string; form: string; view: string; license: string; epoch: number; resources: number;
  withheld: number; bytes: number; status: number;
}
export interface Held {
  reference: string; time: string; actor: string; client: string; route: string; flow: string; purpose: string; license: string;
  state: 'waiting' | 'released' | 'used' | 'lapsed'; until: string | null; by: string;
}
export interface NodeStatus {
  build: string; now: string; epoch: number; stale: boolean; stale_since?: string; problems: string[]; tenant?: string; as_of?: string; judged?: string; under?: string;
  counters: Record<string, number>; ledger: { size: number; root: string; time: string; poisoned: boolean };
  observing: { route: string; until: string | null }[]; packs?: { id: string; version: string; status: string }[];
  findings?: Record<Status, number>; licenses?: number;
}
export interface Organization { id: string; name: string; role: string; tier: number | null; part_of: string; status: string }
export interface System { id: string; name: string; owner: string; region: string; keeps: string; status: string }
export interface Flow {
  id: string; from: string; to: string; data: string[]; purposes: string[]; on_behalf_of: string; via: string; form: string; status: string;
}
export interface PhiMap { epoch: number; organizations: Organization[]; systems: System[]; flows: Flow[] }
export interface Rule {
  id: string; pack: string; version: string; pack_status: string; cites: string[]; source: string; about: string; level: string;
  asks: string; proves: string; mend: string; at: string; counts?: Partial<Record<Status, number>>;
}
export interface Rules { epoch: number; packs: { id: string; version: string; status: string; title: string }[]; items: Rule[] }
export interface Vocabulary {
  epoch: number; systems: { id: string; name: string; owner: string; owner_name: string; region: string }[]; classes: string[];
  purposes: string[]; regions: string[];
}
export interface Thing { id: string; kind: string; name: string; at: string; lines?: { line: number; text: string }[] }
export interface May {
  epoch: number; as_of: string; system: Thing; may: boolean; sentence: string; mend: string; finding: Finding | null; by: License[];
  suspended: Suspension[]; under: string;
}
export interface Why {
  epoch: number; title: string; status: string; sentence: string; mend: string; under: string; since: string | null; until: string | null;
  path: Thing[]; facts: Thing[]; rule: Rule | null; license: License | null; findings?: Finding[];
}
export interface Entry { kind: string; time: number; index: number; actor?: string; decision?: string; form?: string; payload?: { act?: string } }
export interface Explained {
  reference: string; sentence: string; reason: string; meaning: string; decision: string; license: string; mend: string;
  finding?: Finding; entries: Entry[];
}
export interface Cut {
  id: string; kind: string; name: string; care: number;
  items: { license: string; holder: string; flow: string; purposes: string[]; classes: string[]; care: boolean }[];
}
export interface Source { id: string; kind: string; path: string; line: number; text: string }
export interface Proposal {
  patch: string; problems: string[]; findings: { requirement: string; subject: string; before: Status | ''; after: Status | ''; because: string }[];
  licenses: { what: string; holder: string; flow: string; class: string; purpose: string; action: string; before: string; after: string; care: boolean }[];
}
export interface Suspension { id: string; name: string; since: string; by: string; index: number }
export interface Listed<T> { items: T[] }

/** A problem document, in one sentence. */
export class Problem extends Error {
  constructor(readonly status: number, title: string, detail: string) {
    super(detail ? `${title} ${detail[0]!.toUpperCase()}${detail.slice(1)}.` : title);
  }
}

async function answered<T>(response: Response): Promise<T> {
  if (response.status === 401) {
    location.reload(); // to the sign-in page
    return new Promise(() => {});
  }
  const value = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(response.status, value.title ?? `The program answered ${response.status}.`, value.detail ?? '');
  return value as T;
}

// Who has not touched the page for a minute is away: what it asks by itself then does not keep the session open.
let touched = Date.now();
for (const kind of ['pointerdown', 'keydown', 'wheel']) addEventListener(kind, () => (touched = Date.now()), { passive: true });
const mine = (): Record<string, string> => (Date.now() - touched > 60_000 ? { 'licet-poll': '1' } : {});

type Parameters = Record<string, string | number | undefined>;
export async function get<T>(path: string, parameters: Parameters = {}): Promise<T> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined && value !== '') query.set(name, String(value));
  const text = query.toString();
  return answered<T>(await fetch(`/api/v1/${path}${text ? '?' + text : ''}`, { headers: { accept: 'application/json', ...mine() }, credentials: 'same-origin' }));
}

export async function post<T>(path: string, body: object): Promise<T> {
  return answered<T>(
    await fetch(`/api/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'licet-console': '1' },
      body: JSON.stringify(body),
      credentials: 'same-origin',
    }),
  );
}

export async function postForFile(path: string, body: object): Promise<{ blob: Blob; name: string }> {
  const response = await fetch(`/api/v1/${path}`, {
    method: 'POST', headers: { 'content-type': 'application/json', 'licet-console': '1' }, body: JSON.stringify(body), credentials: 'same-origin',
  });
  if (!response.ok) return answered(response);
  return { blob: await response.blob(), name: /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1] ?? 'bundle.tar' };
}

export async function signOut(): Promise<void> {
  await fetch('/logout', { method: 'POST', headers: { 'licet-console': '1' }, credentials: 'same-origin' });
  location.reload();
}
