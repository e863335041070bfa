import type { ProviderId } from './names.ts';
import { type GrantsByStatus, type ProviderState, providerKey } from './provider-state.ts';
import type { Instant } from './terms.ts';
import { absent, equals, type Transaction, transactionToken, type WriteOn } from './write.ts';

/**
 * What a sweep saw of a provider, for those who must decide whether to believe a rejection (protocol.md, write 9): how many
 * are suspect, whether that is more than a bad day explains, and since when nothing has been waiting to be rescued.
 */

/** Of a small fleet so many may be suspect at once before nobody is given up any more. */
const MAX_SUSPECTS = 5;
/** Of a large one 2 %: one in so many. */
const ONE_SUSPECT_IN = 50;
/** Longer without a look, and nobody knows what was on the queues meanwhile. */
const BLIND_MS = 3 * 60_000;

export interface Sighting {
  readonly suspects: number;
  /** Messages waiting to be rescued; undefined when that could not be had. */
  readonly rescues: number | undefined;
  readonly now: Instant;
}

/** The write, what it says, and whether the freeze began or ended with it. */
export interface Observation {
  readonly transaction: Transaction;
  readonly suspects: number;
  readonly frozen: boolean;
  readonly change?: 'frozen' | 'thawed';
}

/**
 * Whether there is anything to observe: a provider without suspects now and when it was last looked at needs no queues
 * counted and nothing written.
 */
export function isWorthObserving(state: ProviderState | undefined, suspects: number): boolean {
  return suspects > 0 || (state?.suspects ?? 0) > 0;
}

/**
 * What is to be known of the provider from now on, on the state as read: of two sweeps that looked at once only one writes.
 * `frozen` is a level: it follows from the numbers alone, however long it has lasted.
 */
export function decideObservation(
  state: ProviderState | undefined,
  provider: ProviderId,
  { suspects, rescues, now }: Sighting,
): Observation {
  const frozen = isTooMany(suspects, state?.grants);
  const since = emptySince(state, rescues, now);
  const write: WriteOn<'grants', ProviderState> = {
    table: 'grants',
    key: { pk: providerKey(provider) },
    when: [state?.observedAt === undefined ? absent('observedAt') : equals(['observedAt'], state.observedAt)],
    op: 'update',
    set: {
      v: 1,
      provider,
      observedAt: now,
      suspects,
      frozen,
      ...(since === undefined ? {} : { queuesEmptySince: since }),
    },
    ...(since === undefined ? { remove: ['queuesEmptySince'] } : {}),
  };
  const wasFrozen = state?.frozen === true;
  return {
    transaction: { token: transactionToken('observe', JSON.stringify(write)), writes: [write] },
    suspects,
    frozen,
    ...(frozen === wasFrozen ? {} : { change: frozen ? 'frozen' : 'thawed' }),
  };
}

/** What the daily scan counted of a provider. */
export interface Counted {
  readonly living: number;
  readonly byStatus: GrantsByStatus;
}

/** The write of the daily scan: how many grants the provider has. */
export function decideCounted(provider: ProviderId, { living, byStatus }: Counted, now: Instant): Transaction {
  const write: WriteOn<'grants', ProviderState> = {
    table: 'grants',
    key: { pk: providerKey(provider) },
    when: [],
    op: 'update',
    set: { v: 1, provider, grants: living, grantsByStatus: byStatus, countedAt: now },
  };
  return { token: transactionToken('counted', JSON.stringify(write)), writes: [write] };
}

/** A fleet that was never counted is taken for a small one. */
function isTooMany(suspects: number, grants = 0): boolean {
  return suspects > MAX_SUSPECTS && suspects * ONE_SUSPECT_IN > grants;
}

function emptySince(state: ProviderState | undefined, rescues: number | undefined, now: Instant): Instant | undefined {
  if (rescues !== 0) return undefined;
  const { queuesEmptySince, observedAt } = state ?? {};
  const isBlind = observedAt === undefined || now - observedAt > BLIND_MS;
  return queuesEmptySince === undefined || isBlind ? now : queuesEmptySince;
}
