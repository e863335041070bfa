import type { Instant } from '../../lib/domain/grant.ts';

/** A process in the race: it goes on only when the scheduler lets it, and not at all once it is dead. */
export interface Worker {
  readonly name: string;
  /** Its function's time limit; a worker still at work then is killed, as Lambda does. */
  readonly limitAt: Instant;
  dead: boolean;
  over: boolean;
  /** It may go on after its time limit. */
  isUnlimited: boolean;
}

export interface Scheduler {
  now(): Instant;
  /** In [0, 1), the same sequence for the same seed. */
  random(): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** Starts a process; `ended` is called when it has come to an end by itself or has died. */
  start(name: string, limitMs: number, run: (worker: Worker) => Promise<unknown>): Worker;
  /** A point where the process may be overtaken or die. Goes on after `delayMs`, if ever. */
  gate(worker: Worker, delayMs: number): Promise<void>;
  kill(worker: Worker): void;
  workers(): readonly Worker[];
  onEnd(listener: (worker: Worker) => void): void;
  /** Lets one process go one gate further, moving the clock if all wait for it. False when nobody waits. */
  step(): Promise<boolean>;
  advance(milliseconds: number): void;
}

interface Parked {
  readonly worker: Worker;
  readonly at: Instant;
  readonly resume: () => void;
}

/** Virtual time, one step at a time, in an order that depends on the seed alone. */
export function createScheduler(seed: number, startAt: Instant): Scheduler {
  const random = mulberry32(seed);
  const listeners: ((worker: Worker) => void)[] = [];
  let now = startAt;
  let parked: Parked[] = [];
  let running: Worker[] = [];

  function end(worker: Worker): void {
    if (worker.over) return;
    worker.over = true;
    running = running.filter((each) => each !== worker);
    parked = parked.filter((each) => each.worker !== worker);
    for (const listener of listeners) listener(worker);
  }
  function kill(worker: Worker): void {
    worker.dead = true;
    end(worker);
  }
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  return {
    now: () => now,
    random,
    chance: (probability) => random() < probability,
    pick,
    start(name, limitMs, run) {
      const worker: Worker = { name, limitAt: now + limitMs, dead: false, over: false, isUnlimited: false };
      running.push(worker);
      void run(worker).finally(() => end(worker));
      return worker;
    },
    gate: (worker, delayMs) =>
      new Promise((resume) => {
        if (!worker.dead) parked.push({ worker, at: now + delayMs, resume });
      }),
    kill,
    workers: () => running,
    onEnd: (listener) => void listeners.push(listener),
    async step() {
      if (parked.length === 0) await settled();
      if (parked.length === 0) return false;
      now = Math.max(now, Math.min(...parked.map(({ at }) => at)));
      for (const worker of running) if (now > worker.limitAt && !worker.isUnlimited) kill(worker);
      const ready = parked.filter(({ at }) => at <= now);
      if (ready.length > 0) {
        const next = pick(ready);
        parked = parked.filter((each) => each !== next);
        next.resume();
        await settled();
      }
      return true;
    },
    advance(milliseconds) {
      now += milliseconds;
    },
  };
}

/** Whatever waits for nothing but other promises has gone as far as it can. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Small, fast, and good enough to shuffle with. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
