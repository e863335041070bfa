import { backoffMs } from '../domain/backoff.ts';
import { GrantkeeperError } from '../domain/errors.ts';
import type { Instant } from '../domain/grant.ts';
import { METRICS } from '../domain/names.ts';
import type { Transaction, Verdict } from '../domain/write.ts';
import type { Clock, CountMetric, Store } from './ports.ts';

/** Between tries of one write; short, because a lease and a provider's grace are running. */
const RETRY = { baseMs: 50, capMs: 1_000 };

export interface PersistPorts {
  readonly store: Pick<Store, 'commit'>;
  readonly clock: Clock;
  readonly count: CountMetric;
}

/**
 * Carries a transaction to a verdict. Anything but a verdict (throttling, conflict, time-out) is tried again with the
 * identical transaction until `deadlineAt`, then thrown. A failed audit leg alone is no verdict on the rest: the row is
 * there already, so the rest is written without it.
 */
export async function persist(ports: PersistPorts, transaction: Transaction, deadlineAt: Instant): Promise<Verdict> {
  const verdict = await commitUntil(ports, transaction, deadlineAt);
  if (verdict.committed) return verdict;
  const failed = verdict.failed.map(({ index }) => index);
  return onlyAuditFailed(transaction, failed) ? commitUntil(ports, without(transaction, failed), deadlineAt) : verdict;
}

async function commitUntil(ports: PersistPorts, transaction: Transaction, deadlineAt: Instant): Promise<Verdict> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await ports.store.commit(transaction);
    } catch (error) {
      const waitMs = Math.max(RETRY.baseMs, backoffMs(tries, Math.random(), RETRY));
      const retryable = error instanceof GrantkeeperError && error.code === 'unavailable';
      if (!retryable || ports.clock.now() + waitMs >= deadlineAt) throw error;
      ports.count(METRICS.commitRetries, 1);
      await ports.clock.sleep(waitMs);
    }
  }
}

function onlyAuditFailed(transaction: Transaction, failed: readonly number[]): boolean {
  return (
    transaction.writes.length > failed.length && failed.every((index) => transaction.writes[index]?.table === 'audit')
  );
}

function without(transaction: Transaction, rows: readonly number[]): Transaction {
  return {
    // A request with other contents needs a token of its own (IdempotentParameterMismatch).
    token: `${transaction.token.slice(0, 34)}.a`,
    writes: transaction.writes.filter((_, index) => !rows.includes(index)),
  };
}
