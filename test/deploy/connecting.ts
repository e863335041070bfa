import assert from 'node:assert/strict';
import { newApiKey } from '../../lib/domain/api-key-format.ts';
import type { ProviderId } from '../../lib/domain/names.ts';
import { STAGE } from '../../lib/domain/routes.ts';
import { ApiClient } from '../../local/demo/api-client.ts';
import { Browser, type Fields } from '../../local/demo/browser.ts';
import { TokenClient } from '../../local/demo/token-client.ts';
import { allowQuickBooks, allowXero, REALMS, XERO_ORGANISATIONS } from '../../local/demo/world.ts';
import { LOCAL_ENVIRONMENT } from '../../local/seed.ts';
import type { Checks } from './checks.ts';
import { eventTypes, receive } from './company.ts';
import { aliasOf, type Deployed, outputOf } from './deployment.ts';
import { eventually } from './eventually.ts';
import { placeOf, type Stage } from './stage.ts';

/** A connection of the run; `company` is what the provider's API answers to its token. */
export interface Connection {
  readonly organizationId: string;
  readonly provider: ProviderId;
  readonly tenantId: string;
  readonly company: string;
  readonly consent: Fields;
}

/** Two grants at QuickBooks, so that a circuit of two can open, and one at Xero. */
export const CONNECTIONS = {
  acme: {
    organizationId: 'acme',
    provider: 'quickbooks',
    tenantId: REALMS.acme,
    company: 'Acme Books',
    consent: allowQuickBooks(REALMS.acme),
  },
  birch: {
    organizationId: 'birch',
    provider: 'quickbooks',
    tenantId: REALMS.birch,
    company: 'Birch Bakery',
    consent: allowQuickBooks(REALMS.birch),
  },
  cedar: {
    organizationId: 'cedar',
    provider: 'xero',
    tenantId: XERO_ORGANISATIONS.cedar,
    company: 'Cedar Cycles',
    consent: allowXero('accountant', [XERO_ORGANISATIONS.cedar]),
  },
} as const satisfies Readonly<Record<string, Connection>>;

/**
 * How long the providers' access tokens live here. The schedule refreshes at half of it, and readers beside it only in the
 * last sixth, which these tests stay away from.
 */
const TOKEN_SECONDS = 90;

/** A partner's backend, and another Lambda of the company. */
export interface Callers {
  readonly api: ApiClient;
  readonly tokens: TokenClient;
}

/** Connects them all, and looks at what is refused on the way. */
export async function connectAll(checks: Checks, stage: Stage, { outputs, apiKey }: Deployed): Promise<Callers> {
  const apiUrl = `${stage.front.origin}/${STAGE}`;
  assert.equal(outputOf(outputs, 'edge', 'ApiUrl'), apiUrl);
  const api = new ApiClient({ apiUrl, apiKey });
  const { endpoint, ...place } = placeOf(stage.emulator);
  const alias = aliasOf(outputs, 'default');
  const tokens = new TokenClient({ ...place, awsEndpointUrl: endpoint, functions: { 'get-token': alias } });
  await checks.that('the gateway refuses a call without a key', () => refuses(api, null, [401, 'unauthorized']));
  await checks.that('the authorizer refuses a key nobody made', () =>
    refuses(api, newApiKey(LOCAL_ENVIRONMENT).key.open(), [401, 'unauthorized']),
  );
  for (const desk of Object.values(stage.providers)) await desk.configure({ accessTokenSeconds: TOKEN_SECONDS });
  await stage.providers.quickbooks.configure({ rotation: 'every_call' });
  for (const connection of Object.values(CONNECTIONS)) {
    const { organizationId, provider } = connection;
    await checks.that(`${organizationId} connects to ${provider} in a browser`, () => connect(api, connection));
    await checks.that(`${organizationId}’s status says so`, () => saysConnected(api, connection));
    await checks.that(`get-token serves a token that opens ${organizationId}’s company`, () =>
      opensCompany(stage, tokens, connection),
    );
  }
  await refusals(checks, { api, tokens }, alias);
  await checks.that('the bus told the company of each connection', () => toldOf(stage, 'Connection Created', 3));
  return { api, tokens };
}

async function refuses(api: ApiClient, key: string | null, expected: readonly [number, string]): Promise<void> {
  const { status, body } = await api.send('/v1/connect-sessions', { method: 'POST', key, json: {} });
  assert.deepEqual([status, (body.error as { code?: unknown } | undefined)?.code], expected);
}

async function connect(api: ApiClient, { organizationId, provider, consent }: Connection): Promise<void> {
  const { connectUrl, sessionId } = await api.createSession({ organization_id: organizationId, provider });
  const browser = new Browser();
  const consentPage = await browser.open(connectUrl);
  assert.equal(consentPage.status, 200, `the connect link answered ${consentPage.status} ${consentPage.html}`);
  const { url } = await browser.submit(consentPage, consent);
  assert.equal(url.pathname + url.search, `/settings/integrations?connected=true&system=${provider}`);
  const { body } = await api.session(sessionId);
  assert.equal(body.stage, 'linked');
}

async function saysConnected(api: ApiClient, { organizationId, provider, company }: Connection): Promise<void> {
  const { status, body } = await api.status(organizationId, provider);
  assert.deepEqual([status, body.connected, body.company_name, body.health], [200, true, company, 'healthy']);
}

/** What `get-token` serves opens the company at its provider; gives the version of the token. */
export async function opensCompany(stage: Stage, tokens: TokenClient, connection: Connection): Promise<number> {
  const { organizationId, provider, tenantId, company } = connection;
  const served = await tokens.need({ organizationId, provider });
  assert.equal(served.tenantId, tenantId);
  const answer = await stage.providers[provider].company(served.accessToken, tenantId);
  assert.deepEqual(answer, { status: 200, name: company });
  return served.tokenVersion;
}

async function refusals(checks: Checks, { tokens }: Callers, alias: string): Promise<void> {
  const acme = { organizationId: 'acme', provider: 'quickbooks' } as const;
  const birch = { organizationId: 'birch', provider: 'quickbooks' } as const;
  const getToken = alias.replace(/:default$/, '');
  const invoicing = `${getToken}:invoicing`;
  const ask = async (question: typeof acme | typeof birch, functionName: string) => {
    const answer = await tokens.get(question, functionName);
    return answer.status === 'ok' ? 'ok' : answer.code;
  };
  await checks.that('get-token serves nobody who does not come by an alias', async () => {
    assert.deepEqual(
      [await ask(acme, getToken), await ask(acme, `${getToken}:$LATEST`)],
      Array(2).fill('consumer_refused'),
    );
  });
  await checks.that('the alias invoicing gets what its consumer may have, and no other', async () => {
    assert.deepEqual([await ask(acme, invoicing), await ask(birch, invoicing)], ['ok', 'consumer_refused']);
  });
}

/** Waits until so many events of a type have come to the company's queue. */
async function toldOf(stage: Stage, type: string, times: number): Promise<void> {
  const told: string[] = [];
  await eventually(`${times} × ${type}`, 10, async () => {
    told.push(...eventTypes(await receive(stage.aws, 'inbox', stage.emulator.endpoint)));
    return told.filter((one) => one === type).length >= times ? true : undefined;
  });
  assert.equal(told.filter((one) => one === type).length, times);
}
