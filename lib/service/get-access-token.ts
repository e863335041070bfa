import type { Connection } from '../domain/connection.ts';
import { type Consumer, mayAsk, mayHold } from '../domain/consumer.ts';
import { type ErrorCode, GrantkeeperError } from '../domain/errors.ts';
import { type Grant, type GrantKey, type Instant, isLiving, type LivingGrant } from '../domain/grant.ts';
import { METRICS, type ProviderEnvironment, type ProviderId } from '../domain/names.ts';
import { decideServe, type ServeDecision, troubleOf } from '../domain/serve-decision.ts';
import { decideTouch } from '../domain/upkeep-decision.ts';
import { PROVIDERS } from '../providers/index.ts';
import type { Policies } from './policies.ts';
import type { Cipher, Clock, CountMetric, LogOutcome, RequestRefresh, Store } from './ports.ts';

/** Hands out a valid access token in milliseconds; only an expired one makes the caller wait (design §5, §9). */

export interface GetTokenRequest {
  readonly organizationId: string;
  readonly provider: ProviderId;
  readonly minValiditySeconds?: number;
  /** What an API said of a token we handed out earlier. */
  readonly rejected?: { readonly tokenVersion: number; readonly reason: 'token' | 'tenant' };
  readonly consumer: Consumer;
  readonly correlationId?: string;
}

export interface ServedToken {
  readonly status: 'ok';
  readonly accessToken: string;
  readonly tokenType: 'Bearer';
  /** ISO 8601. */
  readonly expiresAt: string;
  readonly tokenVersion: number;
  readonly tenantId: string;
  readonly environment: ProviderEnvironment;
  readonly apiBaseUrl: string;
  /** It lasts for less than was asked, because no refresh has succeeded yet. */
  readonly stale?: true;
}

export interface GetTokenPorts {
  readonly store: Store;
  readonly cipher: Pick<Cipher, 'open'>;
  readonly clock: Clock;
  readonly policies: Policies;
  readonly requestRefresh: RequestRefresh;
  readonly apiBaseUrl: (provider: ProviderId, environment: ProviderEnvironment) => string;
  readonly allowSharedGrants: boolean;
  readonly count: CountMetric;
  readonly log: LogOutcome;
  /** Which grant served a connection last time; saves a read. Bounded by its owner. */
  readonly remembered: Pick<Map<string, GrantKey>, 'get' | 'set'>;
}

/** How long a reader waits for a running refresh in all. */
const WAIT_MS = 10_000;
/** When a refresh that was asked for did not come about, asking at once again would only ask the same function the same. */
const ASK_AGAIN_MS = 5_000;
const POLL = { firstMs: 50, maxMs: 500 };

interface Served {
  readonly connection?: Connection;
  readonly grant?: Grant;
}

/**
 * The token, or a `GrantkeeperError` whose code, `retryAfterSeconds` tell the caller what to do. Reads connection and grant
 * consistently each time, so that a disconnect is exact.
 */
export async function getAccessToken(ports: GetTokenPorts, request: GetTokenRequest): Promise<ServedToken> {
  if (!mayAsk(request.consumer, request.organizationId, request.provider))
    throw new GrantkeeperError('consumer_refused');
  const deadlineAt = ports.clock.now() + WAIT_MS;
  if (request.rejected?.reason === 'tenant') await reportTenant(ports, request);
  let asked = false;
  let waited = false;
  for (let pollMs = POLL.firstMs; ; pollMs = Math.min(pollMs * 2, POLL.maxMs)) {
    const served = await read(ports, request);
    const decision = decide(ports, request, served);
    if (decision.kind === 'serve') return serve(ports, request, served, { ...decision, waited });
    if (decision.kind === 'refuse') throw refusal(ports, decision.code, decision.retryAt);
    const isLate = ports.clock.now() + pollMs > deadlineAt;
    if (isLate || (asked && decision.kind === 'refresh')) {
      return outOfPatience(ports, request, served, { decision, isLate });
    }
    waited = true;
    if (decision.kind === 'refresh') {
      asked = true;
      await askForRefresh(ports, request, { served, decision, deadlineAt });
    } else await ports.clock.sleep(pollMs);
  }
}

/** One batch read when the grant is known from last time, else the connection first and its grant after it. */
async function read(ports: GetTokenPorts, request: GetTokenRequest): Promise<Served> {
  const { organizationId, provider } = request;
  const memory = `${organizationId}#${provider}`;
  const hint = ports.remembered.get(memory);
  const served = await ports.store.readServed(organizationId, provider, hint);
  const { connection } = served;
  if (connection === undefined || connection.status === 'disconnected')
    return connection === undefined ? {} : { connection };
  if (served.grant?.pk === connection.grant) return served;
  ports.remembered.set(memory, connection.grant);
  const grant = await ports.store.readGrant(connection.grant);
  return { connection, ...(grant === undefined ? {} : { grant }) };
}

function decide(ports: GetTokenPorts, request: GetTokenRequest, served: Served): ServeDecision {
  const { provider, rejected, minValiditySeconds } = request;
  const { connection, grant } = served;
  const shared = PROVIDERS[provider].subject.kind === 'user' && !ports.allowSharedGrants;
  if (shared && grant !== undefined && !mayHold(request.consumer, grant))
    return { kind: 'refuse', code: 'shared_grant_refused' };
  const read = {
    ...(minValiditySeconds === undefined ? {} : { minValiditySeconds }),
    ...(rejected?.reason === 'token' ? { rejectedVersion: rejected.tokenVersion } : {}),
  };
  return decideServe(connection, grant, read, ports.policies(provider).margins, ports.clock.now());
}

async function serve(
  ports: GetTokenPorts,
  request: GetTokenRequest,
  served: Served,
  decision: { readonly start: boolean; readonly stale: boolean; readonly waited: boolean },
): Promise<ServedToken> {
  const { connection, grant } = served;
  if (connection === undefined || grant === undefined || !isLiving(grant)) throw new GrantkeeperError('not_connected');
  const { provider } = request;
  const accessToken = await ports.cipher.open(grant.access, { provider, grant: grant.pk, purpose: 'access' });
  await beside(ports, request, grant, decision.start);
  ports.count(METRICS.tokenServed, 1, { provider, outcome: sourceOf(decision) });
  return {
    status: 'ok',
    accessToken: accessToken.open(),
    tokenType: 'Bearer',
    expiresAt: new Date(grant.access.expiresAt).toISOString(),
    tokenVersion: grant.tokenVersion,
    tenantId: connection.tenantId,
    environment: grant.environment,
    apiBaseUrl: ports.apiBaseUrl(provider, grant.environment),
    ...(decision.stale ? { stale: true } : {}),
  };
}

function sourceOf({ stale, waited }: { readonly stale: boolean; readonly waited: boolean }): string {
  if (stale) return 'stale';
  return waited ? 'refreshed' : 'ok';
}

/** What is noted or started beside serving; none of it may cost the caller its token. */
async function beside(
  ports: GetTokenPorts,
  request: GetTokenRequest,
  grant: LivingGrant,
  start: boolean,
): Promise<void> {
  const touch = decideTouch(grant, ports.policies(grant.provider), ports.clock.now());
  const tasks = [
    ...(touch === undefined ? [] : [ports.store.commit(touch)]),
    ...(start
      ? [ports.requestRefresh({ grant: grant.pk, trigger: 'expiring', ...correlation(request) }, 'start')]
      : []),
  ];
  for (const result of await Promise.allSettled<unknown>(tasks)) {
    if (result.status === 'rejected')
      ports.log('warn', 'bookkeeping beside a served token failed', { grant: grant.pk });
  }
}

async function askForRefresh(
  ports: GetTokenPorts,
  request: GetTokenRequest,
  asking: {
    readonly served: Served;
    readonly decision: Extract<ServeDecision, { kind: 'refresh' }>;
    readonly deadlineAt: Instant;
  },
): Promise<void> {
  const { decision, deadlineAt } = asking;
  const { grant } = asking.served;
  if (grant === undefined) return;
  try {
    await ports.requestRefresh(
      {
        grant: grant.pk,
        trigger: decision.trigger,
        ...(decision.trigger === 'rejected'
          ? { rejectedVersion: grant.tokenVersion }
          : { neededUntil: ports.clock.now() + decision.neededMs }),
        ...correlation(request),
      },
      'wait',
      deadlineAt - ports.clock.now(),
    );
  } catch {
    // The caller gave up waiting or the function failed; either way the records say what became of the grant.
    ports.log('warn', 'a refresh could not be waited for', { grant: grant.pk, provider: request.provider });
  }
}

/** Serves what is still alive; otherwise says why there is nothing and when to come back. */
function outOfPatience(
  ports: GetTokenPorts,
  request: GetTokenRequest,
  served: Served,
  { decision, isLate }: { readonly decision: ServeDecision; readonly isLate: boolean },
): Promise<ServedToken> {
  if ('alive' in decision && decision.alive)
    return serve(ports, request, served, { start: false, stale: true, waited: true });
  const { grant } = served;
  if (isLate || decision.kind === 'wait' || grant === undefined || !isLiving(grant)) {
    throw refusal(ports, 'refresh_in_progress', grant?.notBefore);
  }
  // A refresh was asked for and none runs: it did not come about, for instance because the provider's circuit is open.
  const trouble = troubleOf(grant);
  const code = trouble === 'refresh_in_progress' ? 'refresh_failed' : trouble;
  throw refusal(ports, code, Math.max(grant.notBefore ?? 0, ports.clock.now() + ASK_AGAIN_MS));
}

async function reportTenant(ports: GetTokenPorts, request: GetTokenRequest): Promise<void> {
  const connection = await ports.store.readConnection(request.organizationId, request.provider);
  if (connection?.status !== 'connected') return;
  const { organizationId, linkId } = connection;
  await ports
    .requestRefresh(
      { grant: connection.grant, trigger: 'tenant', connection: { organizationId, linkId }, ...correlation(request) },
      'wait',
    )
    .catch(() => ports.log('warn', 'a refused company could not be looked up', { grant: connection.grant }));
}

function correlation(request: GetTokenRequest): { readonly correlationId?: string } {
  return request.correlationId === undefined ? {} : { correlationId: request.correlationId };
}

const RETRYABLE: ReadonlySet<ErrorCode> = new Set(['refresh_in_progress', 'refresh_rejected', 'refresh_failed']);

function refusal(ports: GetTokenPorts, code: ErrorCode, retryAt: Instant | undefined): GrantkeeperError {
  if (!RETRYABLE.has(code)) return new GrantkeeperError(code);
  const waitMs = Math.max(0, (retryAt ?? 0) - ports.clock.now());
  return new GrantkeeperError(code, { retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) });
}
