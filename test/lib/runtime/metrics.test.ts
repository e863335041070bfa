import { afterEach, expect, test } from 'vitest';
import { createCountMetric, flushMetrics } from '../../../lib/runtime/metrics.ts';
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

test('what is no number is not counted and harms nothing', () => {
  count('RefreshLag', Number.NaN);
  count('RefreshLag', 1);
  flushMetrics();
  expect(output.metrics()).toEqual([{ dimensions: [{}], values: { 'RefreshLag Milliseconds': 1 } }]);
});
