/**
 * EventBridge PutEvents: checks entries as AWS does, remembers what was put and to which targets the rules of its bus send it.
 * Whoever listens carries the deliveries out; schedules belong to the platform.
 */
import { randomUUID } from 'node:crypto';
import type { MovableClock } from '../clock.ts';
import { AwsError, unknownOperation } from './aws-error.ts';
import { type BusRule, createRules, type Rules } from './eventbridge-rules.ts';
import { createFaults, type Fault } from './faults.ts';
import type { Guard } from './iam.ts';
import type { AwsRequest, AwsService } from './server.ts';

/** An accepted event; `detail` is parsed. */
interface PutEvent {
  readonly id: string;
  readonly bus: string;
  readonly source: string;
  readonly detailType: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly resources: readonly string[];
  /** Epoch milliseconds: the entry's Time, or when it came. */
  readonly at: number;
  readonly principal: string;
}

export interface EventBridge extends AwsService {
  /** Makes a bus known, besides `default`. */
  addBus(name: string): void;
  /** From now on its bus sends what fits to the rule's targets. */
  addRule(rule: BusRule): void;
  /** The last accepted events, oldest first. */
  events(): readonly PutEvent[];
  readonly deliveries: Rules['deliveries'];
  readonly onDelivery: Rules['onDelivery'];
  failNext(fault: Fault): void;
  clearFaults(): void;
}

interface EventBridgeOptions {
  readonly guard: Guard;
  readonly clock: MovableClock;
  /** Default `us-east-1`. */
  readonly region?: string;
  /** Default `000000000000`. */
  readonly account?: string;
  /** How many events, and deliveries, are remembered; default 1,000. */
  readonly keep?: number;
}

type Entry = Readonly<Record<string, unknown>>;
interface Rejection {
  readonly ErrorCode: string;
  readonly ErrorMessage: string;
}

const MAX_ENTRIES = 10;
const MAX_REQUEST_BYTES = 256 * 1024;

/** An EventBridge with the default bus. */
export function createEventBridge(options: EventBridgeOptions): EventBridge {
  const { guard, clock, region = 'us-east-1', account = '000000000000', keep = 1000 } = options;
  const buses = new Set(['default']);
  const rules = createRules({ account, keep });
  const kept: PutEvent[] = [];
  const faults = createFaults();
  const arnPrefix = `arn:aws:events:${region}:${account}:event-bus/`;

  function accept(entry: Entry, principal: string): { EventId: string } | Rejection {
    const bus = busOf(entry, arnPrefix);
    if (!buses.has(bus)) {
      return { ErrorCode: 'ResourceNotFoundException', ErrorMessage: `Event bus ${bus} does not exist.` };
    }
    const detail = parseDetail(entry.Detail);
    const rejection = rejectionOf(entry, detail);
    if (rejection) return rejection;
    const event: PutEvent = {
      id: randomUUID(),
      bus,
      source: String(entry.Source),
      detailType: String(entry.DetailType),
      detail: detail ?? {},
      resources: (entry.Resources ?? []) as string[],
      at: typeof entry.Time === 'number' ? Math.round(entry.Time * 1000) : clock.now(),
      principal,
    };
    kept.push(event);
    if (kept.length > keep) kept.splice(0, kept.length - keep);
    rules.deliver(event);
    return { EventId: event.id };
  }
  function putEvents({ principal, input }: AwsRequest): object {
    const entries = entriesOf(input);
    for (const entry of entries) {
      guard.authorize(principal, {
        action: 'events:PutEvents',
        resource: arnPrefix + busOf(entry, arnPrefix),
        context: {
          ...(typeof entry.Source === 'string' ? { 'events:source': entry.Source } : {}),
          ...(typeof entry.DetailType === 'string' ? { 'events:detail-type': entry.DetailType } : {}),
        },
      });
    }
    const results = entries.map((entry) => accept(entry, principal.name));
    return { FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length, Entries: results };
  }
  return {
    scope: 'events',
    handle: (request) =>
      faults.around(request, async () => {
        if (request.operation !== 'PutEvents') throw unknownOperation('EventBridge', request.operation);
        return { status: 200, body: putEvents(request) };
      }),
    addBus: (name) => void buses.add(name),
    addRule: rules.add,
    events: () => [...kept],
    deliveries: rules.deliveries,
    onDelivery: rules.onDelivery,
    failNext: faults.failNext,
    clearFaults: faults.clear,
  };
}

function entriesOf(input: Entry): Entry[] {
  const entries = input.Entries;
  if (!Array.isArray(entries) || entries.length < 1 || entries.length > MAX_ENTRIES) {
    throw new AwsError('ValidationException', `Entries must have 1 to ${MAX_ENTRIES} members`);
  }
  if (entries.reduce((sum: number, entry: Entry) => sum + sizeOf(entry), 0) > MAX_REQUEST_BYTES) {
    throw new AwsError('ValidationException', `Total size of the entries in the request is over the limit.`);
  }
  return entries as Entry[];
}

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html */
function sizeOf(entry: Entry): number {
  const texts = [entry.Source, entry.DetailType, entry.Detail, ...((entry.Resources ?? []) as unknown[])];
  const bytes = texts.reduce((sum: number, text) => sum + Buffer.byteLength(String(text ?? '')), 0);
  return bytes + (entry.Time === undefined ? 0 : 14);
}

function busOf(entry: Entry, arnPrefix: string): string {
  const name = String(entry.EventBusName ?? 'default');
  return name.startsWith(arnPrefix) ? name.slice(arnPrefix.length) : name;
}

function rejectionOf(entry: Entry, detail: Entry | undefined): Rejection | undefined {
  for (const name of ['Source', 'DetailType', 'Detail']) {
    if (typeof entry[name] === 'string' && entry[name] !== '') continue;
    const ErrorMessage = `Parameter ${name} is not valid. Reason: ${name} is a required argument.`;
    return { ErrorCode: 'InvalidArgument', ErrorMessage };
  }
  if (String(entry.Source).startsWith('aws.')) {
    return { ErrorCode: 'NotAuthorizedForSourceException', ErrorMessage: 'Not authorized for the source.' };
  }
  return detail ? undefined : { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
}

function parseDetail(text: unknown): Entry | undefined {
  try {
    const value: unknown = JSON.parse(String(text));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Entry) : undefined;
  } catch {
    return undefined;
  }
}
