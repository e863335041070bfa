import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FunctionResource } from '../../local/assembly/model.ts';
import type { AllowedUse } from '../../local/aws/iam.ts';

/** The variable that names the folder where the end-to-end tests leave what was used of the roles' policies. */
export const USE_FOLDER = 'GK_TEST_USED_GRANTS';

/** One action of one statement of one role, as `<function> <statement> <action>`. */
type GrantedAction = string;

interface Recorded {
  readonly granted: readonly GrantedAction[];
  readonly used: readonly GrantedAction[];
}

/** Every action the roles of an assembly allow. */
function grantedActions(functions: readonly Pick<FunctionResource, 'name' | 'statements'>[]): GrantedAction[] {
  return functions.flatMap(({ name, statements }) =>
    statements.flatMap(({ Sid, Action }, index) =>
      [Action].flat().map((action) => `${name} ${Sid ?? index} ${action}`),
    ),
  );
}

/** Leaves the record of one platform in the folder of `USE_FOLDER`; does nothing where that is not set. */
export function recordUse(platform: {
  readonly assembly: { readonly functions: readonly FunctionResource[] };
  guardReport(): { readonly allowed: readonly AllowedUse[] };
}): void {
  const folder = process.env[USE_FOLDER];
  if (folder === undefined) return;
  const used = platform.guardReport().allowed.map(({ principal, statement, action }) => {
    return `${principal} ${statement} ${action}`;
  });
  const record: Recorded = { granted: grantedActions(platform.assembly.functions), used };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${crypto.randomUUID()}.json`), JSON.stringify(record));
}

/** What all records together say: every action that is granted anywhere, and those nobody used. */
export function judgeUse(records: readonly Recorded[]): {
  readonly granted: readonly GrantedAction[];
  readonly unused: readonly GrantedAction[];
} {
  const granted = [...new Set(records.flatMap((record) => record.granted))].toSorted();
  const used = new Set(records.flatMap((record) => record.used));
  return { granted, unused: granted.filter((action) => !used.has(action)) };
}

/** The records of a folder; none when it does not exist. */
export function readRecords(folder: string): readonly Recorded[] {
  try {
    return readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Recorded);
  } catch {
    return [];
  }
}
