import { admits } from '../domain/circuit.ts';
import type { Connection } from '../domain/connection.ts';
import { type Instant, isLeased, type LivingGrant, type OutcomeKind, type ReauthReason } from '../domain/grant.ts';
import { hasDuties, owesRetry, probeDueAt, refreshDueAt } from '../domain/next-due.ts';
import type { CircuitKind } from '../domain/provider-state.ts';
import { isExpiring } from '../domain/warnings.ts';
import { missingEvidence } from './explain-evidence.ts';
import { companyOf, counted, type ExplainFacts, type Story } from './explain-story.ts';
import { durationText, timeText } from './time-text.ts';

/** A connection whose grant serves it. */
type LivingFacts = ExplainFacts & { readonly connection: Connection; readonly grant: LivingGrant };

const REASONS = {
  user_revoked: 'the provider refuses it while it accepts others: somebody revoked it there',
  idle_expired: 'it was not refreshed before the provider’s idle limit',
  hard_expired: 'its time is over: the provider ends every authorisation then, whatever is done',
  lost_rotation: 'an answer that may have held a new token never reached us, and the old one is refused',
  unknown: 'the provider refuses it, and nothing else explains it',
} as const satisfies Record<ReauthReason, string>;

const OUTCOMES = {
  NOT_SENT: 'the request could not be sent',
  UNKNOWN: 'the provider gave no usable answer',
  REJECTED: 'the provider refused the token',
  CONFIG: 'the provider refused our client',
  THROTTLED: 'the provider asked us to wait',
} as const satisfies Record<Exclude<OutcomeKind, 'OK'>, string>;

const CIRCUITS = {
  transient: 'it does not answer, or answers errors',
  throttled: 'it answers 429 to different authorisations',
  config: 'it refuses our client id or secret',
} as const satisfies Record<CircuitKind, string>;

/** A connection with an authorisation that is kept alive, from the most pressing trouble to none. */
export function explainLiving(facts: LivingFacts, providerName: string): Story {
  const { grant, now } = facts;
  if (grant.status === 'needs_reauth') return givenUp(facts);
  if (isUnderWay(grant, now)) return refreshing(facts);
  if (grant.status === 'suspect') return suspicious(facts, providerName);
  const owes = owesRetry(grant) || grant.access.expiresAt <= now;
  if (owes && !admits(facts.state, now).admitted) return leftAlone(facts, providerName);
  return owesRetry(grant) ? backingOff(facts) : healthy(facts);
}

function isUnderWay(grant: LivingGrant, now: Instant): boolean {
  return grant.attempt?.kind === 'refresh' && grant.attempt.outcome === undefined && isLeased(grant, now);
}

function givenUp(facts: LivingFacts): Story {
  const { organizationId, grant, policy, now } = facts;
  const { reauth, rejections } = grant;
  return {
    situation: 'needs_reauth',
    headline: `${organizationId}: the authorisation was given up; only its user can renew it`,
    why: [
      ...(reauth === undefined ? [] : [`given up ${timeText(reauth.since, now)}: ${REASONS[reauth.reason]}`]),
      ...(rejections === undefined
        ? []
        : [
            `${counted(rejections.count, 'rejection')} of all its tokens, the first ${timeText(rejections.firstAt, now)}`,
          ]),
      ...about(facts),
    ],
    next: [
      `it is tried again ${whenText(probeDueAt(grant, policy, now), now)} (${counted(reauth?.probes ?? 0, 'such try', 'such tries')} so far); a success makes it active again`,
    ],
    advice: ['its user reconnects, with the same company'],
  };
}

function refreshing(facts: LivingFacts): Story {
  const { organizationId, grant, now } = facts;
  const { number = 0, startedAt = now, until = now } = grant.attempt ?? {};
  return {
    situation: 'refreshing',
    headline: `${organizationId}: a refresh is under way`,
    why: [`attempt ${number} began ${timeText(startedAt, now)}`, ...about(facts)],
    next: [`it ends within seconds; if it died, the sweep takes over ${timeText(until, now)}, when its lease ends`],
    advice: [],
  };
}

function suspicious(facts: LivingFacts, providerName: string): Story {
  const { organizationId, grant, state, policy, now } = facts;
  const { count = 0, firstAt = now } = grant.rejections ?? {};
  const missing = missingEvidence(grant, state, { graceSeconds: policy.graceSeconds, now });
  const held = Object.keys(grant.held).length;
  return {
    situation: 'suspect',
    headline: `${organizationId}: ${providerName} refuses its tokens, which is not believed yet`,
    why: [
      `${counted(count, 'rejection')} of all its tokens, the first ${timeText(firstAt, now)}`,
      ...(held === 0 ? [] : [`${counted(held, 'older token')} tried too`]),
      ...about(facts),
    ],
    next: [
      `it is tried again ${whenText(grant.notBefore ?? grant.dueAt, now)}; a success makes it active again`,
      ...(missing.length === 0
        ? ['if it is refused then, it is given up and its user has to reconnect']
        : missing.map((each) => `before it could be given up: ${each}`)),
    ],
    advice: ['wait; if many are suspect at once, npm run ops -- status and the runbook’s verdicts-frozen'],
  };
}

function leftAlone(facts: LivingFacts, providerName: string): Story {
  const { organizationId, state, now } = facts;
  const { kind = 'transient', openedAt = now, probeAt = now } = state?.circuit ?? {};
  return {
    situation: 'circuit_open',
    headline: `${organizationId}: nothing is refreshed at ${providerName} at present`,
    why: [
      `its circuit is open since ${timeText(openedAt, now)}: ${CIRCUITS[kind]}`,
      ...failureText(facts),
      ...about(facts),
    ],
    next: [
      `the sweep probes the provider ${whenText(probeAt, now)}, with a request that risks no token`,
      'when it answers again, this one is refreshed in its turn, within minutes',
    ],
    advice: ['the runbook’s circuit-open, and config-refused where our client is refused'],
  };
}

function backingOff(facts: LivingFacts): Story {
  const { organizationId, grant, now } = facts;
  return {
    situation: 'backing_off',
    headline: `${organizationId}: its last refresh did not succeed; it is tried again`,
    why: [...failureText(facts), ...doubtText(facts), ...about(facts)],
    next: [`it is tried again ${whenText(Math.max(grant.notBefore ?? 0, grant.dueAt ?? 0), now)}`],
    advice: grant.failure?.outcome === 'CONFIG' ? ['compare client id and secret with the provider’s portal'] : [],
  };
}

function healthy(facts: LivingFacts): Story {
  const { organizationId, grant, policy, now } = facts;
  const isFresh = grant.access.expiresAt > now;
  return {
    situation: 'healthy',
    headline: `${organizationId} is connected and well`,
    why: [
      isFresh
        ? `its access token is valid until ${timeText(grant.access.expiresAt, now)}`
        : `its access token expired ${timeText(grant.access.expiresAt, now)}: nobody asked for it; the next reader has it refreshed`,
      ...about(facts),
    ],
    next: [
      `it is refreshed ${whenText(Math.max(refreshDueAt(grant, policy, now), grant.notBefore ?? 0), now)}${useText(facts)}`,
      ...(hasDuties(grant) ? [`what it owes is done ${whenText(grant.notBefore, now)}`] : []),
      ...(grant.tenantCheckAt === undefined
        ? []
        : [`the provider is asked whether it still covers the company ${whenText(grant.tenantCheckAt, now)}`]),
    ],
    advice: isExpiring(grant, now) ? ['the authorisation ends within 30 days: its user reconnects before'] : [],
  };
}

/** What is said of every authorisation. */
function about({ connection, grant, state, now }: LivingFacts): readonly string[] {
  const { orgs, lastRefreshedAt, refreshCount, tokenVersion, hardExpiresAt, refreshExpiresAt } = grant;
  const refreshed = lastRefreshedAt === undefined ? 'never' : `last ${timeText(lastRefreshedAt, now)}`;
  const admission = admits(state, now);
  return [
    `${companyOf(connection)} through ${grant.pk}, token version ${tokenVersion}, refreshed ${refreshCount} times, ${refreshed}`,
    ...(orgs !== undefined && orgs.size > 1 ? [`the authorisation serves ${orgs.size} organisations`] : []),
    ...(hasDuties(grant)
      ? [
          `${counted(Object.keys(grant.detach).length, 'company', 'companies')} still to be taken off it at the provider`,
        ]
      : []),
    ...(refreshExpiresAt === undefined ? [] : [`unused it would end ${timeText(refreshExpiresAt, now)}`]),
    ...(hardExpiresAt === undefined ? [] : [`it ends in any case ${timeText(hardExpiresAt, now)}`]),
    ...(admission.admitted || grant.access.expiresAt <= now ? [] : ['the provider’s circuit is open']),
  ];
}

function failureText({ grant, now }: LivingFacts): readonly string[] {
  const { failure } = grant;
  if (failure === undefined) return [];
  const { outcome, reason, at, consecutive } = failure;
  return [`${OUTCOMES[outcome]} (${reason}) ${timeText(at, now)}; ${consecutive} in a row`];
}

function doubtText({ grant, now }: LivingFacts): readonly string[] {
  const { attempt, unansweredSince } = grant;
  const isSilent = attempt !== undefined && attempt.outcome === undefined;
  return [
    ...(isSilent ? [`attempt ${attempt.number} of ${timeText(attempt.startedAt, now)} never said how it ended`] : []),
    ...(unansweredSince === undefined ? [] : [`an answer may have been lost ${timeText(unansweredSince, now)}`]),
  ];
}

function useText({ grant, policy, now }: LivingFacts): string {
  const { lastUsedAt } = grant;
  const isAhead = refreshDueAt(grant, policy, now) <= grant.access.expiresAt;
  if (isAhead && lastUsedAt !== undefined) return ', ahead of its expiry, because it is in use';
  const used =
    lastUsedAt === undefined ? 'nobody has asked for it' : `last asked for ${durationText(now - lastUsedAt)} ago`;
  return ` to keep it alive, or when somebody asks (${used})`;
}

function whenText(at: Instant | undefined, now: Instant): string {
  return at === undefined || at <= now ? 'at the next sweep, within a minute' : timeText(at, now);
}
