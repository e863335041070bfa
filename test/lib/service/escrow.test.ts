import { expect, test } from 'vitest';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import type { RescueMessage } from '../../../lib/domain/rescue-message.ts';
import { type EscrowPorts, type Rescue, storeOrRescue } from '../../../lib/service/escrow.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { authorizedTokens, issuedTokens } from '../../support/rescues.ts';

const REFRESH: Rescue = { message: { v: 1, kind: 'refresh', issued: issuedTokens() }, provider: 'quickbooks' };
const BANK: Rescue = { message: { v: 1, kind: 'bank', authorization: authorizedTokens() }, provider: 'quickbooks' };
const DEADLINE = 20_000;

/** Time stands at 0. What store and queue do is up to the test: each call is ended by hand, or by itself as it says. */
function createWorld(queue: () => Promise<void> = async () => undefined) {
  const clock = createFakeClock({ startAt: 0 });
  const puts: [number, RescueMessage][] = [];
  const counted: unknown[] = [];
  const logged: unknown[] = [];
  const ports: EscrowPorts = {
    clock,
    count: (...what) => counted.push(what),
    log: (...what) => logged.push(what),
    rescueQueue: {
      put(message) {
        puts.push([clock.now(), message]);
        return queue();
      },
    },
  };
  function start<S>(store: () => Promise<S>, rescue = REFRESH) {
    const run: { answer?: S | 'rescued' | 'at_risk'; at?: number } = {};
    const done = storeOrRescue(ports, rescue, store, DEADLINE).then((answer) => {
      Object.assign(run, { answer, at: clock.now() });
    });
    return Object.assign(run, { done });
  }
  return { clock, puts, counted, logged, start };
}

/** Ends when told. */
function byHand<T>() {
  let end: { resolve(value: T): void; reject(error: unknown): void } | undefined;
  const promise = new Promise<T>((resolve, reject) => {
    end = { resolve, reject };
  });
  return {
    run: () => promise,
    resolve: (value: T) => end?.resolve(value),
    reject: (error: unknown) => end?.reject(error),
  };
}

const never = () => new Promise<never>(() => undefined);
const failing = async () => {
  throw new GrantkeeperError('unavailable');
};
const after = (clock: { sleep(ms: number): Promise<void> }, ms: number) => async () => {
  await clock.sleep(ms);
  return 'commit';
};

test('what is stored at once is not put on the queue, and leaves no timer of more than 100 ms behind', async () => {
  const world = createWorld();
  const run = world.start(async () => 'commit');
  await run.done;
  expect([run.answer, run.at]).toEqual(['commit', 0]);
  await world.clock.advance(100);
  expect(world.clock.sleepers()).toBe(0);
  await world.clock.advance(60_000);
  expect([world.puts, world.counted, world.logged]).toEqual([[], [], []]);
});

test.for([
  [1_999, []],
  [2_001, [[2_000, REFRESH.message]]],
])('a store that takes %i ms', async ([takesMs, puts]) => {
  const world = createWorld();
  const run = world.start(after(world.clock, takesMs as number));
  await world.clock.advance(60_000);
  expect([run.answer, run.at]).toEqual(['commit', takesMs]);
  expect(world.puts).toEqual(puts);
  expect(world.logged).toEqual([]);
});

test('a store that never answers does not hold the escrow up, and is waited for to the deadline', async () => {
  const world = createWorld();
  const run = world.start(never);
  await world.clock.advance(19_999);
  expect(world.puts).toEqual([[2_000, REFRESH.message]]);
  expect(run.answer).toBeUndefined();
  await world.clock.advance(1);
  expect([run.answer, run.at]).toEqual(['rescued', 20_000]);
  expect(world.counted).toEqual([['RescueQueued', 1, { provider: 'quickbooks' }]]);
  expect(world.logged).toEqual([
    [
      'warn',
      'tokens are on the rescue queue, not in the store',
      {
        kind: 'refresh',
        grant: 'quickbooks#9341453',
        attemptId: 'attempt-8',
        number: 8,
        provider: 'quickbooks',
        error: undefined,
      },
    ],
  ]);
  await world.clock.advance(60_000);
  expect(world.puts).toHaveLength(1);
  expect(world.clock.sleepers()).toBe(0);
});

test('whatever the store throws, also a fault of ours, the tokens go to the queue at once', async () => {
  const world = createWorld();
  const run = world.start(async () => {
    throw new TypeError('a bug');
  }, BANK);
  await run.done;
  expect([run.answer, run.at]).toEqual(['rescued', 0]);
  expect(world.puts).toEqual([[0, BANK.message]]);
  expect(world.logged).toEqual([
    [
      'warn',
      'tokens are on the rescue queue, not in the store',
      {
        kind: 'bank',
        grant: 'quickbooks#9341453',
        attemptId: 'flow-1',
        number: undefined,
        provider: 'quickbooks',
        error: 'TypeError',
      },
    ],
  ]);
});

test('a queue that fails is asked again every 250 ms until it has the message', async () => {
  let tries = 0;
  const world = createWorld(() => (++tries < 4 ? failing() : Promise.resolve()));
  const run = world.start(never);
  await world.clock.advance(DEADLINE);
  expect(run.answer).toBe('rescued');
  expect(world.puts.map(([at]) => at)).toEqual([2_000, 2_250, 2_500, 2_750]);
  expect(world.counted).toEqual([['RescueQueued', 1, { provider: 'quickbooks' }]]);
});

test('when the store has the tokens a failing queue is left alone', async () => {
  const world = createWorld(failing);
  const run = world.start(after(world.clock, 3_100));
  await world.clock.advance(60_000);
  expect([run.answer, run.at]).toEqual(['commit', 3_100]);
  expect(world.puts.map(([at]) => at)).toEqual([2_000, 2_250, 2_500, 2_750, 3_000]);
  expect([world.counted, world.logged]).toEqual([[], []]);
});

test('a put that was begun is waited for, though the store has the tokens by then', async () => {
  const queue = byHand<void>();
  const world = createWorld(queue.run);
  const run = world.start(after(world.clock, 2_500));
  await world.clock.advance(5_000);
  expect(run.answer).toBeUndefined();
  queue.resolve();
  await run.done;
  expect([run.answer, run.at]).toEqual(['commit', 5_000]);
  expect(world.counted).toEqual([['RescueQueued', 1, { provider: 'quickbooks' }]]);
});

test('store and queue are tried to the last second before the tokens count as at risk', async () => {
  const world = createWorld(failing);
  const run = world.start(never);
  await world.clock.advance(60_000);
  expect([run.answer, run.at]).toEqual(['at_risk', 20_000]);
  expect(world.puts.at(-1)?.[0]).toBe(19_750);
  expect(world.counted).toEqual([['TokenAtRisk', 1, { provider: 'quickbooks' }]]);
  expect(world.logged).toMatchObject([
    ['error', 'tokens are in no store and on no queue', { attemptId: 'attempt-8', number: 8, provider: 'quickbooks' }],
  ]);
  expect(JSON.stringify(world.logged)).not.toMatch(/ciphertext|dataKey/);
});

test('a store that failed for good leaves the queue all the time there is', async () => {
  let tries = 0;
  const world = createWorld(() => (++tries < 9 ? failing() : Promise.resolve()));
  const run = world.start(failing);
  await world.clock.advance(0);
  await world.clock.advance(60_000);
  expect([run.answer, run.at]).toEqual(['rescued', 2_000]);
});

test('store and queue that both never answer end at the deadline', async () => {
  const world = createWorld(never);
  const run = world.start(never);
  await world.clock.advance(60_000);
  expect([run.answer, run.at]).toEqual(['at_risk', 20_000]);
  expect(world.clock.sleepers()).toBe(0);
});

test('near the deadline the queue does not wait for the two seconds', async () => {
  const world = createWorld();
  await world.clock.advance(13_500);
  const run = world.start(never);
  await world.clock.advance(60_000);
  expect(world.puts.map(([at]) => at)).toEqual([14_000]);
  expect([run.answer, run.at]).toEqual(['rescued', 20_000]);
});

test('a store that fails late is put on the queue once', async () => {
  const world = createWorld();
  const store = byHand<string>();
  const run = world.start(store.run);
  await world.clock.advance(4_000);
  store.reject(new GrantkeeperError('unavailable'));
  await run.done;
  expect([run.answer, run.at]).toEqual(['rescued', 4_000]);
  expect(world.puts).toHaveLength(1);
});

test('what kept the store from it is told by its own name, not by ours', async () => {
  const world = createWorld();
  const cause = Object.assign(new Error('slow down'), { name: 'ThrottlingException' });
  const run = world.start(async () => {
    throw new GrantkeeperError('unavailable', { cause });
  }, BANK);
  await run.done;
  expect(world.logged).toMatchObject([['warn', expect.any(String), { error: 'ThrottlingException' }]]);
});
