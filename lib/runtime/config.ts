import { ENVIRONMENT_PATTERN } from '../domain/api-key-format.ts';
import { GrantkeeperError } from '../domain/errors.ts';
import { isProviderId, PROVIDER_ENVIRONMENTS, type ProviderId, TABLE_VARIABLES, VARIABLES } from '../domain/names.ts';
import { isLoopbackHost } from '../providers/index.ts';

/**
 * The only place that reads the environment. A setting is a variable, the form it must have, and what holds when it is
 * not set; a setting without such a value must be set. Parsers answer undefined for what they do not accept.
 */

interface Setting<T> {
  readonly variable: string;
  readonly parse: (text: string) => T | undefined;
  /** Boxed, because "not set" may itself be the value. */
  readonly otherwise?: { readonly value: T };
}

const SECONDS_PER_DAY = 86_400;

const SETTINGS = {
  environment: required(VARIABLES.environment, matching(ENVIRONMENT_PATTERN)),
  providerEnvironment: required(VARIABLES.providerEnvironment, oneOf(PROVIDER_ENVIRONMENTS)),
  /** Only the local environment may say where a provider lives (design §11). */
  providerOrigins: optional<Partial<Record<ProviderId, string>> | undefined>(
    VARIABLES.providerOrigins,
    originsByProvider,
    undefined,
  ),
  keyArn: required(VARIABLES.keyArn, matching(/^arn:[\w-]+:kms:[\w-]+:\d{12}:(key|alias)\/.+$/)),
  frontendUrl: required(VARIABLES.frontendUrl, baseUrl),
  publicUrl: optional<string | undefined>(VARIABLES.publicUrl, baseUrl, undefined),
  returnUrls: optional(VARIABLES.returnUrls, urlList, []),
  /** Never defaulted: production must have chosen (design §7.6). */
  connectBinding: required(VARIABLES.connectBinding, oneOf(['link', 'interstitial'])),
  connectAccess: optional(VARIABLES.connectAccess, oneOf(['session', 'open']), 'session'),
  partnerName: required(VARIABLES.partnerName, matching(/^[^\p{Cc}]{1,100}$/u)),
  allowSharedGrants: optional(VARIABLES.allowSharedGrants, flag, false),
  refreshAheadSeconds: tuning(VARIABLES.refreshAheadSeconds, SECONDS_PER_DAY),
  onDemandSeconds: tuning(VARIABLES.onDemandSeconds, 3600),
  keepAliveDays: tuning(VARIABLES.keepAliveDays, 30),
  /** A holder must not outlive its lease (design §5.1). */
  leaseSeconds: tuning(VARIABLES.leaseSeconds, 600, 125),
  /** With 1 a single grant could stop all others. */
  circuitFailures: tuning(VARIABLES.circuitFailures, 100, 2),
  circuitResetSeconds: tuning(VARIABLES.circuitResetSeconds, SECONDS_PER_DAY),
  backoffBaseMs: tuning(VARIABLES.backoffBaseMs, 60_000),
  backoffCapSeconds: tuning(VARIABLES.backoffCapSeconds, SECONDS_PER_DAY),
  rescueQueueUrl: required(VARIABLES.rescueQueueUrl, baseUrl),
  rescueDeadLetterUrl: required(VARIABLES.rescueDeadLetterUrl, baseUrl),
  refreshGrantFunction: required(VARIABLES.refreshGrantFunction, matching(/^[\w:-]{1,170}$/)),
  finishConnectFunction: required(VARIABLES.finishConnectFunction, matching(/^[\w:-]{1,170}$/)),
  refreshDueFunction: required(VARIABLES.refreshDueFunction, matching(/^[\w:-]{1,170}$/)),
  eventBus: required(VARIABLES.eventBus, matching(/^[\w./-]{1,256}$/)),
  tableKeyArn: required(VARIABLES.tableKeyArn, matching(/^arn:[\w-]+:kms:[\w-]+:\d{12}:(key|alias)\/.+$/)),
  grantsTable: required(TABLE_VARIABLES.grants, tableName),
  connectionsTable: required(TABLE_VARIABLES.connections, tableName),
  flowsTable: required(TABLE_VARIABLES.flows, tableName),
  apiKeysTable: required(TABLE_VARIABLES.apiKeys, tableName),
  auditTable: required(TABLE_VARIABLES.audit, tableName),
};

type Settings = typeof SETTINGS;
export type SettingName = keyof Settings;
type ValueOf<S> = S extends Setting<infer T> ? T : never;
export type Config<N extends SettingName> = { readonly [K in N]: ValueOf<Settings[K]> };

/** Cause of `configuration_missing`: the variables to be set; their values are nowhere in it. */
export interface MissingVariables {
  readonly variables: readonly string[];
}

/**
 * The named settings, parsed. A function names exactly those it uses, so that it needs no others. Throws
 * `configuration_missing` with every variable that is missing or malformed, never only the first.
 */
export function readConfig<const N extends SettingName>(
  names: readonly N[],
  variables: Readonly<Record<string, string | undefined>> = process.env,
): Config<N> {
  const read = names.map((name) => ({ name, variable: SETTINGS[name].variable, parsed: parseOf(name, variables) }));
  const faulty = read.filter(({ parsed }) => parsed === undefined).map(({ variable }) => variable);
  if (faulty.length > 0) {
    throw new GrantkeeperError('configuration_missing', { cause: { variables: faulty } satisfies MissingVariables });
  }
  return Object.fromEntries(read.map(({ name, parsed }) => [name, parsed?.value])) as Config<N>;
}

export const LOG_LEVELS = ['DEBUG', 'INFO', 'WARN', 'ERROR'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** How much is logged. Never throws: whatever else is wrong has to be logged. */
export function readLogLevel(variables: Readonly<Record<string, string | undefined>> = process.env): LogLevel {
  return oneOf(LOG_LEVELS)((variables[VARIABLES.logLevel] ?? '').toUpperCase()) ?? 'INFO';
}

function parseOf(
  name: SettingName,
  variables: Readonly<Record<string, string | undefined>>,
): { readonly value: unknown } | undefined {
  const { variable, parse, otherwise }: Setting<unknown> = SETTINGS[name];
  const text = variables[variable]?.trim() ?? '';
  if (text === '') return otherwise;
  if (name === 'providerOrigins' && variables[VARIABLES.environment] !== 'local') return undefined;
  const value = parse(text);
  return value === undefined ? undefined : { value };
}

function required<T>(variable: string, parse: (text: string) => T | undefined): Setting<T> {
  return { variable, parse };
}

function optional<T>(variable: string, parse: (text: string) => T | undefined, value: T): Setting<T> {
  return { variable, parse, otherwise: { value } };
}

/** A whole number from `least` to `most`; undefined leaves it to the code's own default. */
function tuning(variable: string, most: number, least = 1): Setting<number | undefined> {
  const parse = (text: string) => {
    const value = Number(text);
    return Number.isInteger(value) && value >= least && value <= most ? value : undefined;
  };
  return optional<number | undefined>(variable, parse, undefined);
}

function matching(pattern: RegExp): (text: string) => string | undefined {
  return (text) => (pattern.test(text) ? text : undefined);
}

function oneOf<const T extends string>(allowed: readonly T[]): (text: string) => T | undefined {
  return (text) => allowed.find((each) => each === text);
}

function tableName(text: string): string | undefined {
  return /^[\w.-]{3,255}$/.test(text) ? text : undefined;
}

function flag(text: string): boolean | undefined {
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

/** An absolute URL without a trailing slash: https anywhere, http on this machine only. */
function baseUrl(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isAllowed = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackHost(url.hostname));
  if (!isAllowed || url.username !== '' || url.password !== '' || url.hash !== '') return undefined;
  return text.replace(/\/+$/, '');
}

/** Comma-separated. */
function urlList(text: string): readonly string[] | undefined {
  const urls = text.split(',').map((each) => baseUrl(each.trim()));
  const allowed = urls.filter((each) => each !== undefined);
  return allowed.length === urls.length ? allowed : undefined;
}

/** JSON `{"quickbooks": "http://localhost:9001", …}`. */
function originsByProvider(text: string): Partial<Record<ProviderId, string>> | undefined {
  const origins: Partial<Record<ProviderId, string>> = {};
  for (const [provider, value] of entriesOfJson(text) ?? [['', '']]) {
    const origin = typeof value === 'string' ? baseUrl(value) : undefined;
    if (!isProviderId(provider) || origin === undefined) return undefined;
    origins[provider] = origin;
  }
  return origins;
}

function entriesOfJson(text: string): [string, unknown][] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? Object.entries(value) : undefined;
  } catch {
    return undefined;
  }
}
