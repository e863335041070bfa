import { freshnessOf } from './freshness.ts';
import { type Grant, type Instant, isLiving } from './grant.ts';
import { isFreeNow } from './grant-conditions.ts';
import { type DuePolicy, isUnserved, owesRetry, refreshDueAt } from './next-due.ts';

/**
 * What a refresher does with a grant now. It mirrors `nextDue`: whatever makes a grant due has an action here, and where
 * there is none the sweep repairs `dueAt`.
 */
export type Action = 'refresh' | 'detach' | 'revoke' | 'close' | 'check_tenants';

export type NextAction =
  | { readonly action: Action }
  | { readonly action: 'none'; readonly why: 'leased' | 'backing_off' | 'not_due' };

/** Duties and checks send the access token; it must outlive the request. */
const DUTY_VALIDITY_MS = 60_000;

/** The most pressing thing to do for the grant at `now`. */
export function nextAction(grant: Grant, policy: DuePolicy, now: Instant): NextAction {
  if (grant.status === 'closed') return { action: 'none', why: 'not_due' };
  if (!isFreeNow(grant, now)) return { action: 'none', why: 'leased' };
  if (grant.notBefore !== undefined && grant.notBefore > now) return { action: 'none', why: 'backing_off' };
  if (!isLiving(grant)) return { action: 'revoke' };
  const usable = freshnessOf(grant.access, DUTY_VALIDITY_MS, policy.margins, now);
  const withToken = (action: Action): NextAction => ({
    action: usable === 'fresh' || usable === 'expiring' ? action : 'refresh',
  });
  if (Object.keys(grant.detach).length > 0) return withToken('detach');
  if (isUnserved(grant, now)) {
    // A rejected authorisation opens no company that could be taken off.
    return policy.detaches && grant.status === 'active' ? withToken('close') : { action: 'close' };
  }
  const isDue = grant.status === 'suspect' || owesRetry(grant) || refreshDueAt(grant, policy, now) <= now;
  if (isDue) return { action: 'refresh' };
  if (grant.orgs !== undefined && grant.tenantCheckAt !== undefined && grant.tenantCheckAt <= now) {
    return withToken('check_tenants');
  }
  return { action: 'none', why: 'not_due' };
}
