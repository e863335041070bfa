import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { type Child, startChild } from './children.ts';
import type { Counted, WorkerHandlers, WorkerOptions } from './worker-process.ts';

/** The worker processes of a run, and the killer that walks among them. */

/** A process that was killed. Instants are real time. */
export interface Killed {
  readonly incarnation: number;
  readonly startedAt: number;
  readonly killedAt: number;
}

export interface Fleet {
  /** Kills a random worker that is at work, and starts another in its place; false when none is at work yet. */
  killOne(): Promise<boolean>;
  /** By incarnation. */
  readonly killed: ReadonlyMap<number, Killed>;
  /** Metrics of all workers, dead or alive; of a killed one what it told before. */
  readonly counted: ReadonlyMap<string, number>;
  /** Ends all workers when they have ended what they had begun. */
  drain(): Promise<void>;
}

interface Worker {
  readonly child: Child<WorkerHandlers>;
  readonly incarnation: number;
  readonly startedAt: number;
  isAtWork: boolean;
}

const CACHE = path.resolve(import.meta.dirname, '../../.cache/kill');
const DRAIN_MS = 60_000;

/** Starts `size` workers. */
export async function startFleet(size: number, options: Omit<WorkerOptions, 'incarnation'>): Promise<Fleet> {
  const module = bundleWorker();
  const workers = new Set<Worker>();
  const killed = new Map<number, Killed>();
  const counted = new Map<string, number>();
  let incarnations = 0;

  function onTold(told: unknown): void {
    for (const [name, value] of Object.entries(told as Counted)) counted.set(name, (counted.get(name) ?? 0) + value);
  }
  async function start(): Promise<void> {
    incarnations += 1;
    const environment = { NODE_COMPILE_CACHE: CACHE };
    const child = startChild<WorkerHandlers>(module, { environment, onTold });
    const worker: Worker = { child, incarnation: incarnations, startedAt: Date.now(), isAtWork: false };
    workers.add(worker);
    await child.call('start', { ...options, incarnation: worker.incarnation });
    worker.isAtWork = true;
  }
  await Promise.all(Array.from({ length: size }, start));
  return {
    killed,
    counted,
    async killOne() {
      const ready = [...workers].filter(({ isAtWork }) => isAtWork);
      const victim = ready[Math.floor(Math.random() * ready.length)];
      if (victim === undefined) return false;
      workers.delete(victim);
      const killedAt = Date.now();
      await victim.child.kill();
      killed.set(victim.incarnation, { incarnation: victim.incarnation, startedAt: victim.startedAt, killedAt });
      start().catch((error: unknown) => console.log('a worker could not be started:', error));
      return true;
    },
    async drain() {
      const ends = [...workers].map(async ({ child }) => {
        await Promise.race([child.call('drain', undefined), sleep(DRAIN_MS, undefined, { ref: false })]);
        await child.stop();
      });
      await Promise.all(ends);
    },
  };
}

/** Kills until `until` (real time), one every 100 to 400 ms. */
export async function killUntil(fleet: Fleet, until: number): Promise<void> {
  while (Date.now() < until) {
    await sleep(100 + Math.random() * 300);
    await fleet.killOne();
  }
}

/** One file with everything in it: a start takes a third of the time, and there are hundreds. */
function bundleWorker(): URL {
  mkdirSync(CACHE, { recursive: true });
  const outfile = path.join(CACHE, 'worker-process.mjs');
  buildSync({
    entryPoints: [path.join(import.meta.dirname, 'worker-process.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    logLevel: 'silent',
  });
  return pathToFileURL(outfile);
}
