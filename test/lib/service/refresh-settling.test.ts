import { expect, test } from 'vitest';
import type { RefreshRequest } from '../../../lib/service/ports.ts';
import { performDue, refreshGrant } from '../../../lib/service/refresh-grant.ts';
import { createSingleFlight } from '../../../lib/service/single-flight.ts';
import { HOUR, quickbooksGrant, T0 } from '../../support/grants.ts';
import { createRefreshWorld, ok, type RefreshWorld } from '../../support/refresh-world.ts';

const KEY = 'quickbooks#9341453';
const EXPIRED = {
  lastUsedAt: T0 - HOUR,
  access: { ...quickbooksGrant().access, obtainedAt: T0 - HOUR, expiresAt: T0 },
};

function ask(world: RefreshWorld, changes: Partial<RefreshRequest> = {}) {
  return refreshGrant(world.ports, { grant: KEY, trigger: 'expiring', ...changes }, world.clock.now() + 80_000);
}

test('a commit that fails for a while is tried again with the identical write', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  const tokens: string[] = [];
  world.store.onCommit({
    before: ({ token, writes }) => void (writes[0]?.key.pk === KEY && tokens.push(token)),
  });
  world.script.refresh = [
    () => {
      world.store.failNext({ when: 'before', times: 3 });
      return ok('access-8', 'refresh-8');
    },
  ];
  expect(await ask(world)).toEqual({ outcome: 'commit' });
  expect(new Set(tokens.slice(1)).size).toBe(1);
  expect(tokens).toHaveLength(5);
  expect(world.counted.filter((line) => line.startsWith('CommitRetries'))).toHaveLength(3);
});

test('a commit whose answer was lost is known for its own', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.refresh = [
    () => {
      world.store.failNext({ when: 'after' });
      return ok('access-8', 'refresh-8');
    },
  ];
  expect(await ask(world)).toEqual({ outcome: 'commit' });
  expect(await world.tokens()).toEqual({ access: 'access-8', refresh: 'refresh-8', held: [] });
  expect(world.events()).toEqual(['attempt.ok 8']);
});

test('when only the audit cannot be written the token is stored owing it, and the next lease writes it', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.refresh = [
    () => {
      world.store.failNext({
        when: 'before',
        times: 1000,
        matches: ({ writes }) => writes.some(({ table }) => table === 'audit'),
      });
      return ok('access-8', 'refresh-8');
    },
  ];
  expect(await ask(world)).toEqual({ outcome: 'commit' });
  expect(await world.tokens()).toMatchObject({ refresh: 'refresh-8' });
  expect((await world.grant())?.auditOwed).toMatchObject({ event: 'attempt.ok', number: 8 });
  expect(world.events()).toEqual([]);
});

test('a token that cannot be stored by the deadline is at risk, and says so', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.refresh = [
    () => {
      world.store.failNext({ when: 'before', times: 100_000 });
      world.rescueFails();
      return ok('access-8', 'refresh-8');
    },
  ];
  expect(await ask(world)).toEqual({ outcome: 'at_risk' });
  expect(world.counted).toContain('TokenAtRisk 1');
  expect(world.counted).toContain('RefreshOutcome at_risk 1');
  expect(world.clock.now()).toBeGreaterThan(T0 + 70_000);
  expect(world.clock.now()).toBeLessThanOrEqual(T0 + 80_000);
});

test('a commit whose condition never holds ends as a token at risk', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.rescueFails();
  world.script.refresh = [
    () => {
      let strange = 0;
      world.store.onCommit({
        async before({ writes }) {
          const grant = await world.grant();
          if (grant === undefined || writes[0]?.key.pk !== KEY || writes.length < 2) return;
          if (++strange % 2 === 1) await world.put({ ...grant, orgs: new Set(['acme', `o${strange}`, 'x']) });
          else await world.put({ ...grant, orgs: new Set(['acme']) });
        },
      });
      return ok('access-8', 'refresh-8');
    },
  ];
  expect(await ask(world)).toEqual({ outcome: 'at_risk' });
  expect(world.counted).toContain('TokenAtRisk 1');
});

test('a disconnect while the provider answers: the token is held to be revoked, never served', async () => {
  const world = createRefreshWorld();
  const given = await world.given(EXPIRED);
  world.script.refresh = [
    async () => {
      const { access: _a, orgs: _o, ...rest } = (await world.grant()) ?? given;
      await world.put({ ...rest, status: 'closing', generation: 'gen-2' });
      return ok('access-8', 'refresh-8');
    },
  ];
  expect(await ask(world)).toEqual({ outcome: 'other_generation' });
  expect(await world.tokens()).toEqual({ access: undefined, refresh: 'refresh-7', held: ['late refresh-8'] });
  expect((await world.grant())?.status).toBe('closing');
});

test('a worker that comes back after its lease holds its token beside the newer one', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.refresh = [
    async () => {
      await world.clock.advance(130_000);
      world.script.refresh = [ok('access-9', 'refresh-9')];
      const other = { ...world.ports, singleFlight: createSingleFlight() };
      expect(await performDue(other, KEY, world.clock.now() + 80_000)).toEqual({ outcome: 'commit' });
      return ok('access-8', 'refresh-8');
    },
  ];
  expect(await refreshGrant(world.ports, { grant: KEY, trigger: 'expiring' }, T0 + 300_000)).toEqual({
    outcome: 'superseded',
  });
  expect(await world.tokens()).toEqual({ access: 'access-9', refresh: 'refresh-9', held: ['late refresh-8'] });
  expect(world.events().sort()).toEqual(['attempt.doubt 8', 'attempt.ok 9', 'attempt.superseded 8']);
});

test('tokens that only the rescue queue took are no success yet, and the lease stays', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.refresh = [
    () => {
      world.store.failNext({ when: 'before', times: 100_000 });
      return ok('access-8', 'refresh-8');
    },
  ];
  expect(await ask(world)).toEqual({ outcome: 'rescued' });
  expect(world.rescued).toMatchObject([{ kind: 'refresh', issued: { number: 8, spentId: 'attempt-7' } }]);
  expect(world.counted).toContain('RefreshOutcome rescued 1');
  expect(world.counted).not.toContain('TokenAtRisk 1');
});

test('a success is told to the fleet after its token has been stored', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  const order: string[] = [];
  world.store.onCommit({ before: ({ writes }) => void order.push(`${writes[0]?.key.pk}`) });
  world.script.refresh = [ok('access-8', 'refresh-8')];
  await ask(world);
  expect(order).toEqual([KEY, KEY, 'PROVIDER#quickbooks']);
  expect(await world.store.readProvider('quickbooks')).toMatchObject({ lastSuccessAt: T0 });
});
