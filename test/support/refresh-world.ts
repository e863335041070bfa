import type { AuditRow } from '../../lib/domain/audit.ts';
import type { Connection } from '../../lib/domain/connection.ts';
import { GrantkeeperError } from '../../lib/domain/errors.ts';
import type { GrantFields, GrantKey, LivingGrant } from '../../lib/domain/grant.ts';
import type { LifecycleEvent } from '../../lib/domain/lifecycle-event.ts';
import type { ProviderId } from '../../lib/domain/names.ts';
import type { DutyOutcome, TokenOutcome } from '../../lib/domain/outcome.ts';
import { type ProviderState, providerKey } from '../../lib/domain/provider-state.ts';
import type { RescueMessage } from '../../lib/domain/rescue-message.ts';
import { Secret } from '../../lib/domain/secret.ts';
import { createPolicies } from '../../lib/service/policies.ts';
import type { TenantListing } from '../../lib/service/ports.ts';
import { createHealthMemory } from '../../lib/service/provider-health.ts';
import type { RefreshPorts } from '../../lib/service/refresh-grant.ts';
import { createSingleFlight } from '../../lib/service/single-flight.ts';
import { createFakeClock } from './fake-clock.ts';
import { quickbooksGrant, T0 } from './grants.ts';
import { createMemoryCipher } from './memory-cipher.ts';
import { createMemoryStore } from './memory-store.ts';

/** The refresh service over in-memory ports, with a provider that answers what the test scripts. */

export type Answer<T> = T | (() => T | Promise<T>);

interface Sent {
  readonly what: 'refresh' | 'revoke' | 'detach' | 'list' | 'probe';
  readonly token: string;
  readonly secret?: string;
}

export function ok(access: string, refresh?: string, more: object = {}): TokenOutcome {
  return {
    kind: 'OK',
    tokens: {
      accessToken: new Secret(access),
      ...(refresh === undefined ? {} : { refreshToken: new Secret(refresh) }),
      tokenType: 'bearer',
      expiresInSeconds: 3600,
      sentAt: 0,
      ...more,
    },
  };
}

type Probed = Exclude<TokenOutcome, { kind: 'OK' }>;

export const rejected: Probed = { kind: 'REJECTED', reason: 'invalid_grant' };

export function createRefreshWorld() {
  const clock = createFakeClock({ startAt: T0, autoAdvance: true });
  const store = createMemoryStore({ now: clock.now });
  const cipher = createMemoryCipher();
  const sent: Sent[] = [];
  const counted: string[] = [];
  const logged: string[] = [];
  const emitted: LifecycleEvent[] = [];
  const rescued: RescueMessage[] = [];
  const queue = { works: true };
  const script = {
    refresh: [] as Answer<TokenOutcome>[],
    duty: [] as Answer<DutyOutcome>[],
    list: [] as Answer<TenantListing>[],
    probe: [] as Answer<Probed>[],
    secrets: ['secret-1'],
  };
  let ids = 0;
  const take = async <T>(answers: Answer<T>[], name: string): Promise<T> => {
    const answer = answers.shift();
    if (answer === undefined) throw new Error(`the provider was not expected to be asked: ${name}`);
    return typeof answer === 'function' ? await (answer as () => T | Promise<T>)() : answer;
  };
  const ports: RefreshPorts = {
    store,
    cipher,
    clock,
    endpoint: {
      async refresh({ client, refreshToken }) {
        const sentAt = clock.now();
        sent.push({ what: 'refresh', token: refreshToken.open(), secret: client.clientSecret.open() });
        const outcome = await take(script.refresh, 'refresh');
        return outcome.kind === 'OK' ? { ...outcome, tokens: { ...outcome.tokens, sentAt } } : outcome;
      },
      async revoke({ token }) {
        sent.push({ what: 'revoke', token: token.open() });
        return take(script.duty, 'revoke');
      },
      async probe({ client }) {
        sent.push({ what: 'probe', token: 'bogus', secret: client.clientSecret.open() });
        return take(script.probe, 'probe');
      },
      exchange: () => Promise.reject(new Error('no exchange here')),
    },
    tenants: {
      subjectOf: () => undefined,
      async list({ accessToken, tenantId }) {
        sent.push({ what: 'list', token: `${accessToken.open()} ${tenantId}` });
        return take(script.list, 'list');
      },
      async detach({ accessToken, providerConnectionId }) {
        sent.push({ what: 'detach', token: `${accessToken.open()} ${providerConnectionId}` });
        return take(script.duty, 'detach');
      },
    },
    readClient: async (_provider, _environment, options) => {
      if (options?.fresh && script.secrets.length > 1) script.secrets.shift();
      return { clientId: 'client-1', clientSecret: new Secret(script.secrets[0] ?? '') };
    },
    policies: createPolicies(),
    rescueQueue: {
      async put(message) {
        if (!queue.works) throw new GrantkeeperError('unavailable');
        rescued.push(message);
      },
    },
    countRescues: async () => 0,
    health: createHealthMemory(),
    singleFlight: createSingleFlight(),
    count: (name, value, dimensions) =>
      counted.push(`${name}${dimensions?.outcome === undefined ? '' : ` ${dimensions.outcome}`} ${value}`),
    emit: (event) => emitted.push(event),
    log: (level, message, fields) => logged.push(`${level} ${message} ${JSON.stringify(fields)}`),
    newId: () => `id-${++ids}`,
    random: () => 0.5,
  };

  /** Puts a grant there whose tokens really are encrypted: `access-7` and `refresh-7`, held ones `refresh-<id>`. */
  async function given(
    changes: Partial<LivingGrant> = {},
    base: LivingGrant = quickbooksGrant(),
  ): Promise<LivingGrant> {
    const raw = { ...base, ...changes };
    const context = { provider: raw.provider, grant: raw.pk } as const;
    const access = (await cipher.arm({ ...context, purpose: 'access' })).seal(
      new Secret('access-7'),
      raw.pk,
      'attempt-7',
    );
    const sealer = await cipher.arm({ ...context, purpose: 'refresh' });
    const held = Object.fromEntries(
      Object.entries(raw.held).map(([id, token]) => [
        id,
        { ...token, ...sealer.seal(new Secret(`refresh-${id}`), raw.pk, id) },
      ]),
    );
    const grant: LivingGrant = {
      ...raw,
      access: { ...raw.access, ...access },
      current: { ...raw.current, ...sealer.seal(new Secret('refresh-7'), raw.pk, 'attempt-7') },
      held,
    };
    await put(grant);
    return grant;
  }

  /** Replaces a grant as it is, for what others did meanwhile. */
  async function put(grant: GrantFields): Promise<void> {
    await store.commit({
      token: `given-${++ids}`,
      writes: [{ table: 'grants', key: { pk: grant.pk }, when: [], op: 'put', item: grant }],
    });
  }

  /** What the fleet knows of a provider. */
  async function givenProvider(changes: Partial<ProviderState>, provider: ProviderId = 'quickbooks'): Promise<void> {
    const item: ProviderState = { v: 1, pk: providerKey(provider), provider, ...changes };
    await store.commit({
      token: `given-${++ids}`,
      writes: [{ table: 'grants', key: { pk: item.pk }, when: [], op: 'put', item }],
    });
  }

  async function givenConnection(connection: Connection): Promise<void> {
    await store.commit({
      token: `given-${++ids}`,
      writes: [
        { table: 'connections', key: { pk: connection.pk, sk: connection.sk }, when: [], op: 'put', item: connection },
      ],
    });
  }

  /** Another organisation holds that Xero company. */
  async function claim(tenantId: string): Promise<void> {
    const key = { pk: `CLAIM#xero#${tenantId}`, sk: 'claim' } as const;
    const item = { v: 1, ...key, organizationId: 'initech', linkId: 'link-9' } as const;
    await store.commit({ token: `given-${++ids}`, writes: [{ table: 'connections', key, when: [], op: 'put', item }] });
  }

  const grant = async (key: GrantKey = 'quickbooks#9341453') => (await store.readGrant(key)) as GrantFields | undefined;
  /** The plaintext of the stored tokens. */
  async function tokens(key: GrantKey = 'quickbooks#9341453') {
    const found = await grant(key);
    const context = { provider: found?.provider ?? 'quickbooks', grant: key } as const;
    const read = async (purpose: 'access' | 'refresh', sealed?: Parameters<typeof cipher.open>[0]) =>
      sealed === undefined ? undefined : (await cipher.open(sealed, { ...context, purpose })).open();
    const held = await Promise.all(
      Object.values(found?.held ?? {}).map(async (token) => `${token.why} ${await read('refresh', token)}`),
    );
    return { access: await read('access', found?.access), refresh: await read('refresh', found?.current), held };
  }
  const events = () => (store.dump().audit as unknown as AuditRow[]).map(({ event, number }) => `${event} ${number}`);
  return {
    ports,
    clock,
    store,
    cipher,
    script,
    sent,
    counted,
    logged,
    emitted,
    rescued,
    /** From now on nothing can be put on the rescue queue. */
    rescueFails: () => {
      queue.works = false;
    },
    given,
    givenProvider,
    put,
    givenConnection,
    claim,
    grant,
    tokens,
    events,
  };
}

export type RefreshWorld = ReturnType<typeof createRefreshWorld>;
