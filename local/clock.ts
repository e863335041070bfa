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
