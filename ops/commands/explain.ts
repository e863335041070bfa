import type { AuditRow } from '../../lib/domain/audit.ts';
import type { Instant } from '../../lib/domain/grant.ts';
import type { ProviderId } from '../../lib/domain/names.ts';
import { type Explanation, explain } from '../../lib/service/explain.ts';
import { environmentOf, organizationOf, positionalsNamed, providerOf } from '../arguments.ts';
import { defineCommand } from '../command.ts';
import { findPlace, type Place, readPolicies } from '../place.ts';
import { pausedOf, readReservations } from '../refreshers.ts';

/** What is read of the audit, and what of it is shown. */
const AUDIT_MS = 30 * 24 * 3600_000;
const MAX_ROWS = 8;

export const EXPLAIN = defineCommand({
  name: 'explain',
  usage: 'ORGANISATION PROVIDER --env ENV',
  summary: 'says why a connection is in its state, what happens next and when, and what can be done',
  details: [
    'Reads the connection, its authorisation, the provider’s circuit and evidence, and the audit of the last 30 days.',
  ],
  examples: ['explain acme xero --env prod'],
  options: { env: { type: 'string' } },
  parse(given) {
    const [organization, provider] = positionalsNamed(given, ['ORGANISATION', 'PROVIDER']);
    return {
      organizationId: organizationOf(organization),
      provider: providerOf(provider),
      environment: environmentOf(given),
    };
  },
  async run(session, { organizationId, provider, environment }) {
    const place = await findPlace(session, environment, ['grants', 'connections', 'audit']);
    const [policies, reservations, connection, state] = await Promise.all([
      readPolicies(session, environment),
      readReservations(session, environment),
      place.store.readConnection(organizationId, provider),
      place.store.readProvider(provider),
    ]);
    const grant = connection === undefined ? undefined : await place.store.readGrant(connection.grant);
    const now = place.clock.now();
    const rows = await readRows(place, { organizationId, provider, grant: connection?.grant, since: now - AUDIT_MS });
    const stopped = pausedOf(reservations);
    const paused = { sweep: stopped.includes('refresh-due'), refresh: stopped.includes('refresh-grant') };
    const policy = policies(provider);
    const explanation = explain({ organizationId, provider, connection, grant, state, rows, policy, paused, now });
    const shown = rows.slice(0, MAX_ROWS);
    return {
      text: textOf(explanation, shown),
      told: { organization: organizationId, provider, environment, ...explanation, audit: shown.map(rowTold) },
    };
  },
});

/** Newest first. */
async function readRows(
  { store }: Pick<Place, 'store'>,
  asked: {
    readonly organizationId: string;
    readonly provider: ProviderId;
    readonly grant: `${ProviderId}#${string}` | undefined;
    readonly since: Instant;
  },
): Promise<readonly AuditRow[]> {
  const { organizationId, provider, grant, since } = asked;
  const ofOrganization = await store.listAudit(`ORG#${organizationId}`, since);
  const ofGrant = grant === undefined ? [] : await store.listAudit(`GRANT#${grant}`, since);
  return [...ofOrganization, ...ofGrant].filter((row) => row.provider === provider).sort((a, b) => b.at - a.at);
}

function textOf(explanation: Explanation, rows: readonly AuditRow[]): string {
  const { headline, health, answer, why, next, advice } = explanation;
  return [
    headline,
    '',
    `health     ${health}`,
    `get-token  ${answer}`,
    ...section('why', why),
    ...section('next', next),
    ...section('you can', advice),
    ...section('audit', rows.map(rowText)),
    '',
  ].join('\n');
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];
}

function rowText({ at, event, number, reason, actor, providerTraceId }: AuditRow): string {
  const parts = [
    number === undefined ? '' : `attempt ${number}`,
    reason ?? '',
    actor === undefined ? '' : `by ${actor}`,
    providerTraceId === undefined ? '' : `trace ${providerTraceId}`,
  ];
  return [isoSecond(at), event, ...parts.filter((part) => part !== '')].join('  ');
}

function rowTold({ at, event, number, outcome, reason, actor, providerTraceId }: AuditRow): object {
  return { at: new Date(at).toISOString(), event, number, outcome, reason, actor, providerTraceId };
}

function isoSecond(at: Instant): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')}Z`;
}
