import type { Connection } from '../../lib/domain/connection.ts';
import { ERRORS } from '../../lib/domain/errors.ts';
import { isHeld } from '../../lib/domain/link-decision.ts';
import { PROVIDER_IDS, type ProviderId } from '../../lib/domain/names.ts';
import { type RevokeReport, revokeAll } from '../../lib/service/revoke-all.ts';
import { environmentOf, organizationOf, positionalsNamed, providerOf, UsageError } from '../arguments.ts';
import { defineCommand, type Outcome, type Session } from '../command.ts';
import { endingPorts, pausedWarning } from '../ending.ts';
import { findPlace, type Place } from '../place.ts';
import { heldConnections } from '../scans.ts';
import { confirm } from '../terminal.ts';

/** Connections named one by one; `--json` names them all. */
const MAX_LINES = 50;

type Scope = { readonly provider: ProviderId } | { readonly organizationId: string };

export const REVOKE_ALL = defineCommand({
  name: 'revoke-all',
  usage: '--provider PROVIDER | --organisation ID  --env ENV [--dry-run] [--yes]',
  summary: 'ends every connection of a provider, or of an organisation: nothing is served for it from then on',
  details: [
    'Each by the ordinary disconnect, with its audit row and event. What is owed to the provider (revocation, at Xero the',
    'removal of the company) is done by the sweep, some hundred a minute. Their users have to connect again: there is no way',
    'back. Run it again when it was interrupted or some failed; it meets only what is left.',
    'By provider it reads the whole connections table, twice: to count before it asks, and to end.',
  ],
  examples: ['revoke-all --provider xero --env dev --dry-run', 'revoke-all --organisation acme --env prod'],
  options: {
    env: { type: 'string' },
    provider: { type: 'string' },
    organisation: { type: 'string' },
    'dry-run': { type: 'boolean' },
    yes: { type: 'boolean' },
  },
  parse(given) {
    positionalsNamed(given, []);
    const { provider, organisation, 'dry-run': dryRun, yes } = given.values;
    if ((provider === undefined) === (organisation === undefined)) {
      throw new UsageError('revoke-all needs either --provider or --organisation');
    }
    const scope: Scope =
      provider === undefined ? { organizationId: organizationOf(organisation) } : { provider: providerOf(provider) };
    return { environment: environmentOf(given), scope, dryRun: dryRun === true, yes: yes === true };
  },
  async run(session, { environment, scope, dryRun, yes }) {
    const place = await findPlace(session, environment, ['grants', 'connections', 'audit']);
    const counts = await countOf(session, place, scope);
    const count = PROVIDER_IDS.reduce((sum, provider) => sum + counts[provider], 0);
    const what = `${count} connections of ${nameOf(scope)} in ${environment} (${spelt(counts)})`;
    if (dryRun) return planned({ environment, scope, counts, count, what });
    if (count > 0) {
      const about = [`This ends ${what}.`, 'Their users have to connect again. There is no way back.'];
      await confirm(session, { environment, yes, about });
    }
    const warning = await pausedWarning(session, environment);
    const ports = await endingPorts(session, place);
    const report = await revokeAll(ports, pagesOf(session, place, scope), async ({ ended, failed }) => {
      await ports.flush();
      session.terminal.tell(`${ended} of ${count} ended${failed.length === 0 ? '' : `, ${failed.length} failed`}`);
    });
    return outcomeOf({ environment, scope, report, warning });
  },
});

async function countOf(
  session: Session,
  place: Place<'connections'>,
  scope: Scope,
): Promise<Readonly<Record<ProviderId, number>>> {
  const counts = Object.fromEntries(PROVIDER_IDS.map((provider) => [provider, 0])) as Record<ProviderId, number>;
  for await (const page of pagesOf(session, place, scope)) {
    for (const connection of page) if (isHeld(connection)) counts[connection.provider] += 1;
  }
  return counts;
}

async function* pagesOf(
  session: Session,
  { tables, store }: Place<'connections'>,
  scope: Scope,
): AsyncGenerator<readonly Connection[]> {
  if ('provider' in scope) yield* heldConnections(session, tables.connections, scope.provider);
  else yield (await store.listConnections(scope.organizationId)).filter(isHeld);
}

function planned(told: {
  readonly environment: string;
  readonly scope: Scope;
  readonly counts: Readonly<Record<ProviderId, number>>;
  readonly count: number;
  readonly what: string;
}): Outcome {
  const { what, environment, scope, counts, count } = told;
  return {
    text: `${what} would be ended; nothing was written\n`,
    told: { environment, ...scope, dryRun: true, connections: count, byProvider: counts },
  };
}

function outcomeOf(told: {
  readonly environment: string;
  readonly scope: Scope;
  readonly report: RevokeReport;
  readonly warning: readonly string[];
}): Outcome {
  const { environment, scope, report, warning } = told;
  const { ended, already, failed, stopped } = report;
  const left = failed.length - MAX_LINES;
  const lines = [
    `${ended} connections of ${nameOf(scope)} in ${environment} ended; nothing is served for them any more`,
    ...(already === 0 ? [] : [`${already} had been ended by somebody else meanwhile`]),
    ...(ended === 0 ? [] : ['the sweep tells the providers; explain shows how far it is with one of them']),
    ...warning,
    ...(failed.length === 0
      ? []
      : [`${failed.length} could not be ended${stopped ? ', and no more was tried' : ''}: run this again`]),
    ...failed
      .slice(0, MAX_LINES)
      .map((each) => `${each.organizationId} ${each.provider}  ${ERRORS[each.code].message}`),
    ...(left > 0 ? [`and ${left} more; --json names them all`] : []),
  ];
  return {
    text: `${lines.join('\n')}\n`,
    told: { environment, ...scope, dryRun: false, ended, already, failed, stopped, warnings: warning },
    exitCode: failed.length === 0 ? 0 : 3,
  };
}

function nameOf(scope: Scope): string {
  return 'provider' in scope ? scope.provider : scope.organizationId;
}

function spelt(counts: Readonly<Record<ProviderId, number>>): string {
  return PROVIDER_IDS.map((provider) => `${provider} ${counts[provider]}`).join(', ');
}
