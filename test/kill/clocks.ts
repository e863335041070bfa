import { setTimeout as wait } from 'node:timers/promises';
import type { Instant } from '../../lib/domain/grant.ts';
import type { Clock } from '../../lib/service/ports.ts';

/** A common origin and how much faster than real time it runs from there; the same in every process. */
export interface Pace {
  readonly startedAt: Instant;
  readonly factor: number;
}

/** A clock that runs faster, and whose sleeps are shorter by as much. */
export function createFastClock({ startedAt, factor }: Pace): Clock {
  return {
    now: () => Math.round(startedAt + (Date.now() - startedAt) * factor),
    sleep: async (milliseconds) => {
      await wait(Math.max(0, milliseconds / factor));
    },
  };
}

export interface ShiftedClock extends Clock {
  /** Everything that reads it is later by so much at once. */
  advance(milliseconds: number): void;
}

/** Real time, with an offset that only grows. */
export function createShiftedClock(): ShiftedClock {
  let offsetMs = 0;
  return {
    now: () => Date.now() + offsetMs,
    sleep: async (milliseconds) => {
      await wait(milliseconds);
    },
    advance(milliseconds) {
      offsetMs += milliseconds;
    },
  };
}
