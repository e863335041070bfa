import { ATTEMPT_MS } from '../domain/acquire-decision.ts';
import { GrantkeeperError } from '../domain/errors.ts';
import type { Failure, Instant, LivingGrant, RefreshToken } from '../domain/grant.ts';
import { heldToTry } from '../domain/held.ts';
import type { IssuedTokens, TokenOutcome } from '../domain/outcome.ts';
import { Secret } from '../domain/secret.ts';
import type { Lease, RefreshPorts } from './lease.ts';
import type { ClientCredentials } from './ports.ts';

/** The sends of one refresh: the current token and, where it is rejected, every held one, each once. */

/** The longest a send and its storing may take (5 s to connect, 45 s for the answer, and room to write). */
const SEND_MS = 55_000;
/** Tokens were rejected so slowly that others could not be tried any more. */
const UNTRIED = 'held_untried';

export interface Armed {
  readonly client: ClientCredentials;
  readonly current: Opened;
}

/** A token's plaintext, or why there is none: it will never open, or the key could not be used for the moment. */
export type Opened = Secret | 'undecryptable' | 'unavailable';

export interface Accepted {
  readonly kind: 'OK';
  readonly tokens: IssuedTokens;
  /** The token that was sent. */
  readonly spent: RefreshToken;
  readonly plaintext: Secret;
  readonly traceId?: string;
}

export type Refused = Exclude<TokenOutcome, { kind: 'OK' }>;

export interface Sent {
  readonly outcome: Accepted | Refused;
  /** It is the provider's word, or the failure to reach it; not a trouble of ours that came before. */
  readonly isAnswer: boolean;
}

/**
 * Sends the current token and, where it is rejected, every held one, newest first, while there is time. One that does not
 * open keeps the rest from being a verdict, but not from being tried.
 */
export async function sendAll(ports: RefreshPorts, lease: Lease, grant: LivingGrant, armed: Armed): Promise<Sent> {
  const { graceSeconds } = ports.policies(grant.provider);
  const tokens = [grant.current, ...heldToTry(grant.held, graceSeconds, ports.clock.now())];
  let last: Refused | undefined;
  let unopened: string | undefined;
  for (const token of inTurn(tokens, grant.failure)) {
    const isCurrent = token === grant.current;
    const plaintext = isCurrent ? armed.current : await openRefresh(ports, grant, token);
    if (!(plaintext instanceof Secret)) {
      unopened ??= `${isCurrent ? 'current' : 'held'}_${plaintext}`;
      continue;
    }
    if (!hasTimeToSend(lease, ports.clock.now())) return notSent(last === undefined ? 'out_of_time' : UNTRIED);
    const outcome = await send(ports, lease, { grant, client: armed.client, refreshToken: plaintext });
    if (outcome.kind === 'OK') return { outcome: { ...outcome, spent: token, plaintext }, isAnswer: true };
    if (outcome.kind !== 'REJECTED') return { outcome, isAnswer: true };
    last = outcome;
  }
  if (unopened !== undefined || last === undefined) return notSent(unopened ?? 'no_token');
  return { outcome: last, isAnswer: true };
}

/** Tells that the provider replaced the refresh token, if it did. To be called once the new one is in a safe place. */
export function tellRotation({ emit, clock }: RefreshPorts, { grant, attempt }: Lease, accepted: Accepted): void {
  const { tokens, plaintext } = accepted;
  if (tokens.refreshToken === undefined || tokens.refreshToken.open() === plaintext.open()) return;
  const { provider, pk, orgs } = grant;
  emit({
    type: 'Refresh Token Rotated',
    at: clock.now(),
    provider,
    grant: pk,
    ...(orgs === undefined ? {} : { organizationIds: [...orgs].sort() }),
    attemptId: attempt.id,
    tokenVersion: attempt.number,
  });
}

/** Opens a refresh token of the grant. Never throws. */
export async function openRefresh(ports: RefreshPorts, grant: LivingGrant, token: RefreshToken): Promise<Opened> {
  try {
    return await ports.cipher.open(token, { provider: grant.provider, grant: grant.pk, purpose: 'refresh' });
  } catch (error) {
    const isLost = error instanceof GrantkeeperError && error.code === 'token_undecryptable';
    return isLost ? 'undecryptable' : 'unavailable';
  }
}

/** Whether `neededMs` are left of the attempt and of its function. */
export function hasTime({ attempt, deadlineAt }: Lease, neededMs: number, now: Instant): boolean {
  return now + neededMs <= Math.min(attempt.startedAt + ATTEMPT_MS, deadlineAt);
}

function notSent(reason: string): Sent {
  return { outcome: { kind: 'NOT_SENT', reason }, isAnswer: false };
}

/** After an attempt that left some untried the next one starts with another token, so that each has its turn. */
function inTurn(tokens: readonly RefreshToken[], failure: Failure | undefined): readonly RefreshToken[] {
  const first = failure?.reason === UNTRIED ? failure.consecutive % tokens.length : 0;
  return [...tokens.slice(first), ...tokens.slice(0, first)];
}

function hasTimeToSend(lease: Lease, now: Instant): boolean {
  return hasTime(lease, SEND_MS, now);
}

interface Sending {
  readonly grant: LivingGrant;
  readonly client: ClientCredentials;
  readonly refreshToken: Secret;
}

/** One send; after `invalid_client` once more if the secret has been replaced since it was cached (nothing was spent). */
async function send(ports: RefreshPorts, lease: Lease, sending: Sending): Promise<TokenOutcome> {
  const { provider } = sending.grant;
  const { client, refreshToken } = sending;
  const first = await ports.endpoint.refresh({ provider, client, refreshToken });
  const isRefused = first.kind === 'CONFIG' && first.reason === 'invalid_client';
  return isRefused && hasTimeToSend(lease, ports.clock.now()) ? sendWithNewSecret(ports, lease, sending, first) : first;
}

async function sendWithNewSecret(
  ports: RefreshPorts,
  lease: Lease,
  { grant, client, refreshToken }: Sending,
  refused: TokenOutcome,
): Promise<TokenOutcome> {
  const { provider, environment, clientId } = grant;
  let renewed: ClientCredentials;
  try {
    renewed = await ports.readClient(provider, environment, { fresh: true });
  } catch {
    return refused;
  }
  const isSame = renewed.clientSecret.open() === client.clientSecret.open() || renewed.clientId !== clientId;
  if (isSame || !hasTimeToSend(lease, ports.clock.now())) return refused;
  return ports.endpoint.refresh({ provider, client: renewed, refreshToken });
}
