import { ATTEMPT_MS } from '../domain/acquire-decision.ts';
import { rampedConcurrency } from '../domain/circuit.ts';
import { type Instant, isLiving } from '../domain/grant.ts';
import type { ProviderId } from '../domain/names.ts';
import { graceEndsAt } from '../domain/next-due.ts';
import type { Look } from './due-look.ts';
import { DueQueue } from './due-queue.ts';
import type { RefreshPorts } from './lease.ts';
import type { DueEntry } from './ports.ts';
import { admission } from './provider-health.ts';
import { performDue } from './refresh-grant.ts';

/** Grants of one provider worked on at once: each waits for KMS, the provider and DynamoDB most of its time. */
const CONCURRENCY = 16;
/**
 * While a circuit is open duties are done and refreshes refused, and which it is shows only the item. After so many refusals
 * a run reads no more of them: what is due stays due.
 */
const MAX_REFUSALS = 50;

export interface SweepResult {
  /** Grants found due. */
  readonly due: number;
  /** Grants worked on, whatever came of it. */
  readonly worked: number;
  /** Grants left for the next run for want of time. */
  readonly left: number;
  /** Grants left alone because the circuit of their provider is open. */
  readonly skipped: number;
  /** Grants whose work threw; they stay due. */
  readonly failed: number;
}

type Tally = { -readonly [K in keyof SweepResult]: SweepResult[K] };

/** Whether as many grants of the provider as ever may be worked on at once: its circuit is closed, and has been for a while. */
export async function isAtFullSpeed(ports: RefreshPorts, provider: ProviderId): Promise<boolean> {
  const { admitted } = await admission(ports, provider);
  return admitted && allowedNow(ports, provider) === CONCURRENCY;
}

/**
 * Works off what is due at one provider, beginning with what a first look found, with workers of its own. Starts nothing that
 * could outlive `deadlineAt` and returns when all it started has ended. One grant's trouble never holds up the others.
 */
export async function sweepProvider(
  ports: RefreshPorts,
  provider: ProviderId,
  first: Look['found'],
  deadlineAt: Instant,
): Promise<SweepResult> {
  const { admitted } = await admission(ports, provider);
  const { graceSeconds } = ports.policies(provider);
  const queue = new DueQueue(ports, first, {
    shuffle: admitted ? undefined : ports.random,
    graceEndsAt: async (key) => {
      const grant = await ports.store.readGrant(key);
      return grant !== undefined && isLiving(grant) ? graceEndsAt(grant, graceSeconds) : undefined;
    },
  });
  await queue.prepare();
  const tally: Tally = { due: 0, worked: 0, left: 0, skipped: 0, failed: 0 };
  await workOff({ ports, provider, deadlineAt, tally }, queue);
  tally[tally.skipped >= MAX_REFUSALS ? 'skipped' : 'left'] += queue.left;
  return { ...tally, due: queue.found };
}

interface Run {
  readonly ports: RefreshPorts;
  readonly provider: ProviderId;
  readonly deadlineAt: Instant;
  readonly tally: Tally;
}

async function workOff(run: Run, queue: DueQueue): Promise<void> {
  const { ports, provider, tally } = run;
  const running = new Set<Promise<void>>();
  for (;;) {
    // Fills what is remembered of the provider, at most every few seconds.
    await admission(ports, provider);
    while (running.size < allowedNow(ports, provider)) {
      const entry = hasTime(run) && tally.skipped < MAX_REFUSALS ? await queue.next() : undefined;
      if (entry === undefined) break;
      const task: Promise<void> = work(run, entry).finally(() => running.delete(task));
      running.add(task);
    }
    if (running.size === 0) return;
    await Promise.race(running);
  }
}

function hasTime({ ports, deadlineAt }: Run): boolean {
  return ports.clock.now() + ATTEMPT_MS <= deadlineAt;
}

/** After an outage few at first, by what is remembered of the provider. */
function allowedNow({ health, clock }: RefreshPorts, provider: ProviderId): number {
  const now = clock.now();
  return rampedConcurrency(health.recall(provider, now)?.state, CONCURRENCY, now);
}

/** Never throws. */
async function work({ ports, deadlineAt, tally }: Run, { grant }: DueEntry): Promise<void> {
  try {
    const { outcome } = await performDue(ports, grant, deadlineAt);
    if (outcome === 'circuit_open') tally.skipped += 1;
    else if (outcome === 'out_of_time') tally.left += 1;
    else tally.worked += 1;
  } catch (error) {
    tally.failed += 1;
    ports.log('error', 'a due grant could not be worked on', {
      grant,
      error: error instanceof Error ? error.name : 'unknown',
    });
  }
}
