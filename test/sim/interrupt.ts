import type { SimContext } from './context.ts';
import { isGoing, type Process } from './process.ts';

/** Longer than any lease, and than any reader waits. */
export const LEASE_TAKEN_MS = 130_000;

/** What befalls a process at one of its awaits. */
export type Blow =
  /** It dies there. */
  | 'kill'
  /** Another process runs from its beginning to its end meanwhile. */
  | 'overtake'
  /** …and then it dies there. */
  | 'overtake_and_kill';

/**
 * Starts a process and stops it at its `at`th await; `meanwhile` happens there. Answers whether that await was
 * reached.
 */
export async function interruptAt(
  context: SimContext,
  start: () => Process,
  options: { readonly at: number; readonly blow: Blow; readonly meanwhile: () => Process | undefined },
): Promise<boolean> {
  const { scheduler } = context;
  const { at, blow, meanwhile } = options;
  let isReached = false;
  scheduler.onGate((process) => {
    if (process !== target || process.gates !== at) return undefined;
    isReached = true;
    return blow === 'kill' ? 'kill' : 'hold';
  });
  const target = start();
  await scheduler.runWhile(() => isGoing(target) && !isReached);
  if (isReached && blow !== 'kill') {
    const other = meanwhile();
    if (other !== undefined) await context.scheduler.runWhile(() => isGoing(other));
    if (blow === 'overtake') scheduler.release(target);
    else scheduler.kill(target);
  }
  await context.scheduler.runWhile(() => isGoing(target));
  return isReached;
}

/** Lets a process run whole; answers it, with how many awaits and writes it had. */
export async function runWhole(context: SimContext, start: () => Process): Promise<Pick<Process, 'gates' | 'writes'>> {
  const target = start();
  await context.scheduler.runWhile(() => isGoing(target));
  return target;
}
