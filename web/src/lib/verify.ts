// A bundle checked in the browser, with nothing but its bytes: docs/formats/bundle.md, "What `verify` checks", 1 to 5 and 7. What is left to
// `licet verify`: that the tables follow from the entries.

export interface Check { what: string; sound: boolean; more: string }
export interface Files extends Map<string, Uint8Array<ArrayBuffer>> {}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const hex = (bytes: Uint8Array): string => [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('');
const raw = (base64: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
const sha256 = async (bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);
const joined = (...parts: Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) out.set(p, at), (at += p.length);
  return out;
};

/** The files of a ustar archive, without the one folder that all of them lie in. */
export function untar(archive: Uint8Array<ArrayBuffer>): Files {
  const files: Files = new Map();
  for (let at = 0; at + 512 <= archive.length && archive[at]; ) {
    const field = (from: number, length: number) => text(archive.subarray(at + from, at + from + length)).replace(/\0.*$/s, '');
    const size = parseInt(field(124, 12), 8);
    if (!Number.isSafeInteger(size) || field(257, 5) !== 'ustar') throw new Error('this is no archive of a bundle');
    files.set(field(0, 100).replace(/^[^/]*\//, ''), archive.slice(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

interface Verifier { name: string; id: Uint8Array; key: CryptoKey }
async function verifier(vkey: string): Promise<Verifier> {
  const [name = '', id = '', base64 = ''] = vkey.trim().split('+').reduce<string[]>((all, part, i) => (i < 3 ? [...all, part] : [...all.slice(0, 2), all[2] + '+' + part]), []);
  const bytes = raw(base64);
  if (bytes.length !== 33 || bytes[0] !== 1) throw new Error('key.txt is no Ed25519 verifier key');
  const key = await crypto.subtle.importKey('raw', bytes.slice(1), 'Ed25519', false, ['verify']);
  return { name, id: Uint8Array.from(id.match(/../g) ?? [], (h) => parseInt(h, 16)), key };
}

/** The text of a signed note (c2sp.org/signed-note), or null where that key did not sign it. */
async function opened(note: string, by: Verifier): Promise<string | null> {
  const end = note.lastIndexOf('\n\n');
  const body = note.slice(0, end + 1);
  for (const line of note.slice(end + 2).split('\n')) {
    const [dash, name, base64] = line.split(' ');
    if (dash !== '—' || name !== by.name || !base64) continue;
    const bytes = raw(base64);
    if (!same(bytes.subarray(0, 4), by.id)) continue;
    if (await crypto.subtle.verify('Ed25519', by.key, bytes.slice(4), new TextEncoder().encode(body))) return body;
  }
  return null;
}

/** RFC 9162, 2.1.3.2: is `leaf` at `index` of the log with that root? */
async function included(leaf: Uint8Array<ArrayBuffer>, index: number, size: number, proof: Uint8Array[], root: Uint8Array): Promise<boolean> {
  if (index >= size) return false;
  let [fn, sn, r] = [index, size - 1, await sha256(joined(Uint8Array.of(0), leaf))];
  const half = (n: number) => Math.floor(n / 2);
  for (const p of proof) {
    if (sn === 0) return false;
    if (fn % 2 || fn === sn) {
      r = await sha256(joined(Uint8Array.of(1), p, r));
      while (fn % 2 === 0 && fn) [fn, sn] = [half(fn), half(sn)];
    } else {
      r = await sha256(joined(Uint8Array.of(1), r, p));
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && same(r, root);
}

export interface Manifest { origin: string; made: string; period: { from: string; to: string }; complete: boolean; ephi: boolean; entries: number; known: { size: number; root: string }; files: { path: string; bytes: number; sha256: string }[] }

const micros = (time: string): number => Date.parse(`${time.slice(0, 19)}Z`) * 1000 + Number((/\.(\d+)/.exec(time)?.[1] ?? '').padEnd(6, '0').slice(0, 6));
/** Why a complete bundle is not: its entries of the period follow each other, with a neighbor on both sides where the log has one. */
function missing(all: { index: number; time: number }[], from: number, to: number, size: number): string {
  const there = new Set(all.map((e) => e.index)), within = all.filter((e) => e.time >= from && e.time < to);
  const gap = within.find((e, i) => i > 0 && e.index !== within[i - 1]!.index + 1);
  if (gap) return `before entry ${gap.index} some are missing`;
  const first = within[0]?.index ?? all.find((e) => e.time >= to)?.index ?? size, last = within.at(-1)?.index ?? first - 1;
  if (first > 0 && !there.has(first - 1)) return `entry ${first - 1}, the last before the period, is missing`;
  if (last + 1 < size && !there.has(last + 1)) return `entry ${last + 1}, the first after the period, is missing`;
  return '';
}


export async function verify(files: Files): Promise<{ checks: Check[]; manifest: Manifest | null }> {
  const checks: Check[] = [];
  const say = (what: string, sound: boolean, more = '') => checks.push({ what, sound, more });
  const read = (path: string) => files.get(path) ?? new Uint8Array();
  let manifest: Manifest | null = null;
  try {
    const by = await verifier(text(read('key.txt')));
    say('The key is readable', true, `${by.name}: compare it with one that you got elsewhere`);
    const digest = hex(await sha256(read('manifest.json')));
    const note = await opened(text(read('manifest.sig')), by);
    say('The manifest is signed by that key', note === `licet bundle\nsha256 ${digest}\n`, digest.slice(0, 16));
    manifest = JSON.parse(text(read('manifest.json'))) as Manifest;
    const wrong: string[] = [];
    for (const f of manifest.files) {
      const bytes = files.get(f.path);
      if (!bytes) wrong.push(`${f.path} is missing`);
      else if (bytes.length !== f.bytes || hex(await sha256(bytes)) !== f.sha256) wrong.push(`${f.path} is not what was signed`);
    }
    const listed = new Set([...manifest.files.map((f) => f.path), 'manifest.json', 'manifest.sig']);
    for (const path of files.keys()) if (!listed.has(path)) wrong.push(`${path} is not listed`);
    say(`${manifest.files.length} files are what was signed, none missing, none more`, !wrong.length, wrong.slice(0, 5).join('; '));
    const checkpoint = await opened(text(read('ledger/checkpoint')), by);
    const [origin, size, root] = (checkpoint ?? '').split('\n');
    const rootBytes = raw(root ?? '');
    say('The log’s head is signed, and the one that the manifest names', !!checkpoint && origin === manifest.origin && Number(size) === manifest.known.size && hex(rootBytes) === manifest.known.root, `${size ?? 'no'} entries`);
    const lines = (path: string) => text(read(path)).split('\n').filter(Boolean);
    const [entries, proofs] = [lines('ledger/entries.jsonl'), lines('ledger/proofs.jsonl')];
    let outside = entries.length === proofs.length ? '' : 'entries and proofs differ in number';
    for (let i = 0, before = -1; i < entries.length && !outside; ++i) {
      const { index, proof } = JSON.parse(proofs[i]!) as { index: number; proof: string[] };
      if (index <= before || !(await included(new TextEncoder().encode(entries[i]), index, Number(size), proof.map(raw), rootBytes))) outside = `entry ${index} is not in that log`;
      before = index;
    }
    say(`${entries.length} entries are in that log`, !outside, outside);
    const all = entries.map((line, i) => ({ index: (JSON.parse(proofs[i]!) as { index: number }).index, time: (JSON.parse(line) as { time: number }).time }));
    const back = all.findIndex((e, i) => i > 0 && e.time < all[i - 1]!.time);
    say('Times never fall', back < 0, back < 0 ? '' : `entry ${all[back]!.index} is earlier than the one before`);
    if (manifest.complete) {
      const gap = missing(all, micros(manifest.period.from), micros(manifest.period.to), Number(size));
      say('No entry of the period is missing', !gap, gap);
    }
  } catch (e) {
    say('The bundle can be read', false, (e as Error).message);
  }
  return { checks, manifest };
}
