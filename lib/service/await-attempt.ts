import { type AttemptKind, type GrantKey, type Instant, isLeased } from '../domain/grant.ts';
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
    const grant = await store.readGrant(key);
    const attempt = grant?.attempt;
    const isRunning =
      grant !== undefined && attempt !== undefined && attempt.outcome === undefined && kinds.includes(attempt.kind);
    if (!isRunning || !isLeased(grant, clock.now())) return true;
    if (clock.now() + POLL_MS > untilAt) return false;
    await clock.sleep(POLL_MS);
  }
}
