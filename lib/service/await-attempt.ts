import { type AttemptKind, type Grant, type GrantKey, type Instant, isLeased } from '../domain/grant.ts';
import type { Clock, Store } from './ports.ts';

const POLL_MS = 500;

/**
 * Waits until no attempt of the named kinds is under way on the grant: a revocation or a detach that was sent before a new
 * authorisation could end the new one. False when it is still running at `untilAt`.
 */
export async function awaitAttempt(
  { store, clock }: { readonly store: Pick<Store, 'readGrant'>; readonly clock: Clock },
  key: GrantKey,
  kinds: readonly AttemptKind[],
  untilAt: Instant,
): Promise<boolean> {
  for (;;) {
    if (!isUnderWay(await store.readGrant(key), kinds, clock.now())) return true;
    if (clock.now() + POLL_MS > untilAt) return false;
    await clock.sleep(POLL_MS);
  }
}

/** Whether an attempt of one of the kinds may still send. */
export function isUnderWay(grant: Grant | undefined, kinds: readonly AttemptKind[], now: Instant): boolean {
  const attempt = grant?.attempt;
  if (grant === undefined || attempt === undefined || attempt.outcome !== undefined) return false;
  return kinds.includes(attempt.kind) && isLeased(grant, now);
}
