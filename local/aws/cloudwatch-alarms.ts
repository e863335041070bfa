import type { AlarmBoard, AlarmStatus, HistoryItem } from '../alarms/alarm-board.ts';
import type { AlarmDefinition, AlarmState } from '../alarms/model.ts';
import { AwsError } from './aws-error.ts';
import type { Guard } from './iam.ts';
import { optionalString, requireString } from './input.ts';
import type { AwsRequest } from './server.ts';

type Input = Readonly<Record<string, unknown>>;
type Handler = (request: AwsRequest) => object;

interface AlarmOptions {
  readonly guard: Guard;
  readonly board: AlarmBoard;
  /** `arn:aws:cloudwatch:<region>:<account>:alarm:` */
  readonly arnPrefix: string;
}

const STATES: readonly AlarmState[] = ['OK', 'ALARM', 'INSUFFICIENT_DATA'];
const MAX_RECORDS = 100;
const DEFAULT_RECORDS = 50;

/**
 * DescribeAlarms, DescribeAlarmHistory and SetAlarmState. Without `AlarmTypes` both descriptions are of metric alarms alone,
 * as on AWS.
 */
export function alarmHandlers(options: AlarmOptions): Readonly<Record<string, Handler>> {
  return {
    DescribeAlarms: (request) => describeAlarms(options, request),
    DescribeAlarmHistory: (request) => describeHistory(options, request),
    SetAlarmState: (request) => setState(options, request),
  };
}

function describeAlarms({ guard, board, arnPrefix }: AlarmOptions, { principal, input }: AwsRequest): object {
  guard.authorize(principal, { action: 'cloudwatch:DescribeAlarms', resource: `${arnPrefix}*` });
  const found = board.statuses().filter((status) => isAskedFor(status, input));
  const { records, rest } = pageOf(found, input);
  const wire = (type: AlarmDefinition['type']) =>
    records.filter(({ definition }) => definition.type === type).map((status) => statusToWire(status, arnPrefix));
  return { MetricAlarms: wire('MetricAlarm'), CompositeAlarms: wire('CompositeAlarm'), ...rest };
}

function describeHistory({ guard, board, arnPrefix }: AlarmOptions, { principal, input }: AwsRequest): object {
  const name = optionalString(input, 'AlarmName');
  guard.authorize(principal, { action: 'cloudwatch:DescribeAlarmHistory', resource: `${arnPrefix}${name ?? '*'}` });
  const [fromAt, toAt] = [
    Number(input.StartDate ?? 0) * 1000,
    Number(input.EndDate ?? Number.POSITIVE_INFINITY) * 1000,
  ];
  const found = board.history().filter(({ at, alarm, kind }) => {
    if (name !== undefined && alarm.name !== name) return false;
    if (!typesOf(input).includes(alarm.type)) return false;
    if (input.HistoryItemType !== undefined && input.HistoryItemType !== kind) return false;
    return at >= fromAt && at <= toAt;
  });
  const ordered = input.ScanBy === 'TimestampAscending' ? found : found.toReversed();
  const { records, rest } = pageOf(ordered, input);
  return { AlarmHistoryItems: records.map(historyToWire), ...rest };
}

function setState({ guard, board, arnPrefix }: AlarmOptions, { principal, input }: AwsRequest): object {
  const name = requireString(input, 'AlarmName');
  guard.authorize(principal, { action: 'cloudwatch:SetAlarmState', resource: arnPrefix + name });
  const state = STATES.find((known) => known === input.StateValue);
  if (state === undefined)
    throw new AwsError('ValidationException', `${String(input.StateValue)} is no state of an alarm.`);
  const reason = requireString(input, 'StateReason');
  if (!board.statuses().some(({ definition }) => definition.name === name)) {
    throw new AwsError('ResourceNotFound', `There is no alarm ${name}.`, 404);
  }
  board.set(name, state, reason);
  return {};
}

function isAskedFor({ definition: { name, type }, state }: AlarmStatus, input: Input): boolean {
  const { AlarmNames, AlarmNamePrefix, StateValue } = input as {
    AlarmNames?: string[];
    AlarmNamePrefix?: string;
    StateValue?: string;
  };
  if (!typesOf(input).includes(type)) return false;
  if (AlarmNames && !AlarmNames.includes(name)) return false;
  if (AlarmNamePrefix && !name.startsWith(AlarmNamePrefix)) return false;
  return StateValue === undefined || StateValue === state;
}

function typesOf({ AlarmTypes = ['MetricAlarm'] }: Input): readonly unknown[] {
  return Array.isArray(AlarmTypes) ? AlarmTypes : [];
}

function pageOf<T>(found: readonly T[], input: Input): { readonly records: readonly T[]; readonly rest: object } {
  const start = Number(optionalString(input, 'NextToken') ?? 0);
  const end = start + Math.min(Number(input.MaxRecords ?? DEFAULT_RECORDS), MAX_RECORDS);
  return { records: found.slice(start, end), rest: end < found.length ? { NextToken: String(end) } : {} };
}

function statusToWire({ definition, state, reason, changedAt }: AlarmStatus, arnPrefix: string): object {
  const { Tags: _, ...properties } = definition.properties;
  return {
    ActionsEnabled: true,
    AlarmActions: [],
    OKActions: [],
    InsufficientDataActions: [],
    ...properties,
    AlarmName: definition.name,
    AlarmArn: arnPrefix + definition.name,
    StateValue: state,
    StateReason: reason,
    StateUpdatedTimestamp: changedAt / 1000,
    StateTransitionedTimestamp: changedAt / 1000,
  };
}

function historyToWire(item: HistoryItem): object {
  const { at, alarm, kind } = item;
  return {
    AlarmName: alarm.name,
    AlarmType: alarm.type,
    Timestamp: at / 1000,
    HistoryItemType: kind,
    HistorySummary: summaryOf(item),
    HistoryData: JSON.stringify(dataOf(item)),
  };
}

function summaryOf(item: HistoryItem): string {
  if (item.kind === 'StateUpdate') return `Alarm updated from ${item.from} to ${item.to}`;
  if (item.error === undefined) return `Successfully executed action ${item.action}`;
  return `Failed to execute action ${item.action}. Received error: "${item.error}"`;
}

function dataOf(item: HistoryItem): object {
  if (item.kind === 'StateUpdate') {
    const { from, to, reason } = item;
    return { version: '1.0', oldState: { stateValue: from }, newState: { stateValue: to, stateReason: reason } };
  }
  return {
    actionState: item.error === undefined ? 'Succeeded' : 'Failed',
    notificationResource: item.action,
    stateUpdateTimestamp: item.at,
  };
}
