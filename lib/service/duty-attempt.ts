import { ATTEMPT_MS } from '../domain/acquire-decision.ts';
import {
  decideAbandon,
  decideClose,
  decideDetached,
  decideRelease,
  decideStartClosing,
} from '../domain/duty-decision.ts';
import { GrantkeeperError } from '../domain/errors.ts';
import type { Tenant } from '../domain/flow.ts';
import { type DetachDuty, type Grant, isLiving, type LivingGrant, type RefreshToken } from '../domain/grant.ts';
import { ACCESS_REFUSED, isUnserved } from '../domain/next-due.ts';
import type { DutyOutcome } from '../domain/outcome.ts';
import type { Secret } from '../domain/secret.ts';
import { PROVIDERS } from '../providers/index.ts';
import { grantImage, type Lease, type RefreshPorts, report } from './lease.ts';
import { persist } from './persist.ts';

/** What a disconnect left to do at the provider, under a lease like a refresh (writes 15 and 16). */

/** A send of a duty and the write after it. */
const DUTY_MS = 15_000;
/** For so long it is tried to find the companies of an authorisation nobody uses; then it is closed without. */
const LEFTOVERS_MS = 24 * 3600_000;

export type DutyEnd = 'done' | 'closed' | 'retry' | 'config' | 'unauthorized' | 'overtaken';

/**
 * Takes every company with a duty off the authorisation; the grant itself stays, for others may live on it. One that has
 * served nobody for too long is closed, after every company that nobody holds has been taken off too.
 */
export async function detachUnderLease(ports: RefreshPorts, lease: Lease): Promise<DutyEnd> {
  try {
    return await detachDue(ports, lease);
  } catch (error) {
    if (!(error instanceof GrantkeeperError && error.code === 'unavailable')) throw error;
    // A read that failed would leave the lease to run out, and a doubt behind it.
    return retry(ports, lease, { kind: 'RETRY', reason: 'store_unavailable' });
  }
}

async function detachDue(ports: RefreshPorts, lease: Lease): Promise<DutyEnd> {
  const { grant } = lease;
  if (!isLiving(grant)) return release(ports, lease);
  const accessToken = await open(ports, grant).catch(() => undefined);
  if (accessToken === undefined) return retry(ports, lease, { kind: 'RETRY', reason: 'arm_failed' });
  const ended = await detachAll(ports, lease, accessToken, grant.detach);
  if (ended !== undefined) return ended;
  const image = await ports.store.readGrant(grant.pk);
  if (image?.attempt?.id !== lease.attempt.id) return 'overtaken';
  const now = { ...lease, grant: image };
  // An authorisation that came meanwhile has begun its ten minutes anew: it is not ours to close.
  return isUnserved(image, ports.clock.now()) ? closeUnservedUnderLease(ports, now, accessToken) : release(ports, now);
}

/** Undefined when all of them are off, or are to stay. */
async function detachAll(
  ports: RefreshPorts,
  lease: Lease,
  accessToken: Secret,
  duties: Readonly<Record<string, Pick<DetachDuty, 'tenantId'>>>,
): Promise<DutyEnd | undefined> {
  const { grant, attempt, deadlineAt } = lease;
  const { provider, environment } = grant;
  for (const [connectionId, { tenantId }] of Object.entries(duties)) {
    if (!hasTimeToSend(ports, lease)) return retry(ports, lease, { kind: 'RETRY', reason: 'out_of_time' });
    // Somebody may have connected the company again since; then it must stay.
    const claimed = await isClaimedThrough(ports, grant, { connectionId, tenantId });
    const outcome: DutyOutcome = claimed
      ? { kind: 'DONE' }
      : await ports.tenants.detach({ provider, environment, accessToken, providerConnectionId: connectionId });
    if (outcome.kind !== 'DONE') return retry(ports, lease, outcome);
    if (!claimed) tellDone(ports, lease, 'a company was taken off', outcome);
    const transaction = decideDetached(grant, attempt, {
      connectionId,
      reason: claimed ? 'claimed_again' : 'removed',
      now: ports.clock.now(),
    });
    const verdict = await persist(ports, transaction, deadlineAt);
    if (!verdict.committed) return letGo(ports, lease, grantImage(transaction, verdict.failed));
  }
  return undefined;
}

/** Companies the user allowed, but nobody linked, would stay connected at the provider for ever. */
async function closeUnservedUnderLease(ports: RefreshPorts, lease: Lease, accessToken: Secret): Promise<DutyEnd> {
  const { provider, environment, unservedSince } = lease.grant;
  if (ports.clock.now() - (unservedSince ?? 0) > LEFTOVERS_MS) return close(ports, lease);
  if (!hasTimeToSend(ports, lease)) return retry(ports, lease, { kind: 'RETRY', reason: 'out_of_time' });
  const listing = await ports.tenants.list({ provider, environment, accessToken });
  if (listing.kind !== 'listed') {
    // A refused access token says nothing of the authorisation: the next one, or its refresh, does.
    const kind = listing.kind === 'unauthorized' ? 'UNAUTHORIZED' : 'RETRY';
    return retry(ports, lease, { kind, reason: `list_${listing.reason}` });
  }
  const leftovers = await unclaimed(ports, lease.grant, listing.tenants);
  return (await detachAll(ports, lease, accessToken, leftovers)) ?? close(ports, lease);
}

async function unclaimed(
  ports: RefreshPorts,
  grant: Pick<Grant, 'pk' | 'provider'>,
  tenants: readonly Tenant[],
): Promise<Record<string, Pick<DetachDuty, 'tenantId'>>> {
  const found = tenants.flatMap(({ tenantId, providerConnectionId: id }) => (id === undefined ? [] : { id, tenantId }));
  const claimed = await Promise.all(
    found.map(({ id, tenantId }) => isClaimedThrough(ports, grant, { connectionId: id, tenantId })),
  );
  return Object.fromEntries(found.filter((_, index) => !claimed[index]).map(({ id, ...duty }) => [id, duty]));
}

/**
 * Whether an organisation holds the company by means of this grant or of this connection at the provider. One that reaches it
 * through another user's authorisation loses nothing when this one is taken off.
 */
async function isClaimedThrough(
  { store }: RefreshPorts,
  { pk, provider }: Pick<Grant, 'pk' | 'provider'>,
  { connectionId, tenantId }: { readonly connectionId: string; readonly tenantId: string },
): Promise<boolean> {
  const claim = await store.readClaim(provider, tenantId);
  if (claim === undefined) return false;
  const connection = await store.readConnection(claim.organizationId, provider);
  const isElsewhere =
    connection?.linkId === claim.linkId &&
    connection.grant !== pk &&
    connection.providerConnectionId !== undefined &&
    connection.providerConnectionId !== connectionId;
  return !isElsewhere;
}

/** A duty is part of its attempt's budget, so that it is never sent without the lease. */
function hasTimeToSend(ports: RefreshPorts, { attempt, deadlineAt }: Lease): boolean {
  return ports.clock.now() + DUTY_MS <= Math.min(attempt.startedAt + ATTEMPT_MS, deadlineAt);
}

/** Revokes every token of a closing grant, where the provider has a revocation for one grant, and closes it. */
export async function revokeUnderLease(ports: RefreshPorts, lease: Lease): Promise<DutyEnd> {
  const { grant } = lease;
  if (PROVIDERS[grant.provider].disconnect.kind === 'revoke') {
    const client = await ports.readClient(grant.provider, grant.environment).catch(() => undefined);
    if (client === undefined) return retry(ports, lease, { kind: 'RETRY', reason: 'arm_failed' });
    for (const token of tokensOf(grant)) {
      if (!hasTimeToSend(ports, lease)) return retry(ports, lease, { kind: 'RETRY', reason: 'out_of_time' });
      const plaintext = await openToRevoke(ports, grant, token);
      if (plaintext === 'unavailable') return retry(ports, lease, { kind: 'RETRY', reason: 'arm_failed' });
      if (plaintext === 'undecryptable') continue;
      const outcome = await ports.endpoint.revoke({ provider: grant.provider, client, token: plaintext });
      if (outcome.kind !== 'DONE') return retry(ports, lease, outcome);
      tellDone(ports, lease, 'a token was revoked', outcome);
    }
  }
  return close(ports, lease);
}

/**
 * A grant that has served nobody for ten minutes (an authorisation whose link was refused, or never finished) turns
 * `closing`. Where the provider revokes whole grants its tokens are revoked; elsewhere they are deleted, as a revocation
 * would take the user's other companies with it.
 */
export async function closeUnserved(ports: RefreshPorts, grant: Grant, deadlineAt: number): Promise<DutyEnd> {
  const transaction = decideStartClosing(grant, { generation: ports.newId(), now: ports.clock.now() });
  const verdict = await persist(ports, transaction, deadlineAt);
  return verdict.committed ? 'done' : 'overtaken';
}

/** A grant that was given up and serves nobody cannot do its duties any more: they are abandoned, so that it can be closed. */
export async function abandonDuties(ports: RefreshPorts, grant: Grant, deadlineAt: number): Promise<DutyEnd> {
  const transaction = decideAbandon(grant, ports.policies(grant.provider), ports.clock.now());
  const verdict = await persist(ports, transaction, deadlineAt);
  if (!verdict.committed) return 'overtaken';
  ports.log('warn', 'companies could not be taken off at the provider any more', {
    provider: grant.provider,
    grant: grant.pk,
    duties: Object.keys(grant.detach).length,
    reason: grant.reauth?.reason,
  });
  return 'done';
}

async function close(ports: RefreshPorts, lease: Lease): Promise<DutyEnd> {
  const transaction = decideClose(lease.grant, lease.attempt, { generation: ports.newId(), now: ports.clock.now() });
  const verdict = await persist(ports, transaction, lease.deadlineAt);
  if (verdict.committed) return 'closed';
  // A token or a duty has arrived meanwhile: it is due again and gets its own attempt.
  return letGo(ports, lease, grantImage(transaction, verdict.failed));
}

/** Ends the attempt, on the grant as it has become: a duty that came meanwhile makes it due at once. */
async function release(ports: RefreshPorts, lease: Lease): Promise<DutyEnd> {
  const { grant, attempt, deadlineAt } = lease;
  const transaction = decideRelease(grant, attempt, ports.policies(grant.provider), ports.clock.now());
  const verdict = await persist(ports, transaction, deadlineAt);
  return verdict.committed ? 'done' : letGo(ports, lease, grantImage(transaction, verdict.failed));
}

/** The grant has changed under the attempt: lets it go, or leaves it to whoever has taken the lease over. */
async function letGo(ports: RefreshPorts, lease: Lease, image: Grant | undefined): Promise<DutyEnd> {
  const isMine = image?.attempt?.id === lease.attempt.id && ports.clock.now() < lease.deadlineAt;
  // Our own close, whose answer was lost.
  if (isMine && image.status === 'closed') return 'closed';
  return isMine ? release(ports, { ...lease, grant: image }) : 'overtaken';
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
    reason: kind === 'UNAUTHORIZED' ? ACCESS_REFUSED : `${lease.attempt.kind}_${reason}`,
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

function tellDone(ports: RefreshPorts, { grant, attempt }: Lease, message: string, outcome: DutyOutcome): void {
  ports.log('info', message, {
    provider: grant.provider,
    grant: grant.pk,
    attemptId: attempt.id,
    reason: outcome.reason,
    providerTraceId: outcome.traceId,
  });
}

function tokensOf(grant: Grant): RefreshToken[] {
  const current = 'current' in grant && grant.current !== undefined ? [grant.current] : [];
  return [...current, ...Object.values(grant.held)];
}

async function open(ports: RefreshPorts, grant: LivingGrant): Promise<Secret> {
  return ports.cipher.open(grant.access, { provider: grant.provider, grant: grant.pk, purpose: 'access' });
}

/** A token nobody can open is one nobody can use or revoke: it must not keep the others from being revoked. */
async function openToRevoke(
  ports: RefreshPorts,
  grant: Grant,
  token: RefreshToken,
): Promise<Secret | 'undecryptable' | 'unavailable'> {
  try {
    return await ports.cipher.open(token, { provider: grant.provider, grant: grant.pk, purpose: 'refresh' });
  } catch (error) {
    const isLost = error instanceof GrantkeeperError && error.code === 'token_undecryptable';
    if (isLost)
      ports.log('error', 'a token to be revoked does not open', { grant: grant.pk, attemptId: token.attemptId });
    return isLost ? 'undecryptable' : 'unavailable';
  }
}
