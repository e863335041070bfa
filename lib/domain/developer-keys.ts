import { PROVIDER_IDS, type ProviderId } from './names.ts';
import { Secret } from './secret.ts';

/** Id and secret of a developer's own app at a provider's sandbox. */
export interface DeveloperKeys {
  readonly clientId: string;
  readonly clientSecret: Secret;
}

/** What the environment says of a developer's keys: those of each provider that has both, and what is wrong, a line each. */
export interface DeveloperKeysRead {
  readonly keys: Readonly<Partial<Record<ProviderId, DeveloperKeys>>>;
  readonly problems: readonly string[];
}

/** The environment variables that hold a developer's keys. Never arguments: those are shown to everybody by `ps` and kept by shells. */
export const DEVELOPER_KEY_VARIABLES = {
  quickbooks: { id: 'QBO_CLIENT_ID', secret: 'QBO_CLIENT_SECRET' },
  xero: { id: 'XERO_CLIENT_ID', secret: 'XERO_CLIENT_SECRET' },
} as const satisfies Record<ProviderId, { readonly id: string; readonly secret: string }>;

/** Where a developer finds keys and registers redirect URIs. */
export const DEVELOPER_PORTALS = {
  quickbooks: 'https://developer.intuit.com (your app, Keys & credentials, Development)',
  xero: 'https://developer.xero.com/app/manage (your app, Configuration)',
} as const satisfies Record<ProviderId, string>;

/** Printable and without space; the longest either provider hands out has 50 characters. */
const KEY = /^[\x21-\x7e]{1,256}$/;

/**
 * A developer's keys of these providers, of which one pair is enough. Half a pair is a problem, and so is no pair at all;
 * every problem is told, and none quotes a value.
 */
export function readDeveloperKeys(
  variables: Readonly<Record<string, string | undefined>>,
  providers: readonly ProviderId[] = PROVIDER_IDS,
): DeveloperKeysRead {
  const keys: Partial<Record<ProviderId, DeveloperKeys>> = {};
  const problems: string[] = [];
  for (const provider of providers) {
    const pair = Object.values(DEVELOPER_KEY_VARIABLES[provider]).map((name) => ({
      name,
      value: variables[name]?.trim() ?? '',
    }));
    if (pair.every(({ value }) => value === '')) continue;
    const found = pair.flatMap((each) => problemOf(provider, each));
    problems.push(...found);
    const [clientId = '', clientSecret = ''] = pair.map(({ value }) => value);
    if (found.length === 0) keys[provider] = { clientId, clientSecret: new Secret(clientSecret) };
  }
  const isNothing = problems.length === 0 && Object.keys(keys).length === 0;
  return { keys, problems: isNothing ? providers.map(nothingGiven) : problems };
}

function problemOf(provider: ProviderId, { name, value }: { readonly name: string; readonly value: string }): string[] {
  if (value === '') return [`${name} is not set: ${DEVELOPER_PORTALS[provider]}`];
  return KEY.test(value) ? [] : [`${name} is too long for a key, or holds characters that no key has`];
}

function nothingGiven(provider: ProviderId): string {
  const { id, secret } = DEVELOPER_KEY_VARIABLES[provider];
  return `${id} and ${secret} are not set: ${DEVELOPER_PORTALS[provider]}`;
}
