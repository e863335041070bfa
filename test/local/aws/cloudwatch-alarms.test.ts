import {
  CloudWatchClient,
  DescribeAlarmHistoryCommand,
  DescribeAlarmsCommand,
  type DescribeAlarmsCommandInput,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readCompositeAlarm, readMetricAlarm } from '../../../local/alarms/read-alarm.ts';
import { createCloudWatch } from '../../../local/aws/cloudwatch.ts';
import { createGuard, type Principal } from '../../../local/aws/iam.ts';
import { startAwsServer } from '../../../local/aws/server.ts';
import { refusalOf } from './fixture.ts';

const NOON = Date.parse('2026-11-20T12:00:00Z');
const TOPIC = 'arn:aws:sns:us-east-1:000000000000:page';
const ARN = 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:';
const metricAlarm = (name: string) =>
  readMetricAlarm(name, {
    AlarmName: name,
    AlarmDescription: `what ${name} means`,
    Namespace: 'App',
    MetricName: name,
    Period: 60,
    Statistic: 'Sum',
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: 'GreaterThanThreshold',
    AlarmActions: [TOPIC],
    Tags: [{ Key: 'a', Value: 'b' }],
  });
const ALARMS = [
  metricAlarm('gk-circuit'),
  metricAlarm('gk-tokens'),
  metricAlarm('other'),
  readCompositeAlarm('gk-all', { AlarmRule: 'ALARM(gk-circuit)', AlarmActions: [TOPIC, 'arn:elsewhere'] }),
];
const statements = [{ Effect: 'Allow' as const, Action: 'cloudwatch:SetAlarmState', Resource: `${ARN}gk-*` }];
const PRINCIPALS: Readonly<Record<string, Principal>> = {
  ADMIN: { name: 'admin', arn: 'admin', statements: 'administrator' },
  DRILL: { name: 'drill', arn: 'drill', statements },
};

let server: Awaited<ReturnType<typeof startAwsServer>>;
let cloudwatch: CloudWatchClient;
const clientOf = (accessKeyId: string) =>
  new CloudWatchClient({
    endpoint: server.endpointUrl,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey: 'unchecked' },
    maxAttempts: 1,
  });
const set = (client: CloudWatchClient, AlarmName: string, StateValue: 'OK' | 'ALARM') =>
  client.send(new SetAlarmStateCommand({ AlarmName, StateValue, StateReason: 'a drill' }));

beforeAll(async () => {
  const service = createCloudWatch({
    guard: createGuard(),
    clock: { now: () => NOON },
    alarms: ALARMS,
    topics: [TOPIC],
  });
  server = await startAwsServer({ services: [service], principalOf: (accessKeyId) => PRINCIPALS[accessKeyId] });
  cloudwatch = clientOf('ADMIN');
});
afterAll(() => server.stop());

async function names(input: DescribeAlarmsCommandInput): Promise<readonly unknown[]> {
  const {
    MetricAlarms = [],
    CompositeAlarms = [],
    NextToken,
  } = await cloudwatch.send(new DescribeAlarmsCommand(input));
  return [...MetricAlarms, ...CompositeAlarms].map(({ AlarmName }) => AlarmName).concat(NextToken ? 'more' : []);
}

test('alarms are described by name, prefix, state and kind, page by page', async () => {
  expect(await names({})).toEqual(['gk-circuit', 'gk-tokens', 'other']);
  const both = ['MetricAlarm' as const, 'CompositeAlarm' as const];
  expect(await names({ AlarmNamePrefix: 'gk-', AlarmTypes: both })).toEqual(['gk-circuit', 'gk-tokens', 'gk-all']);
  expect(await names({ AlarmNames: ['other', 'none'] })).toEqual(['other']);
  expect(await names({ MaxRecords: 2 })).toEqual(['gk-circuit', 'gk-tokens', 'more']);
  expect(await names({ MaxRecords: 2, NextToken: '2' })).toEqual(['other']);
  expect(await names({ StateValue: 'ALARM' })).toEqual([]);
});

test('an alarm is described with the template’s properties and its state', async () => {
  const { MetricAlarms } = await cloudwatch.send(new DescribeAlarmsCommand({ AlarmNames: ['other'] }));
  expect(MetricAlarms).toEqual([
    {
      ActionsEnabled: true,
      AlarmActions: [TOPIC],
      AlarmArn: `${ARN}other`,
      AlarmDescription: 'what other means',
      AlarmName: 'other',
      ComparisonOperator: 'GreaterThanThreshold',
      EvaluationPeriods: 1,
      InsufficientDataActions: [],
      MetricName: 'other',
      Namespace: 'App',
      OKActions: [],
      Period: 60,
      StateReason: 'Unchecked: Initial alarm creation',
      StateTransitionedTimestamp: new Date(NOON),
      StateUpdatedTimestamp: new Date(NOON),
      StateValue: 'INSUFFICIENT_DATA',
      Statistic: 'Sum',
      Threshold: 1,
    },
  ]);
});

test('a drill: a state that is set reaches the composite at once, and the history says what was told whom', async () => {
  await set(clientOf('DRILL'), 'gk-circuit', 'ALARM');
  expect(await names({ StateValue: 'ALARM', AlarmTypes: ['MetricAlarm', 'CompositeAlarm'] })).toEqual([
    'gk-circuit',
    'gk-all',
  ]);
  const history = async (AlarmName: string, AlarmType: 'MetricAlarm' | 'CompositeAlarm', more: object = {}) => {
    const input = { AlarmName, AlarmTypes: [AlarmType], StartDate: new Date(NOON), ...more };
    const { AlarmHistoryItems = [] } = await cloudwatch.send(new DescribeAlarmHistoryCommand(input));
    return AlarmHistoryItems.map(({ HistoryItemType, HistorySummary }) => [HistoryItemType, HistorySummary]);
  };
  expect(await history('gk-circuit', 'MetricAlarm')).toEqual([
    ['Action', `Successfully executed action ${TOPIC}`],
    ['StateUpdate', 'Alarm updated from INSUFFICIENT_DATA to ALARM'],
  ]);
  expect(
    await history('gk-all', 'CompositeAlarm', { HistoryItemType: 'Action', ScanBy: 'TimestampAscending' }),
  ).toEqual([
    ['Action', `Successfully executed action ${TOPIC}`],
    ['Action', 'Failed to execute action arn:elsewhere. Received error: "it is no topic of this assembly"'],
  ]);
  expect(await history('gk-all', 'MetricAlarm')).toEqual([]);
  expect(await history('gk-circuit', 'MetricAlarm', { StartDate: new Date(NOON + 1_000) })).toEqual([]);
});

test('a state is set only by who may, of an alarm that exists, and to one that exists', async () => {
  expect([
    (await refusalOf(set(clientOf('DRILL'), 'other', 'ALARM'))).name,
    (await refusalOf(set(cloudwatch, 'nobody', 'ALARM'))).name,
    (await refusalOf(set(cloudwatch, 'other', 'BROKEN' as never))).name,
  ]).toEqual(['AccessDeniedException', 'ResourceNotFound', 'ValidationException']);
});
