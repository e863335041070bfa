import { ATTEMPT_MS, FORCED_EVERY_MS } from '../domain/acquire-decision.ts';
import { freshnessOf } from '../domain/freshness.ts';
import { type Grant, type Instant, isLiving, type LivingGrant } from '../domain/grant.ts';
import { isFreeNow } from '../domain/grant-conditions.ts';
import { METRICS } from '../domain/names.ts';
import { type Action, type NextAction, nextAction } from '../domain/next-action.ts';
import { asksBeforeClosing } from '../domain/next-due.ts';
import { decideRepair, decideWarn } from '../domain/upkeep-decision.ts';
import { abandonDuties, closeUnserved, type DutyEnd, detachUnderLease, revokeUnderLease } from './duty-attempt.ts';
import { countContention, type RefreshPorts, takeLease } from './lease.ts';
import { persist } from './persist.ts';
import type { RefreshRequest } from './ports.ts';
import { admission } from './provider-health.ts';
import { type RefreshEnd, refreshUnderLease } from './refresh-attempt.ts';
import { checkTenants } from './tenant-check.ts';

export type { RefreshPorts } from './lease.ts';

/** A disconnect may need a warning, a refresh, a detach, a close and a revocation, one after the other. */
const MAX_STEPS = 5;
/** For writes beside a refresh; the next sweep makes up for one that failed. */
const UPKEEP_MS = 5_000;

/** What became of a request; never a token. `retryAt` is when asking again makes sense. */
export interface RefreshAnswer {
  readonly outcome:
    | RefreshEnd
    | DutyEnd
    | 'checked'
    | 'warned'
    | 'not_due'
    | 'leased'
    | 'backing_off'
    | 'circuit_open'
    | 'gone'
    | 'out_of_time';
  readonly retryAt?: Instant;
}

/**
 * Does for a grant what the request asks, if the grant is in need of it: a caller's wish never refreshes a fresh token.
 * Starts nothing that it could not finish before `deadlineAt`.
 */
export async function refreshGrant(
  ports: RefreshPorts,
  request: RefreshRequest,
  deadlineAt: Instant,
): Promise<RefreshAnswer> {
  const grant = await ports.store.readGrant(request.grant);
  if (grant === undefined) return { outcome: 'gone' };
  if (request.trigger === 'duty') return performDue(ports, request.grant, deadlineAt);
  const wanted = wantedAction(ports, grant, request);
  return perform(ports, grant, wanted, { deadlineAt, forced: request.trigger === 'rejected' });
}

/** Does what the grant's own records say is due, step by step, and puts its due date right when nothing is. */
export async function performDue(ports: RefreshPorts, key: Grant['pk'], deadlineAt: Instant): Promise<RefreshAnswer> {
  let answer: RefreshAnswer = { outcome: 'not_due' };
  let refreshed = false;
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const grant = await ports.store.readGrant(key);
    if (grant === undefined) return { outcome: 'gone' };
    const next = nextAction(grant, ports.policies(grant.provider), ports.clock.now());
    if (next.action === 'none') {
      if (step === 0) await repair(ports, grant);
      return step === 0 ? refusal(ports, grant, next) : answer;
    }
    // Tokens that live so shortly that they are due at once are refreshed once a minute and not in a circle.
    if (next.action === 'refresh' && refreshed) return answer;
    refreshed ||= next.action === 'refresh';
    answer = await perform(ports, grant, next, { deadlineAt, forced: false });
    if (!ADVANCES.has(answer.outcome)) return answer;
  }
  return answer;
}

/** Ends after which the grant may have a next step. */
const ADVANCES: ReadonlySet<string> = new Set(['commit', 'displace', 'stored', 'done', 'checked', 'warned']);

function wantedAction(ports: RefreshPorts, grant: Grant, request: RefreshRequest): NextAction {
  const now = ports.clock.now();
  if (!isLiving(grant)) return { action: 'none', why: 'not_due' };
  if (!isFreeNow(grant, now)) return { action: 'none', why: 'leased' };
  if (grant.notBefore !== undefined && grant.notBefore > now) return { action: 'none', why: 'backing_off' };
  return isWanted(ports, grant, request, now)
    ? { action: WANTED[request.trigger] }
    : { action: 'none', why: 'not_due' };
}

const WANTED = {
  expiring: 'refresh',
  rejected: 'refresh',
  tenant: 'check_tenants',
  duty: 'detach',
} as const satisfies Record<RefreshRequest['trigger'], Action>;

function isWanted(ports: RefreshPorts, grant: LivingGrant, request: RefreshRequest, now: Instant): boolean {
  switch (request.trigger) {
    case 'expiring': {
      const neededMs = Math.max(0, (request.neededUntil ?? now) - now);
      return freshnessOf(grant.access, neededMs, ports.policies(grant.provider).margins, now) !== 'fresh';
    }
    case 'rejected':
      return grant.tokenVersion === request.rejectedVersion && now - (grant.forcedAt ?? 0) >= FORCED_EVERY_MS;
    case 'tenant':
      return now - (grant.tenantCheckedAt ?? 0) >= FORCED_EVERY_MS;
    case 'duty':
      return true;
  }
}

async function perform(
  ports: RefreshPorts,
  grant: Grant,
  next: NextAction,
  options: { readonly deadlineAt: Instant; readonly forced: boolean },
): Promise<RefreshAnswer> {
  if (next.action === 'none') return refusal(ports, grant, next);
  const { action } = next;
  if (ports.clock.now() + ATTEMPT_MS > options.deadlineAt) return { outcome: 'out_of_time' };
  switch (action) {
    case 'warn':
      return warn(ports, grant);
    case 'abandon':
      return { outcome: await abandonDuties(ports, grant, options.deadlineAt) };
    case 'check_tenants':
      return checkLiving(ports, grant);
    case 'close':
      if (!asksBeforeClosing(grant, ports.policies(grant.provider))) {
        return { outcome: await closeUnserved(ports, grant, options.deadlineAt) };
      }
      // Its authorisation may still open companies, which have to be taken off one by one before it is closed.
      return ports.singleFlight(grant.pk, () => attempt(ports, grant, 'detach', options));
    default:
      return ports.singleFlight(grant.pk, () => attempt(ports, grant, action, options));
  }
}

async function attempt(
  ports: RefreshPorts,
  grant: Grant,
  action: keyof typeof UNDER_LEASE,
  options: { readonly deadlineAt: Instant; readonly forced: boolean },
): Promise<RefreshAnswer> {
  if (action === 'refresh') {
    // Duties go to other endpoints than tokens; only their refresh is held back with the others.
    const admitted = await admission(ports, grant.provider);
    if (!admitted.admitted) return { outcome: 'circuit_open', retryAt: admitted.retryAt };
  }
  const answer = await takeLease(ports, grant, { kind: action, attemptId: ports.newId(), ...options });
  if (answer.kind === 'refused') {
    const outcome = answer.why === 'not_allowed' ? 'not_due' : answer.why;
    return { outcome, ...(answer.until === undefined ? {} : { retryAt: answer.until }) };
  }
  return { outcome: await UNDER_LEASE[action](ports, answer) };
}

const UNDER_LEASE = { refresh: refreshUnderLease, detach: detachUnderLease, revoke: revokeUnderLease } as const;

async function warn(ports: RefreshPorts, grant: Grant): Promise<RefreshAnswer> {
  const { provider, pk } = grant;
  const now = ports.clock.now();
  const decision = decideWarn(grant, ports.policies(provider), now);
  if (decision === undefined) return { outcome: 'not_due' };
  const { committed } = await persist(ports, decision.transaction, now + UPKEEP_MS);
  if (!committed) return { outcome: 'overtaken' };
  for (const { clock, days } of decision.warnings) {
    ports.count(METRICS.grantExpiring, 1, { provider, outcome: `${clock}_${days}` });
    ports.log('warn', 'an authorisation nears its end', {
      provider,
      grant: pk,
      clock,
      days,
      next: clock === 'hard' ? 'Let the user reconnect before then.' : 'See why its refreshes fail.',
    });
  }
  return { outcome: 'warned' };
}

async function checkLiving(ports: RefreshPorts, grant: Grant): Promise<RefreshAnswer> {
  if (!isLiving(grant)) return { outcome: 'not_due' };
  return { outcome: await checkTenants(ports, grant) };
}

function refusal(ports: RefreshPorts, grant: Grant, none: Extract<NextAction, { action: 'none' }>): RefreshAnswer {
  if (none.why === 'leased') countContention(ports, grant);
  const retryAt =
    none.why === 'leased' ? grant.attempt?.until : none.why === 'backing_off' ? grant.notBefore : undefined;
  return { outcome: none.why, ...(retryAt === undefined ? {} : { retryAt }) };
}

async function repair(ports: RefreshPorts, grant: Grant): Promise<void> {
  const now = ports.clock.now();
  const transaction = decideRepair(grant, ports.policies(grant.provider), now);
  // A failed condition means somebody else is at work on it and sets its due date.
  if (transaction !== undefined) await persist(ports, transaction, now + UPKEEP_MS);
}
