import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { FUNCTIONS, type FunctionName } from '../../lib/domain/names.ts';
import { routePath } from '../../lib/domain/routes.ts';
import {
  allowQuickBooks,
  allowXero,
  connect,
  issueApiKey,
  newBrowser,
  REALMS,
  XERO_ORGANISATIONS,
} from '../../local/demo/world.ts';
import { functionNamed } from '../../local/function-names.ts';
import { openFlow, useWorld } from './fixture.ts';

/**
 * Each function meets the failure of each service it needs: it answers with a code of the table, says so in one log line, and
 * lets no secret out. The search for secrets is made over all of it when the platform stops (fixture.ts).
 */

// A store that does not answer is asked again for some seconds.
vi.setConfig({ testTimeout: 60_000 });

const world = useWorld();
const ACME = { organizationId: 'acme', provider: 'quickbooks' } as const;

type Service = 'dynamoDb' | 'kms' | 'secretsManager' | 'sqs' | 'eventBridge' | 'cloudWatch';
const SERVICES: readonly Service[] = ['dynamoDb', 'kms', 'secretsManager', 'sqs', 'eventBridge', 'cloudWatch'];

/** Every request of the function to these services fails, until the test ends. */
function breakFor(name: FunctionName, ...services: readonly Service[]): void {
  const { aws, assembly } = world().platform;
  for (const service of services) {
    aws[service].failNext({
      operation: '*',
      code: 'InternalServerError',
      times: Number.POSITIVE_INFINITY,
      principal: functionNamed(assembly, name).name,
    });
  }
}

/** A new sandbox, which has read no secret yet. */
async function freshly(...names: readonly FunctionName[]): Promise<void> {
  for (const name of names) await world().platform.killFunction(name);
}

afterEach(() => {
  for (const service of SERVICES) world().platform.aws[service].clearFaults();
});

const codeOf = ({ body }: { readonly body: Readonly<Record<string, unknown>> }) =>
  (body.error as { readonly code?: string } | undefined)?.code;

beforeAll(async () => {
  await connect(world(), { ...ACME, consent: allowQuickBooks(REALMS.acme) });
  await world().tokens.need(ACME);
});

describe('a partner’s backend is told that a service did not answer', () => {
  test.for<[FunctionName, () => Promise<{ status: number; body: Readonly<Record<string, unknown>> }>]>([
    [
      'create-connect-session',
      () =>
        world().api.send(routePath('createConnectSession'), {
          method: 'POST',
          json: { organization_id: 'acme', provider: 'xero' },
        }),
    ],
    ['connect-session-status', () => world().api.session('01K00000000000000000000000')],
    ['status', () => world().api.status('acme', 'quickbooks')],
    ['disconnect', () => world().api.disconnect('acme', 'quickbooks')],
  ])('%s: 503 unavailable', async ([name, ask]) => {
    breakFor(name, 'dynamoDb');
    const answer = await ask();
    expect([answer.status, codeOf(answer)]).toEqual([503, 'unavailable']);
  });

  test('authorizer: 500, and the request does not come to any function', async () => {
    // The gateway remembers what it was told of a key it has seen.
    const key = await issueApiKey(world(), { scopes: ['connections:read'], organizations: '*' });
    breakFor('authorizer', 'dynamoDb');
    const answer = await world().api.send('/v1/oauth/xero/status/new', { key });
    expect([answer.status, codeOf(answer)]).toEqual([500, 'internal_error']);
  });
});

describe('a browser is shown a page that says what to do', () => {
  test('connect: no state can be signed', async () => {
    const { connectUrl } = await world().api.createSession({ organization_id: 'new', provider: 'quickbooks' });
    await freshly('connect');
    breakFor('connect', 'secretsManager');
    const page = await newBrowser(world()).open(connectUrl);
    expect([page.status, page.html.includes('secret_unavailable')]).toEqual([500, true]);
  });

  test('callback: a state can be neither believed nor refused', async () => {
    const { browser, consentPage } = await openFlow(world(), { organization_id: 'new', provider: 'quickbooks' });
    await freshly('callback');
    breakFor('callback', 'secretsManager');
    const page = await browser.submit(consentPage, allowQuickBooks(REALMS.birch));
    expect([page.status, page.html.includes('secret_unavailable')]).toEqual([500, true]);
  });

  test('choose: the companies cannot be read', async () => {
    const { browser, consentPage } = await openFlow(world(), { organization_id: 'choosing', provider: 'xero' });
    const consent = allowXero('accountant', [XERO_ORGANISATIONS.acme, XERO_ORGANISATIONS.birch]);
    const chooser = await browser.submit(consentPage, consent);
    expect(chooser.url.pathname).toContain('/choose');
    breakFor('choose', 'dynamoDb');
    const page = await browser.open(chooser.url);
    expect([page.status, page.html.includes('unavailable')]).toEqual([503, true]);
  });

  test.for<[Service, string]>([
    ['kms', 'unavailable'],
    ['secretsManager', 'provider_configuration'],
  ])('finish-connect without %s: the frontend gets the code %s', async ([service, code]) => {
    await freshly('finish-connect');
    breakFor('finish-connect', service);
    const consent = allowQuickBooks(REALMS.birch);
    const { page } = await connect(world(), { organizationId: 'new', provider: 'quickbooks', consent });
    expect(page.url.searchParams.get('error')).toBe(code);
  });
});

describe('another Lambda is told', () => {
  test.for<[Service, string]>([
    ['dynamoDb', 'unavailable'],
    ['kms', 'unavailable'],
  ])('get-token without %s: %s', async ([service, code]) => {
    await freshly('get-token');
    breakFor('get-token', service);
    expect(await world().tokens.get(ACME)).toMatchObject({ status: 'error', code });
  });

  test('a consumer that is not on the map gets nothing', async () => {
    const { functions, awsEndpointUrl: endpoint, region, credentials } = world().platform;
    const client = new LambdaClient({ endpoint, region, credentials: { ...credentials } });
    const FunctionName = functions['get-token'].replace(/:[^:]+$/, '');
    const { Payload } = await client.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(ACME) }));
    client.destroy();
    expect(JSON.parse(Payload?.transformToString() ?? '')).toMatchObject({ status: 'error', code: 'consumer_refused' });
  });
});

describe('a refresh', () => {
  test.for<[string, readonly Service[]]>([
    ['the key', ['kms']],
    ['the client secret', ['secretsManager']],
    ['the bus', ['eventBridge']],
  ])('without %s costs no token', async ([, services]) => {
    const { platform, tokens } = world();
    const before = await tokens.need(ACME);
    platform.clock.advance(400);
    await freshly('refresh-grant');
    breakFor('refresh-grant', ...services);
    await tokens.get({ ...ACME, rejected: { tokenVersion: before.tokenVersion, reason: 'token' } });
    for (const service of services) platform.aws[service].clearFaults();
    await platform.advance(360);
    expect((await tokens.need(ACME)).tokenVersion).toBeGreaterThanOrEqual(before.tokenVersion);
  });

  test('by the schedule goes on without gauges and events, and stops without the table', async () => {
    const { platform } = world();
    breakFor('refresh-due', 'eventBridge', 'cloudWatch');
    await platform.advance(60);
    breakFor('refresh-due', 'dynamoDb');
    await platform.advance(60);
    const lines = platform.logs().filter(({ function: name }) => name === 'refresh-due');
    expect(lines.some(({ line }) => line.includes('unavailable'))).toBe(true);
  });
});

test('every function has said in its log that something failed, and what', () => {
  const told = world()
    .platform.logs()
    .flatMap(({ function: name, line }) => {
      const { level, code, reason, error } = line.startsWith('{') ? JSON.parse(line) : {};
      return (level === 'WARN' || level === 'ERROR') && (code ?? reason ?? error) !== undefined ? [name] : [];
    });
  // What rescue meets has a file of its own.
  expect(FUNCTIONS.filter((name) => name !== 'rescue' && !told.includes(name))).toEqual([]);
});
