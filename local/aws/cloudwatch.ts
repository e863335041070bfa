/**
 * CloudWatch: metric data that is really kept and read back, and alarms whose state a test sets by hand. Alarms are
 * not evaluated; metric maths and percentiles are refused.
 */
import type { MovableClock } from '../clock.ts';
import { AwsError, unknownOperation } from './aws-error.ts';
import { type Datum, type MetricQuery, queryMetric } from './cloudwatch-query.ts';
import { createFaults, type Fault } from './faults.ts';
import type { Guard } from './iam.ts';
import { optionalString, requireString } from './input.ts';
import type { AwsRequest, AwsService } from './server.ts';

type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

export interface CloudWatch extends AwsService {
  /** Makes an alarm known, in state INSUFFICIENT_DATA. `kind` is what DescribeAlarms files it under. */
  addAlarm(definition: { name: string; kind?: 'MetricAlarm' | 'CompositeAlarm'; description?: string }): void;
  /** Throws `RangeError` for an alarm that is not known. */
  setAlarmState(name: string, state: AlarmState, reason?: string): void;
  /** The data put last, oldest first. */
  data(): readonly Datum[];
  failNext(fault: Fault): void;
  clearFaults(): void;
}

interface CloudWatchOptions {
  readonly guard: Guard;
  readonly clock: MovableClock;
  /** Default `us-east-1`. */
  readonly region?: string;
  /** Default `000000000000`. */
  readonly account?: string;
  /** How many data are remembered; default 10,000. */
  readonly keep?: number;
}

interface Alarm {
  readonly name: string;
  readonly kind: 'MetricAlarm' | 'CompositeAlarm';
  readonly description: string | undefined;
  state: AlarmState;
  reason: string;
  changedAt: number;
}

type Input = Readonly<Record<string, unknown>>;

const MAX_DATA_PER_REQUEST = 1000;
const MAX_ALARM_RECORDS = 100;

/** A CloudWatch without data or alarms. */
export function createCloudWatch(options: CloudWatchOptions): CloudWatch {
  const { guard, clock, region = 'us-east-1', account = '000000000000', keep = 10_000 } = options;
  const alarms = new Map<string, Alarm>();
  const kept: Datum[] = [];
  const faults = createFaults();
  const alarmArnPrefix = `arn:aws:cloudwatch:${region}:${account}:alarm:`;

  function putMetricData({ principal, input }: AwsRequest): object {
    const namespace = requireString(input, 'Namespace');
    const context = { 'cloudwatch:namespace': namespace };
    guard.authorize(principal, { action: 'cloudwatch:PutMetricData', resource: '*', context });
    if (namespace.startsWith('AWS/')) throw invalid('The value AWS/ for parameter Namespace is invalid.');
    if (input.EntityMetricData) throw invalid('EntityMetricData is not supported locally.');
    const data = (input.MetricData ?? []) as Input[];
    if (data.length > MAX_DATA_PER_REQUEST) throw invalid(`MetricData has at most ${MAX_DATA_PER_REQUEST} members.`);
    kept.push(...data.map((datum) => parseDatum(datum, { namespace, now: clock.now() })));
    if (kept.length > keep) kept.splice(0, kept.length - keep);
    return {};
  }
  function getMetricData({ principal, input }: AwsRequest): object {
    guard.authorize(principal, { action: 'cloudwatch:GetMetricData', resource: '*' });
    const window = { startAt: Number(input.StartTime) * 1000, endAt: Number(input.EndTime) * 1000 };
    if (!(window.startAt < window.endAt)) throw invalid('The parameter EndTime must be greater than StartTime.');
    const queries = (input.MetricDataQueries ?? []) as MetricQuery[];
    const newestFirst = input.ScanBy !== 'TimestampAscending';
    return {
      MetricDataResults: queries.map((query) => queryMetric(query, kept, { ...window, newestFirst })),
      Messages: [],
    };
  }
  function describeAlarms({ principal, input }: AwsRequest): object {
    guard.authorize(principal, { action: 'cloudwatch:DescribeAlarms', resource: `${alarmArnPrefix}*` });
    const start = Number(optionalString(input, 'NextToken') ?? 0);
    const size = Math.min(Number(input.MaxRecords ?? 50), MAX_ALARM_RECORDS);
    const found = [...alarms.values()].filter((alarm) => isAskedFor(alarm, input));
    const page = found.slice(start, start + size).map((alarm) => ({ alarm, wire: toWire(alarm, alarmArnPrefix) }));
    return {
      MetricAlarms: page.filter(({ alarm }) => alarm.kind === 'MetricAlarm').map(({ wire }) => wire),
      CompositeAlarms: page.filter(({ alarm }) => alarm.kind === 'CompositeAlarm').map(({ wire }) => wire),
      ...(start + size < found.length ? { NextToken: String(start + size) } : {}),
    };
  }
  const handlers: Readonly<Record<string, (request: AwsRequest) => object>> = {
    PutMetricData: putMetricData,
    GetMetricData: getMetricData,
    DescribeAlarms: describeAlarms,
  };
  return {
    scope: 'monitoring',
    handle: (request) =>
      faults.around(request, async () => {
        const handler = handlers[request.operation];
        if (!handler) throw unknownOperation('CloudWatch', request.operation);
        return { status: 200, body: handler(request) };
      }),
    addAlarm({ name, kind = 'MetricAlarm', description }) {
      const reason = 'Unchecked: Initial alarm creation';
      alarms.set(name, { name, kind, description, state: 'INSUFFICIENT_DATA', reason, changedAt: clock.now() });
    },
    setAlarmState(name, state, reason = 'Set by hand') {
      const alarm = alarms.get(name);
      if (!alarm) throw new RangeError(`there is no alarm ${name}`);
      Object.assign(alarm, { state, reason, changedAt: clock.now() });
    },
    data: () => [...kept],
    failNext: faults.failNext,
    clearFaults: faults.clear,
  };
}

/** A datum has either `Value`, or `Values` with `Counts`, or `StatisticValues`; the last is kept as its sums. */
function parseDatum(datum: Input, { namespace, now }: { namespace: string; now: number }): Datum {
  const { Value, Values, Counts, StatisticValues } = datum as {
    Value?: number;
    Values?: number[];
    Counts?: number[];
    StatisticValues?: { SampleCount: number; Sum: number; Minimum: number; Maximum: number };
  };
  if ([Value, Values, StatisticValues].filter((form) => form !== undefined).length !== 1) {
    throw invalid('A datum needs exactly one of Value, Values and StatisticValues.');
  }
  const values = Values ?? (Value === undefined ? [] : [Value]);
  const weights = values.map((value, index) => ({ value, count: Counts?.[index] ?? 1 }));
  const { SampleCount, Sum, Minimum, Maximum } = StatisticValues ?? {
    SampleCount: weights.reduce((sum, { count }) => sum + count, 0),
    Sum: weights.reduce((sum, { value, count }) => sum + value * count, 0),
    Minimum: Math.min(...values),
    Maximum: Math.max(...values),
  };
  if (![SampleCount, Sum, Minimum, Maximum].every(Number.isFinite)) throw invalid('A datum holds finite numbers only.');
  return {
    namespace,
    name: requireString(datum, 'MetricName'),
    dimensions: (datum.Dimensions ?? []) as Datum['dimensions'],
    unit: optionalString(datum, 'Unit') ?? 'None',
    at: typeof datum.Timestamp === 'number' ? Math.round(datum.Timestamp * 1000) : now,
    count: SampleCount,
    sum: Sum,
    minimum: Minimum,
    maximum: Maximum,
  };
}

function isAskedFor({ name, kind, state }: Alarm, input: Input): boolean {
  const { AlarmNames, AlarmTypes, AlarmNamePrefix, StateValue } = input as {
    AlarmNames?: string[];
    AlarmTypes?: string[];
    AlarmNamePrefix?: string;
    StateValue?: string;
  };
  // AWS answers with metric alarms alone unless asked for composite ones.
  if (!(AlarmTypes ?? ['MetricAlarm']).includes(kind)) return false;
  if (AlarmNames && !AlarmNames.includes(name)) return false;
  if (AlarmNamePrefix && !name.startsWith(AlarmNamePrefix)) return false;
  return StateValue === undefined || StateValue === state;
}

function toWire(alarm: Alarm, arnPrefix: string): object {
  return {
    AlarmName: alarm.name,
    AlarmArn: arnPrefix + alarm.name,
    ...(alarm.description ? { AlarmDescription: alarm.description } : {}),
    StateValue: alarm.state,
    StateReason: alarm.reason,
    StateUpdatedTimestamp: alarm.changedAt / 1000,
  };
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message);
}
