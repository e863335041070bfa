import { type Grant, type Instant, isLiving, type LivingGrant } from './grant.ts';
import { isFreeNow } from './grant-conditions.ts';
import {
  abandonAt,
  asksBeforeClosing,
  type DuePolicy,
  hasDuties,
  hasUsableAccess,
  isUnserved,
  owesRetry,
  probeDueAt,
  refreshDueAt,
} from './next-due.ts';
import { nextWarningAt } from './warnings.ts';

/**
 * What a refresher does with a grant now. It mirrors `nextDue`: whatever makes a grant due has an action here, and where
 * there is none the sweep repairs `dueAt`.
 */
export type Action = 'refresh' | 'detach' | 'revoke' | 'close' | 'check_tenants' | 'warn' | 'abandon';

export type NextAction =
  | { readonly action: Action }
  | { readonly action: 'none'; readonly why: 'leased' | 'backing_off' | 'not_due' };

/** The most pressing thing to do for the grant at `now`. */
export function nextAction(grant: Grant, policy: DuePolicy, now: Instant): NextAction {
  if (grant.status === 'closed') return { action: 'none', why: 'not_due' };
  if (!isFreeNow(grant, now)) return { action: 'none', why: 'leased' };
  const ours = isLiving(grant) ? actionOfOurs(grant, policy, now) : undefined;
  if (ours !== undefined) return { action: ours };
  if (grant.notBefore !== undefined && grant.notBefore > now) return { action: 'none', why: 'backing_off' };
  const asked = isLiving(grant) ? actionToAsk(grant, policy, now) : 'revoke';
  return asked === undefined ? { action: 'none', why: 'not_due' } : { action: asked };
}

/** What needs no answer from anybody, and so no lease and no wait. */
function actionOfOurs(grant: LivingGrant, policy: DuePolicy, now: Instant): Action | undefined {
  if (isUnserved(grant, now) && !asksBeforeClosing(grant, policy)) return 'close';
  const abandon = abandonAt(grant);
  if (abandon !== undefined && abandon <= now) return 'abandon';
  const warning = nextWarningAt(grant);
  return warning !== undefined && warning <= now ? 'warn' : undefined;
}

function actionToAsk(grant: LivingGrant, policy: DuePolicy, now: Instant): Action | undefined {
  const usable = hasUsableAccess(grant, policy, now);
  if (hasDuties(grant) && usable && !isTurnOfRefresh(grant)) return 'detach';
  if (grant.status === 'needs_reauth') return probeDueAt(grant, policy, now) <= now ? 'refresh' : undefined;
  if (hasDuties(grant)) return 'refresh';
  if (isUnserved(grant, now)) return usable ? 'close' : 'refresh';
  const isDue = grant.status === 'suspect' || owesRetry(grant) || refreshDueAt(grant, policy, now) <= now;
  if (isDue) return 'refresh';
  if (grant.orgs === undefined || grant.tenantCheckAt === undefined || grant.tenantCheckAt > now) return undefined;
  return usable ? 'check_tenants' : 'refresh';
}

/**
 * A duty that keeps failing must not keep off a refresh for which a grace is running, or that decides about a suspicion:
 * they take turns. A grant that was given up has its probes.
 */
function isTurnOfRefresh(grant: LivingGrant): boolean {
  if (grant.status === 'needs_reauth' || grant.attempt?.kind !== 'detach') return false;
  return grant.status === 'suspect' || owesRetry(grant);
}
