// Where we are, what the node says of itself, and which "why" is open. Addresses hold ids of declared things only, never a patient's.
import { get, type NodeStatus } from './api';

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
  await look();
  setTimeout(watch, document.hidden ? 10_000 : 2_000);
}

/** Who acts, as the ledger will say it. Kept in memory only. */
export const self = $state({ by: '' });
