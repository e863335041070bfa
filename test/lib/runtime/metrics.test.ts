import { afterEach, expect, test } from 'vitest';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import type { MetricName } from '../../../lib/domain/names.ts';
import { countDenial, createCountMetric, flushMetrics } from '../../../lib/runtime/metrics.ts';
import { captureOutput } from './captured-output.ts';

const output = captureOutput();
const count = createCountMetric();
afterEach(flushMetrics);

test('nothing is written before the flush, and then one document per combination of dimensions', () => {
  count('RefreshOutcome', 1, { provider: 'xero', outcome: 'ok' });
  count('RefreshOutcome', 1, { provider: 'xero', outcome: 'rejected' });
  count('RefreshOutcome', 1, { provider: 'xero', outcome: 'ok' });
  count('CommitRetries', 2, { provider: 'xero' });
  expect(output.text()).toBe('');
  flushMetrics();
  expect(output.metrics()).toEqual([
    { dimensions: [{ provider: 'xero', outcome: 'ok' }], values: { 'RefreshOutcome Count': [1, 1] } },
    { dimensions: [{ provider: 'xero', outcome: 'rejected' }], values: { 'RefreshOutcome Count': 1 } },
    { dimensions: [{ provider: 'xero' }], values: { 'CommitRetries Count': 2 } },
  ]);
});

test('metrics without dimensions are found without dimensions', () => {
  count('SweepHeartbeat', 1);
  count('RefreshLag', 1500);
  flushMetrics();
  expect(output.metrics()).toEqual([
    { dimensions: [{}], values: { 'SweepHeartbeat Count': 1, 'RefreshLag Milliseconds': 1500 } },
  ]);
});

test('a gauge is a count of what there is at the moment', () => {
  count('CircuitOpen', 1, { provider: 'xero' });
  count('VerdictsFrozen', 0, { provider: 'xero' });
  count('Suspects', 7, { provider: 'xero' });
  flushMetrics();
  expect(output.metrics()).toEqual([
    {
      dimensions: [{ provider: 'xero' }],
      values: { 'CircuitOpen Count': 1, 'VerdictsFrozen Count': 0, 'Suspects Count': 7 },
    },
  ]);
});

test('documents are in our namespace', () => {
  count('SweepHeartbeat', 1);
  flushMetrics();
  expect(output.text()).toContain('"Namespace":"Grantkeeper/test"');
});

test('a flush writes what is new only', () => {
  count('SweepHeartbeat', 1);
  flushMetrics();
  flushMetrics();
  expect(output.metrics()).toHaveLength(1);
});

test('a token at risk is written at once', () => {
  count('TokenAtRisk', 1, { provider: 'quickbooks' });
  expect(output.metrics()).toEqual([{ dimensions: [{ provider: 'quickbooks' }], values: { 'TokenAtRisk Count': 1 } }]);
});

test('the hundredth value of a document begins a new one with the same dimensions', () => {
  for (let i = 0; i < 150; i++) count('TokenServed', 1, { provider: 'xero', outcome: 'ok' });
  flushMetrics();
  expect(output.metrics().map(({ dimensions, values }) => [dimensions, values['TokenServed Count']])).toEqual([
    [[{ provider: 'xero', outcome: 'ok' }], Array(100).fill(1)],
    [[{ provider: 'xero', outcome: 'ok' }], Array(50).fill(1)],
  ]);
});

test.for([
  ['RefreshLag', 'Milliseconds'],
  ['ServeLatency', 'Milliseconds'],
  ['ProviderLatency', 'Milliseconds'],
  ['ServeFault', 'Count'],
  ['ConnectFault', 'Count'],
  ['ProviderAnswer', 'Count'],
] as const)('%s is in %s', ([name, unit]) => {
  count(name, 5);
  flushMetrics();
  expect(output.metrics()).toEqual([{ dimensions: [{}], values: { [`${name} ${unit}`]: 5 } }]);
});

test('a metric may have an outcome and no provider', () => {
  count('AwsThrottled', 1, { outcome: 'kms' });
  flushMetrics();
  expect(output.metrics()).toEqual([{ dimensions: [{ outcome: 'kms' }], values: { 'AwsThrottled Count': 1 } }]);
});

test('more than a hundred values of several metrics lose none of them', () => {
  for (let i = 0; i < 130; i++) {
    count('ProviderLatency', i, { provider: 'xero', outcome: 'refresh' });
    count('RefreshOutcome', 1, { provider: 'xero', outcome: 'refresh' });
  }
  flushMetrics();
  const valuesOf = (name: string) => output.metrics().flatMap(({ values }) => values[name] ?? []);
  expect(valuesOf('ProviderLatency Milliseconds')).toEqual(Array.from({ length: 130 }, (_, i) => i));
  expect(valuesOf('RefreshOutcome Count')).toHaveLength(130);
  for (const { dimensions } of output.metrics()) expect(dimensions).toEqual([{ provider: 'xero', outcome: 'refresh' }]);
});

test('a metric that Powertools does not take costs nobody anything', () => {
  expect(() => count('' as MetricName, 1)).not.toThrow();
  expect(() => count('provider' as MetricName, 1, { provider: 'quickbooks' })).not.toThrow();
  count('RefreshLag', 1);
  expect(flushMetrics).not.toThrow();
  expect(output.metrics()).toEqual([{ dimensions: [{}], values: { 'RefreshLag Milliseconds': 1 } }]);
});

test.for<[string, unknown, string[]]>([
  ['a refusal for want of right', new GrantkeeperError('consumer_refused'), ['consumer_refused']],
  ['one that hides what exists', new GrantkeeperError('not_found', { denied: true }), ['not_found']],
  ['one of something that is not there', new GrantkeeperError('not_found'), []],
  ['a failure', new GrantkeeperError('unavailable'), []],
  ['an error of another kind', new Error('forbidden'), []],
])('%s is counted as a denial if it is one', ([, error, outcomes]) => {
  countDenial(error);
  flushMetrics();
  expect(output.metrics()).toEqual(
    outcomes.map((outcome) => ({ dimensions: [{ outcome }], values: { 'DeniedCalls Count': 1 } })),
  );
});

test('what is no number is not counted and harms nothing', () => {
  count('RefreshLag', Number.NaN);
  count('RefreshLag', 1);
  flushMetrics();
  expect(output.metrics()).toEqual([{ dimensions: [{}], values: { 'RefreshLag Milliseconds': 1 } }]);
});
