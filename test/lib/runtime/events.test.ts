import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { PutEnd, PutEvents } from '../../../lib/aws/events.ts';
import type { LifecycleEvent } from '../../../lib/domain/lifecycle-event.ts';
import { createEmitEvent, flushEvents } from '../../../lib/runtime/events.ts';
import { T0 } from '../../support/grants.ts';

const refreshed = (tokenVersion: number): LifecycleEvent => ({
  type: 'Token Refreshed',
  at: T0,
  provider: 'xero',
  tokenVersion,
});

/** An emitter on a bus that does as it is told; `requests` has the token versions of each. */
function createBus(answer: (size: number, signal?: AbortSignal) => PutEnd | Promise<PutEnd> = () => ({ dropped: 0 })) {
  const requests: (number | undefined)[][] = [];
  const told: string[] = [];
  const put: PutEvents = async (events, signal) => {
    requests.push(events.map(({ tokenVersion }) => tokenVersion));
    return await answer(events.length, signal);
  };
  const emit = createEmitEvent({
    put,
    count: (name, value, dimensions) => told.push(`${name} ${value} ${JSON.stringify(dimensions ?? {})}`),
    log: (level, message, fields) => told.push(`${level} ${message} ${JSON.stringify(fields)}`),
  });
  const emitMany = (count: number) => {
    for (let version = 1; version <= count; version += 1) emit(refreshed(version));
  };
  return { emit, emitMany, requests, told, sizes: () => requests.map(({ length }) => length) };
}
const dropped = (count: number, reason: string) => [
  `EventsDropped ${count} {}`,
  `warn lifecycle events were dropped {"count":${count},"reason":"${reason}"}`,
];
const hangs = () => new Promise<PutEnd>(() => undefined);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('less than ten events are sent by the flush, in their order', async () => {
  const bus = createBus();
  bus.emitMany(9);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(bus.requests).toEqual([]);
  await flushEvents();
  expect(bus.requests).toEqual([[1, 2, 3, 4, 5, 6, 7, 8, 9]]);
  expect(bus.told).toEqual([]);
});

test('ten are sent in the background, and the flush sends only the rest', async () => {
  const bus = createBus();
  bus.emitMany(12);
  await vi.advanceTimersByTimeAsync(0);
  expect(bus.sizes()).toEqual([10]);
  await flushEvents();
  expect(bus.sizes()).toEqual([10, 2]);
});

test('the flush waits for what was sent in the background', async () => {
  const answer = Promise.withResolvers<PutEnd>();
  const bus = createBus(() => answer.promise);
  bus.emitMany(10);
  const flushed = vi.fn();
  const flush = flushEvents().then(flushed);
  await vi.advanceTimersByTimeAsync(1_999);
  expect(flushed).not.toHaveBeenCalled();
  answer.resolve({ dropped: 0 });
  await flush;
  expect(bus.told).toEqual([]);
});

test('four requests are under way at most, and the next begins when one has ended', async () => {
  const answers: (() => void)[] = [];
  const bus = createBus(() => new Promise((resolve) => answers.push(() => resolve({ dropped: 0 }))));
  bus.emitMany(60);
  await vi.advanceTimersByTimeAsync(0);
  expect(bus.sizes()).toEqual([10, 10, 10, 10]);
  answers[0]?.();
  await vi.advanceTimersByTimeAsync(0);
  expect(bus.sizes()).toEqual([10, 10, 10, 10, 10]);
  const flush = flushEvents();
  for (let index = 1; index < 6; index += 1) {
    answers[index]?.();
    await vi.advanceTimersByTimeAsync(0);
  }
  await flush;
  expect([bus.sizes(), bus.told]).toEqual([[10, 10, 10, 10, 10, 10], []]);
});

test('what the bus does not take is counted and told once per flush', async () => {
  let reason = 'ThrottlingException';
  const bus = createBus((size) => ({ dropped: size - 1, reason }));
  bus.emitMany(25);
  await flushEvents();
  expect(bus.told).toEqual(dropped(22, 'ThrottlingException'));
  await flushEvents();
  expect(bus.told.length).toBe(2);
  reason = 'AccessDeniedException';
  bus.emitMany(3);
  await flushEvents();
  expect(bus.told.slice(2)).toEqual(dropped(2, 'AccessDeniedException'));
});

test('a bus that does not answer is waited for two seconds, and nothing goes on after that', async () => {
  const signals: (AbortSignal | undefined)[] = [];
  const bus = createBus((_, signal) => {
    signals.push(signal);
    return hangs();
  });
  bus.emitMany(55);
  const flushed = vi.fn();
  const flush = flushEvents().then(flushed);
  await vi.advanceTimersByTimeAsync(1_999);
  expect(flushed).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  await flush;
  expect(bus.told).toEqual(dropped(55, 'timeout'));
  expect(signals.map((signal) => signal?.aborted)).toEqual([true, true, true, true]);
  await flushEvents();
  expect([bus.sizes(), bus.told.length]).toEqual([[10, 10, 10, 10], 2]);
});

test('what was given up and is answered after all is not counted again', async () => {
  const answer = Promise.withResolvers<PutEnd>();
  const bus = createBus(() => answer.promise);
  bus.emitMany(1);
  const flush = flushEvents(50);
  await vi.advanceTimersByTimeAsync(50);
  await flush;
  answer.resolve({ dropped: 1, reason: 'AbortError' });
  await vi.advanceTimersByTimeAsync(0);
  await flushEvents();
  expect(bus.told).toEqual(dropped(1, 'timeout'));
});

test.for([
  [300, 300],
  [-500, 0],
  [60_000, 2_000],
] as const)('of a function with %i ms left the flush takes %i ms at most', async ([limitMs, takenMs]) => {
  const bus = createBus(hangs);
  bus.emitMany(1);
  const startedAt = Date.now();
  const flush = flushEvents(limitMs).then(() => Date.now() - startedAt);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(await flush).toBe(takenMs);
});

test('more than a thousand waiting events are dropped', async () => {
  const bus = createBus(hangs);
  bus.emitMany(1_100);
  const flush = flushEvents();
  await vi.advanceTimersByTimeAsync(2_000);
  await flush;
  // Forty were under way, a thousand waited, and sixty found no room.
  expect(bus.told[0]).toBe('EventsDropped 1100 {}');
  expect(bus.told[1]).toContain('"reason":"too_many"');
});

test('a send that throws costs its events and not the invocation', async () => {
  const bus = createBus(() => Promise.reject(new Error('broken')));
  bus.emitMany(11);
  await flushEvents();
  expect(bus.told).toEqual(dropped(11, 'Error'));
});

test('a function that tells nothing does not wait', async () => {
  const bus = createBus(hangs);
  expect(await Promise.race([flushEvents().then(() => 'at once'), new Promise(() => undefined)])).toBe('at once');
  expect(bus.requests).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});
