/**
 * CloudWatch: metric data that are kept minute by minute, and the template's alarms, judged by them. Data come by
 * PutMetricData, in the lines that functions print, and from Lambda and SQS.
 */
import { type AlarmBoard, createAlarmBoard } from '../alarms/alarm-board.ts';
import type { AlarmDefinition } from '../alarms/model.ts';
import type { MovableClock } from '../clock.ts';
import { AwsError, unknownOperation } from './aws-error.ts';
import { alarmHandlers } from './cloudwatch-alarms.ts';
import { readEmbeddedMetrics } from './cloudwatch-emf.ts';
import { queryMetrics } from './cloudwatch-query.ts';
import { createFaults, type Fault } from './faults.ts';
import type { Guard } from './iam.ts';
import { requireString } from './input.ts';
import { createMetricData, type MetricData } from './metric-data.ts';
import { datumOf, parseDatum } from './metric-datum.ts';
import type { AwsRequest, AwsService } from './server.ts';

/** One value that an AWS service measured. */
export interface Measurement {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly unit: 'Count' | 'Milliseconds' | 'Seconds';
  readonly value: number;
  /** Default: now. */
  readonly at?: number;
}

export interface CloudWatch extends AwsService {
  readonly alarms: AlarmBoard;
  readonly read: MetricData['read'];
  /** Every metric that has data, as `Namespace Name {dimension=value,…}`. */
  metricNames(): readonly string[];
  /** Takes the metrics out of a line that a function printed, if it is one of them. */
  ingest(line: string): void;
  /** Takes what an AWS service measured itself. */
  record(measurement: Measurement): void;
  failNext(fault: Fault): void;
  clearFaults(): void;
}

interface CloudWatchOptions {
  readonly guard: Guard;
  readonly clock: Pick<MovableClock, 'now'>;
  /** Default: none. */
  readonly alarms?: readonly AlarmDefinition[];
  /** ARNs of the topics alarms may publish on; default: none. */
  readonly topics?: readonly string[];
  /** Default `us-east-1`. */
  readonly region?: string;
  /** Default `000000000000`. */
  readonly account?: string;
}

const MAX_DATA_PER_REQUEST = 1000;

/** A CloudWatch without data. Nobody but `alarms.evaluate` judges the alarms. */
export function createCloudWatch(options: CloudWatchOptions): CloudWatch {
  const { guard, clock, region = 'us-east-1', account = '000000000000' } = options;
  const data = createMetricData();
  const board = createAlarmBoard({ alarms: options.alarms ?? [], topics: options.topics ?? [], now: clock.now });
  const faults = createFaults();
  const handlers: Readonly<Record<string, (request: AwsRequest) => object>> = {
    PutMetricData(request) {
      for (const datum of putData(request, guard, clock.now())) data.add(datum);
      return {};
    },
    GetMetricData({ principal, input }) {
      guard.authorize(principal, { action: 'cloudwatch:GetMetricData', resource: '*' });
      return queryMetrics(input, data);
    },
    ...alarmHandlers({ guard, board, arnPrefix: `arn:aws:cloudwatch:${region}:${account}:alarm:` }),
  };
  return {
    scope: 'monitoring',
    handle: (request) =>
      faults.around(request, async () => {
        const handler = handlers[request.operation];
        if (!handler) throw unknownOperation('CloudWatch', request.operation);
        return { status: 200, body: handler(request) };
      }),
    alarms: board,
    read: data.read,
    metricNames: () => data.names(),
    ingest(line) {
      for (const datum of readEmbeddedMetrics(line)) data.add(datum);
    },
    record({ value, dimensions, at = clock.now(), ...metric }) {
      const own = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
      data.add(datumOf({ ...metric, dimensions: own, at, values: [[value, 1]] }));
    },
    failNext: faults.failNext,
    clearFaults: faults.clear,
  };
}

function putData({ principal, input }: AwsRequest, guard: Guard, now: number) {
  const namespace = requireString(input, 'Namespace');
  const context = { 'cloudwatch:namespace': namespace };
  guard.authorize(principal, { action: 'cloudwatch:PutMetricData', resource: '*', context });
  if (namespace.startsWith('AWS/')) throw invalid('The value AWS/ for parameter Namespace is invalid.');
  if (input.EntityMetricData) throw invalid('EntityMetricData is not supported locally.');
  const given = (input.MetricData ?? []) as Readonly<Record<string, unknown>>[];
  if (given.length > MAX_DATA_PER_REQUEST) throw invalid(`MetricData has at most ${MAX_DATA_PER_REQUEST} members.`);
  return given.map((datum) => parseDatum(datum, { namespace, now }));
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message);
}
