import { type AuditEvent, type AuditRow, auditRow } from './audit.ts';
import { type Attempt, duePartition, type Grant, type GrantFields, type Instant } from './grant.ts';
import {
  after,
  attemptIs,
  dueAtIs,
  generationIs,
  heldAre,
  imageId,
  isFree,
  noDuties,
  numberIs,
  owesAsRead,
  servesNobody,
  statusIs,
  tokenVersionIs,
  updateGrant,
  without,
} from './grant-conditions.ts';
import { type DuePolicy, nextDue } from './next-due.ts';
import { appendAudit, type Condition, type Transaction, transactionToken } from './write.ts';

/** Writes 15 and 16 of protocol.md: what a grant still owes the provider after a disconnect, done under the same lease. */

/** One company is off the authorisation at the provider, or has been connected again meanwhile: the duty is removed. */
export function decideDetached(
  grant: Grant,
  attempt: Attempt,
  duty: { readonly connectionId: string; readonly reason: 'removed' | 'claimed_again'; readonly now: Instant },
): Transaction {
  const { connectionId, now } = duty;
  return {
    token: transactionToken(attempt.id, 'detached', connectionId, now),
    writes: [
      updateGrant(grant, [attemptIs(attempt.id), generationIs(grant.generation)], {
        removeEntries: { detach: [connectionId] },
      }),
      appendAudit(dutyRow(grant, attempt, 'duty.detached', now, `${duty.reason}:${connectionId}`)),
    ],
  };
}

/** The attempt has done its duties and lets go; whatever is left makes the grant due again. Decide again when its condition fails. */
export function decideRelease(grant: Grant, attempt: Attempt, policy: DuePolicy, now: Instant): Transaction {
  const released: Attempt = { ...attempt, outcome: 'OK', until: now };
  const rest = without(after(grant, { attempt: released }), ['notBefore', 'failure']);
  const dueAt = nextDue(rest, policy, now) ?? now;
  return {
    token: transactionToken(attempt.id, 'release', imageId(grant), now),
    writes: [
      updateGrant(grant, [...asLeased(grant, attempt), ...owesAsRead(grant)], {
        set: { attempt: released, dueAt, duePartition: duePartition(rest) },
        remove: ['notBefore', 'failure'],
      }),
    ],
  };
}

/** A token that arrived beside the attempt changes what follows from the grant, and the lease shows nothing of it. */
function asLeased({ generation, tokenVersion, status }: Grant, { id }: Attempt): readonly Condition[] {
  return [attemptIs(id), generationIs(generation), tokenVersionIs(tokenVersion), statusIs(status)];
}

/**
 * The grant serves nobody and owes nothing: its tokens are deleted and it leaves the due index. `generation` is a new ULID,
 * so that an answer still on its way is held and revoked, never made current. Held tokens that arrived since fail the condition.
 */
export function decideClose(
  grant: Grant,
  attempt: Attempt,
  closing: { readonly generation: string; readonly now: Instant },
): Transaction {
  const { generation, now } = closing;
  return {
    token: transactionToken(attempt.id, 'close', Object.keys(grant.held).length),
    writes: [
      updateGrant(
        grant,
        [
          attemptIs(attempt.id),
          numberIs(grant.number),
          generationIs(grant.generation),
          servesNobody,
          noDuties,
          ...heldAre(grant),
        ],
        {
          set: {
            status: 'closed',
            generation,
            held: {},
            doubts: {},
            attempt: { ...attempt, outcome: 'OK', until: now },
          },
          remove: [
            'current',
            'access',
            'rejections',
            'reauth',
            'unansweredSince',
            'warned',
            'notBefore',
            'failure',
            'unservedSince',
            'tenantCheckAt',
            'refreshExpiresAt',
            'hardExpiresAt',
            'duePartition',
            'dueAt',
          ],
        },
      ),
      appendAudit(dutyRow(grant, attempt, 'grant.closed', now)),
    ],
  };
}

/** A grant that has served nobody for too long starts to close; its refresh tokens wait to be revoked. */
export function decideStartClosing(
  grant: Grant,
  closing: { readonly generation: string; readonly now: Instant },
): Transaction {
  const { generation, now } = closing;
  const set = {
    status: 'closing',
    generation,
    dueAt: now,
    duePartition: duePartition({ ...grant, status: 'closing' }),
  } as const satisfies Partial<GrantFields>;
  return {
    token: transactionToken(generation, 'closing', grant.number),
    writes: [
      updateGrant(
        grant,
        [
          generationIs(grant.generation),
          numberIs(grant.number),
          statusIs(grant.status),
          servesNobody,
          // A closing grant has no access token any more that could take a company off.
          noDuties,
          isFree(now),
        ],
        { set, remove: ['access', 'notBefore', 'reauth', 'unansweredSince', 'warned'] },
      ),
      appendAudit(
        auditRow({
          pk: `GRANT#${grant.pk}`,
          id: generation,
          event: 'grant.closing',
          provider: grant.provider,
          at: now,
          startedAt: now,
          reason: 'serves_nobody',
        }),
      ),
    ],
  };
}

/** As many as one transaction takes, with room for the rest of it. */
const ABANDONED_AT_ONCE = 50;

/**
 * A grant that was given up and serves nobody cannot get an access token any more: what it still owed the provider is
 * abandoned, each duty with its row, and nothing is left that keeps it from being closed.
 */
export function decideAbandon(grant: Grant, policy: DuePolicy, now: Instant): Transaction {
  const duties = Object.keys(grant.detach).slice(0, ABANDONED_AT_ONCE);
  const detach = Object.fromEntries(Object.entries(grant.detach).filter(([id]) => !duties.includes(id)));
  const dueAt = nextDue(after(grant, { detach }), policy, now) ?? now;
  const row = (connectionId: string) =>
    auditRow({
      pk: `GRANT#${grant.pk}`,
      id: connectionId,
      event: 'duty.abandoned',
      provider: grant.provider,
      at: now,
      startedAt: now,
      number: grant.number,
      reason: grant.reauth?.reason ?? 'needs_reauth',
    });
  return {
    token: transactionToken(grant.pk, 'abandon', imageId(grant), now),
    writes: [
      updateGrant(
        grant,
        [
          generationIs(grant.generation),
          numberIs(grant.number),
          statusIs('needs_reauth'),
          dueAtIs(grant),
          ...owesAsRead(grant),
          isFree(now),
        ],
        { set: { dueAt }, removeEntries: { detach: duties } },
      ),
      ...duties.map((id) => appendAudit(row(id))),
    ],
  };
}

function dutyRow(grant: Grant, attempt: Attempt, event: AuditEvent, now: Instant, reason?: string): AuditRow {
  return auditRow({
    pk: `GRANT#${grant.pk}`,
    id: reason === undefined ? attempt.id : `${attempt.id}:${reason}`,
    event,
    provider: grant.provider,
    at: now,
    startedAt: attempt.startedAt,
    number: attempt.number,
    ...(reason === undefined ? {} : { reason }),
  });
}
