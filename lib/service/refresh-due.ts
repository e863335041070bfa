import { GrantkeeperError } from '../domain/errors.ts';
import type { Instant } from '../domain/grant.ts';
import { METRICS, PROVIDER_IDS, type ProviderEnvironment, type ProviderId } from '../domain/names.ts';
import { STANDING_COUNTS } from '../domain/standing-counts.ts';
import { type Look, lookAtDue } from './due-look.ts';
import { measureKeys, measureOverdue, measureProvider, publishGauges } from './fleet-gauges.ts';
import type { RefreshPorts } from './lease.ts';
import type { CountUnusableKeys, Gauge, HandOver, PublishGauges } from './ports.ts';
import { isAtFullSpeed, type SweepResult, sweepProvider } from './sweep-provider.ts';
import { ALL_PARTITIONS, providerOf, shareOut } from './sweep-shares.ts';

/** Everything the sweep touches. */
export interface SweepPorts extends RefreshPorts {
  readonly handOver: HandOver;
  readonly publish: PublishGauges;
  readonly countUnusableKeys: CountUnusableKeys;
  /** Whose client a provider is probed with. */
  readonly providerEnvironment: ProviderEnvironment;
}

export interface SweepOptions {
  /** No attempt is started that could outlive it. */
  readonly deadlineAt: Instant;
  /** Set for a copy that was handed a share: it does nothing else, and hands nothing on. */
  readonly partitions?: readonly string[];
}

/**
 * One run of the schedule: looks at every provider, probes one whose circuit is open, and does what is due, provider by
 * provider side by side. When it is more than one run can do, copies of the function get a share each. Publishes what it
 * found of the fleet. Throws `unavailable` when no part of the due index could be read.
 */
export async function refreshDue(ports: SweepPorts, options: SweepOptions): Promise<SweepResult> {
  if (options.partitions !== undefined) return await sweepShare(ports, options.partitions, options.deadlineAt);
  const startedAt = ports.clock.now();
  const keys = measureKeys(ports);
  const look = await lookOrTell(ports, keys);
  // A run that sees nothing is no sign of life.
  ports.count(METRICS.sweepHeartbeat, 1);
  ports.count(METRICS.refreshLag, lagOf(look, startedAt));
  const own = await shareOut(ports, look.found, await providersAtFullSpeed(ports));
  const measured = new Map(PROVIDER_IDS.map((provider) => [provider, measureProvider(ports, provider)]));
  const overdue = PROVIDER_IDS.flatMap((provider) => measureOverdue(look, provider, startedAt));
  const published = publishGauges(ports, [keys, overdue, STANDING, ...measured.values()]);
  try {
    return await eachProvider(own, async (provider, found) => {
      await measured.get(provider);
      return await sweepProvider(ports, provider, found, options.deadlineAt);
    });
  } finally {
    await published;
  }
}

/** With the gauges, because 0 of something in the log each minute would only be in the way. */
const STANDING: readonly Gauge[] = STANDING_COUNTS.map((count) => ({ ...count, value: 0 }));

async function sweepShare(ports: SweepPorts, partitions: readonly string[], deadlineAt: Instant): Promise<SweepResult> {
  const { found } = await lookOrFail(ports, partitions);
  return await eachProvider(found, (provider, own) => sweepProvider(ports, provider, own, deadlineAt));
}

async function lookOrFail(ports: SweepPorts, partitions: readonly string[]): Promise<Look> {
  const look = await lookAtDue(ports, partitions);
  const isBlind = partitions.length > 0 && look.missed === partitions.length;
  if (isBlind) throw new GrantkeeperError('unavailable', { cause: look.cause });
  return look;
}

/** A table whose key was disabled cannot be read, and that is what is to be told then. */
async function lookOrTell(ports: SweepPorts, keys: Promise<readonly Gauge[]>): Promise<Look> {
  try {
    return await lookOrFail(ports, ALL_PARTITIONS);
  } catch (error) {
    await publishGauges(ports, [keys]);
    throw error;
  }
}

function lagOf({ found }: Look, now: Instant): number {
  const first = [...found.values()].flatMap((entries) => entries[0]?.dueAt ?? []);
  return first.length === 0 ? 0 : Math.max(0, now - Math.min(...first));
}

/** A provider that does not answer, or has just begun to, gets no more workers than this run has. */
async function providersAtFullSpeed(ports: SweepPorts): Promise<ProviderId[]> {
  const speeds = await Promise.all(PROVIDER_IDS.map((provider) => isAtFullSpeed(ports, provider)));
  return PROVIDER_IDS.filter((_, index) => speeds[index]);
}

async function eachProvider(
  found: Look['found'],
  sweep: (provider: ProviderId, own: Look['found']) => Promise<SweepResult>,
): Promise<SweepResult> {
  const results = await Promise.all(
    PROVIDER_IDS.map((provider) =>
      sweep(provider, new Map([...found].filter(([partition]) => providerOf(partition) === provider))),
    ),
  );
  const sum = (name: keyof SweepResult) => results.reduce((total, result) => total + result[name], 0);
  return { due: sum('due'), worked: sum('worked'), left: sum('left'), skipped: sum('skipped'), failed: sum('failed') };
}
