import { createDynamoClient } from '../../lib/aws/clients.ts';
import { createDynamoStore } from '../../lib/aws/dynamo-store.ts';
import { PROVIDER_IDS, type ProviderId } from '../../lib/domain/names.ts';
import { issueKey, type KeyRequest } from '../../lib/service/issue-key.ts';
import type { Platform } from '../platform.ts';
import { LOCAL_ENVIRONMENT, placeOf, tableNameOf } from '../seed.ts';
import { ApiClient } from './api-client.ts';
import { Browser, type Fields, type Page } from './browser.ts';
import { ProviderDesk } from './provider-desk.ts';
import { TokenClient } from './token-client.ts';

/** A running platform and everybody who meets it: a partner's backend, its users' browsers, other Lambdas, providers. */
export interface World {
  readonly platform: Platform;
  readonly api: ApiClient;
  readonly tokens: TokenClient;
  readonly providers: Readonly<Record<ProviderId, ProviderDesk>>;
  /** Every browser that took part, and every API key, for the search for leaks. */
  readonly browsers: Browser[];
  readonly apiKeys: string[];
}

export function createWorld(platform: Platform): World {
  const desks = PROVIDER_IDS.map((provider) => [provider, new ProviderDesk(provider, platform.providers[provider])]);
  return {
    platform,
    api: new ApiClient(platform),
    tokens: new TokenClient(platform),
    providers: Object.fromEntries(desks),
    browsers: [],
    apiKeys: [platform.apiKey],
  };
}

/** The seeded companies of the simulators that the story is about. */
export const REALMS = { acme: '9341453000000001', birch: '9341453000000002', cedar: '9341453000000003' } as const;
export const XERO_ORGANISATIONS = {
  acme: 'c0ffee00-0000-4000-8000-000000000001',
  birch: 'c0ffee00-0000-4000-8000-000000000002',
  cedar: 'c0ffee00-0000-4000-8000-000000000003',
} as const;
export const XERO_USERS = {
  accountant: 'acc00000-0000-4000-8000-00000000000a',
  owner: 'b0550000-0000-4000-8000-00000000000b',
} as const;

/** What a person answers on the provider's consent page. */
export const DENIED: Fields = [['decision', 'deny']];

export function allowQuickBooks(realmId: string): Fields {
  return [
    ['company', realmId],
    ['decision', 'allow'],
  ];
}

export function allowXero(user: keyof typeof XERO_USERS, tenantIds: readonly string[]): Fields {
  return [['user', user], ...tenantIds.map((id) => ['tenant', id] as const), ['decision', 'allow']];
}

/** A flow that was taken as far as the browser came. */
export interface Connected {
  readonly sessionId: string;
  readonly browser: Browser;
  readonly consentPage: Page;
  /** Where it ended. */
  readonly page: Page;
}

/** Takes a flow from the partner's backend through the provider's consent to the page it ends at. */
export async function connect(
  world: World,
  flow: {
    readonly organizationId: string;
    readonly provider: ProviderId;
    readonly consent: Fields;
    readonly tenantId?: string;
  },
): Promise<Connected> {
  const { sessionId, connectUrl } = await world.api.createSession({
    organization_id: flow.organizationId,
    provider: flow.provider,
    ...(flow.tenantId === undefined ? {} : { tenant_id: flow.tenantId }),
  });
  const browser = newBrowser(world);
  const consentPage = await browser.open(connectUrl);
  return { sessionId, browser, consentPage, page: await browser.submit(consentPage, flow.consent) };
}

/** A browser without cookies, remembered for the search for leaks. */
export function newBrowser(world: World): Browser {
  const browser = new Browser();
  world.browsers.push(browser);
  return browser;
}

/** Path and query of a page, without the origin; the story's pages carry no secret in it. */
export function whereOf({ url }: Page): string {
  return url.pathname + url.search;
}

/** Issues another API key, as `npm run ops -- keys create` does, and answers it. */
export async function issueApiKey(world: World, request: Omit<KeyRequest, 'name'>): Promise<string> {
  const { platform } = world;
  const access = { ...platform, endpointUrl: platform.awsEndpointUrl };
  const client = createDynamoClient(placeOf(access));
  try {
    const store = createDynamoStore({ client, tables: { apiKeys: tableNameOf(platform.assembly, 'apiKeys') } });
    const ports = { store, clock: platform.clock, environment: LOCAL_ENVIRONMENT };
    const { key } = await issueKey(ports, { name: 'demo', ...request });
    world.apiKeys.push(key.open());
    return key.open();
  } finally {
    client.destroy();
  }
}
