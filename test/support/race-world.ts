import type { Flow, Tenant } from '../../lib/domain/flow.ts';
import { disconnect } from '../../lib/service/disconnect.ts';
import { finishConnect } from '../../lib/service/finish-connect.ts';
import { getAccessToken } from '../../lib/service/get-access-token.ts';
import type { RefreshRequest } from '../../lib/service/ports.ts';
import { refreshDue } from '../../lib/service/refresh-due.ts';
import { refreshGrant } from '../../lib/service/refresh-grant.ts';
import { HOUR, MINUTE, T0 } from './grants.ts';
import { createMemoryCipher } from './memory-cipher.ts';
import { createMemoryStore } from './memory-store.ts';
import { createRaceChecks, type Raced } from './race-checks.ts';
import { createRacePorts } from './race-ports.ts';
import { createRaceProvider, type Rotation } from './race-provider.ts';
import { createScheduler, type Worker } from './race-scheduler.ts';

const CONSUMER = { organisations: '*', providers: ['quickbooks', 'xero'] } as const;
/** One company and its grant, or a user whose grant serves two organisations. */
const QUICKBOOKS = {
  provider: 'quickbooks',
  subject: 'realm-1',
  key: 'quickbooks#realm-1',
  organizations: ['acme'],
} as const;
const XERO = { provider: 'xero', subject: 'user-1', key: 'xero#user-1', organizations: ['acme', 'globex'] } as const;
const COMPANIES: Record<Raced['provider'], Record<string, Tenant>> = {
  quickbooks: { acme: { tenantId: 'realm-1' } },
  xero: {
    acme: { tenantId: 't1', providerConnectionId: 'c1' },
    globex: { tenantId: 't2', providerConnectionId: 'c2' },
  },
};

export type RaceWorld = ReturnType<typeof createRaceWorld>;

/** The real services as processes of their own, over one store and one provider, in an order that a seed decides. */
export function createRaceWorld(seed: number, rotation: Rotation) {
  const raced: Raced = rotation === 'grace' ? XERO : QUICKBOOKS;
  const { provider, key: grant } = raced;
  const scheduler = createScheduler(seed, T0);
  const { now, gate } = scheduler;
  const store = createMemoryStore({ now });
  const cipher = createMemoryCipher();
  const remote = createRaceProvider(rotation, now);
  const checks = createRaceChecks({ raced, scheduler, store, cipher, remote });
  let ids = 0;
  const newId = () => `01KAFZ${String(++ids).padStart(20, '0')}`;
  const tenants = COMPANIES[provider];
  const { portsOf, trouble } = createRacePorts({ raced, scheduler, store, cipher, remote, checks, tenants, newId });
  const process = (name: string, limitMs: number, run: (worker: Worker) => Promise<unknown>) =>
    scheduler.start(`${name} ${++ids}`, limitMs, run);

  const refresh = (request: Partial<RefreshRequest> = {}) =>
    process('refresh', 80_000, async (worker) => {
      const whole = { grant, trigger: 'expiring', neededUntil: now() + HOUR, ...request } as const;
      const answer = await refreshGrant(portsOf(worker), whole, now() + 79_000).catch(() => undefined);
      checks.saw(`refresh: ${answer?.outcome ?? 'threw'}`);
    });

  const sweep = () =>
    process('sweep', 180_000, (worker) =>
      refreshDue(portsOf(worker), { deadlineAt: now() + 179_000 }).catch(() => undefined),
    );

  /** Lambda's part between get-token or disconnect and refresh-grant. */
  const requestRefresh = (worker: Worker) => async (request: RefreshRequest, mode: 'wait' | 'start') => {
    const other = refresh(request);
    const untilAt = now() + 10_000;
    while (mode === 'wait' && !other.over && now() < untilAt) await gate(worker, 250);
  };

  const read = (organizationId: string, rejectedVersion?: number) =>
    process('read', 30_000, async (worker) => {
      const since = checks.writes();
      const reader = { requestRefresh: requestRefresh(worker), apiBaseUrl: () => '', allowSharedGrants: true };
      const ports = { ...portsOf(worker), ...reader, remembered: new Map() };
      const request = { organizationId, provider, consumer: CONSUMER } as const;
      const rejected =
        rejectedVersion === undefined ? {} : { rejected: { tokenVersion: rejectedVersion, reason: 'token' as const } };
      const served = await getAccessToken(ports, { ...request, ...rejected }).catch((error) => error);
      checks.saw(`read: ${served.status === 'ok' ? 'served' : served.code}`);
      if (served.status !== 'ok') return;
      if (!checks.wasConnected(organizationId, since))
        checks.fail(`I6: ${organizationId} was served after its disconnect`);
      if (served.tokenVersion <= (rejectedVersion ?? -1)) checks.fail('a rejected version was served again');
    });

  const leave = (organizationId: string) =>
    process('disconnect', 10_000, async (worker) => {
      const ports = { ...portsOf(worker), requestRefresh: requestRefresh(worker) };
      await disconnect(ports, { organizationId, provider }).catch(() => undefined);
    });

  const authorise = (organizationId: string) =>
    process('connect', 90_000, async (worker) => {
      const flow = await givenFlow(organizationId);
      const code = { code: organizationId, ...(provider === 'quickbooks' ? { callbackTenantId: raced.subject } : {}) };
      const ports = { ...portsOf(worker), providerEnvironment: 'sandbox' as const };
      const request = { flowId: flow.pk, authorization: code };
      const result = await finishConnect(ports, request, now() + 89_000).catch(() => undefined);
      checks.saw(`connect: ${result?.error ?? result?.stage ?? 'threw'}`);
    });

  /** As the callback leaves it. */
  async function givenFlow(organizationId: string): Promise<Flow> {
    const connection = await store.readConnection(organizationId, provider);
    const item: Flow = {
      v: 1,
      pk: newId(),
      stage: 'authorizing',
      organizationId,
      provider,
      pinnedVersion: connection?.version ?? 0,
      redirectUri: 'https://gk.example/callback',
      createdAt: now(),
      expiresAt: now() + 10 * MINUTE,
      ttl: 0,
    };
    const key = { pk: item.pk };
    await store.commit({ token: item.pk, writes: [{ table: 'flows', key, when: [], op: 'put', item }] });
    return item;
  }

  return {
    scheduler,
    checks,
    trouble,
    organizations: raced.organizations,
    actions: { refresh, sweep, read, leave, authorise, revokeByUser: () => remote.revokeSubject(raced.subject) },
    async step(): Promise<boolean> {
      const moved = await scheduler.step();
      checks.checkTokens();
      return moved;
    },
    /** Lets every process come to its end. */
    async drain(): Promise<void> {
      while (checks.problem() === undefined && (await this.step()));
    },
  };
}
