import type { AuditEvent } from '../domain/audit.ts';
import { GrantkeeperError } from '../domain/errors.ts';
import { type Grant, type GrantKey, type Instant, isLiving } from '../domain/grant.ts';
import type { Transaction } from '../domain/write.ts';
import { grantImage } from './lease.ts';
import type { PersistPorts } from './persist.ts';
import { persistOwing } from './persist-owing.ts';
import type { Policies } from './policies.ts';
import type { Store } from './ports.ts';

export interface StorePorts extends PersistPorts {
  readonly store: Pick<Store, 'readGrant' | 'listAudit' | 'commit'>;
  readonly policies: Policies;
}

/** What to do with tokens on the grant as it is now. */
export type StoreDecision<A extends string> =
  | { readonly kind: 'write'; readonly as: A; readonly transaction: Transaction }
  | { readonly kind: 'stored' };

/** Tokens from a provider, and the rule by which they are stored. */
export interface Storing<A extends string> {
  readonly grant: GrantKey;
  /** Under which they were obtained. */
  readonly attemptId: string;
  /** Of the audit rows under which they may have been stored. */
  readonly startedAt: Instant;
  readonly events: readonly AuditEvent[];
  /** The grant has gone on to newer tokens than these. */
  isPast(image: Grant): boolean;
  /** On the grant as it is; undefined when there is none. */
  decide(image: Grant | undefined): StoreDecision<A>;
}

/**
 * Each failed condition is somebody else's success, so a few are enough. A condition that never holds must end as an error,
 * and not as a function that hangs.
 */
const MAX_DECISIONS = 50;
const READ_PAUSE_MS = 100;

/**
 * Stores tokens whatever has happened to their grant meanwhile, and answers as what; `stored` when somebody had done it
 * already. Only a failed condition changes the decision; everything else is tried again to the deadline. `image` is the grant
 * as the caller knows it; without one it is read. Throws `unavailable` when the deadline passed with the tokens not stored.
 */
export async function storeTokens<A extends string>(
  ports: StorePorts,
  storing: Storing<A>,
  { image, deadlineAt }: { readonly image?: Grant; readonly deadlineAt: Instant },
): Promise<A | 'stored'> {
  let current = image ?? (await readUntil(ports, storing.grant, deadlineAt));
  for (let decided = 0; decided < MAX_DECISIONS; decided += 1) {
    const decision = storing.decide(current);
    if (decision.kind === 'stored' || (await wasStored(ports, storing, current))) return 'stored';
    const { transaction, as } = decision;
    const verdict = await persistOwing(ports, transaction, { image: current, deadlineAt });
    if (verdict.committed) return as;
    current = grantImage(transaction, verdict.failed) ?? (await readUntil(ports, storing.grant, deadlineAt));
  }
  throw new GrantkeeperError('unavailable');
}

/**
 * Whether they were on a living grant once that has gone past them. A queue delivers twice and late, and both the holder and
 * the queue store what took too long: a token that was spent since must not come back among those to try, because some
 * providers end the whole authorisation when a spent token is sent (RFC 9700 §4.14.2). What was stored before a restore may
 * be gone with the old table, and an audit table that does not answer settles nothing: then the token is held once more
 * rather than not at all.
 */
async function wasStored<A extends string>(
  ports: StorePorts,
  { grant, attemptId, startedAt, events, isPast }: Storing<A>,
  image: Grant | undefined,
): Promise<boolean> {
  if (image === undefined || !isLiving(image) || !isPast(image)) return false;
  try {
    const rows = await ports.store.listAudit(`GRANT#${grant}`, startedAt);
    const restoredAt = Math.max(0, ...rows.filter(({ event }) => event === 'grant.restored').map(({ at }) => at));
    return rows.some(({ sk, event, at }) => events.includes(event) && sk.includes(`#${attemptId}#`) && at > restoredAt);
  } catch {
    return false;
  }
}

async function readUntil(ports: StorePorts, key: GrantKey, deadlineAt: Instant): Promise<Grant | undefined> {
  for (;;) {
    try {
      return await ports.store.readGrant(key);
    } catch (error) {
      const isOver = ports.clock.now() + READ_PAUSE_MS >= deadlineAt;
      if (isOver || !(error instanceof GrantkeeperError && error.code === 'unavailable')) throw error;
      await ports.clock.sleep(READ_PAUSE_MS);
    }
  }
}
