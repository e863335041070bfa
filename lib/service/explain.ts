import { type Admission, admits } from '../domain/circuit.ts';
import type { Connection } from '../domain/connection.ts';
import { ERRORS } from '../domain/errors.ts';
import { type Instant, isLiving } from '../domain/grant.ts';
import { type Health, healthOf } from '../domain/health.ts';
import { decideServe } from '../domain/serve-decision.ts';
import { PROVIDERS } from '../providers/index.ts';
import { explainEnded } from './explain-ended.ts';
import { explainLiving } from './explain-living.ts';
import { companyOf, type ExplainFacts, newest, type Story } from './explain-story.ts';
import { timeText } from './time-text.ts';

export interface Explanation extends Story {
  readonly health: Health;
  /** What get-token answers now. */
  readonly answer: string;
}

/** Why a connection is in its state, what happens next and when, in plain sentences. Pure: the records say it all. */
export function explain(facts: ExplainFacts): Explanation {
  const { connection, grant, now, paused } = facts;
  const story = storyOf(facts);
  const resume = 'the sweep is paused: none of this happens until npm run ops -- resume';
  return {
    ...story,
    next: paused.sweep && story.next.length > 0 ? [...story.next, resume] : story.next,
    health: healthOf(connection, grant, now),
    answer: answerOf(facts),
  };
}

function storyOf(facts: ExplainFacts): Story {
  const { connection, grant, organizationId, provider } = facts;
  if (connection === undefined) return neverConnected(facts);
  if (connection.status === 'disconnected') return explainEnded(facts, connection);
  if (connection.status === 'tenant_lost') return tenantLost(facts, connection);
  if (grant === undefined) {
    return inconsistent(
      `${organizationId} is connected, but its authorisation ${connection.grant} is not in the table`,
    );
  }
  if (!isLiving(grant)) {
    return inconsistent(`${organizationId} is connected, but its authorisation ${grant.pk} is ${grant.status}`);
  }
  if (!grant.orgs?.has(organizationId)) {
    return inconsistent(`${organizationId} is connected, but its authorisation ${grant.pk} does not serve it`);
  }
  return explainLiving({ ...facts, connection, grant }, PROVIDERS[provider].displayName);
}

function neverConnected({ organizationId, provider, rows, now }: ExplainFacts): Story {
  const failed = newest(rows, 'flow.failed');
  const started = newest(rows, 'flow.started');
  const connect = 'its user can connect';
  if (failed === undefined && started === undefined) {
    return {
      situation: 'unknown',
      headline: `${organizationId} has never been connected to ${provider}: nothing is known of it`,
      why: [],
      next: [],
      advice: ['check the id: it is the one the partner’s system uses', connect],
    };
  }
  return {
    situation: 'never_connected',
    headline: `${organizationId} has never been connected to ${provider}, but its user has tried`,
    why: [
      ...(started === undefined ? [] : [`a connect flow began ${timeText(started.at, now)}`]),
      ...(failed === undefined
        ? []
        : [`one failed ${timeText(failed.at, now)}: ${failed.reason ?? 'for no known reason'}`]),
    ],
    next: [],
    advice: [connect],
  };
}

function tenantLost({ organizationId, rows, grant, now }: ExplainFacts, connection: Connection): Story {
  const lost = newest(rows, 'connection.tenant_lost');
  const checkAt = grant === undefined || !isLiving(grant) ? undefined : grant.tenantCheckAt;
  return {
    situation: 'tenant_lost',
    headline: `${organizationId}: its authorisation does not cover ${companyOf(connection)} any more`,
    why: [
      `the provider said so${lost === undefined ? '' : ` ${timeText(lost.at, now)}`}; somebody took the company off there`,
      'nothing is served; the company stays reserved for this organisation',
    ],
    next:
      checkAt === undefined
        ? []
        : [`the provider is asked again ${timeText(checkAt, now)}; if it is back, so is the connection`],
    advice: ['its user can reconnect, with the same company', 'or it can be disconnected, which frees the company'],
  };
}

function inconsistent(headline: string): Story {
  return {
    situation: 'inconsistent',
    headline,
    why: ['our own writes do not lead there: a table was restored, or changed by hand'],
    next: [],
    advice: [
      'look in the runbook at “Restore from a point in time”; its dry run names such grants',
      'its user can reconnect',
    ],
  };
}

function answerOf({ connection, grant, state, policy, paused, now }: ExplainFacts): string {
  const decision = decideServe(connection, grant, {}, policy.margins, now);
  const expires = grant !== undefined && isLiving(grant) ? timeText(grant.access.expiresAt, now) : '';
  switch (decision.kind) {
    case 'serve':
      if (decision.stale) return `the stored access token, which expires soon: ${expires}`;
      return `the stored access token, which expires ${expires}${decision.start ? '; a reader starts its refresh' : ''}`;
    case 'refresh':
      return refreshText({ expires, admission: admits(state, now), isPaused: paused.refresh, now });
    case 'wait':
      return 'it waits up to 10 s for the refresh that runs';
    case 'refuse': {
      const retry = decision.retryAt === undefined ? '' : `; to be tried again ${timeText(decision.retryAt, now)}`;
      return `${decision.code}: ${ERRORS[decision.code].message}${retry}`;
    }
  }
}

/** What a reader gets who needs a refresh first. */
function refreshText(asked: {
  readonly expires: string;
  readonly admission: Admission;
  readonly isPaused: boolean;
  readonly now: Instant;
}): string {
  const { expires, admission, isPaused, now } = asked;
  const expired = `the access token expired ${expires}`;
  if (isPaused) return `no token: ${expired}, and refresh-grant is paused`;
  if (admission.admitted) return `it refreshes first, because ${expired}`;
  return `refresh_failed: ${expired}, and the circuit is open; to be tried again ${timeText(admission.retryAt, now)}`;
}
