import { type ParseArgsConfig, parseArgs } from 'node:util';
import { ENVIRONMENT_PATTERN } from '../lib/domain/api-key-format.ts';
import { APP, isProviderId, ORGANIZATION_ID_PATTERN, PROVIDER_IDS, type ProviderId } from '../lib/domain/names.ts';

/** A command line that was not understood; the message is one line that says why. Nothing was done. */
export class UsageError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'UsageError';
  }
}

/** It was understood, and not begun: something stands in the way, or nobody confirmed. One line says what. Nothing was done. */
export class Refused extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'Refused';
  }
}

/** Options by their names, as they were given. */
export type Values = Readonly<Record<string, string | boolean | undefined>>;
/** Environment variables of the shell. */
export type Variables = Readonly<Record<string, string | undefined>>;
/** What a command may be told, as `parseArgs` of Node has it. */
export type Options = NonNullable<ParseArgsConfig['options']>;

/** What stands behind the name of a command, and the environment variables. */
export interface Given {
  readonly values: Values;
  readonly positionals: readonly string[];
  readonly variables: Variables;
}

/** Options and positional arguments in the words. Throws `UsageError` for an option that is not among `options`. */
export function readWords(words: readonly string[], options: Options): Omit<Given, 'variables'> {
  try {
    const { values, positionals } = parseArgs({ args: [...words], options, allowPositionals: true, strict: true });
    return { values: values as Values, positionals };
  } catch (error) {
    // Node's message goes on with advice that does not fit here.
    throw new UsageError((error as Error).message.split('. ')[0] ?? 'unknown option');
  }
}

/** Exactly the positional arguments of these names, in that order. */
export function positionalsNamed({ positionals }: Given, names: readonly string[]): readonly string[] {
  const missing = names[positionals.length];
  if (missing !== undefined) throw new UsageError(`${missing} is missing`);
  const extra = positionals[names.length];
  if (extra !== undefined) throw new UsageError(`unexpected argument "${extra}"`);
  return positionals;
}

/** The text when it fits; throws `UsageError` with the reason when it does not, or when there is none. */
export function matching(value: unknown, pattern: RegExp, reason: string): string {
  if (typeof value === 'string' && pattern.test(value)) return value;
  throw new UsageError(reason);
}

/** `--env`, which every command needs that is not told by other means which environment is meant. */
export function environmentOf({ values }: Given): string {
  if (values.env === undefined) throw new UsageError('--env is missing: which environment, as dev, prod or local');
  return matching(values.env, ENVIRONMENT_PATTERN, '--env must be 1 to 16 of a-z, 0-9 and "-"');
}

/** An organisation's id, as our API takes it. */
export function organizationOf(text: unknown): string {
  return matching(text, ORGANIZATION_ID_PATTERN, `"${String(text)}" is not an organisation id`);
}

/** The id of an accounting system we serve. */
export function providerOf(text: unknown): ProviderId {
  if (isProviderId(text)) return text;
  throw new UsageError(`"${String(text)}" is not one of ${PROVIDER_IDS.join(', ')}`);
}

/** A whole number from `least` to `most`, or `otherwise` when the option was not given. */
export function wholeNumber(
  { values }: Given,
  option: string,
  range: { readonly least: number; readonly most: number; readonly otherwise: number },
): number {
  const text = values[option];
  if (text === undefined) return range.otherwise;
  const value = typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= range.least && value <= range.most) return value;
  throw new UsageError(`--${option} must be a whole number from ${range.least} to ${range.most}`);
}

/** The environment in the name that CloudFormation made for a table of ours; undefined for any other name. */
export function environmentIn(table: string): string | undefined {
  return new RegExp(`^${APP}-([a-z0-9-]+?)-stateful-`).exec(table)?.[1];
}
