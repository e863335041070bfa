import { GrantkeeperError } from '../domain/errors.ts';
import { drawnAt } from '../domain/generation.ts';
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

/** More than the clocks of two machines are apart. */
const CLOCKS_APART_MS = 60_000;
/** No provider's access token lives longer (providers.md §1.5, 2.2: an hour at most). */
const LONGEST_LIFE_MS = 24 * 3600_000;

/** `stored`: they were there already. */
export type RescueEnd = IssuedEnd | BankEnd;

/**
 * Stores the tokens of a message by the rules their holder would have stored them by (protocol.md, write 17): in any order,
 * any number of times, however late. Throws `unavailable` when they could not be stored by the deadline, or when the grant
 * they are for does not exist; then the message has to stay on the queue.
 */
export async function rescue(ports: RescuePorts, message: RescueMessage, deadlineAt: Instant): Promise<RescueEnd> {
  if (!isOfThePast(message, ports.clock.now())) {
    ports.log('error', 'tokens of the rescue queue are dated in the future', idsOf(message));
    throw new GrantkeeperError('unavailable');
  }
  const outcome = await store(ports, message, deadlineAt);
  const { grant } = message.kind === 'refresh' ? message.issued : message.authorization;
  const provider = grant.slice(0, grant.indexOf('#')) as ProviderId;
  ports.count(METRICS.rescueApplied, 1, { provider, outcome });
  return outcome;
}

/**
 * An authorisation that claims to come from the future would be later than every one to come, and an access token that never
 * ends would never be renewed: neither is ours.
 */
function isOfThePast(message: RescueMessage, now: Instant): boolean {
  const { generation, access } = message.kind === 'refresh' ? message.issued : message.authorization;
  const isDrawn = !(drawnAt(generation) > now + CLOCKS_APART_MS);
  return (
    isDrawn && access.obtainedAt <= now + CLOCKS_APART_MS && access.expiresAt - access.obtainedAt <= LONGEST_LIFE_MS
  );
}

function idsOf(message: RescueMessage) {
  const { grant, attemptId } = message.kind === 'refresh' ? message.issued : message.authorization;
  return { kind: message.kind, grant, attemptId };
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
