import { hashOf } from '../../lib/domain/connect-session.ts';
import type { Claim, Connection } from '../../lib/domain/connection.ts';
import { GrantkeeperError } from '../../lib/domain/errors.ts';
import type { Flow, Tenant } from '../../lib/domain/flow.ts';
import type { Grant, GrantFields, GrantKey, LivingGrant } from '../../lib/domain/grant.ts';
import type { ProviderId } from '../../lib/domain/names.ts';
import type { IssuedTokens, TokenOutcome } from '../../lib/domain/outcome.ts';
import type { RescueMessage } from '../../lib/domain/rescue-message.ts';
import { Secret } from '../../lib/domain/secret.ts';
import type { Transaction, Write } from '../../lib/domain/write.ts';
import { createConnectSession } from '../../lib/service/create-connect-session.ts';
import { type FinishConnectPorts, finishConnect } from '../../lib/service/finish-connect.ts';
import { type OpenRequest, openConnect } from '../../lib/service/open-connect.ts';
import { createPolicies } from '../../lib/service/policies.ts';
import type { FinishRequest, RefreshRequest, StatePayload, TenantListing } from '../../lib/service/ports.ts';
import { receiveCallback } from '../../lib/service/receive-callback.ts';
import { T0 } from './grants.ts';
import { createMemoryCipher } from './memory-cipher.ts';
import { createMemoryStore } from './memory-store.ts';
import { createVirtualClock } from './virtual-clock.ts';

/** Everything connect and disconnect touch, in memory, with a provider that does as it is told. */

export const ORIGIN = 'https://gk.example/api';
const FRONTEND = 'https://app.example';
export const RETURN_URL = 'https://partner.example/done';
/** Cookies of two browsers. */
export const ALICE = 'alice'.padEnd(43, 'A');
export const MALLORY = 'mallory'.padEnd(43, 'M');
export const FINISH_MS = 89_000;
/** The generation of a grant that was there before: older than every id the world gives out. */
export const EARLIER = '01KAFY00000000000000000000';

/** What an authorisation at the provider opens. */
export interface Authorised {
  readonly subject: string;
  /** Connected by this very authorisation. */
  readonly now: readonly Tenant[];
  /** Companies the user had connected before. */
  readonly before?: readonly Tenant[];
}

export type ConnectWorld = ReturnType<typeof createConnectWorld>;

export function createConnectWorld(settings: { binding?: 'link' | 'interstitial'; access?: 'session' | 'open' } = {}) {
  const clock = createVirtualClock({ startAt: T0 });
  const store = createMemoryStore({ now: clock.now });
  const cipher = createMemoryCipher();
  const counters = { id: 0, secret: 0 };
  const log: string[] = [];
  const metrics: string[] = [];
  const provider = createProvider(clock.now);
  const finishCalls: FinishRequest[] = [];
  const refreshCalls: RefreshRequest[] = [];
  const states = new Map<string, StatePayload>();
  const rescues: RescueMessage[] = [];
  const behaviour = {
    finish: 'run' as 'run' | 'pending' | 'unreachable',
    refresh: 'run' as 'run' | 'unreachable',
    rescueQueue: 'run' as 'run' | 'unreachable',
  };
  const ports = {
    store,
    clock,
    cipher,
    policies: createPolicies(),
    newId: () => `01KAFZ${String(++counters.id).padStart(20, '0')}`,
    newSecret: () => `secret-${++counters.secret}-`.padEnd(43, 'x'),
    count: (name: string, value: number, dimensions: { outcome?: string } = {}) => {
      metrics.push([name, ...(dimensions.outcome === undefined ? [] : [dimensions.outcome]), value].join(' '));
    },
    log: (level: string, message: string, fields: object) => {
      log.push(JSON.stringify({ level, message, ...fields }));
    },
    returnUrls: [RETURN_URL],
    frontendUrl: FRONTEND,
    partnerName: 'Ledgerly',
    providerEnvironment: 'sandbox' as const,
    connectBinding: settings.binding ?? ('link' as const),
    connectAccess: settings.access ?? ('session' as const),
    readClient: async () => ({ clientId: 'client-1', clientSecret: new Secret('client-secret') }),
    signState: async (payload: StatePayload) => {
      const state = `state-${states.size + 1}`;
      states.set(state, payload);
      return state;
    },
    verifyState: async (state: string, now: number) => {
      const payload = states.get(state);
      return payload !== undefined && now < payload.expiresAt ? payload : undefined;
    },
    authorizationUrl: (request: { provider: ProviderId; clientId: string; redirectUri: string; state: string }) =>
      `https://${request.provider}.example/authorize?client_id=${request.clientId}&redirect_uri=${request.redirectUri}&state=${request.state}`,
    endpoint: provider.endpoint,
    tenants: provider.directory,
    rescueQueue: {
      async put(message: RescueMessage) {
        if (behaviour.rescueQueue === 'unreachable') throw new GrantkeeperError('unavailable');
        rescues.push(message);
      },
    },
    finishConnect: async (request: FinishRequest) => {
      if (behaviour.finish === 'unreachable') throw new Error('throttled');
      finishCalls.push(request);
      if (behaviour.finish === 'pending') return 'pending' as const;
      await finishConnect(finishPorts, request, clock.now() + FINISH_MS);
      return 'finished' as const;
    },
    requestRefresh: async (request: RefreshRequest) => {
      if (behaviour.refresh === 'unreachable') throw new Error('throttled');
      refreshCalls.push(request);
    },
  };
  const finishPorts: FinishConnectPorts = ports;
  const seen = { log, metrics, finishCalls, refreshCalls, rescues };
  return { ports, clock, store, cipher, provider, behaviour, ...seen, ...steps(ports) };
}

type Ports = Parameters<typeof createConnectSession>[0] &
  Parameters<typeof openConnect>[0] &
  Parameters<typeof receiveCallback>[0] & { store: ReturnType<typeof createMemoryStore> };

/** The moves of a partner and a browser. */
function steps(ports: Ports) {
  async function start(organizationId: string, provider: ProviderId, more: object = {}) {
    const session = await createConnectSession(ports, { organizationId, provider, origin: ORIGIN, ...more });
    return { ...session, token: session.connectUrl.slice(session.connectUrl.indexOf('session=') + 8) };
  }
  /** Opens the link and answers the state the provider is given. */
  async function open(organizationId: string, provider: ProviderId, token: string | undefined, cookie = ALICE) {
    const request: OpenRequest = { organizationId, provider, session: token, cookie, origin: ORIGIN };
    const opened = await openConnect(ports, request);
    if (opened.kind !== 'provider') throw new Error('a page was shown');
    return new URL(opened.url).searchParams.get('state') ?? '';
  }
  async function callback(provider: ProviderId, query: Record<string, string>, cookie: string | undefined = ALICE) {
    return receiveCallback(ports, { provider, query, cookie, origin: ORIGIN, correlationId: 'c-1' });
  }
  /** From session to result in one go. */
  async function connect(organizationId: string, provider: ProviderId, realmId?: string, more: object = {}) {
    const session = await start(organizationId, provider, more);
    const state = await open(organizationId, provider, session.token);
    const url = await callback(provider, { state, code: `code-${session.sessionId}`, ...(realmId ? { realmId } : {}) });
    return { ...session, state, url };
  }
  let seeds = 0;
  async function seed(...items: (Grant | Connection | Claim | Flow)[]) {
    for (const item of items) {
      const verdict = await ports.store.commit({ token: `seed-${++seeds}`, writes: [putOf(item)] });
      if (!verdict.committed) throw new Error('not seeded');
    }
  }
  const flow = async (id: string) => (await ports.store.readFlow(id)) as Flow;
  return { start, open, callback, connect, seed, flow };
}

function putOf(item: Grant | Connection | Claim | Flow): Write {
  if ('stage' in item) return { table: 'flows', key: { pk: item.pk }, when: [], op: 'put', item };
  if ('sk' in item) return { table: 'connections', key: { pk: item.pk, sk: item.sk }, when: [], op: 'put', item };
  return { table: 'grants', key: { pk: item.pk }, when: [], op: 'put', item: item as GrantFields };
}

/** A provider with one user at a time: `authorised` is who consents next. */
function createProvider(now: () => number) {
  const state = {
    authorised: { subject: 'user-1', now: [] } as Authorised,
    /** What exchanges answer before they succeed again. */
    outcomes: [] as TokenOutcome[],
    listings: [] as TenantListing[],
    withoutRefreshToken: false,
  };
  const codes: string[] = [];
  const listed: object[] = [];
  const issued = new Map<string, Authorised>();
  return {
    state,
    codes,
    listed,
    endpoint: {
      async exchange(request: { code: Secret }): Promise<TokenOutcome> {
        codes.push(request.code.open());
        const planned = state.outcomes.shift();
        if (planned !== undefined) return planned;
        const number = issued.size + 1;
        issued.set(`access-${number}`, state.authorised);
        const tokens: IssuedTokens = {
          accessToken: new Secret(`access-${number}`),
          ...(state.withoutRefreshToken ? {} : { refreshToken: new Secret(`refresh-${number}`) }),
          tokenType: 'bearer',
          expiresInSeconds: 3_600,
          refreshExpiresInSeconds: 8_640_000,
          sentAt: now(),
        };
        return { kind: 'OK', tokens, traceId: 'trace-1' };
      },
    },
    directory: {
      subjectOf: (_provider: ProviderId, accessToken: Secret) => issued.get(accessToken.open())?.subject,
      async list(request: {
        provider: ProviderId;
        accessToken: Secret;
        tenantId?: string;
        thisAuthorizationOnly?: boolean;
      }): Promise<TenantListing> {
        const { accessToken, ...asked } = request;
        listed.push(asked);
        const planned = state.listings.shift();
        if (planned !== undefined) return planned;
        const authorised = issued.get(accessToken.open());
        if (authorised === undefined) return { kind: 'unauthorized', reason: 'http_401' };
        if (asked.thisAuthorizationOnly === true) return { kind: 'listed', tenants: authorised.now };
        return { kind: 'listed', tenants: [...authorised.now, ...(authorised.before ?? [])] };
      },
    },
  };
}

/** Hash of a browser's cookie as flows keep it. */
export const cookieHash = hashOf;

/** The company most tests connect, and its grant. */
export const REALM = '9341453';
export const ACME_BOOKS = { tenantId: REALM, name: 'Acme Books' };
export const QB: GrantKey = `quickbooks#${REALM}`;

/** Whose user consents to that company. */
export function quickbooksWorld(): ConnectWorld {
  const world = createConnectWorld();
  world.provider.state.authorised = { subject: REALM, now: [ACME_BOOKS] };
  return world;
}

/** The grant, which must have tokens. */
export async function living(world: ConnectWorld, key: GrantKey): Promise<LivingGrant> {
  const grant = await world.store.readGrant(key);
  if (grant === undefined || !('current' in grant) || !('access' in grant)) throw new Error('not living');
  return grant as LivingGrant;
}

/** Its access and refresh token in plain text. */
export async function tokensOf({ cipher }: ConnectWorld, grant: LivingGrant): Promise<string[]> {
  const context = { provider: grant.provider, grant: grant.pk } as const;
  const access = await cipher.open(grant.access, { ...context, purpose: 'access' });
  const refresh = await cipher.open(grant.current, { ...context, purpose: 'refresh' });
  return [access.open(), refresh.open()];
}

export const writesGrant = ({ writes }: Transaction) => writes.some(({ table }) => table === 'grants');
