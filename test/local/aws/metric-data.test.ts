import { expect, test } from 'vitest';
import { createMetricData, type MetricData } from '../../../local/aws/metric-data.ts';
import { datumOf } from '../../../local/aws/metric-datum.ts';

const NOON = Date.parse('2026-11-20T12:00:00Z');
const metric = (name: string) => ({ namespace: 'App', name, dimensions: [] });
const put = (
  data: MetricData,
  name: string,
  { minute, value, unit = 'Count' }: { minute: number; value: number; unit?: string },
) => data.add(datumOf({ ...metric(name), unit, at: NOON + minute * 60_000, values: [[value, 1]] }));
const read = (data: MetricData, name: string, statistic: string, more: object = {}) =>
  data.read({ metric: metric(name), periodSeconds: 60, statistic, ...more }, { endAt: NOON + 60_000, periods: 2 });

test('data of one metric in several units are together unless one is asked for', () => {
  const data = createMetricData();
  put(data, 'a', { minute: 0, value: 1 });
  put(data, 'a', { minute: 0, value: 5, unit: 'Seconds' });
  expect(read(data, 'a', 'Sum')).toEqual([undefined, 6]);
  expect(read(data, 'a', 'Sum', { unit: 'Seconds' })).toEqual([undefined, 5]);
});

test('what lies outside the window does not count', () => {
  const data = createMetricData();
  for (const minute of [-2, -1, 0, 1]) put(data, 'a', { minute, value: 10 + minute });
  expect(read(data, 'a', 'Maximum')).toEqual([9, 10]);
});

test('days of minutes leave what a day of alarms needs, and no more', () => {
  const data = createMetricData();
  for (let minute = -10_000; minute <= 0; minute += 1) put(data, 'a', { minute, value: 1 });
  const all = data.read(
    { metric: metric('a'), periodSeconds: 60, statistic: 'Sum' },
    { endAt: NOON + 60_000, periods: 10_000 },
  );
  expect(all.filter((value) => value === 1).length).toBe(1_600);
  expect(all.at(-1)).toBe(1);
});

test('metrics beyond 2,000 push the first ones out', () => {
  const data = createMetricData();
  for (let number = 0; number <= 2_000; number += 1) put(data, `m${number}`, { minute: 0, value: 1 });
  expect([read(data, 'm0', 'Sum')[1], read(data, 'm1', 'Sum')[1]]).toEqual([undefined, 1]);
});

test('a percentile stays close when a minute has very many different values', () => {
  const data = createMetricData();
  for (let value = 1; value <= 20_000; value += 1) put(data, 'a', { minute: 0, value });
  const p99 = read(data, 'a', 'p99')[1] ?? 0;
  expect(Math.abs(p99 - 19_800)).toBeLessThan(1_000);
  expect(read(data, 'a', 'Maximum')[1]).toBe(20_000);
});

test('tells which metrics have data', () => {
  const data = createMetricData();
  const dimensions = [
    { Name: 'outcome', Value: 'ok' },
    { Name: 'provider', Value: 'xero' },
  ];
  put(data, 'a', { minute: 0, value: 1 });
  data.add(datumOf({ ...metric('b'), dimensions, unit: 'Count', at: NOON, values: [[1, 1]] }));
  expect(data.names()).toEqual(['App a {}', 'App b {outcome=ok,provider=xero}']);
});
