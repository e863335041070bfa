import { GrantkeeperError } from '../domain/errors.ts';
import type { Grant, Instant } from '../domain/grant.ts';
import { absent, type Transaction, type Verdict, type Write, type WriteOn } from '../domain/write.ts';
import { type PersistPorts, persist } from './persist.ts';

/** How long the audit row may hold up the tokens it belongs to. */
const AUDIT_PATIENCE_MS = 5_000;

/**
 * Carries a transaction that stores tokens to a verdict: with its audit row if that can be had soon, otherwise owing it,
 * because the tokens come first. A grant owes one row; one that owes another already waits for the audit table to the end.
 * `image` is the grant the transaction was decided on. Throws `unavailable` when the deadline passed without a verdict.
 */
export async function persistOwing(
  ports: PersistPorts,
  transaction: Transaction,
  { image, deadlineAt }: { readonly image: Grant | undefined; readonly deadlineAt: Instant },
): Promise<Verdict> {
  const now = ports.clock.now();
  try {
    return await persist(ports, transaction, now + Math.min(AUDIT_PATIENCE_MS, (deadlineAt - now) / 2));
  } catch (error) {
    if (!(error instanceof GrantkeeperError && error.code === 'unavailable')) throw error;
    const owesAnother = image?.auditOwed !== undefined;
    return persist(ports, owesAnother ? transaction : owing(transaction), deadlineAt);
  }
}

/** The same without its audit row, which the grant then owes. */
function owing(transaction: Transaction): Transaction {
  const row = transaction.writes.find((write) => write.table === 'audit');
  if (row === undefined || row.op !== 'put') return transaction;
  return {
    token: `${transaction.token.slice(0, 34)}.o`,
    writes: transaction.writes.filter((write) => write.table !== 'audit').map((write) => withOwed(write, row.item)),
  };
}

function withOwed(write: Write, auditOwed: NonNullable<Grant['auditOwed']>): Write {
  if (!isOnGrant(write)) return write;
  if (write.op === 'put') return { ...write, item: { ...write.item, auditOwed } };
  if (write.op === 'update') {
    return { ...write, when: [...write.when, absent('auditOwed')], set: { ...write.set, auditOwed } };
  }
  return write;
}

/** The state of a provider lies in the same table. */
function isOnGrant(write: Write): write is WriteOn<'grants'> {
  return write.table === 'grants' && !write.key.pk.startsWith('PROVIDER#');
}
