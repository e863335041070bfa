import { expect, test } from 'vitest';
import { decideCommit } from '../../../lib/domain/commit-decision.ts';
import type { GrantFields } from '../../../lib/domain/grant.ts';
import { settle, storeIssued } from '../../../lib/service/settle.ts';
import { HOUR, heldToken, quickbooksGrant, refreshToken, T0 } from '../../support/grants.ts';
import { createRescueWorld, issuedTokens } from '../../support/rescues.ts';

const NOW = T0 + HOUR;
const DEADLINE = NOW + 60_000;
const LEASE = { number: 8, id: 'attempt-8', kind: 'refresh', startedAt: T0, until: T0 + 125_000 } as const;
const LEASED = quickbooksGrant({ number: 8, attempt: LEASE });
const ISSUED = issuedTokens();
const MESSAGE = { v: 1, kind: 'refresh', issued: ISSUED };

test('tokens are stored on the grant as the holder knows it, without a read', async () => {
  const world = createRescueWorld();
  await world.seed(LEASED);
  world.store.failNext({ when: 'before', operation: 'read', times: 1_000 });
  expect(await settle(world.ports, LEASED, ISSUED, DEADLINE)).toBe('commit');
  expect(world.store.dump().grants).toMatchObject([{ tokenVersion: 8, current: ISSUED.refresh }]);
  expect([world.put, world.counted, world.logged]).toEqual([[], [], []]);
});

test('a failed condition is decided again on the grant as it is', async () => {
  const world = createRescueWorld();
  await world.seed({ ...LEASED, tokenVersion: 9, number: 9, current: refreshToken('attempt-9', 9) });
  expect(await settle(world.ports, LEASED, ISSUED, DEADLINE)).toBe('superseded');
  expect((await world.grant())?.held).toEqual({ 'attempt-8': heldToken('attempt-8', 8, 'late', NOW) });
});

test('when the store does not take them in time the tokens are on the queue as well', async () => {
  const world = createRescueWorld();
  await world.seed(LEASED);
  world.store.failNext({ when: 'before', times: 12 });
  expect(await settle(world.ports, LEASED, ISSUED, DEADLINE)).toBe('commit');
  expect(world.put).toEqual([MESSAGE]);
  expect(world.counted).toContain('RescueQueued 1');
  expect(world.logged).toEqual([]);
});

test('a store that fails to the deadline leaves them on the queue', async () => {
  const world = createRescueWorld();
  await world.seed(LEASED);
  world.store.failNext({ when: 'before', times: 10_000 });
  expect(await settle(world.ports, LEASED, ISSUED, DEADLINE)).toBe('rescued');
  expect(world.put).toEqual([MESSAGE]);
  expect(world.counted.filter((metric) => !metric.startsWith('CommitRetries'))).toEqual(['RescueQueued 1']);
  expect(world.clock.now()).toBeGreaterThan(DEADLINE - 1_100);
  expect(world.clock.now()).toBeLessThanOrEqual(DEADLINE);
  expect(await world.grant()).toEqual(LEASED);
});

test('a store that does not answer at all does so too', async () => {
  const world = createRescueWorld();
  world.behaviour.commit = 'hangs';
  expect(await settle(world.ports, LEASED, ISSUED, DEADLINE)).toBe('rescued');
  expect(world.put).toEqual([MESSAGE]);
  expect(world.clock.now()).toBe(DEADLINE);
});

test('with neither store nor queue they are at risk, once', async () => {
  const world = createRescueWorld();
  await world.seed(LEASED);
  world.store.failNext({ when: 'before', times: 10_000 });
  world.behaviour.queue = 'fails';
  expect(await settle(world.ports, LEASED, ISSUED, DEADLINE)).toBe('at_risk');
  expect(world.counted.filter((metric) => !metric.startsWith('CommitRetries'))).toEqual(['TokenAtRisk 1']);
  expect(world.logged).toMatchObject([{ level: 'error', attemptId: 'attempt-8', number: 8 }]);
});

test('a condition that never holds ends on the queue, not in a loop', async () => {
  const world = createRescueWorld();
  await world.seed(LEASED);
  const ports = {
    ...world.ports,
    store: { ...world.ports.store, commit: async () => ({ committed: false, failed: [{ index: 0 }] }) as const },
  };
  expect(await settle(ports, LEASED, ISSUED, DEADLINE)).toBe('rescued');
  expect(world.put).toEqual([MESSAGE]);
});

test('the read after a failed condition is tried again like a write', async () => {
  const world = createRescueWorld();
  await world.seed({ ...LEASED, tokenVersion: 9 });
  world.store.failNext({ when: 'before', operation: 'read', times: 5 });
  const commit = world.ports.store.commit;
  const withoutImages = async (transaction: Parameters<typeof commit>[0]) => {
    const verdict = await commit(transaction);
    return verdict.committed ? verdict : { ...verdict, failed: verdict.failed.map(({ index }) => ({ index })) };
  };
  const ports = { ...world.ports, store: { ...world.ports.store, commit: withoutImages } };
  expect(await settle(ports, LEASED, ISSUED, DEADLINE)).toBe('superseded');
});

test('a holder whose tokens the queue has stored, and another refresh has spent since, does not bring them back', async () => {
  const world = createRescueWorld();
  await world.seed(LEASED);
  expect(await storeIssued(world.ports, ISSUED, { deadlineAt: DEADLINE, applier: 'rescue-1' })).toBe('commit');
  const spent = (await world.grant()) as GrantFields;
  await world.seed({ ...spent, number: 9, tokenVersion: 9, current: refreshToken('attempt-9', 9) });
  const before = await world.grant();
  expect(await settle(world.ports, LEASED, ISSUED, DEADLINE)).toBe('stored');
  expect(await world.grant()).toEqual(before);
  expect(world.put).toEqual([]);
});

test('two appliers who decide in the same instant by other settings do not stop each other', async () => {
  const world = createRescueWorld();
  await world.seed(LEASED);
  // The holder's request has arrived, under the very token, but computes another due date.
  const margins = { refreshAheadSeconds: 60, onDemandSeconds: 30, keepAliveSeconds: 86_400 };
  const decision = decideCommit(LEASED, ISSUED, { margins, graceSeconds: 0 }, NOW);
  if (decision.kind !== 'write') throw new Error('a write was expected');
  expect(await world.store.commit(decision.transaction)).toEqual({ committed: true });
  expect(await storeIssued(world.ports, ISSUED, { image: LEASED, deadlineAt: DEADLINE, applier: 'r' })).toBe('stored');
  expect(world.clock.now()).toBe(NOW);
});
