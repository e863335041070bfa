import { decideClose, decideDetached, decideRelease, decideStartClosing } from '../domain/duty-decision.ts';
import { type Grant, isLiving, type RefreshToken } from '../domain/grant.ts';
import type { DutyOutcome } from '../domain/outcome.ts';
import type { Secret } from '../domain/secret.ts';
import { PROVIDERS } from '../providers/index.ts';
import { grantImage, type Lease, type RefreshPorts, report } from './lease.ts';
import { persist } from './persist.ts';

/** What a disconnect left to do at the provider, under a lease like a refresh (writes 15 and 16). */

/** A send of a duty and the write after it. */
const DUTY_MS = 15_000;

export type DutyEnd = 'done' | 'closed' | 'retry' | 'config' | 'unauthorized' | 'overtaken';

/** Takes every company with a duty off the authorisation; the grant itself stays, for others may live on it. */
export async function detachUnderLease(ports: RefreshPorts, lease: Lease): Promise<DutyEnd> {
  const { grant, attempt, deadlineAt } = lease;
  if (!isLiving(grant)) return release(ports, lease);
  const accessToken = await open(ports, grant, 'access');
  if (accessToken === undefined) return retry(ports, lease, { kind: 'RETRY', reason: 'arm_failed' });
  for (const [connectionId, duty] of Object.entries(grant.detach)) {
    if (ports.clock.now() + DUTY_MS > deadlineAt) return retry(ports, lease, { kind: 'RETRY', reason: 'out_of_time' });
    // Somebody may have connected the company again since; then it must stay.
    const claimed = (await ports.store.readClaim(grant.provider, duty.tenantId)) !== undefined;
    const outcome: DutyOutcome = claimed
      ? { kind: 'DONE' }
      : await ports.tenants.detach({
          provider: grant.provider,
          environment: grant.environment,
          accessToken,
          providerConnectionId: connectionId,
        });
    if (outcome.kind !== 'DONE') return retry(ports, lease, outcome);
    const transaction = decideDetached(grant, attempt, {
      connectionId,
      reason: claimed ? 'claimed_again' : 'removed',
      now: ports.clock.now(),
    });
    const verdict = await persist(ports, transaction, deadlineAt);
    if (!verdict.committed) return 'overtaken';
  }
  return finishDetach(ports, lease);
}

/** With nobody left on it the grant is closed under the same attempt, otherwise it is let go. */
async function finishDetach(ports: RefreshPorts, lease: Lease): Promise<DutyEnd> {
  const image = await ports.store.readGrant(lease.grant.pk);
  if (image?.attempt?.id !== lease.attempt.id) return 'overtaken';
  const now = { ...lease, grant: image };
  const idle = image.orgs === undefined && Object.keys(image.detach).length === 0;
  return idle ? close(ports, now) : release(ports, now);
}

/** Revokes every token of a closing grant, where the provider has a revocation for one grant, and closes it. */
export async function revokeUnderLease(ports: RefreshPorts, lease: Lease): Promise<DutyEnd> {
  const { grant, deadlineAt } = lease;
  if (PROVIDERS[grant.provider].disconnect.kind === 'revoke') {
    const client = await ports.readClient(grant.provider, grant.environment).catch(() => undefined);
    if (client === undefined) return retry(ports, lease, { kind: 'RETRY', reason: 'arm_failed' });
    for (const token of tokensOf(grant)) {
      if (ports.clock.now() + DUTY_MS > deadlineAt)
        return retry(ports, lease, { kind: 'RETRY', reason: 'out_of_time' });
      const plaintext = await open(ports, grant, 'refresh', token);
      if (plaintext === undefined) return retry(ports, lease, { kind: 'RETRY', reason: 'arm_failed' });
      const outcome = await ports.endpoint.revoke({ provider: grant.provider, client, token: plaintext });
      if (outcome.kind !== 'DONE') return retry(ports, lease, outcome);
    }
  }
  return close(ports, lease);
}

/**
 * A grant that has served nobody for ten minutes (an authorisation whose link was refused, or never finished). Where the
 * provider revokes whole grants it turns `closing`; elsewhere nothing is sent, as a revocation would take the user's other
 * companies with it, and its tokens are deleted.
 */
export async function closeUnserved(ports: RefreshPorts, grant: Grant, deadlineAt: number): Promise<DutyEnd> {
  const transaction = decideStartClosing(grant, { generation: ports.newId(), now: ports.clock.now() });
  const verdict = await persist(ports, transaction, deadlineAt);
  return verdict.committed ? 'done' : 'overtaken';
}

async function close(ports: RefreshPorts, lease: Lease): Promise<DutyEnd> {
  const transaction = decideClose(lease.grant, lease.attempt, { generation: ports.newId(), now: ports.clock.now() });
  const verdict = await persist(ports, transaction, lease.deadlineAt);
  if (verdict.committed) return 'closed';
  const image = grantImage(transaction, verdict.failed);
  // A token or a duty has arrived meanwhile: it is due again and gets its own attempt.
  return image?.attempt?.id === lease.attempt.id ? release(ports, { ...lease, grant: image }) : 'overtaken';
}

async function release(ports: RefreshPorts, lease: Lease): Promise<DutyEnd> {
  const { grant, attempt } = lease;
  const transaction = decideRelease(grant, attempt, ports.policies(grant.provider), ports.clock.now());
  const verdict = await persist(ports, transaction, lease.deadlineAt);
  return verdict.committed ? 'done' : 'overtaken';
}

async function retry(
  ports: RefreshPorts,
  lease: Lease,
  outcome: Exclude<DutyOutcome, { kind: 'DONE' }>,
): Promise<DutyEnd> {
  const { kind, reason, traceId } = outcome;
  await report(ports, lease, {
    outcome: kind === 'CONFIG' ? 'CONFIG' : 'UNKNOWN',
    answer: 'complete',
    reason: `${lease.attempt.kind}_${reason}`,
    ...(traceId === undefined ? {} : { traceId }),
    ...(kind === 'RETRY' && outcome.retryAfterSeconds !== undefined
      ? { retryAfterSeconds: outcome.retryAfterSeconds }
      : {}),
  });
  ports.log('warn', 'a disconnect could not be completed at the provider yet', {
    provider: lease.grant.provider,
    grant: lease.grant.pk,
    attemptId: lease.attempt.id,
    reason,
    providerTraceId: traceId,
  });
  return kind === 'CONFIG' ? 'config' : kind === 'UNAUTHORIZED' ? 'unauthorized' : 'retry';
}

function tokensOf(grant: Grant): RefreshToken[] {
  const current = 'current' in grant && grant.current !== undefined ? [grant.current] : [];
  return [...current, ...Object.values(grant.held)];
}

async function open(
  ports: RefreshPorts,
  grant: Grant,
  purpose: 'access' | 'refresh',
  token?: RefreshToken,
): Promise<Secret | undefined> {
  const sealed = token ?? (isLiving(grant) ? grant.access : undefined);
  if (sealed === undefined) return undefined;
  return ports.cipher.open(sealed, { provider: grant.provider, grant: grant.pk, purpose }).catch(() => undefined);
}
