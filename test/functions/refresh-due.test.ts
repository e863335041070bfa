import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createHandler } from '../../functions/refresh-due.ts';
import { GrantkeeperError } from '../../lib/domain/errors.ts';
import { captureOutput } from '../lib/runtime/captured-output.ts';
import { invokeContext } from '../lib/runtime/invoke-context.ts';
import { HOUR, MINUTE, quickbooksGrant, T0 } from '../support/grants.ts';
import { createRefreshWorld, ok } from '../support/refresh-world.ts';

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
  const world = createRefreshWorld();
  await world.given(DUE);
  world.script.refresh = [ok('secret-access-8', 'secret-refresh-8')];
  return world;
}

test('what is due is refreshed and told in one line', async () => {
  const world = await dueWorld();
  const result = await createHandler(() => world.ports)(EVENT, invokeContext(undefined, 180_000));
  expect(result).toEqual({ due: 1, worked: 1, left: 0, failed: 0 });
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
      failed: 0,
      durationMs: expect.any(Number),
    },
  ]);
});

test('what cannot be finished in time is left for the next minute', async () => {
  const world = await dueWorld();
  const result = await createHandler(() => world.ports)(EVENT, invokeContext(undefined, 70_999));
  expect(result).toEqual({ due: 1, worked: 0, left: 1, failed: 0 });
  expect(world.sent).toEqual([]);
});

test('a run that fails whole is thrown, for the alarm on errors', async () => {
  const { ports } = createRefreshWorld();
  const listDue = async () => {
    throw new GrantkeeperError('unavailable', { cause: new Error('secret') });
  };
  const handler = createHandler(() => ({ ...ports, store: { ...ports.store, listDue } }));
  const error: unknown = await handler(EVENT, invokeContext()).catch((thrown: unknown) => thrown);
  expect(error).toEqual(new GrantkeeperError('unavailable'));
  expect((error as Error).cause).toBeUndefined();
  expect(output.lines()).toMatchObject([{ level: 'ERROR', code: 'unavailable', errorName: 'Error' }]);
});
