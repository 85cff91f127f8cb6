// Where we are, what the node says of itself, and which "why" is open. Addresses hold ids of declared things only, never a patient's.
import { get, logIn, session as ask, used, whenOver, type NodeStatus, type Session } from './api';

function parsed(): { screen: string; query: Record<string, string> } {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  return { screen: path || 'today', query: Object.fromEntries(new URLSearchParams(query)) };
}

export const place = $state(parsed());
addEventListener('hashchange', () => Object.assign(place, parsed()));

export function link(screen: string, query: Record<string, string | undefined> = {}): string {
  const kept = Object.entries(query).filter((pair): pair is [string, string] => !!pair[1]);
  const text = new URLSearchParams(kept).toString();
  return `#/${screen}${text ? '?' + text : ''}`;
}

export type Asked = { requirement: string; subject: string } | { license: string } | { exchange: string } | { id: string };
export const drawer = $state<{ asked: Asked | null }>({ asked: null });
export function why(asked: Asked): void {
  drawer.asked = asked;
}

/** `epoch` changes only when the table or the findings did: what reads it asks again then, and only then. */
export const node = $state<{ status: NodeStatus | null; epoch: string; silent: boolean }>({ status: null, epoch: '', silent: false });
async function look(): Promise<void> {
  try {
    const status = await get<NodeStatus>('status');
    node.status = status;
    node.epoch = `${status.epoch}/${status.judged ?? ''}`;
    node.silent = false;
  } catch {
    node.silent = true;
  }
}
export async function watch(): Promise<void> {
  if (who.me) await look();
  setTimeout(watch, document.hidden ? 10_000 : 2_000);
}

/** Who is signed in, and why nobody is. `known` once that was asked. */
export const who = $state<{ me: Session | null; known: boolean; why: string; left: number | null }>({ me: null, known: false, why: '', left: null });
export const can = (act: string): boolean => who.me?.acts.includes(act) ?? false;
export function enter(me: Session | null): void {
  [who.me, who.known, who.left] = [me, true, null];
  if (me) { who.why = ''; void look(); }
}
whenOver((why) => {
  const before = who.me ? 'Your session is over: sign in again.' : who.why;
  enter(null);
  [who.why, node.status, node.epoch, drawer.asked] = [why || before, null, '', null];
});
export async function start(): Promise<void> {
  try {
    let me = await ask();
    // The address that the program prints at its first start carries its key: used at once, and not left in the address.
    const key = new URLSearchParams(location.search).get('key');
    if (key) history.replaceState(null, '', '/' + location.hash);
    if (!me && key) me = await logIn({ key }).catch(() => null);
    enter(me);
  } catch {
    setTimeout(start, 2_000);
    node.silent = true;
  }
}
/** Seconds until the session ends for want of use, where that is soon. */
export function soonOver(): number | null {
  if (!who.me || !who.me.csrf) return null; // no session: nothing ends
  const idle = who.me.idle_seconds - (Date.now() - used) / 1000, end = who.me.until ? (Date.parse(who.me.until) - Date.now()) / 1000 : Infinity;
  const rest = Math.min(idle, end);
  return rest < 60 ? Math.max(0, Math.ceil(rest)) : null;
}

/** Who acts, as the ledger will say it, where only the key of the first start is known. Kept in memory only. */
export const self = $state({ by: '' });
export const by = (): { by?: string } => (who.me?.role === 'starter' && self.by ? { by: self.by } : {});
