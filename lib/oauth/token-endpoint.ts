import type { Instant } from '../domain/grant.ts';
import { APP, type ProviderId } from '../domain/names.ts';
import type { DutyOutcome, TokenOutcome } from '../domain/outcome.ts';
import type { Secret } from '../domain/secret.ts';
import type { ProviderDescriptor, ProviderHosts, TokenPhase } from '../providers/descriptor.ts';
import { PROVIDERS } from '../providers/index.ts';
import type { ClientCredentials, CountMetric, TokenEndpoint } from '../service/ports.ts';
import { dutyOutcomeOf, outcomeOf, type Refusal } from './classify.ts';
import { basicAuthorization } from './client-auth.ts';
import type { CallLimits, CallResult } from './https-call.ts';
import { isJsonObject, jsonOf } from './json.ts';
import { measuredCall, type ProviderRequest } from './measured-call.ts';
import { tokensOf } from './token-answer.ts';

/** Design §5.3: the provider's answer is waited for long, because giving up early is how rotated tokens get lost. */
export const TOKEN_LIMITS: CallLimits = { connectMs: 5_000, answerMs: 45_000, bodyBytes: 64 * 1024 };
/** A revocation can be repeated, so there is nothing to lose by giving up; a refresher does several in one attempt. */
const REVOKE_LIMITS: CallLimits = { connectMs: 5_000, answerMs: 10_000, totalMs: 10_000, bodyBytes: 64 * 1024 };
/** A probe delays a sweep and risks nothing; the longest answer of a provider that is at work is a few seconds. */
const PROBE_LIMITS: CallLimits = { connectMs: 5_000, answerMs: 10_000, bodyBytes: 64 * 1024 };

/** No provider issues such a code, and no log could take it for one. */
const BOGUS_CODE = 'grantkeeper-probe-not-a-code';
/** RFC 2606. An ordinary public address: Xero's edge answers odd ones itself, with a page (providers.md §2.3). */
const BOGUS_REDIRECT = 'https://example.com/oauth/callback';

const TRACE_ID = /^[A-Za-z0-9._-]{1,128}$/;
/** The longest text of an answer that a rule looks at. */
const DESCRIPTION_CHARS = 500;

interface World {
  /** Where each provider is reached; both sides of a provider share these endpoints. */
  readonly hosts: (provider: ProviderId) => ProviderHosts;
  readonly now: () => Instant;
  /** Is told how long each request took and how it was answered. */
  readonly count?: CountMetric;
  /** Replaces single limits of the requests, for tests. */
  readonly limits?: Partial<CallLimits>;
}

interface TokenRequest {
  readonly phase: 'refresh' | 'exchange';
  /** What it is counted as. */
  readonly request: ProviderRequest;
  readonly provider: ProviderId;
  readonly client: ClientCredentials;
  readonly form: Readonly<Record<string, string>>;
  readonly limits: CallLimits;
}

type Answered = Extract<CallResult, { kind: 'answered' }>;

/**
 * The only code that POSTs to a provider's token and revocation endpoints: one request on a connection of its own per
 * call, no retries, no redirects. It never throws. An OK holds the only copy of a rotated token; no other outcome holds
 * anything a provider wrote but its trace id. `revoke` at a provider that only detaches is CONFIG and sends nothing,
 * because there a revocation takes every company of the user (providers.md §2.4). `probe` exchanges a code that nobody was
 * given, as providers.md §1.7 says.
 */
export function createTokenEndpoint(world: World): TokenEndpoint {
  return {
    refresh: ({ refreshToken, ...request }) =>
      requestTokens(world, {
        ...request,
        phase: 'refresh',
        request: 'refresh',
        limits: TOKEN_LIMITS,
        form: { grant_type: 'refresh_token', refresh_token: refreshToken.open() },
      }),
    exchange: ({ code, redirectUri, ...request }) =>
      requestTokens(world, {
        ...request,
        phase: 'exchange',
        request: 'exchange',
        limits: TOKEN_LIMITS,
        form: { grant_type: 'authorization_code', code: code.open(), redirect_uri: redirectUri },
      }),
    revoke: (request) => revoke(world, request),
    probe: (request) => probe(world, request),
  };
}

async function probe(
  world: World,
  request: Pick<TokenRequest, 'provider' | 'client'>,
): ReturnType<TokenEndpoint['probe']> {
  const outcome = await requestTokens(world, {
    ...request,
    phase: 'exchange',
    request: 'probe',
    limits: PROBE_LIMITS,
    form: { grant_type: 'authorization_code', code: BOGUS_CODE, redirect_uri: BOGUS_REDIRECT },
  });
  if (outcome.kind !== 'OK') return outcome;
  // Whatever answers like this is no provider we know, and proves nothing about our client.
  const { traceId } = outcome;
  return {
    kind: 'UNKNOWN',
    answer: 'complete',
    reason: 'probe_accepted',
    ...(traceId === undefined ? {} : { traceId }),
  };
}

async function requestTokens(
  world: World,
  { phase, request, provider, client, form, limits }: TokenRequest,
): Promise<TokenOutcome> {
  const descriptor = PROVIDERS[provider];
  const result = await post(world, { provider, request, limits }, () => ({
    url: new URL(descriptor.paths.token, world.hosts(provider).token),
    headers: {
      ...descriptor.tokenHeaders,
      ...headersFor(descriptor, client),
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams(form).toString(),
  }));
  if (result.kind === 'not_sent') return { kind: 'NOT_SENT', reason: result.reason };
  const trace = traceOf(descriptor, result);
  if (result.kind === 'cut') return { kind: 'UNKNOWN', answer: 'cut', reason: result.reason, ...trace };
  if (result.status < 200 || result.status > 299) {
    return outcomeOf(descriptor, refusalOf(descriptor, phase, result), world.now());
  }
  const tokens = tokensOf(descriptor, jsonOf(result.body), result.sentAt);
  if (typeof tokens === 'string') return { kind: 'UNKNOWN', answer: 'complete', reason: tokens, ...trace };
  return { kind: 'OK', tokens, ...trace };
}

async function revoke(
  world: World,
  { provider, client, token }: Parameters<TokenEndpoint['revoke']>[0],
): Promise<DutyOutcome> {
  const descriptor = PROVIDERS[provider];
  const { disconnect } = descriptor;
  if (disconnect.kind !== 'revoke') return { kind: 'CONFIG', reason: 'revocation_unsupported' };
  const result = await post(world, { provider, request: 'revoke', limits: REVOKE_LIMITS }, () => ({
    url: new URL(descriptor.paths.revoke, world.hosts(provider).revoke),
    headers: { ...headersFor(descriptor, client), 'content-type': CONTENT_TYPES[disconnect.encoding] },
    body: revocationBody(disconnect.encoding, token),
  }));
  if (result.kind === 'not_sent') return { kind: 'RETRY', reason: result.reason };
  const trace = traceOf(descriptor, result);
  if (result.kind === 'cut') return { kind: 'RETRY', reason: result.reason, ...trace };
  if (disconnect.doneStatuses.includes(result.status)) {
    return { kind: 'DONE', reason: `http_${result.status}`, ...trace };
  }
  return dutyOutcomeOf(descriptor, refusalOf(descriptor, 'revoke', result), world.now());
}

const CONTENT_TYPES = { json: 'application/json', form: 'application/x-www-form-urlencoded' } as const;

function revocationBody(encoding: keyof typeof CONTENT_TYPES, token: Secret): string {
  const fields = { token: token.open() };
  return encoding === 'json' ? JSON.stringify(fields) : new URLSearchParams(fields).toString();
}

interface Post {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Whatever goes wrong while the request is put together is proof that it was not sent. */
function post(
  { limits, now, count }: World,
  asked: { readonly provider: ProviderId; readonly request: ProviderRequest; readonly limits: CallLimits },
  build: () => Post,
): Promise<CallResult> | CallResult {
  let post: Post;
  try {
    post = build();
  } catch {
    return { kind: 'not_sent', reason: 'request_not_built' };
  }
  const { provider, request } = asked;
  return measuredCall({ method: 'POST', ...post }, { ...asked.limits, ...limits }, { provider, request, now, count });
}

function headersFor({ clientAuth }: ProviderDescriptor, client: ClientCredentials) {
  return { authorization: basicAuthorization(clientAuth, client), accept: 'application/json', 'user-agent': APP };
}

function refusalOf(descriptor: ProviderDescriptor, phase: TokenPhase, { status, headers, body }: Answered): Refusal {
  // Read by content, not by content-type: providers label errors carelessly.
  const parsed = jsonOf(body);
  const { error, error_description: description } = isJsonObject(parsed) ? parsed : {};
  const retryAfter = headers['retry-after'];
  return {
    phase,
    status,
    error: typeof error === 'string' && error !== '' ? error : null,
    ...(typeof description === 'string' ? { description: description.slice(0, DESCRIPTION_CHARS) } : {}),
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...traceOf(descriptor, { headers }),
  };
}

function traceOf(
  { tokenResponse }: ProviderDescriptor,
  { headers }: Partial<Pick<Answered, 'headers'>>,
): { readonly traceId?: string } {
  const value = tokenResponse.traceHeader === undefined ? undefined : headers?.[tokenResponse.traceHeader];
  return typeof value === 'string' && TRACE_ID.test(value) ? { traceId: value } : {};
}
