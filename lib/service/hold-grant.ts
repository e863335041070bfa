import { decideRelease } from '../domain/duty-decision.ts';
import { GrantkeeperError } from '../domain/errors.ts';
import type { GrantKey, Instant } from '../domain/grant.ts';
import { type Lease, takeLease } from './lease.ts';
import { type PersistPorts, persist } from './persist.ts';
import type { Policies } from './policies.ts';
import type { Store } from './ports.ts';

/**
 * A revocation at a provider that revokes whole grants ends a new authorisation of the same company too. So a flow whose
 * company has a closing grant takes that grant's lease before it sends its code, and keeps it until the tokens are banked.
 */

export interface HoldPorts extends PersistPorts {
  readonly store: Pick<Store, 'readGrant' | 'commit'>;
  readonly policies: Policies;
}

const POLL_MS = 500;
const RELEASE_MS = 5_000;

/**
 * The lease on a closing grant, under `attemptId`; undefined when the grant is not closing, so that nothing can be revoked.
 * Waits for a revocation that is being sent; throws `provider_error` when it has not ended by `untilAt`.
 */
export async function holdClosing(
  ports: HoldPorts,
  key: GrantKey,
  { attemptId, untilAt }: { readonly attemptId: string; readonly untilAt: Instant },
): Promise<Lease | undefined> {
  for (;;) {
    const grant = await ports.store.readGrant(key);
    if (grant?.status !== 'closing') return undefined;
    const answer = await takeLease(ports, grant, { kind: 'exchange', attemptId, deadlineAt: untilAt });
    if (answer.kind === 'taken') return answer;
    if (ports.clock.now() + POLL_MS > untilAt) throw new GrantkeeperError('provider_error');
    await ports.clock.sleep(POLL_MS);
  }
}

/** Lets a held grant go when nothing was banked: its revocation is due again. One that cannot be let go runs out by itself. */
export async function letGo(ports: HoldPorts, { grant, attempt }: Lease): Promise<void> {
  const now = ports.clock.now();
  const transaction = decideRelease(grant, attempt, ports.policies(grant.provider), now);
  await persist(ports, transaction, now + RELEASE_MS).catch(() => undefined);
}
