import { describe, expect, test } from 'vitest';
import { readCompositeAlarm, readMetricAlarm } from '../../../local/alarms/read-alarm.ts';

const SIMPLE = {
  Namespace: 'App',
  MetricName: 'Errors',
  Dimensions: [{ Name: 'provider', Value: 'xero' }],
  Period: 300,
  Statistic: 'Sum',
  EvaluationPeriods: 3,
  Threshold: 5,
  ComparisonOperator: 'GreaterThanThreshold',
  AlarmActions: ['arn:topic'],
};
const query = (Id: string, MetricName: string, more: object = {}) => ({
  Id,
  ReturnData: false,
  MetricStat: { Metric: { Namespace: 'App', MetricName }, Period: 60, Stat: 'Sum' },
  ...more,
});
const WITH_MATHS = {
  EvaluationPeriods: 2,
  Threshold: 5,
  ComparisonOperator: 'GreaterThanThreshold',
  Metrics: [{ Id: 'ratio', Expression: 'bad / all' }, query('bad', 'Bad'), query('all', 'All')],
};

function reasonOf(properties: object): string {
  const { judgement } = readMetricAlarm('one', { ...properties });
  return judgement.kind === 'unjudged' ? judgement.reason : 'it is judged';
}

describe('an alarm of a template', () => {
  test('on one metric', () => {
    const { judgement, ...rest } = readMetricAlarm('one', SIMPLE);
    const actions = { ALARM: ['arn:topic'], OK: [], INSUFFICIENT_DATA: [] };
    expect(rest).toEqual({ name: 'one', type: 'MetricAlarm', properties: SIMPLE, actions });
    const metric = { namespace: 'App', name: 'Errors', dimensions: [{ Name: 'provider', Value: 'xero' }] };
    expect(judgement).toEqual({
      kind: 'MetricAlarm',
      queries: [{ id: 'm', source: { stat: { metric, periodSeconds: 300, statistic: 'Sum' } } }],
      judged: 'm',
      periodSeconds: 300,
      evaluationPeriods: 3,
      datapointsToAlarm: 3,
      comparison: expect.any(Function),
      threshold: 5,
      missing: 'missing',
      ignoresLowSamples: false,
    });
  });

  test('on an expression: the one query that returns data is judged', () => {
    expect(readMetricAlarm('one', { ...WITH_MATHS, DatapointsToAlarm: 1 }).judgement).toMatchObject({
      kind: 'MetricAlarm',
      judged: 'ratio',
      periodSeconds: 60,
      evaluationPeriods: 2,
      datapointsToAlarm: 1,
    });
  });

  test('does nothing when its actions are switched off', () => {
    expect(readMetricAlarm('one', { ...SIMPLE, ActionsEnabled: false }).actions.ALARM).toEqual([]);
  });

  test.for<[string, object, string]>([
    ['anomaly detection', { ...WITH_MATHS, ThresholdMetricId: 'band' }, 'what is usual is not learnt here'],
    ['a service nobody measures', { ...SIMPLE, Namespace: 'AWS/WAFV2' }, 'nobody measures AWS/WAFV2 here'],
    ['a trimmed mean', { ...SIMPLE, ExtendedStatistic: 'tm90' }, 'the statistic tm90 is not computed'],
    ['half a minute', { ...SIMPLE, Period: 30 }, 'a period of 30 s is not kept'],
    [
      'another account',
      { ...WITH_MATHS, Metrics: [query('a', 'A', { AccountId: '1', ReturnData: true })] },
      'one account',
    ],
    [
      'two answers',
      { ...WITH_MATHS, Metrics: [query('a', 'A', { ReturnData: true }), { Id: 'b', Expression: 'a' }] },
      'one query',
    ],
    ['an unknown id', { ...WITH_MATHS, Metrics: [{ Id: 'r', Expression: 'nobody' }] }, 'nothing has the id nobody'],
    ['a circle', { ...WITH_MATHS, Metrics: [{ Id: 'r', Expression: 'r + 1' }] }, 'r refers to itself'],
    ['a constant', { ...WITH_MATHS, Metrics: [{ Id: 'r', Expression: '1' }] }, 'r is computed from no metric'],
    ['a word for nothing', { ...SIMPLE, TreatMissingData: 'perhaps' }, 'TreatMissingData perhaps does not exist'],
  ])('is not judged, and says why: %s', ([, properties, reason]) => {
    expect(reasonOf(properties)).toContain(reason);
  });

  test('of mixed periods is not judged', () => {
    const other = { Metric: { Namespace: 'App', MetricName: 'All' }, Period: 300, Stat: 'Sum' };
    const Metrics = [
      { Id: 'r', Expression: 'bad / all' },
      query('bad', 'Bad'),
      query('all', 'All', { MetricStat: other }),
    ];
    expect(reasonOf({ ...WITH_MATHS, Metrics })).toBe('the metrics of r have different periods');
  });
});

test('a composite is judged by its rule, and not where its actions may be suppressed', () => {
  const AlarmRule = 'ALARM("one")';
  expect(readCompositeAlarm('all', { AlarmRule }).judgement).toEqual({ kind: 'CompositeAlarm', rule: AlarmRule });
  expect(readCompositeAlarm('all', { AlarmRule, ActionsSuppressor: 'two' }).judgement.kind).toBe('unjudged');
});
