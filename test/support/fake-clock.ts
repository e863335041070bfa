import type { Instant } from '../../lib/domain/grant.ts';
import type { Clock } from '../../lib/service/ports.ts';

export interface FakeClock extends Clock {
  /** Moves on and wakes every sleeper whose time has come, in order; what they do next has run as far as it can. */
  advance(milliseconds: number): Promise<void>;
  /** How many are asleep. */
  sleepers(): number;
}

interface Sleeper {
  readonly wakeAt: Instant;
  wake(): void;
}

/**
 * A clock that stands still until it is told to move. With `autoAdvance` a sleep moves it itself, so that a retry loop runs
 * to its deadline without anybody advancing.
 */
export function createFakeClock(options: { readonly startAt: Instant; readonly autoAdvance?: boolean }): FakeClock {
  let now = options.startAt;
  let sleeping: Sleeper[] = [];
  return {
    now: () => now,
    sleepers: () => sleeping.length,
    async sleep(milliseconds) {
      if (options.autoAdvance === true) {
        now += milliseconds;
        return settle();
      }
      await new Promise<void>((wake) => {
        sleeping.push({ wakeAt: now + milliseconds, wake });
      });
    },
    async advance(milliseconds) {
      const end = now + milliseconds;
      for (let next = earliest(sleeping, end); next !== undefined; next = earliest(sleeping, end)) {
        const due = next;
        now = Math.max(now, due.wakeAt);
        sleeping = sleeping.filter((sleeper) => sleeper !== due);
        due.wake();
        await settle();
      }
      now = end;
      await settle();
    },
  };
}

function earliest(sleeping: readonly Sleeper[], end: Instant): Sleeper | undefined {
  return sleeping.filter(({ wakeAt }) => wakeAt <= end).toSorted((a, b) => a.wakeAt - b.wakeAt)[0];
}

/** Lets everything that waits only for other promises go on. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
