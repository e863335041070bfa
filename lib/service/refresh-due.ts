import { ATTEMPT_MS } from '../domain/acquire-decision.ts';
import { GrantkeeperError } from '../domain/errors.ts';
import { duePartitions, type Instant } from '../domain/grant.ts';
import { METRICS, PROVIDER_IDS } from '../domain/names.ts';
import type { RefreshPorts } from './lease.ts';
import type { DueEntry } from './ports.ts';
import { performDue } from './refresh-grant.ts';

/** Grants worked on at once: each waits for KMS, the provider and DynamoDB most of its time. */
const CONCURRENCY = 16;
/** Entries asked for per partition and run; what is left is found in the next minute. */
const PER_PARTITION = 100;

export interface SweepResult {
  /** Entries found due. */
  readonly due: number;
  /** Entries worked on, whatever came of it. */
  readonly worked: number;
  /** Entries left for the next run for want of time. */
  readonly left: number;
  /** Entries whose work threw; they stay due. */
  readonly failed: number;
}

/**
 * One run of the schedule: everything due at every provider, most overdue first. Starts no attempt that could outlive
 * `deadlineAt`; one grant's trouble never holds up the others.
 */
export async function refreshDue(ports: RefreshPorts, options: { readonly deadlineAt: Instant }): Promise<SweepResult> {
  const startedAt = ports.clock.now();
  ports.count(METRICS.sweepHeartbeat, 1);
  const entries = await dueNow(ports, startedAt);
  ports.count(METRICS.refreshLag, entries[0] === undefined ? 0 : startedAt - entries[0].dueAt);
  const result = { due: entries.length, worked: 0, left: 0, failed: 0 };
  const queue = [...entries];
  const worker = async () => {
    for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) {
      if (ports.clock.now() + ATTEMPT_MS > options.deadlineAt) result.left += 1;
      else if (await work(ports, entry, options.deadlineAt)) result.worked += 1;
      else result.failed += 1;
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, queue.length) }, worker));
  return result;
}

/** Whatever the index says is due, merged over all partitions; one that cannot be read is left to the next run. */
async function dueNow(ports: RefreshPorts, now: Instant): Promise<DueEntry[]> {
  const partitions = PROVIDER_IDS.flatMap(duePartitions);
  const found = await Promise.allSettled(
    partitions.map((partition) => ports.store.listDue(partition, now, PER_PARTITION)),
  );
  const missed = found.filter((listed) => listed.status === 'rejected');
  if (missed.length === partitions.length) throw new GrantkeeperError('unavailable', { cause: missed[0]?.reason });
  if (missed.length > 0) ports.log('error', 'parts of the due index could not be read', { missed: missed.length });
  return found
    .flatMap((listed) => (listed.status === 'fulfilled' ? listed.value : []))
    .sort((a, b) => a.dueAt - b.dueAt);
}

async function work(ports: RefreshPorts, entry: DueEntry, deadlineAt: Instant): Promise<boolean> {
  try {
    await performDue(ports, entry.grant, deadlineAt);
    return true;
  } catch (error) {
    ports.log('error', 'a due grant could not be worked on', {
      grant: entry.grant,
      error: error instanceof Error ? error.name : 'unknown',
    });
    return false;
  }
}
