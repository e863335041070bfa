import { createCountRescues } from '../../lib/aws/rescue-queue.ts';
import { type EraseReport, type EraseSurvey, erase, surveyErasure, type Waiting } from '../../lib/service/erase.ts';
import { environmentOf, organizationOf, positionalsNamed, wholeNumber } from '../arguments.ts';
import { defineCommand, type Outcome } from '../command.ts';
import { endingPorts, pausedWarning } from '../ending.ts';
import { scanKeys } from '../key-table.ts';
import { findPlace, findRescueQueues } from '../place.ts';
import { connectionsOn, flowsOf, rowsNaming } from '../scans.ts';
import { confirm } from '../terminal.ts';

const WAIT = { least: 0, most: 3_600, otherwise: 180 } as const;

const WAITING = {
  detach: 'the provider is not yet told that the company left',
  revoke: 'the provider has not yet revoked the authorisation',
  close: 'serves nobody any more, and is closed ten minutes after the last organisation left',
  at_work: 'an attempt has it; its lease ends within minutes',
  rescue_queue: 'tokens wait on the rescue queue, and some may be of it',
  changed: 'was changed while we looked: has the organisation connected again?',
} as const satisfies Record<Waiting['why'], string>;

/** What no command can delete, and why. */
const STAYS = [
  'what stays: backups of the last 35 days (point-in-time recovery; after a restore erase again), function and access logs until',
  'their retention ends, events that subscribers were sent, and authorisations that other organisations use too, unnamed',
];

export const ERASE = defineCommand({
  name: 'erase',
  usage: 'ORGANISATION --env ENV [--wait SECONDS] [--thorough] [--dry-run] [--yes]',
  summary: 'ends an organisation’s connections everywhere, then deletes everything that names it',
  details: [
    'Ends its connections, deletes its connect flows and audit, ends API keys that are for it alone and takes it off the others’',
    'lists. When the sweep has told the providers, the authorisations that only it used go too, with their audit, and at last',
    'the connections. One audit row stays that says that an organisation was erased, under the SHA-256 of its id.',
    `Waits ${WAIT.otherwise} s for the sweep unless --wait says otherwise, then says what it waits for: run it again. An authorisation`,
    'at Xero is closed ten minutes after its last organisation left.',
    'An authorisation it used before its user changed is not found from its connections; --thorough walks through the whole',
    'audit table and takes its name off there too.',
    ...STAYS,
  ],
  examples: ['erase acme --env dev --dry-run', 'erase acme --env prod'],
  options: {
    env: { type: 'string' },
    wait: { type: 'string' },
    thorough: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    yes: { type: 'boolean' },
  },
  parse(given) {
    const [organization] = positionalsNamed(given, ['ORGANISATION']);
    const { 'dry-run': dryRun, yes, thorough } = given.values;
    return {
      organizationId: organizationOf(organization),
      environment: environmentOf(given),
      waitMs: wholeNumber(given, 'wait', WAIT) * 1000,
      thorough: thorough === true,
      dryRun: dryRun === true,
      yes: yes === true,
    };
  },
  async run(session, { organizationId, environment, waitMs, thorough, dryRun, yes }) {
    const tables = ['grants', 'connections', 'audit', 'flows', 'apiKeys'] as const;
    const place = await findPlace(session, environment, tables);
    const { flush, ...ending } = await endingPorts(session, place);
    const ports = {
      ...ending,
      countRescues: createCountRescues({
        client: session.clients.sqs,
        ...(await findRescueQueues(session, environment)),
      }),
      connectionsOn: (grants: Parameters<typeof connectionsOn>[2]) =>
        connectionsOn(session, place.tables.connections, grants),
      ...(thorough ? { rowsNaming: (id: string) => rowsNaming(session, place.tables.audit, id) } : {}),
      flowsOf: (id: string) => flowsOf(session, place.tables.flows, id),
      keysOf: async (id: string) =>
        (await scanKeys(session, place.tables.apiKeys)).filter(({ organizations }) => organizations.includes(id)),
    };
    const survey = await surveyErasure(ports, organizationId);
    const told = { organization: organizationId, environment, dryRun };
    if (dryRun)
      return { text: `${surveyText(survey)}nothing was written\n${staysText()}`, told: { ...told, ...survey } };
    if (Object.values(survey).every(isNothing)) {
      return {
        text: `nothing names ${organizationId} in ${environment}\n`,
        told: { ...told, ...survey, complete: true },
      };
    }
    const about = [
      `This ends ${survey.held} connections of ${organizationId} in ${environment} and deletes what names it:`,
    ];
    await confirm(session, { environment, yes, about: [...about, surveyText(survey).trimEnd()] });
    const warning = await pausedWarning(session, environment);
    for (const line of warning) session.terminal.tell(line);
    const waitUntil = ports.clock.now() + waitMs;
    const report = await erase(ports, organizationId, { waitUntil, onProgress: session.terminal.tell });
    await flush();
    return outcomeOf(report, { ...told, warnings: warning });
  },
});

function outcomeOf(
  report: EraseReport,
  told: { readonly organization: string; readonly environment: string; readonly warnings: readonly string[] },
): Outcome {
  const { failed, waiting, complete } = report;
  const lines = complete
    ? [`${told.organization} is erased from ${told.environment}`]
    : [
        ...failed.map(({ provider, code }) => `${provider}  could not be ended (${code})`),
        ...waiting.map(({ grant, why }) => `${grant}  ${WAITING[why]}`),
        `not complete: run erase ${told.organization} --env ${told.environment} again in some minutes`,
      ];
  return {
    text: `${surveyText(report)}${lines.join('\n')}\n${staysText()}`,
    told: { ...told, ...report },
    exitCode: complete ? 0 : 3,
  };
}

function isNothing(found: number | readonly string[]): boolean {
  return found === 0 || (typeof found !== 'number' && found.length === 0);
}

function surveyText(survey: EraseSurvey): string {
  const { connections, held, ownGrants, sharedGrants, flows, auditRows, endingKeys, sharedKeys } = survey;
  const counts: readonly (readonly [string, number, string])[] = [
    ['connections', connections, `${held} of them to be ended`],
    ['own grants', ownGrants.length, 'authorisations nobody else uses: go with their audit once they are closed'],
    ['shared grants', sharedGrants.length, 'authorisations of others too: stay, their audit without its name'],
    ['flows', flows, 'connect flows of the last day'],
    ['audit rows', auditRows, 'of the organisation'],
    ['keys ended', endingKeys, 'API keys for it alone'],
    ['keys changed', sharedKeys, 'API keys of others too, which lose it'],
  ];
  return counts
    .map(([name, count, meaning]) => `${name.padEnd(14)}${String(count).padStart(6)}  ${meaning}\n`)
    .join('');
}

function staysText(): string {
  return `${STAYS.join('\n')}\n`;
}
