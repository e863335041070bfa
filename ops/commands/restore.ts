import { type Problem, type RestoreReport, restore } from '../../lib/service/restore.ts';
import { environmentOf, matching, positionalsNamed, Refused, UsageError } from '../arguments.ts';
import { defineCommand, type Session } from '../command.ts';
import { countGrants } from '../fleet.ts';
import { findPlace, readPolicies } from '../place.ts';
import { pausedOf, REFRESHERS, readReservations } from '../refreshers.ts';
import { confirm } from '../terminal.ts';

/** Nobody restores for longer; an older id is one of another restore, or a slip of the pen. */
const LONGEST_MS = 7 * 24 * 3600_000;
/** Grants named one by one; `--json` names them all. */
const MAX_LINES = 50;
/** An instant to the minute, and a name where two restores begin in the same one. */
const RESTORE_ID = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2})Z(-[A-Za-z0-9][A-Za-z0-9-]{0,39})?$/;
const ID_FORM = 'restore needs --id: when the refreshers had been stopped, as 2026-11-20T14:30Z, and -NAME if you like';

const FOUND = {
  current: 'nothing has happened to them since',
  behind: 'refreshed since: suspect, and tried as soon as the sweep runs',
  ended: 'closed since: closing again',
  reauthorized:
    'closed then and authorised again since; those tokens are gone: their organisations have to connect again',
} as const satisfies Record<keyof RestoreReport['found'], string>;

const PROBLEMS = {
  working: 'refreshers work on it: concurrency 0, three minutes, again; if it still says so, with a new --id',
  changing: 'it is being changed by somebody: run this again',
  unavailable: 'DynamoDB did not answer: run this again',
  unlinked: 'it serves an organisation that has no connection: was the connections table restored too?',
} as const satisfies Record<Problem, string>;

export const RESTORE = defineCommand({
  name: 'restore',
  usage: '--env ENV --id INSTANT[-NAME] [--dry-run] [--yes]',
  summary: 'brings the grants of a restored table up to date with the audit, which was not restored',
  details: [
    'A step of the runbook’s “Restore from a point in time”. The refreshers must be paused (npm run ops -- pause); a dry run',
    'asks for nothing. --id is when they had been stopped; the same id continues, another one begins anew. Tables other than',
    'those of the environment: GK_TABLE_GRANTS, GK_TABLE_CONNECTIONS (the restored ones) and GK_TABLE_AUDIT (the live one).',
  ],
  examples: ['restore --env dev --id 2026-11-20T14:30Z --dry-run'],
  options: {
    env: { type: 'string' },
    id: { type: 'string' },
    'dry-run': { type: 'boolean' },
    yes: { type: 'boolean' },
  },
  parse(given) {
    positionalsNamed(given, []);
    const id = matching(given.values.id, RESTORE_ID, ID_FORM);
    const beganAt = Date.parse(id.slice(0, 17));
    if (Number.isNaN(beganAt)) throw new UsageError(ID_FORM);
    const { 'dry-run': dryRun, yes } = given.values;
    return { environment: environmentOf(given), id, beganAt, dryRun: dryRun === true, yes: yes === true };
  },
  async run(session, { environment, id, beganAt, dryRun, yes }) {
    const { store, clock, tables } = await findPlace(session, environment, ['grants', 'connections', 'audit']);
    const age = clock.now() - beganAt;
    if (age < 0 || age > LONGEST_MS) throw new Refused(`--id ${id} is not of the last seven days`);
    if (!dryRun) {
      await requirePaused(session, environment);
      const about = `This writes to ${await countGrants(store)} of ${environment}, in ${tables.grants}.`;
      await confirm(session, { environment, yes, about: [about] });
    }
    const policies = await readPolicies(session, environment);
    const report = await restore({ store, clock, policies }, { id, beganAt, dryRun });
    const told = { restore: id, environment, dryRun, ...report };
    return { text: textOf(told), told, exitCode: report.problems.length === 0 ? 0 : 3 };
  },
});

/** A refresher that runs would send an old token, which can end the whole authorisation. */
async function requirePaused(session: Session, environment: string): Promise<void> {
  const paused = pausedOf(await readReservations(session, environment));
  const running = REFRESHERS.filter((name) => !paused.includes(name));
  if (running.length === 0) return;
  throw new Refused(
    `${running.join(', ')} of ${environment} may run: npm run ops -- pause --env ${environment}, wait four minutes, then restore`,
  );
}

function textOf(
  told: RestoreReport & { readonly restore: string; readonly environment: string; readonly dryRun: boolean },
): string {
  const { found, problems } = told;
  const left = problems.length - MAX_LINES;
  return [
    `restore ${told.restore} of ${told.environment}${told.dryRun ? ', as it would be: nothing was written' : ''}`,
    counted('grants', told.grants, 'looked at'),
    ...(Object.keys(FOUND) as (keyof typeof FOUND)[]).map((finding) =>
      counted(finding, found[finding], FOUND[finding]),
    ),
    counted('done', told.done, 'by an earlier run of this restore'),
    counted('disconnected', told.disconnected, 'connections that had been disconnected since'),
    counted('problems', problems.length, problems.length === 0 ? 'none' : 'see below'),
    ...problems.slice(0, MAX_LINES).map(({ grant, problem }) => `${grant}  ${problem}: ${PROBLEMS[problem]}`),
    ...(left > 0 ? [`and ${left} more; --json names them all`] : []),
    '',
  ].join('\n');
}

function counted(name: string, count: number, meaning: string): string {
  return `${name.padEnd(13)}${String(count).padStart(7)}  ${meaning}`;
}
