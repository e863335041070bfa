import { createDynamoStore } from '../lib/aws/dynamo-store.ts';
import { createPolicies } from '../lib/service/policies.ts';
import { type Problem, type RestoreReport, restore } from '../lib/service/restore.ts';
import { type RestoreCommand, UsageError } from './command-line.ts';
import type { KeyPlace } from './keys.ts';

/** Nobody restores for longer; an older id is one of another restore, or a slip of the pen. */
const LONGEST_MS = 7 * 24 * 3600_000;
/** Grants named one by one; `--json` names them all. */
const MAX_LINES = 50;

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

/**
 * Restores the grants of the tables and answers what to print. Not complete while there is a problem with any of them. Throws
 * `UsageError` for an id that cannot be of this restore, and `unavailable` when the tables could not be read to their end.
 */
export async function restoreTables(
  { client, clock }: KeyPlace,
  { tables, id, beganAt, dryRun, environment, json }: RestoreCommand,
): Promise<{ readonly text: string; readonly isComplete: boolean }> {
  const age = clock.now() - beganAt;
  if (age < 0 || age > LONGEST_MS) throw new UsageError(`--id ${id} is not of the last seven days`);
  const store = createDynamoStore({ client, tables });
  const report = await restore({ store, clock, policies: createPolicies() }, { id, beganAt, dryRun });
  const told = { restore: id, environment, dryRun, ...report };
  return { text: json ? `${JSON.stringify(told)}\n` : lines(told), isComplete: report.problems.length === 0 };
}

function lines(
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
