import { ERRORS } from '../domain/errors.ts';
import { decideNeedsReauth, isRipe, mayGiveUp, reasonOf } from '../domain/give-up-decision.ts';
import type { Grant, LivingGrant } from '../domain/grant.ts';
import { METRICS } from '../domain/names.ts';
import type { ProviderState } from '../domain/provider-state.ts';
import { decideSuspect } from '../domain/suspect-decision.ts';
import { type Lease, type RefreshPorts, report, runningImage } from './lease.ts';
import { persist } from './persist.ts';
import type { ClientCredentials } from './ports.ts';
import { hasTime } from './send-tokens.ts';

/** What follows when a provider has rejected every token of a grant: a suspicion (write 8), or on evidence a verdict (write 9). */

/** What may change beside a running attempt changes once or twice. */
const MAX_DECISIONS = 3;
/** The longest a probe and the write after it may take. */
const PROBE_MS = 20_000;

export interface Rejection {
  readonly reason: string;
  readonly traceId?: string;
  readonly client: ClientCredentials;
  /** From `evidenceFor`, read before the tokens were sent. */
  readonly state: ProviderState | undefined;
}

export type JudgedEnd = 'rejected' | 'needs_reauth' | 'not_sent';

/**
 * What is known of the provider now, if a rejection of this grant could be a verdict; to be asked for before anything is
 * sent. Undefined when it could not, or when it cannot be read: then there is no verdict.
 */
export async function evidenceFor(ports: RefreshPorts, grant: LivingGrant): Promise<ProviderState | undefined> {
  const { graceSeconds } = ports.policies(grant.provider);
  if (!isRipe(grant, { graceSeconds, now: ports.clock.now() })) return undefined;
  try {
    return await ports.store.readProvider(grant.provider);
  } catch {
    return undefined;
  }
}

/**
 * Records that every token was rejected. `not_sent`: a token has arrived meanwhile that was not tried, so it is due again.
 * Never throws; what cannot be recorded is left to the lease's end, and counts as no rejection.
 */
export async function judgeRejection(ports: RefreshPorts, lease: Lease, rejection: Rejection): Promise<JudgedEnd> {
  try {
    const isGivenUp = await giveUp(ports, lease, rejection);
    return isGivenUp ? 'needs_reauth' : await suspect(ports, lease, rejection);
  } catch {
    ports.log('warn', 'rejection could not be recorded', { grant: lease.grant.pk, attemptId: lease.attempt.id });
    return 'rejected';
  }
}

/** Write 9. Whatever is missing for it, or fails, leaves it at a suspicion. */
async function giveUp(ports: RefreshPorts, lease: Lease, { state, client, traceId }: Rejection): Promise<boolean> {
  const { grant, attempt, deadlineAt } = lease;
  const { graceSeconds } = ports.policies(grant.provider);
  if (state === undefined || !mayGiveUp(grant, state, { graceSeconds, now: ports.clock.now() })) return false;
  if (!hasTime(lease, PROBE_MS, ports.clock.now())) return false;
  // Only a provider that is at work and accepts our client can say something about a grant (providers.md §1.7).
  const probed = await ports.endpoint.probe({ provider: grant.provider, client });
  if (probed.kind !== 'REJECTED') return false;
  const now = ports.clock.now();
  const reason = reasonOf(grant, state, now);
  const verdict = { reason, state, now, ...(traceId === undefined ? {} : { traceId }) };
  const { committed } = await persist(ports, decideNeedsReauth(grant, attempt, verdict), deadlineAt);
  if (committed) tell(ports, grant, attempt.id, reason);
  return committed;
}

function tell(ports: RefreshPorts, grant: Grant, attemptId: string, reason: string): void {
  const { provider, pk, orgs, rejections } = grant;
  ports.count(METRICS.needsReauth, 1, { provider, outcome: reason });
  ports.log('warn', 'grant given up: only its user can renew it', {
    provider,
    grant: pk,
    attemptId,
    reason,
    organizations: [...(orgs ?? [])].join(' '),
    rejections: (rejections?.count ?? 0) + 1,
    next: ERRORS.needs_reauth.next,
  });
}

/**
 * Write 8, decided again on the grant as a disconnect or a link has left it beside the attempt. `not_sent` when a token has
 * arrived: it is due again and tried then.
 */
async function suspect(ports: RefreshPorts, lease: Lease, { reason, traceId }: Rejection): Promise<JudgedEnd> {
  const { grant, attempt, deadlineAt } = lease;
  const told = { reason, ...(traceId === undefined ? {} : { traceId }) };
  const policy = ports.policies(grant.provider);
  let image: Grant = grant;
  for (let decided = 0; decided < MAX_DECISIONS; decided += 1) {
    const transaction = decideSuspect(image, attempt, { ...told, now: ports.clock.now(), policy });
    const verdict = await persist(ports, transaction, deadlineAt);
    if (verdict.committed) return 'rejected';
    const now = runningImage(lease, transaction, verdict.failed);
    if (now === undefined) return 'rejected';
    image = now;
    if (!hasSameTokens(grant, image)) break;
  }
  await report(ports, { ...lease, grant: image }, { ...told, outcome: 'NOT_SENT', reason: 'held_arrived' });
  return 'not_sent';
}

/** Whether every token of the image is one that was tried. */
function hasSameTokens(tried: Grant, image: Grant): boolean {
  const ids = ({ held }: Grant) => Object.keys(held).sort().join();
  return tried.tokenVersion === image.tokenVersion && tried.status === image.status && ids(tried) === ids(image);
}
