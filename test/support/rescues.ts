import type { Authorization } from '../../lib/domain/bank-decision.ts';
import type { Issued } from '../../lib/domain/commit-decision.ts';
import type { GrantFields, GrantKey } from '../../lib/domain/grant.ts';
import type { RescueMessage } from '../../lib/domain/rescue-message.ts';
import { createPolicies } from '../../lib/service/policies.ts';
import type { SettlePorts } from '../../lib/service/settle.ts';
import { accessToken, DAY, HOUR, refreshToken, T0 } from './grants.ts';
import { createMemoryStore } from './memory-store.ts';
import { createVirtualClock } from './virtual-clock.ts';

/** Tokens on their way to the store or the rescue queue, with literal contents. */

/** Of attempt 8, which began at T0, on a grant with token version 7. Every attribute is there. */
export function issuedTokens(changes: Partial<Issued> = {}): Required<Issued> {
  return {
    grant: 'quickbooks#9341453',
    generation: 'gen-1',
    number: 8,
    attemptId: 'attempt-8',
    startedAt: T0,
    tokenVersion: 7,
    spentId: 'attempt-7',
    seenHeld: ['attempt-5'],
    access: accessToken('attempt-8', T0),
    refresh: refreshToken('attempt-8', 8),
    refreshExpiresAt: T0 + 100 * DAY,
    hardExpiresAt: T0 + 1825 * DAY,
    traceId: 'tid-1',
    ...changes,
  };
}

/** Of flow `flow-1`, whose code was sent at T0. Every attribute is there. */
export function authorizedTokens(changes: Partial<Authorization> = {}): Required<Authorization> {
  const { generation: _g, version: _v, ...refresh } = refreshToken('flow-1', 0);
  return {
    provider: 'quickbooks',
    subject: '9341453',
    grant: 'quickbooks#9341453',
    generation: 'gen-2',
    attemptId: 'flow-1',
    clientId: 'client-2',
    environment: 'sandbox',
    scopes: ['com.intuit.quickbooks.accounting'],
    access: { ...accessToken('flow-1', T0), scope: 'flow#flow-1' },
    refresh: { ...refresh, scope: 'flow#flow-1' },
    refreshExpiresAt: T0 + 100 * DAY,
    hardExpiresAt: T0 + 1825 * DAY,
    organizationId: 'acme',
    traceId: 'tid-1',
    ...changes,
  };
}

/** Drawn a minute apart, in November 2025. */
export const GENERATION = '01KAFZ0000AAAAAAAAAAAAAAAA';
export const NEXT_GENERATION = '01KAFZ1TK0AAAAAAAAAAAAAAAA';

/** As `issuedTokens`, with generations as a message of the queue must have them. */
export function queuedTokens(attemptId = 'attempt-8'): Required<Issued> {
  const access = accessToken(attemptId, T0);
  return issuedTokens({ attemptId, generation: GENERATION, access, refresh: refreshToken(attemptId, 8, GENERATION) });
}

export function queuedAuthorization(): Required<Authorization> {
  return authorizedTokens({ generation: NEXT_GENERATION });
}

/** Everything that storing tokens touches. Its clock stands at T0 + 1 h and moves by itself. */
export function createRescueWorld() {
  const clock = createVirtualClock({ startAt: T0 + HOUR });
  const store = createMemoryStore({ now: clock.now });
  const put: RescueMessage[] = [];
  const counted: string[] = [];
  const logged: object[] = [];
  /** `hangs`: no answer, ever. */
  const behaviour = { queue: 'run' as 'run' | 'fails' | 'hangs', commit: 'run' as 'run' | 'hangs' };
  let ids = 0;
  const ports: SettlePorts & { newId: () => string } = {
    store: {
      ...store,
      commit: (transaction) =>
        behaviour.commit === 'hangs' ? new Promise(() => undefined) : store.commit(transaction),
    },
    clock,
    policies: createPolicies(),
    rescueQueue: {
      async put(message) {
        if (behaviour.queue === 'hangs') await new Promise(() => undefined);
        if (behaviour.queue === 'fails') throw new Error('no queue');
        put.push(message);
      },
    },
    count: (name, value, { outcome } = {}) => {
      counted.push([name, ...(outcome === undefined ? [] : [outcome]), value].join(' '));
    },
    log: (level, message, fields) => logged.push({ level, message, ...fields }),
    newId: () => `id-${String(++ids).padStart(4, '0')}`,
  };
  async function seed(grant: GrantFields): Promise<void> {
    const write = { table: 'grants', key: { pk: grant.pk }, when: [], op: 'put', item: grant } as const;
    await store.commit({ token: `seed-${++ids}`, writes: [write] });
  }
  const grant = async (key: GrantKey = 'quickbooks#9341453') => (await store.readGrant(key)) as GrantFields | undefined;
  const events = () => store.dump().audit.map(({ event, number }) => `${event} ${number}`);
  return { ports, clock, store, behaviour, put, counted, logged, seed, grant, events };
}

export type RescueWorld = ReturnType<typeof createRescueWorld>;
