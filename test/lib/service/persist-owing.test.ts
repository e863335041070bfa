import { expect, test } from 'vitest';
import { auditRow } from '../../../lib/domain/audit.ts';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import type { GrantFields } from '../../../lib/domain/grant.ts';
import { updateGrant } from '../../../lib/domain/grant-conditions.ts';
import { absent, appendAudit, equals, type Transaction } from '../../../lib/domain/write.ts';
import { persistOwing } from '../../../lib/service/persist-owing.ts';
import { quickbooksGrant, T0 } from '../../support/grants.ts';
import { createRescueWorld, type RescueWorld } from '../../support/rescues.ts';

const BEGIN = T0 + 3_600_000;
const DEADLINE = BEGIN + 30_000;
const IMAGE = quickbooksGrant();

const row = (id: string) =>
  auditRow({ pk: `GRANT#${IMAGE.pk}`, id, event: 'attempt.ok', provider: 'quickbooks', at: T0, startedAt: T0 });
const update: Transaction = {
  token: 'a-token',
  writes: [updateGrant(IMAGE, [equals(['number'], 7)], { set: { refreshCount: 70 } }), appendAudit(row('mine'))],
};
const put: Transaction = {
  token: 'a-token',
  writes: [
    { table: 'grants', key: { pk: IMAGE.pk }, when: [absent('pk')], op: 'put', item: IMAGE as GrantFields },
    appendAudit(row('mine')),
  ],
};

const withAudit = ({ writes }: Transaction) => writes.some(({ table }) => table === 'audit');
function auditFails({ store }: RescueWorld, times = 10_000): void {
  store.failNext({ when: 'before', times, matches: withAudit });
}

test('grant and row are written together when the audit table answers within five seconds', async () => {
  const world = createRescueWorld();
  await world.seed(IMAGE);
  auditFails(world, 4);
  expect(await persistOwing(world.ports, update, { image: IMAGE, deadlineAt: DEADLINE })).toEqual({ committed: true });
  expect(await world.grant()).toEqual({ ...IMAGE, refreshCount: 70 });
  expect(world.store.dump().audit).toEqual([row('mine')]);
});

test('an update owes its row when the audit table does not', async () => {
  const world = createRescueWorld();
  await world.seed(IMAGE);
  auditFails(world);
  expect(await persistOwing(world.ports, update, { image: IMAGE, deadlineAt: DEADLINE })).toEqual({ committed: true });
  expect(await world.grant()).toEqual({ ...IMAGE, refreshCount: 70, auditOwed: row('mine') });
  expect(world.store.dump().audit).toEqual([]);
  expect(world.clock.now()).toBeGreaterThan(BEGIN + 3_900);
  expect(world.clock.now()).toBeLessThan(BEGIN + 5_000);
});

test('a new grant owes its row as well', async () => {
  const world = createRescueWorld();
  auditFails(world);
  const verdict = await persistOwing(world.ports, put, { image: undefined, deadlineAt: DEADLINE });
  expect(verdict).toEqual({ committed: true });
  expect(await world.grant()).toEqual({ ...IMAGE, auditOwed: row('mine') });
});

test('with little time left half of it is for the write without the row', async () => {
  const world = createRescueWorld();
  await world.seed(IMAGE);
  auditFails(world);
  const within = { image: IMAGE, deadlineAt: BEGIN + 1_000 };
  expect(await persistOwing(world.ports, update, within)).toEqual({ committed: true });
  expect(world.clock.now()).toBeLessThan(BEGIN + 500);
});

test('a grant that owes another row loses neither: the whole is tried to the deadline', async () => {
  const world = createRescueWorld();
  const image = { ...IMAGE, auditOwed: row('earlier') };
  await world.seed(image);
  auditFails(world);
  await expect(persistOwing(world.ports, update, { image, deadlineAt: DEADLINE })).rejects.toEqual(
    new GrantkeeperError('unavailable'),
  );
  expect(world.clock.now()).toBeGreaterThan(DEADLINE - 1_100);
  expect(await world.grant()).toEqual(image);
});

test('a row that came to be owed since the read is a verdict, with the grant as it is', async () => {
  const world = createRescueWorld();
  const now = { ...IMAGE, auditOwed: row('earlier') };
  await world.seed(now);
  auditFails(world);
  expect(await persistOwing(world.ports, update, { image: IMAGE, deadlineAt: DEADLINE })).toEqual({
    committed: false,
    failed: [{ index: 0, image: now }],
  });
});

test('a failed condition and a fault of ours are not tried again', async () => {
  const world = createRescueWorld();
  const image = quickbooksGrant({ number: 8 });
  await world.seed(image);
  const within = { image: IMAGE, deadlineAt: DEADLINE };
  expect(await persistOwing(world.ports, update, within)).toEqual({ committed: false, failed: [{ index: 0, image }] });
  const broken = { ...world.ports, store: { ...world.ports.store, commit: () => Promise.reject(new TypeError('x')) } };
  await expect(persistOwing(broken, update, within)).rejects.toEqual(new TypeError('x'));
  expect(world.clock.now()).toBe(BEGIN);
});
