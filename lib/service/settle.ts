import { type CommitDecision, decideCommit, type Issued } from '../domain/commit-decision.ts';
import { GrantkeeperError } from '../domain/errors.ts';
import type { Grant, Instant } from '../domain/grant.ts';
import { METRICS } from '../domain/names.ts';
import type { Transaction, Verdict, Write } from '../domain/write.ts';
import { grantImage, type RefreshPorts } from './lease.ts';
import { persist } from './persist.ts';

export type SettlePorts = Pick<RefreshPorts, 'store' | 'clock' | 'count' | 'log' | 'policies'>;

/** How long the audit row may hold up the token it belongs to. */
const AUDIT_PATIENCE_MS = 5_000;

/**
 * Each failed condition is somebody else's success, so a few are enough. A condition that never holds must end as a token at
 * risk, and not as a function that hangs.
 */
const MAX_DECISIONS = 50;

/** `at_risk`: the deadline passed with the tokens in no store. */
export type Settled = Extract<CommitDecision, { kind: 'write' }>['as'] | 'stored' | 'at_risk';

/**
 * Stores issued tokens, whatever has happened to the grant meanwhile (writes 3-7). Only a failed condition changes the
 * decision; everything else is tried again to the deadline, and then counted as `TokenAtRisk`.
 */
export async function settle(ports: SettlePorts, image: Grant, issued: Issued, deadlineAt: Instant): Promise<Settled> {
  const policy = ports.policies(image.provider);
  let current: Grant | undefined = image;
  try {
    for (let decided = 0; current !== undefined && decided < MAX_DECISIONS; decided += 1) {
      const decision = decideCommit(current, issued, policy, ports.clock.now());
      if (decision.kind === 'stored') return 'stored';
      const verdict = await persistOwing(ports, decision.transaction, deadlineAt);
      if (verdict.committed) return decision.as;
      current = grantImage(decision.transaction, verdict.failed) ?? (await ports.store.readGrant(issued.grant));
    }
  } catch (error) {
    if (!(error instanceof GrantkeeperError && error.code === 'unavailable')) throw error;
  }
  ports.count(METRICS.tokenAtRisk, 1, { provider: image.provider });
  ports.log('error', 'a token from the provider could not be stored', {
    grant: issued.grant,
    attemptId: issued.attemptId,
    number: issued.number,
  });
  return 'at_risk';
}

/** With its audit row if that can be had soon, otherwise owing it: the token comes first. */
async function persistOwing(ports: SettlePorts, transaction: Transaction, deadlineAt: Instant): Promise<Verdict> {
  try {
    return await persist(ports, transaction, Math.min(ports.clock.now() + AUDIT_PATIENCE_MS, deadlineAt));
  } catch (error) {
    if (!(error instanceof GrantkeeperError && error.code === 'unavailable')) throw error;
    return persist(ports, owingAudit(transaction), deadlineAt);
  }
}

function owingAudit(transaction: Transaction): Transaction {
  const row = transaction.writes.find((write) => write.table === 'audit' && write.op === 'put');
  const owed = row !== undefined && row.table === 'audit' && row.op === 'put' ? row.item : undefined;
  return {
    token: `${transaction.token.slice(0, 34)}.o`,
    writes: transaction.writes
      .filter((write) => write.table !== 'audit')
      .map((write) => (owed ? withOwed(write, owed) : write)),
  };
}

function withOwed(write: Write, auditOwed: NonNullable<Grant['auditOwed']>): Write {
  if (write.table !== 'grants' || write.op !== 'update') return write;
  return { ...write, set: { ...write.set, auditOwed } };
}
