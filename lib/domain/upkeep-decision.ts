import { auditRow } from './audit.ts';
import type { Connection } from './connection.ts';
import { duePartition, type Grant, type GrantFields, type Instant, isLeased, isLiving } from './grant.ts';
import {
  after,
  dueAtIs,
  generationIs,
  isFree,
  numberIs,
  owesAsRead,
  tokenVersionIs,
  updateGrant,
} from './grant-conditions.ts';
import { type DuePolicy, nextDue } from './next-due.ts';
import { absent, anyOf, appendAudit, atMost, equals, oneOf, type Transaction, transactionToken } from './write.ts';

/** Writes 18 to 20 of protocol.md: bookkeeping beside the refresh. None of them may cost a token or hold a caller up. */

const TOUCH_EVERY_MS = 3600_000;

/** Notes that somebody used the grant, at most hourly; `dueAt` may only come earlier. Undefined: nothing to note. */
export function decideTouch(grant: Grant, policy: DuePolicy, now: Instant): Transaction | undefined {
  const { lastUsedAt } = grant;
  if (grant.status !== 'active' && grant.status !== 'suspect') return undefined;
  if (isLeased(grant, now) || (lastUsedAt !== undefined && now - lastUsedAt < TOUCH_EVERY_MS)) return undefined;
  const due = nextDue(after(grant, { lastUsedAt: now }), policy, now);
  const earlier = due !== undefined && (grant.dueAt === undefined || due < grant.dueAt);
  return {
    token: transactionToken(grant.pk, 'touch', grant.tokenVersion, now),
    writes: [
      updateGrant(
        grant,
        [
          generationIs(grant.generation),
          tokenVersionIs(grant.tokenVersion),
          // "Earlier" is meant of the date that was read; a duty may have come since.
          dueAtIs(grant),
          oneOf(['status'], ['active', 'suspect']),
          anyOf(absent('lastUsedAt'), atMost(['lastUsedAt'], now - TOUCH_EVERY_MS)),
          anyOf(absent('attempt'), atMost(['attempt', 'until'], now)),
        ],
        { set: { lastUsedAt: now, ...(earlier ? { dueAt: due } : {}) } },
      ),
    ],
  };
}

/** The sweep found nothing to do: the grant is due again when its records say so. Undefined: it says so already. */
export function decideRepair(grant: Grant, policy: DuePolicy, now: Instant): Transaction | undefined {
  const dueAt = nextDue(grant as GrantFields, policy, now);
  if (dueAt === undefined || dueAt === grant.dueAt) return undefined;
  return {
    token: transactionToken(grant.pk, 'repair', grant.number, grant.dueAt ?? 0, dueAt, now),
    writes: [
      updateGrant(
        grant,
        [dueAtIs(grant), ...owesAsRead(grant), numberIs(grant.number), tokenVersionIs(grant.tokenVersion), isFree(now)],
        {
          set: { dueAt, duePartition: duePartition(grant, grant.status) },
        },
      ),
    ],
  };
}

/** The companies of the grant were looked up; the next look is a keep-alive away. */
export function decideTenantsChecked(grant: Grant, policy: DuePolicy, now: Instant): Transaction | undefined {
  if (!isLiving(grant)) return undefined;
  const tenantCheckAt = now + policy.margins.keepAliveSeconds * 1000;
  const set = { tenantCheckAt, tenantCheckedAt: now };
  const dueAt = nextDue(after(grant, set), policy, now);
  return {
    token: transactionToken(grant.pk, 'checked', grant.number, now),
    writes: [
      updateGrant(
        grant,
        [generationIs(grant.generation), numberIs(grant.number), dueAtIs(grant), ...owesAsRead(grant), isFree(now)],
        {
          set: { ...set, ...(dueAt === undefined ? {} : { dueAt }) },
        },
      ),
    ],
  };
}

/** A connection whose company the provider no longer lists is lost, one that is listed again is found. Undefined: as it should be. */
export function decideTenantSeen(connection: Connection, listed: boolean, now: Instant): Transaction | undefined {
  if (connection.status === 'disconnected' || (connection.status === 'connected') === listed) return undefined;
  const status = listed ? 'connected' : 'tenant_lost';
  const event = listed ? 'connection.tenant_found' : 'connection.tenant_lost';
  return {
    token: transactionToken(connection.pk, connection.linkId, event, now),
    writes: [
      {
        table: 'connections',
        key: { pk: connection.pk, sk: connection.sk },
        when: [equals(['linkId'], connection.linkId), equals(['status'], connection.status)],
        op: 'update',
        set: { status },
      },
      appendAudit(
        auditRow({
          pk: `ORG#${connection.organizationId}`,
          id: connection.linkId,
          event,
          provider: connection.provider,
          at: now,
          startedAt: now,
          organizationId: connection.organizationId,
        }),
      ),
    ],
  };
}
