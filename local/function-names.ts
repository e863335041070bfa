import { DEFAULT_CONSUMER, FUNCTIONS, type FunctionName } from '../lib/domain/names.ts';
import type { Assembly, FunctionResource } from './assembly/model.ts';
import { AssemblyError } from './assembly/template.ts';
import type { LogLine } from './lambda/logs.ts';

/** The function that stands for `functions/<name>.ts`. Throws `AssemblyError` when the assembly has none. */
export function functionNamed(assembly: Assembly, name: FunctionName): FunctionResource {
  const resource = assembly.functions.find((candidate) => shortNameOf(candidate) === name);
  if (resource === undefined) throw new AssemblyError(`the application has no function ${name}`);
  return resource;
}

/** ARN to invoke by name of the function: with the default consumer's alias, else its first one, else unqualified. */
export function functionArns(assembly: Assembly): Readonly<Record<FunctionName, string>> {
  const entries = FUNCTIONS.map((name) => {
    const { arn, aliases } = functionNamed(assembly, name);
    const alias = DEFAULT_CONSUMER in aliases ? DEFAULT_CONSUMER : Object.keys(aliases)[0];
    return [name, alias === undefined ? arn : `${arn}:${alias}`];
  });
  return Object.fromEntries(entries);
}

/** Renames log lines: `get-token` instead of the physical name. */
export function withShortName(assembly: Assembly): (line: LogLine) => LogLine {
  const names = new Map(assembly.functions.map((resource) => [resource.name, shortNameOf(resource) ?? resource.name]));
  return (entry) => ({ ...entry, function: names.get(entry.function) ?? entry.function });
}

/** The name that the source has for a function: `get-token` of `grantkeeper-local-get-token`. */
function shortNameOf(resource: FunctionResource): FunctionName | undefined {
  const fitting = FUNCTIONS.filter((name) => resource.name === name || resource.name.endsWith(`-${name}`));
  return fitting.sort((one, other) => other.length - one.length)[0];
}
