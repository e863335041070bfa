import type { AttemptKind, Grant } from '../../lib/domain/grant.ts';
import { asksBeforeClosing } from '../../lib/domain/next-due.ts';
import type { Transaction } from '../../lib/domain/write.ts';
import { intern } from './intern.ts';
import { commit } from './invariants.ts';
import type { Setting } from './setting.ts';
import { draw, moved, step } from './steps.ts';
import { IDLE, type Step, type Wish, type World } from './world.ts';

/** What a refresher does with a grant: an attempt under a lease, or a chore that needs none. */

export type Plan =
  | { readonly kind: Exclude<AttemptKind, 'exchange'> }
  | { readonly chore: 'close' | 'abandon' | 'warn' | 'check_tenants' };

/** Undefined: nothing. A reader's wish is a refresh whenever the lease can be had; the sweep does what is due. */
export function planFor(setting: Setting, grant: Grant, wish: Wish, now: number): Plan | undefined {
  const { rules, policy } = setting;
  if (wish === 'refresh') {
    const isProbe = grant.status === 'needs_reauth' && (grant.dueAt ?? 0) > now;
    const decision = rules.acquire(grant, { kind: 'refresh', attemptId: idOfNext(grant), now });
    return !isProbe && decision.kind === 'acquire' ? { kind: 'refresh' } : undefined;
  }
  const next = rules.nextAction(grant, policy, now);
  if (next.action === 'none') return undefined;
  if (next.action === 'close') return asksBeforeClosing(grant, policy) ? { kind: 'detach' } : { chore: 'close' };
  const { action } = next;
  return action === 'refresh' || action === 'detach' || action === 'revoke' ? { kind: action } : { chore: action };
}

/** Attempts are numbered, so their ids can be too: a number is taken once. */
export function idOfNext({ number }: Grant): string {
  return `a${number + 1}`;
}

/** One write, without a lease. */
export function doChore(
  setting: Setting,
  world: World,
  index: number,
  { grant, chore }: { readonly grant: Grant; readonly chore: Extract<Plan, { chore: string }>['chore'] },
): Step[] {
  const { id, drawn } = draw(world);
  const transaction = choreOf(setting, grant, { chore, id, now: world.now });
  if (transaction === undefined) return [step(world, index, 'has nothing to do', moved(world, index, IDLE))];
  const outcome = commit(setting, chore === 'close' ? drawn : world, intern(transaction));
  if (!outcome.committed) return [step(world, index, 'finds the grant changed', moved(world, index, IDLE))];
  return [step(world, index, CHORES[chore], moved(outcome.world, index, IDLE))];
}

const CHORES = {
  close: 'starts to close what serves nobody',
  abandon: 'abandons what it owes the provider',
  warn: 'warns of the end of the authorisation',
  check_tenants: 'looks the companies up',
} as const satisfies Record<Extract<Plan, { chore: string }>['chore'], string>;

function choreOf(
  { rules, policy }: Setting,
  grant: Grant,
  { chore, id, now }: { readonly chore: keyof typeof CHORES; readonly id: string; readonly now: number },
): Transaction | undefined {
  switch (chore) {
    case 'close':
      return rules.startClosing(grant, { generation: id, now });
    case 'abandon':
      return rules.abandon(grant, policy, now);
    case 'warn':
      return rules.warn(grant, policy, now)?.transaction;
    case 'check_tenants':
      return rules.tenantsChecked(grant, policy, now);
  }
}
