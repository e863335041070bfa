import type { Authorization } from '../domain/bank-decision.ts';
import { type ErrorCode, GrantkeeperError } from '../domain/errors.ts';
import type { Flow } from '../domain/flow.ts';
import { expiryOf } from '../domain/freshness.ts';
import { type GrantKey, grantKey, type Instant } from '../domain/grant.ts';
import { METRICS, type ProviderEnvironment, TENANT_ID_PATTERN } from '../domain/names.ts';
import type { IssuedTokens, TokenOutcome } from '../domain/outcome.ts';
import { Secret } from '../domain/secret.ts';
import { PROVIDERS } from '../providers/index.ts';
import type {
  Cipher,
  ClientCredentials,
  Clock,
  CountMetric,
  LogOutcome,
  ReadClient,
  Sealer,
  TenantDirectory,
  TokenEndpoint,
} from './ports.ts';

export interface ExchangePorts {
  readonly clock: Clock;
  readonly count: CountMetric;
  readonly cipher: Pick<Cipher, 'arm'>;
  readonly endpoint: Pick<TokenEndpoint, 'exchange'>;
  readonly tenants: Pick<TenantDirectory, 'subjectOf'>;
  readonly readClient: ReadClient;
  readonly log: LogOutcome;
  readonly newId: () => string;
  readonly providerEnvironment: ProviderEnvironment;
}

/** Everything that can fail is behind us: what is left is to send, and to store what comes back. */
export interface Armed {
  readonly client: ClientCredentials;
  readonly generation: string;
  readonly access: Sealer;
  readonly refresh: Sealer;
  /** The subject, where the callback named it. */
  readonly subject?: string;
}

/** The longest an exchange takes (5 s to connect, 45 s for the answer), and time to store what it brings. */
const SEND_MS = 65_000;

/**
 * Everything an exchange needs, fetched before the code is sent. Throws `provider_configuration` without client credentials,
 * `unavailable` when KMS does not answer or not enough of the function's time is left.
 */
export async function armExchange(
  ports: ExchangePorts,
  flow: Flow,
  options: { readonly callbackTenantId?: string | undefined; readonly deadlineAt: Instant },
): Promise<Armed> {
  const { provider } = flow;
  const subject = subjectNamed(flow, options.callbackTenantId);
  // Where the token itself will name the subject, the flow stands for the grant in the encryption context.
  const owner = subject === undefined ? { scope: `flow#${flow.pk}` } : { grant: grantKey(provider, subject) };
  const [client, access, refresh] = await Promise.all([
    readClientOf(ports, flow),
    ports.cipher.arm({ provider, purpose: 'access', ...owner }),
    ports.cipher.arm({ provider, purpose: 'refresh', ...owner }),
  ]);
  if (ports.clock.now() + SEND_MS > options.deadlineAt) throw new GrantkeeperError('unavailable');
  return { client, access, refresh, generation: ports.newId(), ...(subject === undefined ? {} : { subject }) };
}

/** Where a grant belongs to one company, the callback has named its subject; elsewhere only the token will. */
export function subjectNamed({ provider }: Flow, callbackTenantId: string | undefined): string | undefined {
  return PROVIDERS[provider].subject.kind === 'company' ? callbackTenantId : undefined;
}

async function readClientOf(ports: ExchangePorts, { provider }: Flow): Promise<ClientCredentials> {
  try {
    return await ports.readClient(provider, ports.providerEnvironment);
  } catch (error) {
    const isMissing = error instanceof GrantkeeperError && error.code === 'secret_unavailable';
    throw isMissing ? new GrantkeeperError('provider_configuration', { cause: error }) : error;
  }
}

/** What the browser is told for each outcome of an exchange that brought no tokens (providers.md §4.2). */
const CODES = {
  NOT_SENT: 'provider_error',
  // The provider may have seen the code; sending it again could revoke what it issued (RFC 6749 §4.1.2).
  UNKNOWN: 'exchange_failed',
  REJECTED: 'exchange_failed',
  CONFIG: 'provider_configuration',
  THROTTLED: 'provider_error',
} as const satisfies Record<Exclude<TokenOutcome['kind'], 'OK'>, ErrorCode>;

export interface Exchanged {
  readonly authorization: Authorization;
  readonly tokens: IssuedTokens;
}

/**
 * Sends the code, once; a second time only when the first provably never left. Answers the tokens, sealed. Throws the code
 * the flow ends with: those above, `offline_access_missing` when no refresh token came, `company_unconfirmed` when the
 * token names no subject.
 */
export async function exchangeCode(
  ports: ExchangePorts,
  flow: Flow,
  options: { readonly armed: Armed; readonly code: string; readonly deadlineAt: Instant },
): Promise<Exchanged> {
  const outcome = await send(ports, flow, options);
  if (outcome.kind !== 'OK') throw await refusal(ports, flow, outcome);
  const { tokens, traceId } = outcome;
  if (tokens.refreshToken === undefined) throw new GrantkeeperError('offline_access_missing');
  const subject = options.armed.subject ?? ports.tenants.subjectOf(flow.provider, tokens.accessToken);
  if (subject === undefined || !TENANT_ID_PATTERN.test(subject)) {
    ports.count(METRICS.tokenAtRisk, 1, { provider: flow.provider });
    ports.log('error', 'an access token names no subject', { provider: flow.provider, flowId: flow.pk });
    throw new GrantkeeperError('company_unconfirmed');
  }
  const sealed = seal(flow, options.armed, {
    grant: grantKey(flow.provider, subject),
    tokens,
    refreshToken: tokens.refreshToken,
  });
  return {
    tokens,
    authorization: {
      ...sealed,
      subject,
      environment: ports.providerEnvironment,
      ...(traceId === undefined ? {} : { traceId }),
    },
  };
}

async function send(
  ports: ExchangePorts,
  { provider, redirectUri }: Flow,
  { armed, code, deadlineAt }: { readonly armed: Armed; readonly code: string; readonly deadlineAt: Instant },
): Promise<TokenOutcome> {
  const request = { provider, client: armed.client, code: new Secret(code), redirectUri };
  const outcome = await ports.endpoint.exchange(request);
  const mayRepeat = outcome.kind === 'NOT_SENT' && ports.clock.now() + SEND_MS <= deadlineAt;
  return mayRepeat ? ports.endpoint.exchange(request) : outcome;
}

async function refusal(
  ports: ExchangePorts,
  flow: Flow,
  outcome: Exclude<TokenOutcome, { kind: 'OK' }>,
): Promise<GrantkeeperError> {
  const { provider } = flow;
  const { kind, reason, traceId: providerTraceId } = outcome;
  ports.log(kind === 'REJECTED' ? 'warn' : 'error', 'code exchange failed', {
    provider,
    flowId: flow.pk,
    outcome: kind,
    reason,
    providerTraceId,
  });
  // A secret that was changed takes effect for the next flow; this one's code is spent.
  if (kind === 'CONFIG')
    await ports.readClient(provider, ports.providerEnvironment, { fresh: true }).catch(() => undefined);
  return new GrantkeeperError(CODES[kind]);
}

function seal(
  flow: Flow,
  armed: Armed,
  {
    grant,
    tokens,
    refreshToken,
  }: { readonly grant: GrantKey; readonly tokens: IssuedTokens; readonly refreshToken: Secret },
): Omit<Authorization, 'subject' | 'environment' | 'traceId'> {
  const { sentAt } = tokens;
  const { lifetimes, scopes } = PROVIDERS[flow.provider];
  const hardSeconds = tokens.hardExpiresInSeconds ?? lifetimes.hardSeconds;
  return {
    provider: flow.provider,
    organizationId: flow.organizationId,
    grant,
    generation: armed.generation,
    attemptId: flow.pk,
    clientId: armed.client.clientId,
    scopes: tokens.scopes ?? scopes,
    access: {
      ...armed.access.seal(tokens.accessToken, grant, flow.pk),
      obtainedAt: sentAt,
      expiresAt: expiryOf(sentAt, tokens.expiresInSeconds),
    },
    refresh: armed.refresh.seal(refreshToken, grant, flow.pk),
    refreshExpiresAt: expiryOf(sentAt, tokens.refreshExpiresInSeconds ?? lifetimes.refreshIdleSeconds),
    ...(hardSeconds === undefined ? {} : { hardExpiresAt: expiryOf(sentAt, hardSeconds) }),
  };
}
