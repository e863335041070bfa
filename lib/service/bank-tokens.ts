import { type Authorization, decideBank } from '../domain/bank-decision.ts';
import { GrantkeeperError } from '../domain/errors.ts';
import type { Instant } from '../domain/grant.ts';
import { METRICS } from '../domain/names.ts';
import type { Transaction } from '../domain/write.ts';
import { type PersistPorts, persist } from './persist.ts';
import type { Policies } from './policies.ts';
import type { LogOutcome, Store } from './ports.ts';

export interface BankPorts extends PersistPorts {
  readonly store: Pick<Store, 'readGrant' | 'commit'>;
  readonly policies: Policies;
  readonly log: LogOutcome;
  readonly newId: () => string;
}

/** How long the audit row may hold up the tokens it belongs to. */
const AUDIT_PATIENCE_MS = 5_000;
const PAUSE_MS = 50;

/**
 * Stores the tokens of a code exchange on their grant, trying to `deadlineAt` whatever the store does; the ciphertexts stay
 * the same. Throws `unavailable` when the deadline passed with the tokens in no store, counted as `TokenAtRisk`.
 */
export async function bankTokens(ports: BankPorts, authorization: Authorization, deadlineAt: Instant): Promise<void> {
  const patientUntil = Math.min(ports.clock.now() + AUDIT_PATIENCE_MS, deadlineAt);
  while (ports.clock.now() < deadlineAt) {
    const owed = ports.clock.now() >= patientUntil;
    const end = await tryBank(ports, authorization, { owed, untilAt: owed ? deadlineAt : patientUntil });
    if (end === 'stored') return;
    await ports.clock.sleep(PAUSE_MS);
  }
  const { provider, grant, attemptId } = authorization;
  ports.count(METRICS.tokenAtRisk, 1, { provider });
  ports.log('error', 'tokens of a code exchange could not be stored', { provider, grant, attemptId });
  throw new GrantkeeperError('unavailable');
}

async function tryBank(
  ports: BankPorts,
  authorization: Authorization,
  { owed, untilAt }: { readonly owed: boolean; readonly untilAt: Instant },
): Promise<'stored' | 'changed' | 'unavailable'> {
  try {
    const image = await ports.store.readGrant(authorization.grant);
    const options = { id: ports.newId(), now: ports.clock.now(), owed };
    const decision = decideBank(image, authorization, ports.policies(authorization.provider), options);
    if (decision.kind === 'stored') return 'stored';
    return (await commit(ports, decision.transaction, untilAt)) ? 'stored' : 'changed';
  } catch (error) {
    if (error instanceof GrantkeeperError && error.code === 'unavailable') return 'unavailable';
    throw error;
  }
}

async function commit(ports: BankPorts, transaction: Transaction, untilAt: Instant): Promise<boolean> {
  return (await persist(ports, transaction, untilAt)).committed;
}
