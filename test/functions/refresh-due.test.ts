import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createHandler } from '../../functions/refresh-due.ts';
import { GrantkeeperError } from '../../lib/domain/errors.ts';
import { captureOutput } from '../lib/runtime/captured-output.ts';
import { invokeContext } from '../lib/runtime/invoke-context.ts';
import { createSweepWorld } from '../lib/service/sweep-world.ts';
import { DAY, HOUR, MINUTE, quickbooksGrant, T0 } from '../support/grants.ts';
import { ok } from '../support/refresh-world.ts';

const output = captureOutput();
beforeEach(() => {
  vi.useFakeTimers({ now: T0, toFake: ['Date'] });
});
afterEach(() => vi.useRealTimers());

/** As EventBridge sends it; nothing of it is read. */
const EVENT = { source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} };
const DUE = {
  lastUsedAt: T0 - HOUR,
  dueAt: T0 - MINUTE,
  access: { ...quickbooksGrant().access, obtainedAt: T0 - HOUR, expiresAt: T0 },
};

async function dueWorld() {
  const world = createSweepWorld();
  await world.given(DUE);
  world.script.refresh = [ok('secret-access-8', 'secret-refresh-8')];
  return world;
}

test('what is due is refreshed and told in one line', async () => {
  const world = await dueWorld();
  const result = await createHandler(() => world.ports)(EVENT, invokeContext(undefined, 180_000));
  expect(result).toEqual({ due: 1, worked: 1, left: 0, skipped: 0, failed: 0 });
  expect(world.sent).toHaveLength(1);
  expect(output.text()).not.toContain('secret-');
  expect(output.lines()).toEqual([
    {
      level: 'INFO',
      message: 'invocation',
      correlationId: 'lambda-1',
      function: 'refresh-due',
      due: 1,
      worked: 1,
      left: 0,
      skipped: 0,
      failed: 0,
      durationMs: expect.any(Number),
    },
  ]);
});

test('what cannot be finished in time is left for the next minute', async () => {
  const world = await dueWorld();
  const result = await createHandler(() => world.ports)(EVENT, invokeContext(undefined, 70_999));
  expect(result).toEqual({ due: 1, worked: 0, left: 1, skipped: 0, failed: 0 });
  expect(world.sent).toEqual([]);
});

test('a share that was handed over is done, and nothing else', async () => {
  const world = await dueWorld();
  const handler = createHandler(() => world.ports);
  const nothing = { due: 0, worked: 0, left: 0, skipped: 0, failed: 0 };
  expect(await handler({ partitions: ['quickbooks#04', 7] }, invokeContext(undefined, 180_000))).toEqual(nothing);
  expect(world.counted).toEqual([]);
  const result = await handler({ partitions: ['quickbooks#05'] }, invokeContext(undefined, 180_000));
  expect(result).toEqual({ ...nothing, due: 1, worked: 1 });
});

test('once a day all grants are gone through, and nothing is refreshed', async () => {
  const world = await dueWorld();
  await world.given({ ...DUE, dueAt: T0 + DAY });
  const result = await createHandler(() => world.ports)({ task: 'repair' }, invokeContext(undefined, 180_000));
  expect(result).toEqual({ count: 1, done: 1, failed: 0, missed: 0 });
  expect(world.sent).toEqual([]);
  expect((await world.store.readProvider('quickbooks'))?.grants).toBe(1);
  expect(output.lines()).toMatchObject([
    { level: 'INFO', function: 'refresh-due', count: 1, done: 1, failed: 0, missed: 0 },
  ]);
});

test.for<[string, unknown]>([
  ['none', undefined],
  ['a word', 'repair'],
  ['another task', { task: 'other' }],
  ['partitions that are no list', { partitions: 'quickbooks#05' }],
])('an event that is %s is a sweep', async ([, event]) => {
  const world = await dueWorld();
  const result = await createHandler(() => world.ports)(event, invokeContext(undefined, 180_000));
  expect(result).toMatchObject({ worked: 1 });
});

test('a run that fails whole is thrown, for the alarm on errors', async () => {
  const { ports } = createSweepWorld();
  const listDue = async () => {
    throw new GrantkeeperError('unavailable', { cause: new Error('secret') });
  };
  const handler = createHandler(() => ({ ...ports, store: { ...ports.store, listDue } }));
  const error: unknown = await handler(EVENT, invokeContext()).catch((thrown: unknown) => thrown);
  expect(error).toEqual(new GrantkeeperError('unavailable'));
  expect((error as Error).cause).toBeUndefined();
  expect(output.lines()).toMatchObject([{ level: 'ERROR', code: 'unavailable', errorName: 'Error' }]);
});
