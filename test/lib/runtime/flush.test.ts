import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import { createEmitEvent } from '../../../lib/runtime/events.ts';
import { flushTold } from '../../../lib/runtime/flush.ts';
import { httpHandler } from '../../../lib/runtime/http.ts';
import { invokeHandler, throwingHandler } from '../../../lib/runtime/invoke-handler.ts';
import { createCountMetric } from '../../../lib/runtime/metrics.ts';
import { T0 } from '../../support/grants.ts';
import { captureOutput } from './captured-output.ts';
import { FULL_KEY, httpEvent } from './http-event.ts';
import { invokeContext } from './invoke-context.ts';

const output = captureOutput();
const count = createCountMetric();
let isHanging = false;
let sent: string[] = [];
const emit = createEmitEvent({
  put: async (events) => {
    if (isHanging) await new Promise(() => undefined);
    sent.push(...events.map(({ type }) => type));
    return { dropped: 0 };
  },
  count,
  log: () => undefined,
});
const disconnected = () => emit({ type: 'Connection Disconnected', at: T0, provider: 'xero' });

beforeEach(() => {
  isHanging = false;
  sent = [];
});
afterEach(() => void vi.useRealTimers());

const succeeds = async () => {
  disconnected();
  return { status: 200, body: {} } as const;
};
const fails = async () => {
  disconnected();
  throw new GrantkeeperError('unavailable');
};
const event = httpEvent('status', { parameters: { provider: 'xero', organization_id: 'acme' }, authorizer: FULL_KEY });

test.for<[string, () => Promise<unknown>]>([
  ['is answered over HTTP', () => httpHandler('status', succeeds)(event, invokeContext())],
  ['fails over HTTP', () => httpHandler('status', fails)(event, invokeContext())],
  ['is answered to who invoked it', () => invokeHandler('refresh-grant', succeeds)({}, invokeContext())],
  ['fails for who invoked it', () => invokeHandler('refresh-grant', fails)({}, invokeContext())],
  ['throws', () => throwingHandler('refresh-due', fails)({}, invokeContext()).catch(() => undefined)],
])('what was told in an invocation that %s is on the bus before the answer', async ([, invoke]) => {
  await invoke();
  expect(sent).toEqual(['Connection Disconnected']);
});

test('what was counted is written before the bus is waited for, and what it cost at the end', async () => {
  vi.useFakeTimers();
  isHanging = true;
  disconnected();
  count('SweepHeartbeat', 1);
  const flush = flushTold(invokeContext());
  const names = () => output.metrics().flatMap(({ values }) => Object.keys(values));
  expect(names()).toEqual(['SweepHeartbeat Count']);
  await vi.advanceTimersByTimeAsync(2_000);
  await flush;
  expect(names()).toEqual(['SweepHeartbeat Count', 'EventsDropped Count']);
});

test.for([
  [15_000, 2_000],
  [1_700, 1_200],
  [300, 0],
] as const)('a request with %i ms left is answered after %i ms when the bus hangs', async ([remainingMs, takenMs]) => {
  vi.useFakeTimers();
  isHanging = true;
  const startedAt = Date.now();
  const answered = httpHandler('status', succeeds)(event, invokeContext(undefined, remainingMs)).then(
    ({ statusCode }) => [statusCode, Date.now() - startedAt],
  );
  await vi.advanceTimersByTimeAsync(3_000);
  expect(await answered).toEqual([200, takenMs]);
});
