import type { Instant } from '../../lib/domain/grant.ts';
import type { FakeClock } from './fake-clock.ts';

interface Sleeper {
  readonly wakeAt: Instant;
  wake(): void;
}

/**
 * A clock that moves by itself, to the next sleeper's time, whenever nothing else can go on. So work that sleeps in turns runs
 * to its deadline without anybody advancing, and timers side by side go off in their order: one that nobody waits for any
 * more moves the time of nobody else.
 */
export function createVirtualClock({ startAt }: { readonly startAt: Instant }): FakeClock {
  let now = startAt;
  let sleeping: Sleeper[] = [];
  let isMoving = false;

  function moveWhenIdle(): void {
    isMoving = true;
    setImmediate(() => {
      isMoving = false;
      wakeNext(Number.POSITIVE_INFINITY);
      if (sleeping.length > 0) moveWhenIdle();
    });
  }
  function wakeNext(end: Instant): boolean {
    const next = sleeping.filter(({ wakeAt }) => wakeAt <= end).toSorted((a, b) => a.wakeAt - b.wakeAt)[0];
    if (next === undefined) return false;
    sleeping = sleeping.filter((sleeper) => sleeper !== next);
    now = Math.max(now, next.wakeAt);
    next.wake();
    return true;
  }
  return {
    now: () => now,
    sleepers: () => sleeping.length,
    sleep: (milliseconds) =>
      new Promise<void>((wake) => {
        sleeping.push({ wakeAt: now + milliseconds, wake });
        if (!isMoving) moveWhenIdle();
      }),
    async advance(milliseconds) {
      const end = now + milliseconds;
      while (wakeNext(end)) await idle();
      now = Math.max(now, end);
      await idle();
    },
  };
}

function idle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
