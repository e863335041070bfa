import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { buildApp, ofType, type Resource, resourcesOf } from './synthesized.ts';

let alarms: readonly Resource['properties'][];
beforeAll(() => {
  alarms = ofType(resourcesOf(buildApp().watch), 'AWS::CloudWatch::Alarm').map(({ properties }) => properties);
});

test('every alarm has a runbook heading, every heading an alarm', () => {
  const headings = [...readFileSync('infra/runbook.md', 'utf8').matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
  expect(headings.map((heading) => `grantkeeper-dev-${heading}`)).toEqual(alarms.map(({ AlarmName }) => AlarmName));
});

test('every alarm says what it means and where to read on', () => {
  const descriptions = alarms.map(({ AlarmName, AlarmDescription }) =>
    AlarmDescription.endsWith(`. Runbook: infra/runbook.md#${AlarmName.replace('grantkeeper-dev-', '')}`),
  );
  expect(descriptions).toEqual([true, true]);
});

test('one token at risk at any provider within a minute is an alarm', () => {
  const { Metrics, Threshold, ComparisonOperator, EvaluationPeriods, TreatMissingData } = alarms[0] ?? {};
  expect({ Threshold, ComparisonOperator, EvaluationPeriods, TreatMissingData }).toEqual({
    Threshold: 1,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    EvaluationPeriods: 1,
    TreatMissingData: 'notBreaching',
  });
  const metric = (provider: string) => ({
    Id: provider,
    MetricStat: {
      Metric: {
        Namespace: 'Grantkeeper/dev',
        MetricName: 'TokenAtRisk',
        Dimensions: [{ Name: 'provider', Value: provider }],
      },
      Period: 60,
      Stat: 'Sum',
    },
    ReturnData: false,
  });
  const sum = {
    Expression: 'FILL(quickbooks, 0) + FILL(xero, 0)',
    Id: 'expr_1',
    Label: 'TokenAtRisk',
    ReturnData: true,
  };
  expect(Metrics).toEqual([sum, metric('quickbooks'), metric('xero')]);
});

test('five minutes without a heartbeat of the sweep are an alarm, and so is no data', () => {
  expect(alarms[1]).toMatchObject({
    Namespace: 'Grantkeeper/dev',
    MetricName: 'SweepHeartbeat',
    Statistic: 'Sum',
    Period: 300,
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: 'LessThanThreshold',
    TreatMissingData: 'breaching',
  });
  expect(alarms[1]?.Dimensions).toBe(undefined);
});
