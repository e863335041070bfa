import { randomBytes, randomInt } from 'node:crypto';
import { type ClientPlace, createDynamoClient } from '../lib/aws/clients.ts';
import { createDynamoStore } from '../lib/aws/dynamo-store.ts';
import {
  clientSecretName,
  PROVIDER_ENVIRONMENTS,
  PROVIDER_IDS,
  type ProviderEnvironment,
  type ProviderId,
  TABLE_VARIABLES,
} from '../lib/domain/names.ts';
import { SCOPES } from '../lib/domain/routes.ts';
import { issueKey } from '../lib/service/issue-key.ts';
import type { Assembly } from './assembly/model.ts';
import { AssemblyError, isRecord } from './assembly/template.ts';
import type { MovableClock } from './clock.ts';
import type { AppCredentials } from './simulators/server.ts';

/** The name of the deployment environment on a laptop; `cdk -c env=local`. */
export const LOCAL_ENVIRONMENT = 'local';

/** Client ids and secrets that exist nowhere but in this run. */
export type LocalClients = Readonly<
  Record<
    ProviderId,
    Readonly<Record<ProviderEnvironment, { readonly clientId: string; readonly clientSecret: string }>>
  >
>;

/** New keys of our app at each provider, one pair for each side. */
export function createClients(): LocalClients {
  const entries = PROVIDER_IDS.map((provider) => [
    provider,
    Object.fromEntries(PROVIDER_ENVIRONMENTS.map((side) => [side, createClient()])),
  ]);
  return Object.fromEntries(entries) as LocalClients;
}

function createClient() {
  return { clientId: randomBytes(25).toString('base64url'), clientSecret: randomBytes(30).toString('base64url') };
}

/** What the simulators are told: the pairs of `side` are ours, the others exist too. */
export function simulatorCredentials(
  clients: LocalClients,
  side: ProviderEnvironment,
): Record<ProviderId, AppCredentials> {
  const credentials = (provider: ProviderId): AppCredentials => ({
    ...clients[provider][side],
    others: PROVIDER_ENVIRONMENTS.filter((other) => other !== side).map((other) => clients[provider][other]),
  });
  return { quickbooks: credentials('quickbooks'), xero: credentials('xero') };
}

/**
 * The value of each secret that the template creates, by name: client ids and secrets are those the simulators know,
 * the others are generated as the template says. Throws `AssemblyError` for a secret that would stay empty, because
 * the function that reads it would fail much later.
 */
export function secretValues(secrets: Assembly['secrets'], clients: LocalClients): ReadonlyMap<string, string> {
  const known = new Map<string, string>();
  for (const provider of PROVIDER_IDS) {
    for (const side of PROVIDER_ENVIRONMENTS) {
      known.set(clientSecretName(LOCAL_ENVIRONMENT, provider, side), JSON.stringify(clients[provider][side]));
    }
  }
  return new Map(secrets.map(({ name, properties }) => [name, known.get(name) ?? generateSecret(name, properties)]));
}

const LETTERS_AND_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Secrets Manager's default (GetRandomPassword). */
const DEFAULT_PASSWORD_LENGTH = 32;

/** `GenerateSecretString`: JSON with one generated field, or the password alone. Always without punctuation. */
function generateSecret(name: string, properties: Readonly<Record<string, unknown>>): string {
  const generate = properties.GenerateSecretString;
  if (typeof properties.SecretString === 'string') return properties.SecretString;
  if (!isRecord(generate)) throw new AssemblyError(`the template gives the secret ${name} no value`);
  const length = Number(generate.PasswordLength ?? DEFAULT_PASSWORD_LENGTH);
  const characters = Array.from({ length }, () => LETTERS_AND_DIGITS[randomInt(LETTERS_AND_DIGITS.length)]);
  const password = characters.join('');
  if (generate.GenerateStringKey === undefined) return password;
  const template: unknown = JSON.parse(String(generate.SecretStringTemplate ?? '{}'));
  return JSON.stringify({ ...(isRecord(template) ? template : {}), [String(generate.GenerateStringKey)]: password });
}

/** How the platform's own requests reach the embedded AWS. */
export interface LocalAccess {
  readonly endpointUrl: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** As the SDK wants it; a copy, because the SDK writes into the credentials it is given. */
export function placeOf({ endpointUrl, region, credentials }: LocalAccess): Required<ClientPlace> {
  return { endpoint: endpointUrl, region, credentials: { ...credentials } };
}

/** Issues an API key with all scopes for all organisations and answers it; only its hash is stored. */
export async function createApiKey(assembly: Assembly, access: LocalAccess, clock: MovableClock): Promise<string> {
  const client = createDynamoClient(placeOf(access));
  try {
    const store = createDynamoStore({ client, tables: { apiKeys: tableNameOf(assembly, 'apiKeys') } });
    const request = { name: 'local platform', scopes: SCOPES, organizations: '*' } as const;
    const { key } = await issueKey({ store, clock, environment: LOCAL_ENVIRONMENT }, request);
    return key.open();
  } finally {
    client.destroy();
  }
}

/** The physical name of a table, as the functions are told it. */
export function tableNameOf(assembly: Assembly, table: keyof typeof TABLE_VARIABLES): string {
  const variable = TABLE_VARIABLES[table];
  const name = assembly.functions.map(({ environment }) => environment[variable]).find((value) => value !== undefined);
  if (name === undefined) throw new AssemblyError(`no function has ${variable}`);
  return name;
}
