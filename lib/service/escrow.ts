import type { Instant } from '../domain/grant.ts';
import { METRICS, type ProviderId } from '../domain/names.ts';
import type { RescueMessage } from '../domain/rescue-message.ts';
import type { Clock, CountMetric, LogOutcome, RescueQueue } from './ports.ts';
import { begin, type Work, waitFor } from './work.ts';

/**
 * The second place for tokens that exist nowhere but in this process (design §5, rule 4). The store and a timer run side by
 * side, so that neither a store that fails nor one that does not answer can hold the escrow up.
 */

export interface EscrowPorts {
  readonly clock: Clock;
  readonly count: CountMetric;
  readonly log: LogOutcome;
  readonly rescueQueue: RescueQueue;
}

/** What is put on the queue, and whose it is. */
export interface Rescue {
  readonly message: RescueMessage;
  readonly provider: ProviderId;
}

/** How long the store is waited for alone. */
const RESCUE_AFTER_MS = 2_000;
/** What is left for the queue when the deadline is nearer than that. */
const PUT_MS = 6_000;
const PUT_PAUSE_MS = 250;

/**
 * Runs `store` (which tries until the deadline) and answers what it answers. When it has not ended 2 s after it began, or ended
 * by throwing, whatever it threw, the tokens are put on the rescue queue while it goes on. `rescued`: they are on the queue
 * and, as far as we know, not in the store. `at_risk`: in neither; counted as `TokenAtRisk`. Never throws.
 */
export async function storeOrRescue<S>(
  ports: EscrowPorts,
  rescue: Rescue,
  store: () => Promise<S>,
  deadlineAt: Instant,
): Promise<S | 'rescued' | 'at_risk'> {
  const now = ports.clock.now();
  const storing = begin(store);
  const aloneUntil = Math.min(now + RESCUE_AFTER_MS, Math.max(now, deadlineAt - PUT_MS));
  await waitFor(ports.clock, storing, aloneUntil);
  const isQueued = await putUnlessStored(ports, rescue, storing, deadlineAt);
  await waitFor(ports.clock, storing, deadlineAt);
  if (storing.end?.kind === 'done') return storing.end.value;
  tell(ports, rescue, isQueued, storing);
  return isQueued ? 'rescued' : 'at_risk';
}

/**
 * Whether the message is on the queue. A put that was begun is waited for, also when the store has the tokens by then: left
 * alone it could go through hours later, when the sandbox is thawed.
 */
async function putUnlessStored(
  ports: EscrowPorts,
  { message, provider }: Rescue,
  storing: Work<unknown>,
  deadlineAt: Instant,
): Promise<boolean> {
  for (let tries = 0; storing.end?.kind !== 'done'; tries += 1) {
    if (tries > 0 && ports.clock.now() >= deadlineAt) return false;
    const putting = begin(() => ports.rescueQueue.put(message));
    await waitFor(ports.clock, putting, deadlineAt);
    if (putting.end?.kind === 'done') {
      ports.count(METRICS.rescueQueued, 1, { provider });
      return true;
    }
    const pauseUntil = Math.min(ports.clock.now() + PUT_PAUSE_MS, deadlineAt);
    if (storing.end === undefined) await waitFor(ports.clock, storing, pauseUntil);
    else await ports.clock.sleep(Math.max(0, pauseUntil - ports.clock.now()));
  }
  return false;
}

function tell(ports: EscrowPorts, { message, provider }: Rescue, isQueued: boolean, { end }: Work<unknown>): void {
  const error = end?.kind === 'failed' ? nameOfCause(end.error) : undefined;
  const fields = { ...idsOf(message), provider, error };
  if (isQueued) {
    ports.log('warn', 'tokens are on the rescue queue, not in the store', fields);
  } else {
    ports.count(METRICS.tokenAtRisk, 1, { provider });
    ports.log('error', 'tokens are in no store and on no queue', fields);
  }
}

/** What lies under our own error: `ThrottlingException` says more than that the store was unavailable. */
function nameOfCause(error: unknown): string | undefined {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  return inner instanceof Error ? inner.name : undefined;
}

function idsOf(message: RescueMessage) {
  const { grant, attemptId } = message.kind === 'refresh' ? message.issued : message.authorization;
  const number = message.kind === 'refresh' ? message.issued.number : undefined;
  return { kind: message.kind, grant, attemptId, number };
}
