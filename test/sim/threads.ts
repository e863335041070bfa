import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { SeedResult } from './seed.ts';

/** What a thread is asked for: every `stride`th seed from `from` on. */
export interface Share {
  readonly from: number;
  readonly count: number;
  readonly stride: number;
}

/** What a thread has found so far. */
export interface Tally {
  seeds: number;
  steps: number;
  refreshes: number;
  violations: number;
  /** Seeds that failed, as many as are worth telling. */
  failures: SeedResult[];
  lost: Record<string, number>;
  situations: Record<string, number>;
}

const MAX_FAILURES = 20;

export function emptyTally(): Tally {
  return { seeds: 0, steps: 0, refreshes: 0, violations: 0, failures: [], lost: {}, situations: {} };
}

/** Counts one seed in. */
export function countSeed(tally: Tally, result: SeedResult): void {
  tally.seeds += 1;
  tally.steps += result.steps;
  tally.refreshes += result.refreshes;
  addTo(tally.lost, result.lost);
  addTo(tally.situations, result.situations);
  if (result.problem === undefined) return;
  tally.violations += 1;
  if (tally.failures.length < MAX_FAILURES) tally.failures.push(result);
}

/** Counts another tally in. */
function addTally(tally: Tally, other: Tally): void {
  tally.seeds += other.seeds;
  tally.steps += other.steps;
  tally.refreshes += other.refreshes;
  tally.violations += other.violations;
  tally.failures.push(...other.failures);
  addTo(tally.lost, other.lost);
  addTo(tally.situations, other.situations);
}

function addTo(sums: Record<string, number>, more: Readonly<Record<string, number | undefined>>): void {
  for (const [name, count] of Object.entries(more)) sums[name] = (sums[name] ?? 0) + (count ?? 0);
}

/** Runs `count` seeds from `from` on, one thread per core. `told` is called with what is done from time to time. */
export async function runInThreads(
  { from, count }: { readonly from: number; readonly count: number },
  told: (done: number) => void = () => undefined,
): Promise<Tally> {
  const threads = Math.max(1, Math.min(availableParallelism(), count));
  const total = emptyTally();
  let done = 0;
  const shares = Array.from({ length: threads }, (_, index): Share => {
    return { from: from + index, count: Math.ceil((count - index) / threads), stride: threads };
  });
  const runs = shares.map((share) =>
    runShare(share, (seeds) => {
      done += seeds;
      told(done);
    }),
  );
  for (const tally of await Promise.all(runs)) addTally(total, tally);
  return total;
}

function runShare(share: Share, told: (seeds: number) => void): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL('thread.ts', import.meta.url), { workerData: share });
    thread.on('message', (message: { readonly done: number } | { readonly tally: Tally }) => {
      if ('done' in message) told(message.done);
      else resolve(message.tally);
    });
    thread.on('error', reject);
    thread.on('exit', (code) => {
      if (code !== 0) reject(new Error(`a thread of the simulation ended with ${code}`));
    });
  });
}
