import { GrantkeeperError } from '../../lib/domain/errors.ts';
import type { Tenant } from '../../lib/domain/flow.ts';
import type { DutyOutcome, TokenOutcome } from '../../lib/domain/outcome.ts';
import { Secret } from '../../lib/domain/secret.ts';
import { createPolicies } from '../../lib/service/policies.ts';
import type { Store, TenantDirectory, TokenEndpoint } from '../../lib/service/ports.ts';
import type { RefreshPorts } from '../../lib/service/refresh-grant.ts';
import { createSingleFlight } from '../../lib/service/single-flight.ts';
import type { MemoryCipher } from './memory-cipher.ts';
import type { MemoryStore } from './memory-store.ts';
import type { RaceChecks, Raced } from './race-checks.ts';
import type { RaceProvider } from './race-provider.ts';
import type { Scheduler, Worker } from './race-scheduler.ts';

/** Shares of what is asked for that goes wrong while there is trouble. */
const FAULTS = {
  writeNotMade: 0.06,
  answerToWriteLost: 0.06,
  read: 0.02,
  slowStore: 0.02,
  arm: 0.02,
  answerLost: 0.15,
  refused: 0.1,
  crash: 0.01,
  freeze: 0.3,
  /** The audit table alone, for some seconds. */
  audit: 0.01,
};

interface World {
  readonly raced: Raced;
  readonly scheduler: Scheduler;
  readonly store: MemoryStore;
  readonly cipher: MemoryCipher;
  readonly remote: RaceProvider;
  readonly checks: RaceChecks;
  /** What a code opens. */
  readonly tenants: Readonly<Record<string, Tenant>>;
  readonly newId: () => string;
}

/** The ports of one process after another. Each of their calls is a point where it may be overtaken, fail or die. */
export function createRacePorts(world: World) {
  const { raced, scheduler, store, cipher, remote, checks } = world;
  const { now, gate, pick } = scheduler;
  const trouble = { isOn: false, noAuditUntil: 0 };
  /** Workers with a request at the token endpoint. */
  const inFlight = new Set<Worker>();
  const fault = (kind: keyof typeof FAULTS) => trouble.isOn && scheduler.chance(FAULTS[kind]);
  const unavailable = () => new GrantkeeperError('unavailable');
  scheduler.onEnd((worker) => {
    inFlight.delete(worker);
    remote.lose(worker);
  });

  async function pause(worker: Worker, delayMs: number): Promise<void> {
    if (fault('crash')) {
      checks.saw(inFlight.has(worker) ? 'crash with a request under way' : 'crash');
      scheduler.kill(worker);
    }
    await gate(worker, delayMs);
  }

  /** Stopped for longer than its lease with tokens in its hands: the design survives it, though Lambda never does it. */
  async function freeze(worker: Worker): Promise<void> {
    checks.saw('frozen beyond its lease');
    worker.isUnlimited = true;
    const untilAt = now() + pick([130_000, 200_000]);
    while (now() < untilAt) await gate(worker, 10_000);
  }

  function storeOf(worker: Worker): Store {
    const delayMs = () => (fault('slowStore') ? 4_000 : pick([0, 5, 10, 20]));
    const reading =
      <A extends unknown[], R>(read: (...asked: A) => Promise<R>) =>
      async (...asked: A) => {
        await pause(worker, delayMs());
        if (fault('read')) throw unavailable();
        return await read(...asked);
      };
    return {
      ...store,
      readGrant: reading(store.readGrant),
      readConnection: reading(store.readConnection),
      readClaim: reading(store.readClaim),
      readServed: reading(store.readServed),
      readFlow: reading(store.readFlow),
      async commit(transaction) {
        await pause(worker, delayMs());
        if (remote.isCarrying(worker) && fault('freeze')) await freeze(worker);
        if (fault('audit')) trouble.noAuditUntil = now() + 8_000;
        const isAudited = transaction.writes.some(({ table }) => table === 'audit');
        if (fault('writeNotMade') || (isAudited && now() < trouble.noAuditUntil)) throw unavailable();
        const verdict = await store.commit(transaction);
        await pause(worker, delayMs());
        if (fault('answerToWriteLost')) throw unavailable();
        return verdict;
      },
    };
  }

  /** A request of an attempt, seen from both ends. `cut`: carried out, and the answer lost. */
  async function ask<T>(worker: Worker, carryOut: () => T): Promise<{ readonly answer: T } | 'cut' | 'refused'> {
    if (inFlight.size > 0) checks.fail(`I4: ${worker.name} sends while ${[...inFlight].map(({ name }) => name)} does`);
    inFlight.add(worker);
    const travelMs = () => pick([50, 300, trouble.isOn ? 12_000 : 800]);
    await pause(worker, travelMs());
    const result = fault('refused') ? 'refused' : { answer: carryOut() };
    await pause(worker, travelMs());
    inFlight.delete(worker);
    return result !== 'refused' && fault('answerLost') ? 'cut' : result;
  }

  const issued = (tokens: { readonly access: string; readonly refresh: string }, sentAt: number): TokenOutcome => ({
    kind: 'OK',
    tokens: {
      accessToken: new Secret(tokens.access),
      refreshToken: new Secret(tokens.refresh),
      tokenType: 'Bearer',
      expiresInSeconds: remote.lifeSeconds,
      sentAt,
    },
  });

  const endpointOf = (worker: Worker): TokenEndpoint => ({
    async refresh({ refreshToken }) {
      const sentAt = now();
      const value = refreshToken.open();
      const result = await ask(worker, () => remote.refresh(value, worker));
      if (result === 'refused') return { kind: 'UNKNOWN', answer: 'complete', reason: 'http_503' };
      if (result === 'cut') {
        checks.saw('answer of the provider lost');
        remote.lose(worker);
        return { kind: 'UNKNOWN', answer: 'cut', reason: 'connection_reset' };
      }
      if (result.answer === undefined) return { kind: 'REJECTED', reason: 'invalid_grant' };
      if (checks.isHeld(value)) checks.saw('saved by a held token');
      return issued(result.answer, sentAt);
    },
    async exchange({ code }) {
      const sentAt = now();
      await pause(worker, 300);
      const tenant = world.tenants[code.open()];
      if (tenant === undefined) return { kind: 'REJECTED', reason: 'invalid_grant' };
      const answer = remote.authorise(raced.subject, tenant, worker);
      await pause(worker, 300);
      return issued(answer, sentAt);
    },
    async revoke({ token }): Promise<DutyOutcome> {
      const value = token.open();
      const result = await ask(worker, () => remote.revokeToken(value));
      return typeof result === 'string' ? { kind: 'RETRY', reason: 'http_503' } : { kind: 'DONE' };
    },
  });

  const directoryOf = (worker: Worker): TenantDirectory => ({
    subjectOf: (_, accessToken) => remote.subjectOf(accessToken.open()),
    async list({ accessToken, thisAuthorizationOnly }) {
      await pause(worker, 200);
      if (fault('refused')) return { kind: 'unknown', reason: 'http_503' };
      const tenants = remote.listing(accessToken.open());
      if (tenants === undefined) return { kind: 'unauthorized', reason: 'http_401' };
      return { kind: 'listed', tenants: thisAuthorizationOnly ? tenants.slice(-1) : tenants };
    },
    async detach({ accessToken, providerConnectionId }) {
      const result = await ask(worker, () => remote.detach(accessToken.open(), providerConnectionId));
      if (typeof result === 'string') return { kind: 'RETRY', reason: 'http_503' };
      return result.answer ? { kind: 'DONE' } : { kind: 'UNAUTHORIZED', reason: 'http_401' };
    },
  });

  const portsOf = (worker: Worker): RefreshPorts => ({
    store: storeOf(worker),
    cipher: {
      open: cipher.open,
      arm: async (arming) => {
        if (fault('arm')) throw unavailable();
        return await cipher.arm(arming);
      },
    },
    clock: { now, sleep: (milliseconds) => gate(worker, milliseconds) },
    endpoint: endpointOf(worker),
    tenants: directoryOf(worker),
    readClient: async () => ({ clientId: 'client-1', clientSecret: new Secret('secret') }),
    policies: createPolicies(),
    singleFlight: createSingleFlight(),
    count: (name) => void (name === 'TokenAtRisk' && remote.lose(worker)),
    log: () => undefined,
    newId: world.newId,
    random: scheduler.random,
  });
  return { portsOf, trouble };
}
