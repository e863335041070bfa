import { afterEach, expect, test } from 'vitest';
import { ERRORS, type ErrorCode, GrantkeeperError } from '../../../lib/domain/errors.ts';
import { invokeHandler } from '../../../lib/runtime/invoke-handler.ts';
import { flushMetrics } from '../../../lib/runtime/metrics.ts';
import { countServe } from '../../../lib/runtime/serve-metrics.ts';
import { captureOutput } from './captured-output.ts';
import { invokeContext } from './invoke-context.ts';

const output = captureOutput();
afterEach(flushMetrics);

/** Whatever else fails is the doing of the caller or of the connection's user, or is under way. */
const FAULTS: readonly ErrorCode[] = [
  'internal_error',
  'unavailable',
  'provider_error',
  'provider_configuration',
  'exchange_failed',
  'company_unconfirmed',
  'offline_access_missing',
  'refresh_failed',
  'token_undecryptable',
  'configuration_missing',
  'secret_unavailable',
];

function ending(error?: unknown) {
  const handle = async () => {
    if (error !== undefined) throw error;
    return { status: 'ok' };
  };
  return invokeHandler('get-token', handle, { ended: countServe })({}, invokeContext('reports'));
}

const own = () => output.metrics().filter(({ values }) => 'ServeFault Count' in values);
const counted = (fault: 0 | 1) => [
  { dimensions: [{}], values: { 'ServeFault Count': fault, 'ServeLatency Milliseconds': expect.any(Number) } },
];

test.for(Object.keys(ERRORS) as ErrorCode[])(
  '%s counts as a fault only when it is nobody’s doing who asks',
  async (code) => {
    await ending(new GrantkeeperError(code));
    expect(own()).toEqual(counted(FAULTS.includes(code) ? 1 : 0));
  },
);

test('an error that nobody threw on purpose is a fault', async () => {
  await ending(new TypeError('x is not a function'));
  expect(own()).toEqual(counted(1));
});

test('a call that was served is none, and was measured', async () => {
  await ending();
  expect(own()).toEqual(counted(0));
});

test('the latency is in milliseconds', async () => {
  const handle = async () => await new Promise((resolve) => setTimeout(resolve, 30));
  await invokeHandler('get-token', handle, { ended: countServe })({}, invokeContext('reports'));
  const latencyMs = own()[0]?.values['ServeLatency Milliseconds'];
  expect(latencyMs).toBeGreaterThanOrEqual(29);
  expect(latencyMs).toBeLessThan(300);
});
