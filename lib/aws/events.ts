import {
  type EventBridgeClient,
  PutEventsCommand,
  type PutEventsRequestEntry,
  type PutEventsResultEntry,
} from '@aws-sdk/client-eventbridge';
import { detailOf, EVENT_SOURCE, type LifecycleEvent } from '../domain/lifecycle-event.ts';

/** What became of some events: how many the bus did not take, and a word why (an error's name or code, never its message). */
export interface PutEnd {
  readonly dropped: number;
  readonly reason?: string;
}

/** Puts events on the bus. Never throws; an aborted call counts as not taken. */
export type PutEvents = (events: readonly LifecycleEvent[], signal?: AbortSignal) => Promise<PutEnd>;

interface Target {
  readonly client: EventBridgeClient;
  readonly busName: string;
  /** Told in each event. */
  readonly environment: string;
}

/** What one PutEvents takes: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html */
const MAX_ENTRIES = 10;
const MAX_REQUEST_BYTES = 256 * 1024;
const TIME_BYTES = 14;

/** As many requests as the events need, one after the other. Entries that fail alone are put once more. */
export function createPutEvents({ client, busName, environment }: Target): PutEvents {
  return async (events, signal) => {
    const ends: PutEnd[] = [];
    for (const entries of requestsOf(events.map((event) => entryOf(event, busName, environment)))) {
      ends.push(await put(client, entries, signal));
    }
    const reason = ends.find((end) => end.reason !== undefined)?.reason;
    return { dropped: ends.reduce((sum, end) => sum + end.dropped, 0), ...(reason === undefined ? {} : { reason }) };
  };
}

function entryOf(event: LifecycleEvent, busName: string, environment: string): PutEventsRequestEntry {
  return {
    EventBusName: busName,
    Source: EVENT_SOURCE,
    DetailType: event.type,
    Time: new Date(event.at),
    Detail: JSON.stringify(detailOf(event, environment)),
  };
}

function requestsOf(entries: readonly PutEventsRequestEntry[]): PutEventsRequestEntry[][] {
  const requests: PutEventsRequestEntry[][] = [];
  let room = 0;
  for (const entry of entries) {
    const bytes = bytesOf(entry);
    const last = requests.at(-1);
    if (last === undefined || last.length === MAX_ENTRIES || bytes > room) {
      requests.push([entry]);
      room = MAX_REQUEST_BYTES - bytes;
    } else {
      last.push(entry);
      room -= bytes;
    }
  }
  return requests;
}

/** As EventBridge counts: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html */
function bytesOf({ Source = '', DetailType = '', Detail = '' }: PutEventsRequestEntry): number {
  return TIME_BYTES + Buffer.byteLength(Source) + Buffer.byteLength(DetailType) + Buffer.byteLength(Detail);
}

async function put(
  client: EventBridgeClient,
  entries: readonly PutEventsRequestEntry[],
  signal: AbortSignal | undefined,
): Promise<PutEnd> {
  let left = entries;
  try {
    const refused = await send(client, left, signal);
    if (refused.length === 0) return { dropped: 0 };
    left = refused.map(({ entry }) => entry);
    const again = await send(client, left, signal);
    return again.length === 0 ? { dropped: 0 } : { dropped: again.length, reason: again[0]?.code ?? 'unknown' };
  } catch (error) {
    return { dropped: left.length, reason: error instanceof Error ? error.name : 'unknown' };
  }
}

/** The entries that the bus did not take. */
async function send(
  client: EventBridgeClient,
  entries: readonly PutEventsRequestEntry[],
  abortSignal: AbortSignal | undefined,
): Promise<{ readonly entry: PutEventsRequestEntry; readonly code: string }[]> {
  const command = new PutEventsCommand({ Entries: [...entries] });
  const { Entries: results = [] } = await client.send(command, abortSignal === undefined ? {} : { abortSignal });
  return entries.flatMap((entry, index) => {
    const { ErrorCode: code }: PutEventsResultEntry = results[index] ?? {};
    return code === undefined ? [] : [{ entry, code }];
  });
}
