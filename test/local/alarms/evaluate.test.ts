import { describe, expect, test } from 'vitest';
import { type Evidence, evaluateAlarm } from '../../../local/alarms/evaluate.ts';
import type { ReadSeries } from '../../../local/alarms/model.ts';
import { prepareQueries } from '../../../local/alarms/queries.ts';
import { readMetricAlarm } from '../../../local/alarms/read-alarm.ts';

const NOON = Date.parse('2026-11-20T12:00:00Z');
const MINUTE = 60_000;
const PROPERTIES = {
  Namespace: 'App',
  MetricName: 'Beats',
  Period: 60,
  Statistic: 'Sum',
  EvaluationPeriods: 3,
  DatapointsToAlarm: 3,
  Threshold: 1,
  ComparisonOperator: 'LessThanThreshold',
  TreatMissingData: 'breaching',
};
const FILLED = {
  ...PROPERTIES,
  Metrics: [
    { Id: 'e', Expression: 'FILL(beats, 0)' },
    { Id: 'beats', ReturnData: false, MetricStat: { Metric: PROPERTIES, Period: 60, Stat: 'Sum' } },
  ],
};

/** Values by minutes before noon. */
function evaluate(properties: object, values: Readonly<Record<number, number>>, more: Partial<Evidence> = {}) {
  const { judgement } = readMetricAlarm('one', { ...properties });
  if (judgement.kind !== 'MetricAlarm') throw new Error('it is not judged');
  const read: ReadSeries = ({ periodSeconds }, { endAt, periods }) =>
    Array.from({ length: periods }, (_, index) => {
      const minutesEach = periodSeconds / 60;
      const last = (NOON - endAt) / MINUTE + (periods - 1 - index) * minutesEach;
      const own = Array.from({ length: minutesEach }, (_unused, minute) => values[last + minute]).filter(
        (v) => v !== undefined,
      );
      return own.length === 0 ? undefined : own.reduce((sum, value) => sum + value, 0);
    });
  return evaluateAlarm(judgement, prepareQueries(judgement.queries), {
    read,
    endAt: NOON,
    isLeapt: () => false,
    ...more,
  });
}

describe('an alarm on what should be there', () => {
  test('is judged by the minutes before the last whole one', () => {
    expect(evaluate(FILLED, { 0: 1, 1: 0, 2: 0 })).toEqual({
      state: 'OK',
      reason: 'the latest data points are [0, 0, 1]; it takes 3 of 3 against the threshold 1',
    });
    expect(evaluate(FILLED, { 3: 1 })?.state).toBe('ALARM');
  });

  test('waits longer without FILL: CloudWatch looks further back for data', () => {
    expect([3, 4, 5].map((last) => evaluate(PROPERTIES, { [last]: 1 })?.state)).toEqual(['OK', 'OK', 'ALARM']);
  });

  test('does not breach where the clock leapt and nobody measured', () => {
    const isLeapt = (fromAt: number) => fromAt < NOON - MINUTE;
    expect(evaluate(FILLED, {}, { isLeapt })?.state).toBe('OK');
    expect(evaluate(PROPERTIES, {}, { isLeapt })?.state).toBe('OK');
    expect(evaluate(FILLED, { 0: 0, 1: 0, 2: 0 }, { isLeapt: () => true })?.state).toBe('ALARM');
  });

  test('slides: the last of several minutes ends now', () => {
    const over5 = {
      ...PROPERTIES,
      Period: 300,
      EvaluationPeriods: 1,
      DatapointsToAlarm: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      Threshold: 3,
    };
    expect(evaluate(over5, { 4: 3 })?.state).toBe('ALARM');
    expect(evaluate(over5, { 4: 1, 0: 1, 5: 9 })?.state).toBe('OK');
  });
});

test('a percentile of few values may be told to change nothing', () => {
  const latency = {
    ...PROPERTIES,
    Statistic: undefined,
    ExtendedStatistic: 'p90',
    ComparisonOperator: 'GreaterThanThreshold',
  };
  const ignoring = { ...latency, EvaluateLowSampleCountPercentile: 'ignore' };
  const slow = { 0: 33, 1: 33, 2: 33 };
  expect(evaluate(latency, slow)?.state).toBe('ALARM');
  expect(evaluate(ignoring, slow)).toBeUndefined();
  expect(evaluate(ignoring, { ...slow, 0: 34 })?.state).toBe('ALARM');
});
