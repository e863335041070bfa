import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildApp, ofType, type Resource, resourcesOf } from './synthesized.ts';

let alarms: readonly Resource['properties'][];
beforeAll(() => {
  alarms = ofType(resourcesOf(buildApp().watch), 'AWS::CloudWatch::Alarm').map(({ properties }) => properties);
});

function alarm(id: string): Resource['properties'] {
  return alarms.find(({ AlarmName }) => AlarmName === `grantkeeper-dev-${id}`) ?? {};
}

test('every alarm has a runbook heading, every heading an alarm', () => {
  const [ofAlarms = ''] = readFileSync('infra/runbook.md', 'utf8').split('\n# Procedures\n');
  const headings = [...ofAlarms.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
  expect(headings.map((heading) => `grantkeeper-dev-${heading}`)).toEqual(alarms.map(({ AlarmName }) => AlarmName));
});

test('every section of an alarm says what it means, what to look at first, and what then', () => {
  const [, ...sections] = (readFileSync('infra/runbook.md', 'utf8').split('\n# Procedures\n')[0] ?? '').split('\n## ');
  const parts = sections.map((section) => [...section.matchAll(/^\*\*([\w ]+)\.\*\*/gm)].map(([, part]) => part));
  expect(parts).toEqual(alarms.map(() => ['Means', 'Look first', 'Then']));
});

test('every alarm says what it means and where to read on', () => {
  const found = alarms.map(
    ({ AlarmDescription }) => /^.+\. Runbook: infra\/runbook\.md#(.+)$/.exec(AlarmDescription)?.[1],
  );
  expect(found).toEqual(alarms.map(({ AlarmName }) => AlarmName.replace('grantkeeper-dev-', '')));
});

/** A metric of an expression, which is FILL(id, 0) + FILL(id, 0). */
function part(Id: string, Metric: Readonly<Record<string, unknown>>, over: { Period: number; Stat: string }) {
  return { Id, MetricStat: { Metric, ...over }, ReturnData: false };
}

const named = (Name: string, Value: string) => [{ Name, Value }];

describe('an alarm over both providers', () => {
  test.for([
    ['token-at-risk', 'TokenAtRisk', { Period: 60, Stat: 'Sum' }, 1],
    ['verdicts-frozen', 'VerdictsFrozen', { Period: 300, Stat: 'Maximum' }, 1],
    ['circuit-open', 'CircuitOpen', { Period: 300, Stat: 'Minimum' }, 3],
  ] as const)('%s: one is enough', ([id, MetricName, over, EvaluationPeriods]) => {
    const metric = (provider: string) =>
      part(provider, { Namespace: 'Grantkeeper/dev', MetricName, Dimensions: named('provider', provider) }, over);
    expect(alarm(id)).toMatchObject({
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      EvaluationPeriods,
      TreatMissingData: 'notBreaching',
      Metrics: [
        { Expression: 'FILL(quickbooks, 0) + FILL(xero, 0)', Id: 'expr_1', Label: MetricName, ReturnData: true },
        metric('quickbooks'),
        metric('xero'),
      ],
    });
  });
});

describe('an alarm on a queue', () => {
  test.for([
    ['rescue-queue-waiting', 'grantkeeper-dev-rescue', 5],
    ['rescue-dead-letter', 'grantkeeper-dev-rescue-dead-letter', 1],
  ] as const)('%s: any message on %s, waiting or taken, in %i minutes', ([id, queue, EvaluationPeriods]) => {
    const metric = (state: string) => ({
      Namespace: 'AWS/SQS',
      MetricName: `ApproximateNumberOfMessages${state}`,
      Dimensions: named('QueueName', queue),
    });
    const over = { Period: 60, Stat: 'Maximum' };
    expect(alarm(id)).toMatchObject({
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      EvaluationPeriods,
      TreatMissingData: 'notBreaching',
      Metrics: [
        {
          Expression: 'FILL(visible, 0) + FILL(taken, 0)',
          Id: 'expr_1',
          Label: 'ApproximateNumberOfMessagesVisible',
          ReturnData: true,
        },
        part('visible', metric('Visible'), over),
        part('taken', metric('NotVisible'), over),
      ],
    });
  });
});

test('five minutes without a heartbeat of the sweep are an alarm, and so is no data', () => {
  expect(alarm('sweep-heartbeat')).toMatchObject({
    Namespace: 'Grantkeeper/dev',
    MetricName: 'SweepHeartbeat',
    Statistic: 'Sum',
    Period: 300,
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: 'LessThanThreshold',
    TreatMissingData: 'breaching',
  });
  expect(alarm('sweep-heartbeat').Dimensions).toBe(undefined);
});
