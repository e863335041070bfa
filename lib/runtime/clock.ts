import { setTimeout } from 'node:timers/promises';
import type { Clock } from '../service/ports.ts';

/** The machine's time. */
export function createClock(): Clock {
  return {
    now: () => Date.now(),
    sleep: async (milliseconds) => {
      await setTimeout(milliseconds);
    },
  };
}
