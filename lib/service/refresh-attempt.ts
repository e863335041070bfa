import type { Issued } from '../domain/commit-decision.ts';
import { GrantkeeperError } from '../domain/errors.ts';
import { expiryOf } from '../domain/freshness.ts';
import { isLiving, type LivingGrant } from '../domain/grant.ts';
import { METRICS } from '../domain/names.ts';
import type { ProviderState } from '../domain/provider-state.ts';
import { PROVIDERS } from '../providers/index.ts';
import { evidenceFor, judgeRejection } from './judge-rejection.ts';
import { type Lease, type RefreshPorts, report } from './lease.ts';
import type { Sealer } from './ports.ts';
import { noteOutcome } from './provider-health.ts';
import { isRescuePending } from './rescue-pending.ts';
import {
  type Accepted,
  type Armed,
  openRefresh,
  type Refused,
  type Sent,
  sendAll,
  tellRotation,
} from './send-tokens.ts';
import { type Settled, settle } from './settle.ts';

/**
 * One refresh under a lease (design §5): arm, send once per token, settle. Everything that can fail without harm comes
 * before the first byte is sent; after it, what the provider issued is stored, put on the rescue queue or counted as at risk.
 */

export type RefreshEnd = Settled | 'not_sent' | 'unknown' | 'rejected' | 'needs_reauth' | 'config' | 'throttled';

const UNHEARD: ReadonlySet<string> = new Set(['UNKNOWN', 'NOT_SENT']);
/** So many failures in a row are the grant's own: in an outage others fail for the first time. */
const OWN_FAILURES = 3;
/** Room for telling the circuit after the tokens have been stored. */
const NOTE_MS = 2_000;

interface Ready extends Armed {
  readonly accessSealer: Sealer;
  readonly refreshSealer: Sealer;
  /** What was known of the provider before anything was sent, if a rejection could be a verdict. */
  readonly state: ProviderState | undefined;
}

/** Refreshes the leased grant and says how the attempt ended. Throws only what is a fault of ours. */
export async function refreshUnderLease(ports: RefreshPorts, lease: Lease): Promise<RefreshEnd> {
  const { grant } = lease;
  if (!isLiving(grant)) return reportOn(ports, lease, { kind: 'NOT_SENT', reason: 'not_living' });
  const ready = await arm(ports, grant);
  if ('reason' in ready) return reportOn(ports, lease, { kind: 'NOT_SENT', reason: ready.reason });
  // Last of all before the send, so that little can arrive in between.
  const isPending = await isRescuePending(ports, grant).catch(() => true);
  if (isPending) return reportOn(ports, lease, { kind: 'NOT_SENT', reason: 'rescue_pending' });
  const sent = await sendAll(ports, lease, grant, ready);
  const end = await settleSent(ports, lease, { grant, ready, sent });
  // Only now: nothing may come between an answer and the store.
  if (sent.isAnswer && isNews(grant, sent) && ports.clock.now() + NOTE_MS <= lease.deadlineAt) {
    await noteOutcome(ports, grant, sent.outcome);
  }
  return end;
}

/** A grant that has been failing for long says something of itself when it fails again, and no longer of the provider. */
function isNews({ failure }: LivingGrant, { outcome }: Sent): boolean {
  const isOwn = failure !== undefined && UNHEARD.has(failure.outcome) && failure.consecutive >= OWN_FAILURES;
  return !(isOwn && UNHEARD.has(outcome.kind));
}

/** Everything that can fail, before anything is sent. */
async function arm(ports: RefreshPorts, grant: LivingGrant): Promise<Ready | { readonly reason: string }> {
  const { provider, pk } = grant;
  try {
    const [client, accessSealer, refreshSealer, current, state] = await Promise.all([
      ports.readClient(provider, grant.environment),
      ports.cipher.arm({ provider, grant: pk, purpose: 'access' }),
      ports.cipher.arm({ provider, grant: pk, purpose: 'refresh' }),
      openRefresh(ports, grant, grant.current),
      evidenceFor(ports, grant),
    ]);
    if (current === 'unavailable') return { reason: 'arm_unavailable' };
    // A token belongs to the client it was issued to; sent by another it is rejected like a dead one (providers.md §1.7).
    return client.clientId === grant.clientId
      ? { client, accessSealer, refreshSealer, current, state }
      : { reason: 'client_changed' };
  } catch (error) {
    if (error instanceof GrantkeeperError) return { reason: `arm_${error.code}` };
    throw error;
  }
}

async function settleSent(
  ports: RefreshPorts,
  lease: Lease,
  { grant, ready, sent }: { readonly grant: LivingGrant; readonly ready: Ready; readonly sent: Sent },
): Promise<RefreshEnd> {
  const { outcome } = sent;
  if (outcome.kind === 'REJECTED') {
    const judged = await judgeRejection(ports, lease, { ...outcome, client: ready.client, state: ready.state });
    return tell(ports, lease, outcome, judged);
  }
  if (outcome.kind !== 'OK') return reportOn(ports, lease, outcome);
  const settled = await settle(ports, grant, seal(lease, grant, ready, outcome), lease.deadlineAt);
  if (settled !== 'at_risk') tellRotation(ports, lease, outcome);
  tellSettled(ports, lease, outcome, settled);
  return settled;
}

/** The metric and the log line of an attempt that brought tokens. */
function tellSettled(ports: RefreshPorts, { grant, attempt }: Lease, { traceId }: Accepted, settled: Settled): void {
  const outcome = settled === 'at_risk' || settled === 'rescued' ? settled : 'ok';
  ports.count(METRICS.refreshOutcome, 1, { provider: grant.provider, outcome });
  ports.log('info', 'tokens were issued', {
    provider: grant.provider,
    grant: grant.pk,
    attemptId: attempt.id,
    tokenVersion: attempt.number,
    outcome,
    kind: settled,
    providerTraceId: traceId,
    durationMs: ports.clock.now() - attempt.startedAt,
  });
}

/** Encrypts what came back; no call to anybody. Without a new refresh token the one that was sent stays good. */
function seal(lease: Lease, grant: LivingGrant, ready: Ready, accepted: Accepted): Issued {
  const { attempt } = lease;
  const { tokens } = accepted;
  const { sentAt } = tokens;
  const idleSeconds = tokens.refreshExpiresInSeconds ?? PROVIDERS[grant.provider].lifetimes.refreshIdleSeconds;
  return {
    grant: grant.pk,
    generation: grant.generation,
    number: attempt.number,
    attemptId: attempt.id,
    startedAt: attempt.startedAt,
    tokenVersion: grant.tokenVersion,
    spentId: accepted.spent.attemptId,
    seenHeld: Object.keys(grant.held),
    access: {
      ...ready.accessSealer.seal(tokens.accessToken, grant.pk, attempt.id),
      obtainedAt: sentAt,
      expiresAt: expiryOf(sentAt, tokens.expiresInSeconds),
    },
    refresh: {
      ...ready.refreshSealer.seal(tokens.refreshToken ?? accepted.plaintext, grant.pk, attempt.id),
      generation: grant.generation,
      version: attempt.number,
    },
    refreshExpiresAt: expiryOf(sentAt, idleSeconds),
    ...(tokens.hardExpiresInSeconds === undefined
      ? {}
      : { hardExpiresAt: expiryOf(sentAt, tokens.hardExpiresInSeconds) }),
    ...(accepted.traceId === undefined ? {} : { traceId: accepted.traceId }),
  };
}

const ENDS = { NOT_SENT: 'not_sent', UNKNOWN: 'unknown', CONFIG: 'config', THROTTLED: 'throttled' } as const;

type Unsettled = Exclude<Refused, { kind: 'REJECTED' }>;

/** Write 2, whatever the attempt ended with except a rejection. */
async function reportOn(ports: RefreshPorts, lease: Lease, outcome: Unsettled): Promise<RefreshEnd> {
  const { kind, reason, traceId } = outcome;
  await report(ports, lease, {
    outcome: kind,
    reason,
    ...(traceId === undefined ? {} : { traceId }),
    ...(kind === 'UNKNOWN' ? { answer: outcome.answer } : {}),
    ...(kind === 'THROTTLED' && outcome.retryAfterSeconds !== undefined
      ? { retryAfterSeconds: outcome.retryAfterSeconds }
      : {}),
  });
  return tell(ports, lease, outcome, ENDS[kind]);
}

/** The metric and the log line of an attempt that brought nothing. */
function tell(ports: RefreshPorts, { grant, attempt }: Lease, outcome: Refused, end: RefreshEnd): RefreshEnd {
  const { kind, reason, traceId } = outcome;
  ports.count(METRICS.refreshOutcome, 1, { provider: grant.provider, outcome: end });
  ports.log(kind === 'CONFIG' ? 'error' : 'warn', 'refresh did not succeed', {
    provider: grant.provider,
    grant: grant.pk,
    attemptId: attempt.id,
    outcome: kind,
    reason,
    providerTraceId: traceId,
    durationMs: ports.clock.now() - attempt.startedAt,
  });
  return end;
}
