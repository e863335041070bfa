import { GrantkeeperError } from '../domain/errors.ts';
import type { Instant } from '../domain/grant.ts';
import { METRICS, type ProviderId } from '../domain/names.ts';
import type { RescueMessage } from '../domain/rescue-message.ts';
import { type BankEnd, storeBank } from './bank-tokens.ts';
import type { Policies } from './policies.ts';
import type { Clock, CountMetric, LogOutcome, Store } from './ports.ts';
import { type IssuedEnd, storeIssued } from './settle.ts';

/** No cipher: what comes is sealed and stays so. */
export interface RescuePorts {
  readonly store: Pick<Store, 'readGrant' | 'listAudit' | 'commit'>;
  readonly clock: Clock;
  readonly count: CountMetric;
  readonly log: LogOutcome;
  readonly policies: Policies;
  /** A new ULID. */
  readonly newId: () => string;
}

/** `stored`: they were there already. */
export type RescueEnd = IssuedEnd | BankEnd;

/**
 * Stores the tokens of a message by the rules their holder would have stored them by (protocol.md, write 17): in any order,
 * any number of times, however late. Throws `unavailable` when they could not be stored by the deadline, or when the grant
 * they are for does not exist; then the message has to stay on the queue.
 */
export async function rescue(ports: RescuePorts, message: RescueMessage, deadlineAt: Instant): Promise<RescueEnd> {
  const outcome = await store(ports, message, deadlineAt);
  const { grant } = message.kind === 'refresh' ? message.issued : message.authorization;
  const provider = grant.slice(0, grant.indexOf('#')) as ProviderId;
  ports.count(METRICS.rescued, 1, { provider, outcome });
  return outcome;
}

async function store(ports: RescuePorts, message: RescueMessage, deadlineAt: Instant): Promise<RescueEnd> {
  if (message.kind === 'bank') return storeBank(ports, message.authorization, deadlineAt);
  const { grant, attemptId, number } = message.issued;
  try {
    return await storeIssued(ports, message.issued, { deadlineAt, applier: ports.newId() });
  } catch (error) {
    if (!(error instanceof GrantkeeperError && error.code === 'not_found')) throw error;
    // Items are never deleted; somebody has to look at this one, and the queue keeps the tokens until then.
    ports.log('error', 'there is no grant for tokens of the rescue queue', { grant, attemptId, number });
    throw new GrantkeeperError('unavailable', { cause: error });
  }
}
