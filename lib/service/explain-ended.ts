import type { Connection } from '../domain/connection.ts';
import { type Grant, isLeased } from '../domain/grant.ts';
import { UNSERVED_MS } from '../domain/next-due.ts';
import { owedFor } from './erase-plan.ts';
import { companyOf, type ExplainFacts, newest, type Story } from './explain-story.ts';
import { timeText } from './time-text.ts';

const OWED = {
  detach: 'the provider is told that this company left',
  revoke: 'the authorisation is revoked at the provider',
  close: 'the authorisation, which serves nobody any more, is closed and its tokens are deleted',
} as const;

/** A connection that was ended: since when, by whom, and what the provider is still owed. */
export function explainEnded(facts: ExplainFacts, connection: Connection): Story {
  const { organizationId, provider, grant, rows, now } = facts;
  const owed = owedFor(connection, grant);
  const row = newest(rows, 'connection.disconnected');
  const at = connection.disconnectedAt ?? row?.at;
  return {
    situation: owed === undefined ? 'disconnected' : 'disconnecting',
    headline: `${organizationId} is not connected to ${provider} any more`,
    why: [
      `${companyOf(connection)} was disconnected${at === undefined ? '' : ` ${timeText(at, now)}`}${actorText(row?.actor)}`,
      'nothing is served from that moment',
      ...(grant === undefined || owed === undefined ? [endedText(grant)] : trouble(grant, facts)),
    ],
    next: grant === undefined || owed === undefined ? [] : [`${OWED[owed]} ${whenText(grant, owed, facts)}`],
    advice: ['its user can connect again'],
  };
}

function actorText(actor: string | undefined): string {
  if (actor === undefined) return '';
  return actor === 'operator' ? ', by an operator' : `, by API key ${actor}`;
}

function endedText(grant: Grant | undefined): string {
  if (grant === undefined) return 'its authorisation is not in the table any more';
  if (grant.status === 'closed') return 'its authorisation is closed: we hold no token of it';
  return 'its authorisation lives on, because it serves other organisations';
}

function trouble({ failure }: Grant, { now }: ExplainFacts): readonly string[] {
  if (failure === undefined) return [];
  return [`the last try failed ${timeText(failure.at, now)}: ${failure.reason}, ${failure.consecutive} in a row`];
}

function whenText(grant: Grant, owed: keyof typeof OWED, { now }: ExplainFacts): string {
  const attempt = isLeased(grant, now) ? grant.attempt : undefined;
  if (attempt !== undefined && attempt.outcome === undefined) {
    return `now (attempt ${attempt.number}, until ${timeText(attempt.until, now)} at the latest)`;
  }
  const unservedUntil = owed === 'close' ? (grant.unservedSince ?? now) + UNSERVED_MS : 0;
  const at = Math.max(unservedUntil, grant.notBefore ?? 0, grant.dueAt ?? 0);
  return at > now ? timeText(at, now) : 'at the next sweep, within a minute';
}
