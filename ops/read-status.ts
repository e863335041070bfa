import { GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type { Instant } from '../lib/domain/grant.ts';
import { suspectPartitions } from '../lib/domain/grant.ts';
import { METRICS, metricNamespace, PROVIDER_IDS, type ProviderId } from '../lib/domain/names.ts';
import type { ProviderState } from '../lib/domain/provider-state.ts';
import { type Alarm, listAlarms } from './alarms.ts';
import type { Session } from './command.ts';
import { reasonOf } from './describe-error.ts';
import { findPlace, findRescueQueues } from './place.ts';
import { type Reservations, readReservations } from './refreshers.ts';
import { readRing } from './state-key-ring.ts';

/** How an environment is, part by part. A part that could not be read has the reason in its place. */
export interface EnvironmentStatus {
  readonly environment: string;
  readonly at: Instant;
  readonly alarms: Part<readonly Alarm[]>;
  /** When a sweep last ended well; undefined: not within `HEARTBEAT_MS`. */
  readonly heartbeatAt: Part<Instant | undefined>;
  readonly refreshers: Part<Reservations>;
  readonly rescue: Part<{ readonly queue: QueueCount; readonly deadLetter: QueueCount }>;
  readonly stateKeys: Part<{ readonly current: string; readonly previous?: string }>;
  readonly providers: Part<Readonly<Record<ProviderId, ProviderLook>>>;
}

export type Part<T> = { readonly value: T } | { readonly unread: string };

/** Messages to be received, and received but not yet done with. */
export interface QueueCount {
  readonly waiting: number;
  readonly inFlight: number;
}

export interface ProviderLook {
  readonly state: ProviderState | undefined;
  /** Counted now, by the index. */
  readonly suspects: number;
}

/** As far back as a heartbeat is looked for, at a minute's resolution. */
export const HEARTBEAT_MS = 3 * 3600_000;

/** Reads all parts side by side. Throws only when the environment does not exist here. */
export async function readStatus(session: Session, environment: string): Promise<EnvironmentStatus> {
  const { store, clock } = await findPlace(session, environment, ['grants']);
  const now = clock.now();
  const parts = {
    alarms: part(() => listAlarms(session, environment)),
    heartbeatAt: part(() => readHeartbeat(session, environment, now)),
    refreshers: part(() => readReservations(session, environment)),
    rescue: part(() => readRescue(session, environment)),
    stateKeys: part(async () => {
      const { current, previous } = await readRing(session, environment);
      return { current: current.id, ...(previous === undefined ? {} : { previous: previous.id }) };
    }),
    providers: part(async () => {
      const looks = PROVIDER_IDS.map(async (provider) => [provider, await lookAt(store, provider)] as const);
      return Object.fromEntries(await Promise.all(looks)) as Record<ProviderId, ProviderLook>;
    }),
  };
  return {
    environment,
    at: now,
    alarms: await parts.alarms,
    heartbeatAt: await parts.heartbeatAt,
    refreshers: await parts.refreshers,
    rescue: await parts.rescue,
    stateKeys: await parts.stateKeys,
    providers: await parts.providers,
  };
}

async function part<T>(read: () => Promise<T>): Promise<Part<T>> {
  try {
    return { value: await read() };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return { unread: `could not be read${reasonOf(cause)}` };
  }
}

async function readHeartbeat({ clients }: Session, environment: string, now: Instant): Promise<Instant | undefined> {
  const { MetricDataResults = [] } = await clients.cloudWatch.send(
    new GetMetricDataCommand({
      // The minute that has begun counts too.
      StartTime: new Date(now - HEARTBEAT_MS),
      EndTime: new Date(now + 60_000),
      ScanBy: 'TimestampDescending',
      MetricDataQueries: [
        {
          Id: 'heartbeat',
          MetricStat: {
            Metric: { Namespace: metricNamespace(environment), MetricName: METRICS.sweepHeartbeat },
            Period: 60,
            Stat: 'Sum',
          },
        },
      ],
    }),
  );
  const [{ Timestamps = [], Values = [] } = {}] = MetricDataResults;
  return Timestamps.find((_, index) => (Values[index] ?? 0) > 0)?.getTime();
}

async function readRescue(session: Session, environment: string) {
  const { queueUrl, deadLetterUrl } = await findRescueQueues(session, environment);
  const [queue, deadLetter] = await Promise.all([countOn(session, queueUrl), countOn(session, deadLetterUrl)]);
  return { queue, deadLetter };
}

async function countOn({ clients }: Session, QueueUrl: string): Promise<QueueCount> {
  const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
  const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...names] });
  const { Attributes = {} } = await clients.sqs.send(command);
  return { waiting: Number(Attributes[names[0]] ?? Number.NaN), inFlight: Number(Attributes[names[1]] ?? Number.NaN) };
}

async function lookAt(
  store: Awaited<ReturnType<typeof findPlace>>['store'],
  provider: ProviderId,
): Promise<ProviderLook> {
  const counted = suspectPartitions(provider).map((partition) => store.countPartition(partition));
  const [state, ...counts] = await Promise.all([store.readProvider(provider), ...counted]);
  return { state, suspects: counts.reduce((sum, count) => sum + count, 0) };
}
