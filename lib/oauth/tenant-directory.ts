import type { Tenant } from '../domain/flow.ts';
import type { Instant } from '../domain/grant.ts';
import { APP, type ProviderEnvironment, type ProviderId, TENANT_ID_PATTERN } from '../domain/names.ts';
import type { DutyOutcome } from '../domain/outcome.ts';
import type { Secret } from '../domain/secret.ts';
import type { ProviderDescriptor, ProviderHosts } from '../providers/descriptor.ts';
import { PROVIDERS } from '../providers/index.ts';
import type { CountMetric, TenantDirectory, TenantListing } from '../service/ports.ts';
import { faultOf } from './api-fault.ts';
import type { Call, CallLimits, CallResult } from './https-call.ts';
import { jsonOf } from './json.ts';
import { claimOf } from './jwt-claim.ts';
import { measuredCall } from './measured-call.ts';
import { retryAfterSeconds } from './retry-after.ts';
import { companiesOf, companyOf } from './tenant-answer.ts';

/** Nothing is lost by giving up on the resource API, so it gets little time. */
const API_LIMITS: CallLimits = { connectMs: 5_000, answerMs: 10_000, totalMs: 10_000, bodyBytes: 256 * 1024 };

interface World {
  readonly hosts: (provider: ProviderId, environment: ProviderEnvironment) => ProviderHosts;
  readonly now: () => Instant;
  /** Is told how long each request took and how it was answered. */
  readonly count?: CountMetric;
  /** Replaces single limits of the requests, for tests. */
  readonly limits?: Partial<CallLimits>;
}

type ListRequest = Parameters<TenantDirectory['list']>[0];
type Unlisted = Exclude<TenantListing, { kind: 'listed' }>;

/**
 * Which companies a token opens, as the provider's resource API says now; one request per call, never cached, never
 * throwing. Everything but a readable answer is `unknown`, because a company that is missing from a listing counts as lost.
 */
export function createTenantDirectory(world: World): TenantDirectory {
  return {
    subjectOf(provider, accessToken) {
      const { subject } = PROVIDERS[provider];
      return subject.kind === 'user' ? claimOf(accessToken, subject.accessTokenClaim) : undefined;
    },
    async list(request) {
      const path = listPath(PROVIDERS[request.provider], request);
      if (typeof path !== 'string') return path;
      const result = await ask(world, request, 'GET', path);
      return listingOf(PROVIDERS[request.provider], request, result);
    },
    detach: (request) => detach(world, request),
  };
}

function listPath({ tenants }: ProviderDescriptor, request: ListRequest): string | Unlisted {
  if (tenants.kind === 'callback') {
    const { tenantId } = request;
    if (!isId(tenantId)) return { kind: 'unknown', reason: 'tenant_id_missing' };
    return tenants.companyName.path.replaceAll('{tenantId}', tenantId);
  }
  if (!request.thisAuthorizationOnly || tenants.authorization === undefined) return tenants.path;
  const { claim, parameter } = tenants.authorization;
  const authorization = claimOf(request.accessToken, claim);
  if (authorization === undefined) return { kind: 'unknown', reason: 'authorization_claim_missing' };
  return `${tenants.path}?${new URLSearchParams({ [parameter]: authorization })}`;
}

function listingOf({ tenants }: ProviderDescriptor, { tenantId }: ListRequest, result: CallResult): TenantListing {
  if (result.kind !== 'answered') return { kind: 'unknown', reason: result.reason };
  const fault = faultOf(result.body);
  const reason = fault === undefined ? `http_${result.status}` : `fault_${fault.code ?? 'unnamed'}`;
  if (result.status === 401 || fault?.isAuthentication) return { kind: 'unauthorized', reason };
  if (result.status !== 200 || fault !== undefined) return { kind: 'unknown', reason };
  const body = jsonOf(result.body);
  const found: readonly Tenant[] | undefined =
    tenants.kind === 'list' ? companiesOf(body, tenants) : companyOf(body, tenants.companyName.field, tenantId ?? '');
  return found === undefined ? { kind: 'unknown', reason: 'unreadable_answer' } : { kind: 'listed', tenants: found };
}

async function detach(world: World, request: Parameters<TenantDirectory['detach']>[0]): Promise<DutyOutcome> {
  const { disconnect } = PROVIDERS[request.provider];
  if (disconnect.kind !== 'detach') return { kind: 'CONFIG', reason: 'detach_unsupported' };
  if (!isId(request.providerConnectionId)) return { kind: 'CONFIG', reason: 'connection_id_malformed' };
  const path = disconnect.path.replace('{id}', request.providerConnectionId);
  const result = await ask(world, request, 'DELETE', path);
  if (result.kind !== 'answered') return { kind: 'RETRY', reason: result.reason };
  const reason = `http_${result.status}`;
  if (disconnect.doneStatuses.includes(result.status)) return { kind: 'DONE', reason };
  if (result.status === 401) return { kind: 'UNAUTHORIZED', reason };
  if (result.status >= 300 && result.status <= 399) return { kind: 'CONFIG', reason };
  const named = retryAfterSeconds(result.headers['retry-after'], world.now());
  const afterSeconds = named ?? (result.status === 429 ? PROVIDERS[request.provider].throttleSeconds : undefined);
  return { kind: 'RETRY', reason, ...(afterSeconds === undefined ? {} : { retryAfterSeconds: afterSeconds }) };
}

/** Whatever goes wrong while the request is put together is proof that it was not sent. */
function ask(
  { hosts, now, count, limits }: World,
  target: { readonly provider: ProviderId; readonly environment: ProviderEnvironment; readonly accessToken: Secret },
  method: Call['method'],
  path: string,
): Promise<CallResult> | CallResult {
  let url: URL;
  try {
    url = new URL(path, hosts(target.provider, target.environment).api);
  } catch {
    return { kind: 'not_sent', reason: 'request_not_built' };
  }
  const headers = {
    authorization: `Bearer ${target.accessToken.open()}`,
    accept: 'application/json',
    'user-agent': APP,
  };
  const request = method === 'DELETE' ? 'detach' : 'tenants';
  const measuring = { provider: target.provider, request, now, count } as const;
  return measuredCall({ method, url, headers }, { ...API_LIMITS, ...limits }, measuring);
}

function isId(value: string | undefined): value is string {
  return value !== undefined && TENANT_ID_PATTERN.test(value);
}
