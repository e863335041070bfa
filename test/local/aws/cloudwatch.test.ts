import { GetMetricDataCommand, ListMetricsCommand, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
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
    (await refusalOf(query('tm90'))).name,
    (await refusalOf(query('Sum', { MetricStat: undefined, Expression: 'SEARCH("x")' }))).name,
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

test('metric maths and percentiles are computed as for alarms', async () => {
  const stat = (Id: string, provider: string, Stat: string) => ({
    Id,
    ReturnData: false,
    MetricStat: {
      Metric: { Namespace: 'Maths', MetricName: 'Calls', Dimensions: [{ Name: 'provider', Value: provider }] },
      Period: 60,
      Stat,
    },
  });
  const put = (provider: string, Values: number[], minute: number) =>
    cloudwatch.send(
      new PutMetricDataCommand({
        Namespace: 'Maths',
        MetricData: [
          {
            MetricName: 'Calls',
            Dimensions: [{ Name: 'provider', Value: provider }],
            Timestamp: new Date(NOON + minute * 60_000),
            Values,
          },
        ],
      }),
    );
  await put('xero', [1, 2, 3], 0);
  await put('quickbooks', [10], 0);
  await put('xero', [5], 1);
  const { MetricDataResults = [] } = await cloudwatch.send(
    new GetMetricDataCommand({
      StartTime: new Date(NOON),
      EndTime: new Date(NOON + 180_000),
      ScanBy: 'TimestampAscending',
      MetricDataQueries: [
        { Id: 'all', Label: 'calls', Expression: 'x + FILL(q, 0)' },
        { Id: 'slow', Expression: 'p' },
        stat('x', 'xero', 'Sum'),
        stat('q', 'quickbooks', 'Sum'),
        stat('p', 'xero', 'p50'),
      ],
    }),
  );
  expect(MetricDataResults).toEqual([
    { Id: 'all', Label: 'calls', StatusCode: 'Complete', Timestamps: minutes(0, 1, 2), Values: [16, 5, 0] },
    { Id: 'slow', Label: 'slow', StatusCode: 'Complete', Timestamps: minutes(0, 1), Values: [2, 5] },
  ]);
});

function minutes(...of: readonly number[]): readonly Date[] {
  return of.map((minute) => new Date(NOON + minute * 60_000));
}

test('too many data points are refused', async () => {
  const input = {
    StartTime: new Date(0),
    EndTime: new Date(NOON),
    MetricDataQueries: [
      { Id: 'a', MetricStat: { Metric: { Namespace: 'X', MetricName: 'a' }, Period: 60, Stat: 'Sum' } },
    ],
  };
  expect(await refusalOf(cloudwatch.send(new GetMetricDataCommand(input)))).toEqual({
    name: 'ValidationException',
    message: 'it would have more than 100800 data points',
  });
});

test('what functions print and what AWS measures is read back like what was put', async () => {
  const { cloudwatch: service, clock } = fixture;
  const at = clock.now();
  const document = {
    _aws: {
      Timestamp: at,
      CloudWatchMetrics: [
        {
          Namespace: 'Printed',
          Dimensions: [['provider'], ['provider', 'outcome']],
          Metrics: [{ Name: 'Outcome', Unit: 'Count' }],
        },
      ],
    },
    provider: 'xero',
    outcome: 'ok',
    Outcome: [1, 1],
  };
  service.ingest(JSON.stringify(document));
  service.ingest('{"_aws": {"CloudWatchMetrics" broken');
  service.ingest('not a document');
  service.record({ namespace: 'AWS/SQS', name: 'Age', dimensions: { QueueName: 'q' }, unit: 'Seconds', value: 7 });
  const read = (namespace: string, name: string, dimensions: Record<string, string>) => {
    const metric = {
      namespace,
      name,
      dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
    };
    return service.read({ metric, periodSeconds: 300, statistic: 'Sum' }, { endAt: at + 120_000, periods: 1 })[0];
  };
  expect([
    read('Printed', 'Outcome', { provider: 'xero' }),
    read('Printed', 'Outcome', { outcome: 'ok', provider: 'xero' }),
    read('Printed', 'Outcome', {}),
    read('AWS/SQS', 'Age', { QueueName: 'q' }),
  ]).toEqual([2, 2, undefined, 7]);
});
