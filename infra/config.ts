import type * as z from 'zod';
import { isProviderId, type ProviderId } from '../lib/domain/names.ts';
import { STAGE } from '../lib/domain/routes.ts';
import { DEFAULTS, ENVIRONMENT_SETTINGS, ENVIRONMENTS, type EnvironmentName } from './environments.ts';
import { type Settings, settingsSchema, TEXT_SETTINGS } from './settings.ts';

/** Gives the value of a CDK context key, undefined when it is not set. */
export type ReadContext = (name: string) => unknown;

/** Where the local platform's provider simulators listen. */
type ProviderOrigins = Readonly<Partial<Record<ProviderId, string>>>;

/** Everything the stacks want to know. */
export interface Config extends Settings {
  readonly environment: EnvironmentName;
  readonly providerOrigins?: ProviderOrigins;
}

/** Some settings are missing or wrong; the message has one line for each, beginning with its name. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration is not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/**
 * The configuration of the environment named by context `env` (default dev): defaults, then `ENVIRONMENT_SETTINGS`,
 * then context. `env=local` alone takes `publicOrigin` (where the local API is reached, default http://localhost:8080)
 * and `providerOrigins` (JSON, provider → http://localhost origin). Throws `ConfigError` with every problem found.
 */
export function readConfig(context: ReadContext): Config {
  const environment = readEnvironment(context('env') ?? 'dev');
  const local = readLocal(environment, context);
  const given = { ...DEFAULTS, ...ENVIRONMENT_SETTINGS[environment], ...local.settings, ...overrides(context) };
  const read = settingsSchema.safeParse(given, { reportInput: true });
  const problems = [...local.problems, ...(read.error?.issues.map(describeIssue) ?? [])];
  if (read.data !== undefined) problems.push(...problemsIn(environment, read.data));
  if (read.data === undefined || problems.length > 0) throw new ConfigError(problems);
  return {
    ...read.data,
    ...(read.data.domain === undefined ? {} : { publicUrl: urlOf(read.data.domain) }),
    environment,
    ...(local.providerOrigins === undefined ? {} : { providerOrigins: local.providerOrigins }),
  };
}

function readEnvironment(value: unknown): EnvironmentName {
  const environment = ENVIRONMENTS.find((name) => name === value);
  if (environment === undefined) throw new ConfigError([`env: must be one of ${ENVIRONMENTS.join(', ')}`]);
  return environment;
}

function overrides(context: ReadContext): Record<string, unknown> {
  const given = Object.keys(settingsSchema.shape).map((name) => [name, context(name)] as const);
  return Object.fromEntries(
    given
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, TEXT_SETTINGS.includes(name) ? value : parsed(value)]),
  );
}

/** JSON text as what it means; anything else as it is, for the schema to refuse. */
function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const isMissing = issue.input === undefined && issue.path.length === 1;
  return `${issue.path.join('.')}: ${isMissing ? 'must be chosen' : issue.message}`;
}

interface Local {
  readonly problems: readonly string[];
  readonly settings: Partial<Settings>;
  readonly providerOrigins?: ProviderOrigins;
}

const LOCAL_ORIGIN = /^http:\/\/localhost:\d{1,5}$/;

function readLocal(environment: EnvironmentName, context: ReadContext): Local {
  const origins = parsed(context('providerOrigins'));
  const publicOrigin = context('publicOrigin');
  if (environment !== 'local') {
    const given = [
      ...(origins === undefined ? [] : ['providerOrigins']),
      ...(publicOrigin === undefined ? [] : ['publicOrigin']),
    ];
    return { problems: given.map((name) => `${name}: is for env=local only`), settings: {} };
  }
  const origin = publicOrigin ?? 'http://localhost:8080';
  const problems = isLocalOrigin(origin) ? [] : ['publicOrigin: must be http://localhost:<port>'];
  const settings = { publicUrl: `${origin}/${STAGE}`, frontendUrl: String(origin), returnUrls: [String(origin)] };
  if (origins === undefined) return { problems, settings };
  if (isProviderOrigins(origins)) return { problems, settings, providerOrigins: origins };
  return { problems: [...problems, 'providerOrigins: must be JSON, provider → http://localhost:<port>'], settings };
}

function isLocalOrigin(value: unknown): value is string {
  return typeof value === 'string' && LOCAL_ORIGIN.test(value);
}

function isProviderOrigins(value: unknown): value is ProviderOrigins {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(([provider, origin]) => isProviderId(provider) && isLocalOrigin(origin));
}

function urlOf({ name }: NonNullable<Settings['domain']>): string {
  return `https://${name}/${STAGE}`;
}

/** What depends on the environment, or on two settings at once. */
function problemsIn(environment: EnvironmentName, settings: Settings): readonly string[] {
  const isDeveloper = environment === 'local' || environment === 'dev';
  return [
    ...problemsOfConnecting(environment, settings),
    ...problemsOfNumbers(settings),
    ...problemsOfPlaces(settings),
    ...(environment === 'prod' && settings.pageAddresses.length === 0
      ? ['pageAddresses: must name at least one in prod']
      : []),
    ...(isDeveloper ? [] : plainUrls(settings).map((name) => `${name}: must be https in ${environment}`)),
  ];
}

function problemsOfConnecting(environment: EnvironmentName, settings: Settings): readonly string[] {
  const isDeveloper = environment === 'local' || environment === 'dev';
  const { connectAccess, connectBinding, allowLinkBindingInProduction } = settings;
  return [
    ...(connectAccess === 'open' && !isDeveloper ? ['connectAccess: open is for local and dev only'] : []),
    ...(environment === 'prod' && connectBinding === 'link' && !allowLinkBindingInProduction
      ? ['connectBinding: link in prod needs allowLinkBindingInProduction']
      : []),
  ];
}

function problemsOfNumbers(settings: Settings): readonly string[] {
  const { backoffCapSeconds, backoffBaseMs, onDemandSeconds, refreshAheadSeconds } = settings;
  const { firewallConnectRequestsPer5Minutes, firewallRequestsPer5Minutes } = settings;
  return [
    ...(backoffCapSeconds * 1000 < backoffBaseMs ? ['backoffCapSeconds: must not be less than backoffBaseMs'] : []),
    ...(onDemandSeconds > refreshAheadSeconds ? ['onDemandSeconds: must not be more than refreshAheadSeconds'] : []),
    ...(firewallConnectRequestsPer5Minutes > firewallRequestsPer5Minutes
      ? ['firewallConnectRequestsPer5Minutes: must not be more than firewallRequestsPer5Minutes']
      : []),
  ];
}

/** A regional API takes a certificate of its own region; a rule invokes and publishes in its own. */
function problemsOfPlaces({ domain, publicUrl, region, eventTargets }: Settings): readonly string[] {
  const isElsewhere = (arn: string) => arn.split(':')[3] !== region;
  const contradicts = domain !== undefined && publicUrl !== undefined && publicUrl !== urlOf(domain);
  return [
    ...(contradicts ? [`publicUrl: must be ${urlOf(domain)}, or left out, with this domain`] : []),
    ...(domain !== undefined && isElsewhere(domain.certificateArn)
      ? [`domain.certificateArn: must be in ${region}`]
      : []),
    ...eventTargets.flatMap(({ arn }, index) =>
      isElsewhere(arn) ? [`eventTargets.${index}.arn: must be in ${region}`] : [],
    ),
  ];
}

/** Names of the settings that hold an http URL. */
function plainUrls({ frontendUrl, publicUrl, returnUrls }: Settings): readonly string[] {
  const urls = [
    ['frontendUrl', frontendUrl],
    ['publicUrl', publicUrl ?? ''],
    ...returnUrls.map((url) => ['returnUrls', url] as const),
  ] as const;
  return urls.filter(([, url]) => url.startsWith('http:')).map(([name]) => name);
}
