import type { Instant } from '../domain/grant.ts';
import type { Clock } from './ports.ts';

/** Work that is waited for only so long. Nothing is left behind that does something after the function has answered. */

/** Waits are cut into pieces, so that no timer outlives the function by more than this. */
const SLICE_MS = 100;

/** Something under way, and how it ended. */
export interface Work<T> {
  readonly ended: Promise<void>;
  end?: { readonly kind: 'done'; readonly value: T } | { readonly kind: 'failed'; readonly error: unknown };
}

/** Starts it; however it ends, nothing is thrown at anybody. */
export function begin<T>(start: () => Promise<T>): Work<T> {
  const run = async () => {
    try {
      work.end = { kind: 'done', value: await start() };
    } catch (error) {
      work.end = { kind: 'failed', error };
    }
  };
  const work: Work<T> = {} as Work<T>;
  return Object.assign(work, { ended: run() });
}

/** Until the work has ended or the time is up; the work goes on. */
export async function waitFor(clock: Clock, work: Work<unknown>, untilAt: Instant): Promise<void> {
  while (work.end === undefined && clock.now() < untilAt) {
    await Promise.race([work.ended, clock.sleep(Math.max(0, Math.min(SLICE_MS, untilAt - clock.now())))]);
  }
}
