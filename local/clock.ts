/**
 * The one clock of the local platform. Functions, schedule, TTL and simulators all read it, so advancing it moves
 * everything at once. It runs with real time plus an offset that only grows; the offset lives in shared memory, so
 * worker threads see an advance immediately.
 */
export interface MovableClock {
  /** Epoch milliseconds. */
  now(): number;
  /** Moves the clock forward for everybody; negative values are refused. */
  advance(seconds: number): void;
  /** One float64: the offset in milliseconds. Hand it to worker threads and pass it to `clockFromOffset` there. */
  readonly offset: SharedArrayBuffer;
}

const realNow = Date.now.bind(Date);

/** A clock over an existing offset, for worker threads. */
export function clockFromOffset(offset: SharedArrayBuffer): MovableClock {
  const cell = new Float64Array(offset);
  return {
    now: () => realNow() + (cell[0] ?? 0),
    advance(seconds) {
      if (!(seconds >= 0 && Number.isFinite(seconds))) throw new RangeError('the clock only moves forward');
      cell[0] = (cell[0] ?? 0) + Math.round(seconds * 1000);
    },
    offset,
  };
}

/** A clock that starts at real time. */
export function createClock(): MovableClock {
  return clockFromOffset(new SharedArrayBuffer(8));
}

/** A time the clock was moved over at once, so that nothing happened in it. */
export interface Leap {
  readonly fromAt: number;
  readonly toAt: number;
}

/** More than what happens once a minute would notice. */
const LEAP_MS = 60_000;

/** How many leaps are remembered. */
const KEEP_LEAPS = 1_000;

/** A clock that remembers when it was moved by more than a minute at once. */
export function withLeaps(clock: MovableClock): MovableClock & { leaps(): readonly Leap[] } {
  const leaps: Leap[] = [];
  return {
    now: clock.now,
    offset: clock.offset,
    advance(seconds) {
      const fromAt = clock.now();
      clock.advance(seconds);
      if (seconds * 1000 <= LEAP_MS) return;
      leaps.push({ fromAt, toAt: fromAt + seconds * 1000 });
      if (leaps.length > KEEP_LEAPS) leaps.shift();
    },
    leaps: () => leaps,
  };
}
