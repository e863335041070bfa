import { ATTEMPT_MS } from '../domain/acquire-decision.ts';
import type { Issued } from '../domain/commit-decision.ts';
import { GrantkeeperError } from '../domain/errors.ts';
import { expiryOf } from '../domain/freshness.ts';
import { type Failure, type Instant, isLiving, type LivingGrant, type RefreshToken } from '../domain/grant.ts';
import { heldToTry } from '../domain/held.ts';
import { METRICS } from '../domain/names.ts';
import type { IssuedTokens, TokenOutcome } from '../domain/outcome.ts';
import type { Secret } from '../domain/secret.ts';
import { decideSuspect } from '../domain/suspect-decision.ts';
import { grantImage, type Lease, type RefreshPorts, report } from './lease.ts';
import { persist } from './persist.ts';
import type { ClientCredentials, Sealer } from './ports.ts';
import { type Settled, settle } from './settle.ts';

/**
 * One refresh under a lease (design §5): arm, send once per token, settle. Everything that can fail without harm comes
 * before the first byte is sent; after it, what the provider issued is stored or counted as at risk.
 */

/** The longest a send and its storing may take (5 s to connect, 45 s for the answer, and room to write). */
const SEND_MS = 55_000;

export type RefreshEnd = Settled | 'not_sent' | 'unknown' | 'rejected' | 'config' | 'throttled';

interface Armed {
  readonly client: ClientCredentials;
  readonly accessSealer: Sealer;
  readonly refreshSealer: Sealer;
  readonly current: Secret;
}

type Sent =
  | {
      readonly kind: 'OK';
      readonly tokens: IssuedTokens;
      readonly spent: RefreshToken;
      readonly plaintext: Secret;
      readonly traceId?: string;
    }
  | Exclude<TokenOutcome, { kind: 'OK' }>;

/** Refreshes the leased grant and says how the attempt ended. Throws only what is a fault of ours. */
export async function refreshUnderLease(ports: RefreshPorts, lease: Lease): Promise<RefreshEnd> {
  const { grant } = lease;
  if (!isLiving(grant)) return end(ports, lease, { kind: 'NOT_SENT', reason: 'not_living' });
  const armed = await arm(ports, grant);
  if ('reason' in armed) return end(ports, lease, { kind: 'NOT_SENT', reason: armed.reason });
  const sent = await sendAll(ports, lease, grant, armed);
  if (sent.kind !== 'OK') return end(ports, lease, sent);
  const settled = await settle(ports, grant, seal(lease, grant, armed, sent), lease.deadlineAt);
  ports.count(METRICS.refreshOutcome, 1, {
    provider: grant.provider,
    outcome: settled === 'at_risk' ? 'at_risk' : 'ok',
  });
  return settled;
}

/** Everything that can fail, before anything is sent. */
async function arm(ports: RefreshPorts, grant: LivingGrant): Promise<Armed | { readonly reason: string }> {
  const { provider, pk } = grant;
  try {
    const [client, accessSealer, refreshSealer, current] = await Promise.all([
      ports.readClient(provider, grant.environment),
      ports.cipher.arm({ provider, grant: pk, purpose: 'access' }),
      ports.cipher.arm({ provider, grant: pk, purpose: 'refresh' }),
      ports.cipher.open(grant.current, { provider, grant: pk, purpose: 'refresh' }),
    ]);
    // A token belongs to the client it was issued to; sent by another it is rejected like a dead one (providers.md §1.7).
    return client.clientId === grant.clientId
      ? { client, accessSealer, refreshSealer, current }
      : { reason: 'client_changed' };
  } catch (error) {
    if (error instanceof GrantkeeperError) return { reason: `arm_${error.code}` };
    throw error;
  }
}

/**
 * Sends the current token and, where it is rejected, every held one, newest first, while there is time. A held token that
 * does not open keeps the rest from being a verdict, but not from being tried.
 */
async function sendAll(ports: RefreshPorts, lease: Lease, grant: LivingGrant, armed: Armed): Promise<Sent> {
  const held = heldToTry(grant.held, ports.policies(grant.provider).graceSeconds, ports.clock.now());
  let last: Sent = { kind: 'NOT_SENT', reason: 'out_of_time' };
  let isComplete = true;
  for (const token of inTurn([grant.current, ...held], grant.failure)) {
    if (!hasTimeToSend(lease, ports.clock.now())) {
      return { kind: 'NOT_SENT', reason: last.kind === 'REJECTED' ? UNTRIED : 'out_of_time' };
    }
    const plaintext = token === grant.current ? armed.current : await openHeld(ports, grant, token);
    isComplete &&= plaintext !== undefined;
    if (plaintext === undefined) continue;
    last = await send(ports, lease, grant, armed, token, plaintext);
    if (last.kind !== 'REJECTED') return last;
  }
  return isComplete ? last : { kind: 'NOT_SENT', reason: 'held_undecryptable' };
}

/** Tokens were rejected so slowly that others could not be tried any more. */
const UNTRIED = 'held_untried';

/** After such an attempt the next one starts with another token, so that each has its turn. */
function inTurn(tokens: readonly RefreshToken[], failure: Failure | undefined): readonly RefreshToken[] {
  const first = failure?.reason === UNTRIED ? failure.consecutive % tokens.length : 0;
  return [...tokens.slice(first), ...tokens.slice(0, first)];
}

function hasTimeToSend(lease: Lease, now: Instant): boolean {
  return now + SEND_MS <= Math.min(lease.attempt.startedAt + ATTEMPT_MS, lease.deadlineAt);
}

async function openHeld(ports: RefreshPorts, grant: LivingGrant, token: RefreshToken): Promise<Secret | undefined> {
  try {
    return await ports.cipher.open(token, { provider: grant.provider, grant: grant.pk, purpose: 'refresh' });
  } catch {
    return undefined;
  }
}

/** One send; after `invalid_client` once more if the secret has been replaced since it was cached (nothing was spent). */
async function send(
  ports: RefreshPorts,
  lease: Lease,
  grant: LivingGrant,
  armed: Armed,
  spent: RefreshToken,
  plaintext: Secret,
): Promise<Sent> {
  const { provider } = grant;
  const first = await ports.endpoint.refresh({ provider, client: armed.client, refreshToken: plaintext });
  const outcome =
    first.kind === 'CONFIG' && first.reason === 'invalid_client' && hasTimeToSend(lease, ports.clock.now())
      ? await sendWithNewSecret(ports, grant, armed, plaintext, first)
      : first;
  return outcome.kind === 'OK' ? { ...outcome, spent, plaintext } : outcome;
}

async function sendWithNewSecret(
  ports: RefreshPorts,
  grant: LivingGrant,
  armed: Armed,
  refreshToken: Secret,
  refused: TokenOutcome,
): Promise<TokenOutcome> {
  try {
    const client = await ports.readClient(grant.provider, grant.environment, { fresh: true });
    const same = client.clientSecret.open() === armed.client.clientSecret.open();
    if (same || client.clientId !== grant.clientId) return refused;
    return await ports.endpoint.refresh({ provider: grant.provider, client, refreshToken });
  } catch {
    return refused;
  }
}

/** Encrypts what came back; no call to anybody. Without a new refresh token the one that was sent stays good. */
function seal(lease: Lease, grant: LivingGrant, armed: Armed, sent: Extract<Sent, { kind: 'OK' }>): Issued {
  const { attempt } = lease;
  const { tokens } = sent;
  const { sentAt } = tokens;
  return {
    grant: grant.pk,
    generation: grant.generation,
    number: attempt.number,
    attemptId: attempt.id,
    startedAt: attempt.startedAt,
    tokenVersion: grant.tokenVersion,
    spentId: sent.spent.attemptId,
    seenHeld: Object.keys(grant.held),
    access: {
      ...armed.accessSealer.seal(tokens.accessToken, grant.pk, attempt.id),
      obtainedAt: sentAt,
      expiresAt: expiryOf(sentAt, tokens.expiresInSeconds),
    },
    refresh: {
      ...armed.refreshSealer.seal(tokens.refreshToken ?? sent.plaintext, grant.pk, attempt.id),
      generation: grant.generation,
      version: attempt.number,
    },
    ...(tokens.refreshExpiresInSeconds === undefined
      ? {}
      : { refreshExpiresAt: expiryOf(sentAt, tokens.refreshExpiresInSeconds) }),
    ...(tokens.hardExpiresInSeconds === undefined
      ? {}
      : { hardExpiresAt: expiryOf(sentAt, tokens.hardExpiresInSeconds) }),
    ...(sent.traceId === undefined ? {} : { traceId: sent.traceId }),
  };
}

const ENDS = {
  NOT_SENT: 'not_sent',
  UNKNOWN: 'unknown',
  REJECTED: 'rejected',
  CONFIG: 'config',
  THROTTLED: 'throttled',
} as const;

/** Tells everybody who has to know that the attempt brought nothing: the grant, the metric, the log. */
async function end(
  ports: RefreshPorts,
  lease: Lease,
  outcome: Exclude<TokenOutcome, { kind: 'OK' }>,
): Promise<RefreshEnd> {
  const { grant, attempt } = lease;
  const { kind, reason, traceId } = outcome;
  const told = { reason, ...(traceId === undefined ? {} : { traceId }) };
  if (kind === 'REJECTED') await suspect(ports, lease, told);
  else {
    await report(ports, lease, {
      ...told,
      outcome: kind,
      ...(kind === 'UNKNOWN' ? { answer: outcome.answer } : {}),
      ...(kind === 'THROTTLED' && outcome.retryAfterSeconds !== undefined
        ? { retryAfterSeconds: outcome.retryAfterSeconds }
        : {}),
    });
  }
  ports.count(METRICS.refreshOutcome, 1, { provider: grant.provider, outcome: ENDS[kind] });
  ports.log(kind === 'CONFIG' ? 'error' : 'warn', 'refresh did not succeed', {
    provider: grant.provider,
    grant: grant.pk,
    attemptId: attempt.id,
    outcome: kind,
    reason,
    providerTraceId: traceId,
    durationMs: ports.clock.now() - attempt.startedAt,
  });
  return ENDS[kind];
}

/** Write 8. A failed condition means the grant has moved on, or a late token has arrived: it is due again and tried then. */
async function suspect(
  ports: RefreshPorts,
  lease: Lease,
  told: { readonly reason: string; readonly traceId?: string },
): Promise<void> {
  const transaction = decideSuspect(lease.grant, lease.attempt, { ...told, now: ports.clock.now() });
  try {
    const verdict = await persist(ports, transaction, lease.deadlineAt);
    if (verdict.committed) return;
    const image = grantImage(transaction, verdict.failed);
    if (image?.attempt?.id !== lease.attempt.id) return;
    await report(ports, { ...lease, grant: image }, { ...told, outcome: 'NOT_SENT', reason: 'held_arrived' });
  } catch {
    ports.log('warn', 'rejection could not be recorded', { grant: lease.grant.pk, attemptId: lease.attempt.id });
  }
}
