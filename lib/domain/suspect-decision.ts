import { auditRow } from './audit.ts';
import { suspectBackoffMs } from './backoff.ts';
import { type Attempt, duePartition, type Failure, type Grant, type Instant } from './grant.ts';
import { attemptIs, generationIs, heldCountIs, tokenVersionIs, updateGrant } from './grant-conditions.ts';
import { appendAudit, type Transaction, transactionToken } from './write.ts';

/**
 * Write 8 of protocol.md: every token we hold was rejected. That is a suspicion, not a verdict: Intuit answers invalid_grant
 * in outages too (providers.md §0.3). No token is removed, and the next try is at least a minute away.
 */
export function decideSuspect(
  grant: Grant,
  attempt: Attempt,
  rejection: { readonly reason: string; readonly traceId?: string; readonly now: Instant },
): Transaction {
  const { now, reason } = rejection;
  const count = (grant.rejections?.count ?? 0) + 1;
  const notBefore = now + suspectBackoffMs(count);
  const status = grant.status === 'needs_reauth' ? 'needs_reauth' : 'suspect';
  const failure: Failure = { outcome: 'REJECTED', reason, at: now, consecutive: (grant.failure?.consecutive ?? 0) + 1 };
  const write = updateGrant(
    grant,
    [generationIs(grant.generation), tokenVersionIs(grant.tokenVersion), attemptIs(attempt.id), heldCountIs(grant)],
    {
      set: {
        status,
        rejections: { count, firstAt: grant.rejections?.firstAt ?? now, lastAt: now },
        attempt: { ...attempt, outcome: 'REJECTED', until: now },
        notBefore,
        dueAt: notBefore,
        duePartition: duePartition(grant, status),
        failure,
        failedRefreshCount: grant.failedRefreshCount + 1,
      },
    },
  );
  const row = auditRow({
    pk: `GRANT#${grant.pk}`,
    id: attempt.id,
    event: 'attempt.rejected',
    provider: grant.provider,
    at: now,
    startedAt: attempt.startedAt,
    number: attempt.number,
    outcome: 'REJECTED',
    reason,
    retry: count - 1,
    ...(rejection.traceId === undefined ? {} : { providerTraceId: rejection.traceId }),
  });
  return {
    token: transactionToken(attempt.id, 'suspect', Object.keys(grant.held).length),
    writes: [write, appendAudit(row)],
  };
}
