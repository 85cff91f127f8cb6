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
export interface Group { value: string; asks: string; cites: string[]; count: number; statuses: Partial<Record<Status, number>>; worst: Status; because: string }
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
export interface Organization { id: string; name: string; role: string; tier: number | null; part_of: string; status: string; systems: number }
export interface System { id: string; name: string; owner: string; region: string; keeps: string; status: string }
export interface Flow {
  id: string; from: string; to: string; data: string[]; purposes: string[]; on_behalf_of: string; via: string; form: string; status: string;
  chain: { up: string; down: string; agreement: string; state: string }[];
}
export interface Linked { from: string; to: string; flows: number; form: string; status: string }
export interface PhiMap {
  epoch: number; level: 'organizations' | 'systems'; totals: { organizations: number; systems: number; flows: number };
  organizations: Organization[]; systems: System[]; flows: Flow[]; links: Linked[];
}
export interface Rule {
  id: string; pack: string; version: string; pack_status: string; cites: string[]; source: string; about: string; level: string;
  asks: string; proves: string; mend: string; at: string; counts?: Partial<Record<Status, number>>;
}
export interface Rules { epoch: number; packs: { id: string; version: string; status: string; title: string }[]; items: Rule[] }
export interface Vocabulary {
  epoch: number; systems: { id: string; name: string; owner: string; owner_name: string; region: string }[]; classes: string[];
  purposes: string[]; regions: string[]; total: number; next: number | null;
}
export interface Thing { id: string; kind: string; name: string; at: string; lines?: { line: number; text: string }[] }
export interface May {
  epoch: number; as_of: string; system: Thing; may: boolean; answer: 'yes' | 'held' | 'no' | 'not-declared'; sentence: string; mend: string; finding: Finding | null; by: License[];
  suspended: Suspension[]; under: string;
}
export interface Why {
  epoch: number; title: string; status: string; sentence: string; mend: string; under: string; since: string | null; until: string | null;
  path: Thing[]; facts: Thing[]; history: { time: string; index: number; what: string; subject: string; by: string }[]; rule: Rule | null; license: License | null; findings?: Finding[];
}
export interface Entry { kind: string; time: number; index: number; actor?: string; decision?: string; form?: string; payload?: { act?: string } }
export interface Explained {
  reference: string; sentence: string; reason: string; meaning: string; decision: string; license: string; mend: string;
  finding?: Finding; entries: Entry[];
}
export interface Cut {
  id: string; kind: string; name: string; care: number; total: number; flows: { id: string; from: string; to: string; purposes: string[]; care: boolean }[];
  items: { license: string; holder: string; flow: string; purposes: string[]; classes: string[]; care: boolean }[];
}
export interface Source { id: string; kind: string; path: string; line: number; text: string }
export interface Proposal {
  patch: string; problems: string[]; findings: { requirement: string; subject: string; before: Status | ''; after: Status | ''; because: string }[];
  licenses: { what: string; holder: string; flow: string; class: string; purpose: string; action: string; before: string; after: string; care: boolean }[];
}
export interface Suspension { id: string; name: string; since: string; by: string; index: number }
export interface Listed<T> { items: T[] }
export interface Paged<T> extends Listed<T> { total: number; next: number | null }
export interface Session {
  user: string; name: string; role: string; acts: string[]; owners: string[]; via: 'key' | 'password' | 'oidc' | 'api-key'; until: string | null;
  idle_seconds: number; csrf: string; now: string;
}
export interface Roles { acts: { id: string; means: string }[]; items: { id: string; title: string; time_boxed: boolean; acts: string[] }[] }
export interface User { name: string; full_name: string; role: string; owners: string[]; until: string | null; state: string; totp: boolean; oidc: boolean; last: string | null }
export interface Key { id: string; name: string; scopes: string[]; owners: string[]; by: string; made: string; until: string | null; last: string | null; state: string }
export interface Epoch { epoch: number; index: number; time: string; as_of: string; stack: string; at_hand: boolean }
export interface Request { n: number; asks: string; cites: string[]; counts: Partial<Record<Status, number>>; state: string; sentence: string }
export interface LedgerEntry {
  index: number; time: string; kind: string; exchange: string; actor: string; client: string; system: string; route: string; flow: string; purpose: string;
  decision: string; reason: string; form: string; license: string; epoch: number; resources: number; status: number; payload?: Record<string, unknown>;
}
export interface Counts { from: string; to: string; items: { day: string; decision: string; reason: string; count: number }[] }
export interface Commits { branch: string; items: { commit: string; time: string; title: string }[] }
export interface Turn { requirement: string; subject: string; owner: string; turn: 'breaks' | 'mends' | 'other'; before: Status | ''; after: Status | ''; because: string; mend: string }
export interface Since extends Paged<Turn> { base: string; breaks: number; mends: number; other: number }
export interface ProposedPack { id: string; version: string; status: string; title: string; counts: Partial<Record<Status, number>>; newly_amiss: number }
export interface ProposedRule { rule: Rule; counts: Partial<Record<Status, number>>; current: Rule[]; newly_amiss: { subject: string; status: Status; because: string }[] }
export interface Proposed extends Paged<ProposedRule> { sentence: string; packs: ProposedPack[] }
export interface FactKind { kind: string; subject: string; object: string; details: string[] }
export interface Trust {
  name: string; as_of: string; under: string; statements: { topic: string; verified: number; of: number; open: number; sentence: string }[];
  agreements: { is: string; with: string; count: number; ends: string | null; state: string }[]; packs: { id: string; version: string; status: string; title: string }[];
  ledger: { size: number; root: string; time: string }; signed: string;
}
export interface TrustLink { id: string; for: string; by: string; made: string; until: string; names: boolean; seen: number; state: string }

/** A problem document, in one sentence. */
export class Problem extends Error {
  constructor(readonly status: number, title: string, detail: string) {
    super(detail ? `${title} ${detail[0]!.toUpperCase()}${detail.slice(1)}.` : title);
  }
}

/** Who asks. `out`: nobody is signed in, and why. Kept in memory only; the cookie is out of a script's reach. */
let csrf = '';
let over: (why: string) => void = () => {};
export const whenOver = (tell: (why: string) => void): void => void (over = tell);

async function answered<T>(response: Response): Promise<T> {
  if (response.status === 401) {
    csrf = '';
    over('');
    return new Promise(() => {}); // the log-in takes the screen's place
  }
  const value = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(response.status, value.title ?? `The program answered ${response.status}.`, value.detail ?? '');
  return value as T;
}

// Who has not touched the page for a minute is away: what it asks by itself then does not keep the session open.
let touched = Date.now();
/** When something last went out that counts as use. */
export let used = Date.now();
for (const kind of ['pointerdown', 'keydown', 'wheel']) addEventListener(kind, () => (touched = Date.now()), { passive: true });
function mine(): Record<string, string> {
  if (Date.now() - touched > 60_000) return { 'licet-poll': '1' };
  used = Date.now();
  return {};
}

type Parameters = Record<string, string | number | undefined>;
export function address(path: string, parameters: Parameters = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined && value !== '') query.set(name, String(value));
  const text = query.toString();
  return `/api/v1/${path}${text ? '?' + text : ''}`;
}
export async function get<T>(path: string, parameters: Parameters = {}): Promise<T> {
  return answered<T>(await fetch(address(path, parameters), { headers: { accept: 'application/json', ...mine() }, credentials: 'same-origin' }));
}

const asked = (path: string, body: object): Promise<Response> => {
  used = Date.now();
  return fetch(path, { method: 'POST', headers: { 'content-type': 'application/json', ...(csrf ? { 'licet-csrf': csrf } : {}) }, body: JSON.stringify(body), credentials: 'same-origin' });
};
export const post = async <T>(path: string, body: object): Promise<T> => answered<T>(await asked(`/api/v1/${path}`, body));

export async function postForFile(path: string, body: object): Promise<{ blob: Blob; name: string }> {
  const response = await asked(`/api/v1/${path}`, body);
  if (!response.ok) return answered(response);
  return { blob: await response.blob(), name: named(response) ?? 'bundle.tar' };
}
const named = (response: Response): string | undefined => /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1];
export async function getFile(path: string, parameters: Parameters): Promise<{ blob: Blob; name: string }> {
  const response = await fetch(address(path, parameters), { headers: mine(), credentials: 'same-origin' });
  if (!response.ok) return answered(response);
  return { blob: await response.blob(), name: named(response) ?? 'report' };
}

/** Null: nobody is signed in. */
export async function session(): Promise<Session | null> {
  const response = await fetch('/api/v1/session', { headers: { accept: 'application/json' }, credentials: 'same-origin' });
  if (response.status === 401) return null;
  used = Date.now();
  const me = await answered<Session>(response);
  csrf = me.csrf;
  return me;
}
export interface LogInOptions { first: boolean; oidc: boolean; name: string }
export const logInOptions = async (): Promise<LogInOptions> => answered<LogInOptions>(await fetch('/login-options', { credentials: 'same-origin' }));
export async function logIn(who: { name: string; password: string; code: string } | { key: string }): Promise<Session> {
  const response = await asked('/login', who);
  const value = await response.json().catch(() => ({}));
  if (response.status === 429) throw new Problem(429, 'Too many attempts.', `try again in ${response.headers.get('retry-after') ?? '60'} seconds`);
  if (!response.ok) throw new Problem(response.status, value.title ?? `The program answered ${response.status}.`, value.detail ?? '');
  csrf = (value as Session).csrf;
  return value as Session;
}
export async function signOut(why: string): Promise<void> {
  await asked('/logout', {}).catch(() => {});
  csrf = '';
  over(why);
}
