import type { Instant } from '../../lib/domain/grant.ts';

/** One run of a function: it goes on only when the scheduler lets it, and not at all once it is over. */
export interface Process {
  readonly name: string;
  /** How far its clock is ahead of true time. */
  readonly skewMs: number;
  /** Its function's time limit; still at work then, it is killed, as Lambda does. */
  readonly limitAt: Instant;
  /**
   * `ended` by itself, `killed` by a fault, `cut` at its time limit, `thawed`: goes on with what it had left behind.
   */
  state: 'running' | 'ended' | 'killed' | 'cut' | 'thawed';
  /** When it was over. */
  endedAt?: Instant;
  /** It was stopped for longer than its lease and went on; its time limit does not hold. */
  wasFrozen: boolean;
  frozenAt?: Instant;
  /** Until then nothing of it goes on. */
  frozenUntil: Instant;
  /** It has an answer of the provider that it has not stored yet. */
  hasAnswer: boolean;
  /** Calls of ports so far; each is a point where it may be overtaken or die. */
  gates: number;
  /** Writes it has made, to the store or the queue. */
  writes: number;
}

/** A process at its beginning. */
export function newProcess(fields: Pick<Process, 'name' | 'skewMs' | 'limitAt'>): Process {
  return {
    ...fields,
    state: 'running',
    wasFrozen: false,
    frozenUntil: 0,

    hasAnswer: false,
    gates: 0,
    writes: 0,
  };
}

/** Stops all of it for so long. */
export function freeze(process: Process, now: Instant, forMs: number): void {
  process.wasFrozen = true;
  process.frozenUntil = now + forMs;
  process.frozenAt = now;
}

/** It is at work, or at work again. */
export function isGoing({ state }: Process): boolean {
  return state === 'running' || state === 'thawed';
}
