import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from './children.ts';
import type { StoreHandlers, StoreSpell } from './store-process.ts';

const KINDS: readonly StoreSpell[] = ['stopped', 'refused', 'deaf'];
const REST_MS = { min: 1_000, max: 4_000 };
const SHORT_MS = { min: 200, max: 2_000 };

/**
 * Makes the store misbehave by turns until `until` (real time): paused with SIGSTOP, refusing all connections, and
 * carrying out requests without answering. The first spell of each kind outlasts a lease (where the run is long
 * enough), the others are short. Resolves to how many there were of each.
 */
export async function troubleUntil(
  store: Child<StoreHandlers>,
  { until, leaseMs }: { readonly until: number; readonly leaseMs: number },
): Promise<Record<StoreSpell, number>> {
  const had: Record<StoreSpell, number> = { stopped: 0, refused: 0, deaf: 0, stalled: 0 };
  const longMs = Math.min(leaseMs * 1.2, (until - Date.now()) / 8);
  for (let turn = 0; Date.now() < until; turn += 1) {
    await sleep(between(REST_MS));
    const spell = KINDS[turn % KINDS.length] ?? 'stopped';
    const ms = turn < KINDS.length ? longMs : between(SHORT_MS);
    if (Date.now() + ms > until) return had;
    await store.call('misbehave', { spell, ms });
    had[spell] += 1;
  }
  return had;
}

function between({ min, max }: { readonly min: number; readonly max: number }): number {
  return min + Math.random() * (max - min);
}
