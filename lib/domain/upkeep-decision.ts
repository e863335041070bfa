import { auditRow } from './audit.ts';
import type { Connection } from './connection.ts';
import { duePartition, type Grant, type GrantFields, type Instant, isLeased, isLiving } from './grant.ts';
import {
  after,
  dueAtIs,
  generationIs,
  imageId,
  isFree,
  numberIs,
  owesAsRead,
  tokenVersionIs,
  updateGrant,
} from './grant-conditions.ts';
import { type DuePolicy, nextDue } from './next-due.ts';
import { dueWarnings, type Warning } from './warnings.ts';
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
  const partition = duePartition(grant);
  if (dueAt === undefined || (isRight(grant.dueAt, dueAt, now) && grant.duePartition === partition)) return undefined;
  return {
    token: transactionToken(grant.pk, 'repair', grant.number, grant.dueAt ?? 0, dueAt, now),
    writes: [
      updateGrant(
        grant,
        [dueAtIs(grant), ...owesAsRead(grant), numberIs(grant.number), tokenVersionIs(grant.tokenVersion), isFree(now)],
        {
          set: { dueAt, duePartition: partition },
        },
      ),
    ],
  };
}

/** What is due now may have been due before. */
function isRight(dueAt: Instant | undefined, nextAt: Instant, now: Instant): boolean {
  return dueAt === nextAt || (dueAt !== undefined && dueAt <= now && nextAt <= now);
}

/** The warnings that are due are given, each once; a success or a new authorisation takes them back. Undefined: none is due. */
export function decideWarn(
  grant: Grant,
  policy: DuePolicy,
  now: Instant,
): { readonly transaction: Transaction; readonly warnings: readonly Warning[] } | undefined {
  const warnings = isLiving(grant) ? dueWarnings(grant, now) : [];
  if (warnings.length === 0) return undefined;
  const given = Object.fromEntries(warnings.map(({ clock, days }) => [clock, days]));
  const warned = { ...grant.warned, ...given };
  const dueAt = nextDue(after(grant, { warned }), policy, now) ?? now;
  const row = ({ clock, days }: Warning) =>
    auditRow({
      pk: `GRANT#${grant.pk}`,
      id: `${clock}_${days}`,
      event: 'grant.expiring',
      provider: grant.provider,
      at: now,
      startedAt: now,
      reason: `${clock}_${days}`,
    });
  return {
    warnings,
    transaction: {
      token: transactionToken(grant.pk, 'warn', imageId(grant), now),
      writes: [
        updateGrant(
          grant,
          [
            generationIs(grant.generation),
            numberIs(grant.number),
            tokenVersionIs(grant.tokenVersion),
            dueAtIs(grant),
            ...owesAsRead(grant),
            isFree(now),
          ],
          { set: { warned, dueAt } },
        ),
        ...warnings.map((warning) => appendAudit(row(warning))),
      ],
    },
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
