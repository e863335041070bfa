import {
  DescribeAlarmsCommand,
  type DescribeAlarmsCommandInput,
  GetMetricDataCommand,
  ListMetricsCommand,
  PutMetricDataCommand,
} from '@aws-sdk/client-cloudwatch';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Fixture, refusalOf, startFixture } from './fixture.ts';

let fixture: Fixture;
let cloudwatch: Fixture['admin']['cloudwatch'];

beforeAll(async () => {
  fixture = await startFixture();
  cloudwatch = fixture.admin.cloudwatch;
});
afterAll(() => fixture.stop());

const NOON = 1_795_132_800_000;
const query = (Stat: string, more: object = {}) =>
  cloudwatch.send(
    new GetMetricDataCommand({
      StartTime: new Date(NOON),
      EndTime: new Date(NOON + 300_000),
      MetricDataQueries: [
        {
          Id: 'q',
          MetricStat: {
            Metric: {
              Namespace: 'Grantkeeper',
              MetricName: 'Latency',
              Dimensions: [{ Name: 'provider', Value: 'xero' }],
            },
            Period: 60,
            Stat,
          },
          ...more,
        },
      ],
    }),
  );

test('what was put is summed up per period and dimension, newest first, also from a compressed request', async () => {
  const datum = (seconds: number, more: object) => ({
    MetricName: 'Latency',
    Dimensions: [{ Name: 'provider', Value: 'xero' }],
    Timestamp: new Date(NOON + seconds * 1000),
    ...more,
  });
  const unrelated = Array.from({ length: 400 }, (_, index) => ({ MetricName: `Other number ${index}`, Value: index }));
  await cloudwatch.send(
    new PutMetricDataCommand({
      Namespace: 'Grantkeeper',
      MetricData: [
        datum(0, { Value: 10 }),
        datum(59, { Values: [20, 40], Counts: [2, 1] }),
        datum(60, { StatisticValues: { SampleCount: 2, Sum: 6, Minimum: 1, Maximum: 5 } }),
        datum(60, { Value: 99, Dimensions: [] }),
        datum(300, { Value: 99 }),
        ...unrelated,
      ],
    }),
  );
  const values = Object.fromEntries(
    await Promise.all(
      ['SampleCount', 'Sum', 'Average', 'Minimum', 'Maximum'].map(async (stat) => {
        const { MetricDataResults = [] } = await query(stat);
        return [stat, MetricDataResults[0]?.Values];
      }),
    ),
  );
  expect(values).toEqual({
    SampleCount: [2, 4],
    Sum: [6, 90],
    Average: [3, 22.5],
    Minimum: [1, 10],
    Maximum: [5, 40],
  });
  const { MetricDataResults = [] } = await query('Sum');
  expect(MetricDataResults[0]?.Timestamps).toEqual([new Date(NOON + 60_000), new Date(NOON)]);
});

test('what is not implemented is refused', async () => {
  expect([
    (await refusalOf(query('p99'))).name,
    (await refusalOf(query('Sum', { MetricStat: undefined, Expression: 'm1 / m2' }))).name,
    (await refusalOf(cloudwatch.send(new ListMetricsCommand({})))).name,
  ]).toEqual(['ValidationException', 'ValidationException', 'UnknownOperationException']);
});

test.for([
  [{ Namespace: 'AWS/Lambda', MetricData: [{ MetricName: 'a', Value: 1 }] }],
  [{ Namespace: 'X', MetricData: [{ MetricName: 'a' }] }],
  [{ Namespace: 'X', MetricData: [{ MetricName: 'a', Value: 1, Values: [1] }] }],
  [{ Namespace: 'X', MetricData: Array.from({ length: 1001 }, () => ({ MetricName: 'a', Value: 1 })) }],
] as const)('data that AWS would refuse is refused: %#', async ([input]) => {
  const command = new PutMetricDataCommand(input as never);
  expect((await refusalOf(cloudwatch.send(command))).name).toBe('InvalidParameterValueException');
});

test('a role puts into its namespace only', async () => {
  const role = fixture.asRole('metrics', [
    {
      Effect: 'Allow',
      Action: 'cloudwatch:PutMetricData',
      Resource: '*',
      Condition: { StringEquals: { 'cloudwatch:namespace': 'Grantkeeper' } },
    },
  ]).cloudwatch;
  const put = async (Namespace: string) =>
    (await refusalOf(role.send(new PutMetricDataCommand({ Namespace, MetricData: [{ MetricName: 'a', Value: 1 }] }))))
      .name;
  expect([await put('Grantkeeper'), await put('Other')]).toEqual(['none', 'AccessDeniedException']);
});

test('alarms are described by name, prefix, state and kind, page by page', async () => {
  fixture.cloudwatch.addAlarm({ name: 'gk-circuit', description: 'open' });
  fixture.cloudwatch.addAlarm({ name: 'gk-tokens' });
  fixture.cloudwatch.addAlarm({ name: 'other' });
  fixture.cloudwatch.addAlarm({ name: 'gk-all', kind: 'CompositeAlarm' });
  fixture.cloudwatch.setAlarmState('gk-circuit', 'ALARM', 'it opened');
  const names = async (input: DescribeAlarmsCommandInput) => {
    const {
      MetricAlarms = [],
      CompositeAlarms = [],
      NextToken,
    } = await cloudwatch.send(new DescribeAlarmsCommand(input));
    return [...MetricAlarms, ...CompositeAlarms].map(({ AlarmName }) => AlarmName).concat(NextToken ? 'more' : []);
  };
  expect(await names({})).toEqual(['gk-circuit', 'gk-tokens', 'other']);
  expect(await names({ AlarmNamePrefix: 'gk-', AlarmTypes: ['MetricAlarm', 'CompositeAlarm'] })).toEqual([
    'gk-circuit',
    'gk-tokens',
    'gk-all',
  ]);
  expect(await names({ AlarmNames: ['other', 'none'] })).toEqual(['other']);
  expect(await names({ MaxRecords: 2 })).toEqual(['gk-circuit', 'gk-tokens', 'more']);
  const { MetricAlarms = [] } = await cloudwatch.send(new DescribeAlarmsCommand({ StateValue: 'ALARM' }));
  expect(MetricAlarms.map(({ AlarmName, StateReason, AlarmArn }) => ({ AlarmName, StateReason, AlarmArn }))).toEqual([
    {
      AlarmName: 'gk-circuit',
      StateReason: 'it opened',
      AlarmArn: 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:gk-circuit',
    },
  ]);
});
