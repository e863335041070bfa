import { beforeEach, expect, test, vi } from 'vitest';
import { createHandler as createCallback } from '../../functions/callback.ts';
import { createHandler as createChoose } from '../../functions/choose.ts';
import { createHandler as createConnect } from '../../functions/connect.ts';
import { createHandler as createSessionStatus } from '../../functions/connect-session-status.ts';
import { createHandler as createFinish } from '../../functions/finish-connect.ts';
import { BROWSER_COOKIE } from '../../lib/domain/connect-session.ts';
import { captureOutput } from '../lib/runtime/captured-output.ts';
import { ALICE, createConnectWorld, MALLORY } from '../support/connect-world.ts';
import { ACME_KEY, send } from './connect-api.ts';

const output = captureOutput();

beforeEach(() => {
  vi.stubEnv('GK_PUBLIC_URL', 'https://gk.example/api');
});

const PARAMETERS = { provider: 'xero', organization_id: 'acme' };
const COOKIE = { cookie: `theirs=1; ${BROWSER_COOKIE}=${ALICE}` };
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const field = (html: string, name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? '';

test('from the link over the page, the provider and the choice to the result', async () => {
  const world = createConnectWorld({ binding: 'interstitial' });
  const tenants = [
    { tenantId: 't-1', name: 'One' },
    { tenantId: 't-2', name: 'Two' },
  ];
  world.provider.state.authorised = { subject: 'user-1', now: tenants };
  const { token, sessionId } = await world.start('acme', 'xero', { userId: 'ann' });
  const connect = createConnect(() => world.ports);
  const page = await send(connect, 'connect', { parameters: PARAMETERS, query: { session: token }, headers: COOKIE });
  expect(page.status).toBe(200);
  expect(page.body).toContain('Connect Xero to Ledgerly?');
  expect(page.cookies).toEqual([`${BROWSER_COOKIE}=${ALICE}; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax`]);
  expect(page.headers['content-security-policy']).toContain("style-src 'sha256-");

  const form = new URLSearchParams({ session: field(page.body, 'session'), proof: field(page.body, 'proof') });
  const answer = { parameters: PARAMETERS, headers: { ...COOKIE, ...FORM }, body: String(form) };
  const gone = await send(connect, 'confirmConnect', answer);
  expect([gone.status, new URL(String(gone.location)).host]).toEqual([302, 'xero.example']);
  const state = new URL(String(gone.location)).searchParams.get('state') ?? '';

  const callback = createCallback(() => world.ports);
  const back = await send(callback, 'callback', {
    parameters: { provider: 'xero' },
    query: { state, code: 'c' },
    headers: COOKIE,
  });
  expect(back.location).toBe(`https://gk.example/api/v1/oauth/xero/choose?flow=${sessionId}`);

  const choose = createChoose(() => world.ports);
  const choice = await send(choose, 'choose', {
    parameters: { provider: 'xero' },
    query: { flow: sessionId },
    headers: COOKIE,
  });
  expect(choice.body).toContain('<span>Two</span>');
  const chosen = await send(choose, 'chosen', {
    parameters: { provider: 'xero' },
    headers: { ...COOKIE, ...FORM },
    body: String(new URLSearchParams({ flow: sessionId, proof: field(choice.body, 'proof'), tenant_id: 't-2' })),
  });
  expect(chosen.location).toBe('https://app.example/settings/integrations?connected=true&system=xero');
  const again = await send(choose, 'choose', {
    parameters: { provider: 'xero' },
    query: { flow: sessionId },
    headers: COOKIE,
  });
  expect(again.location).toBe(chosen.location);

  for (const secret of [token, state, ALICE, 'access-1', 'refresh-1']) expect(output.text()).not.toContain(secret);

  const status = await send(
    createSessionStatus(() => world.ports),
    'connectSessionStatus',
    {
      parameters: { session_id: sessionId },
      authorizer: ACME_KEY,
    },
  );
  expect(status.body).toEqual({
    session_id: sessionId,
    organization_id: 'acme',
    provider: 'xero',
    stage: 'linked',
    error: null,
    company: { tenant_id: 't-2', name: 'Two' },
    expires_at: '2026-11-20T12:15:00.000Z',
  });
});

test('where the link is enough it leads straight to the provider, with a new cookie', async () => {
  const world = createConnectWorld();
  const { token } = await world.start('acme', 'xero');
  const gone = await send(
    createConnect(() => world.ports),
    'connect',
    {
      parameters: PARAMETERS,
      query: { session: token },
    },
  );
  expect(gone.status).toBe(302);
  expect(gone.cookies).toEqual([
    `${BROWSER_COOKIE}=secret-2-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax`,
  ]);
});

test.for([
  ['connect', { ...PARAMETERS, provider: 'sage' }, 'unknown_provider'],
  ['connect', { ...PARAMETERS, organization_id: '-x' }, 'invalid_organization_id'],
  ['connect', PARAMETERS, 'session_invalid'],
  ['confirmConnect', PARAMETERS, 'invalid_state'],
] as const)('%s of %j is refused as %s', async ([route, parameters, code]) => {
  const world = createConnectWorld({ binding: 'interstitial' });
  const { status, body } = await send(
    createConnect(() => world.ports),
    route,
    { parameters },
  );
  expect([status, body.error.code]).toEqual([400, code]);
});

test('a callback nobody can trust is 400, as JSON or as a page, and asks the provider nothing', async () => {
  const world = createConnectWorld();
  const callback = createCallback(() => world.ports);
  const request = { parameters: { provider: 'xero' }, query: { state: '<b>', code: 'c' } };
  const json = await send(callback, 'callback', { ...request, headers: COOKIE });
  expect([json.status, json.body.error.code]).toEqual([400, 'invalid_state']);
  const page = await send(callback, 'callback', { ...request, headers: { ...COOKIE, accept: 'text/html' } });
  expect([page.status, page.headers['content-type']]).toEqual([400, 'text/html; charset=utf-8']);
  expect(page.body).not.toContain('<b>');
  expect(world.finishCalls).toEqual([]);
});

test('the choice is not shown in another browser', async () => {
  const world = createConnectWorld();
  world.provider.state.authorised = { subject: 'user-1', now: [{ tenantId: 't-1' }, { tenantId: 't-2' }] };
  const { sessionId } = await world.connect('acme', 'xero');
  const { status } = await send(
    createChoose(() => world.ports),
    'choose',
    {
      parameters: { provider: 'xero' },
      query: { flow: sessionId },
      headers: { cookie: `${BROWSER_COOKIE}=${MALLORY}` },
    },
  );
  expect(status).toBe(400);
});

const CONTEXT = {
  awsRequestId: 'aws-1',
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:finish-connect',
  getRemainingTimeInMillis: () => 90_000,
};

test('finish-connect answers how the flow stands, without a token', async () => {
  const world = createConnectWorld();
  const finish = createFinish(() => ({ ...world.ports, clock: { ...world.clock, now: Date.now } }));
  world.behaviour.finish = 'pending';
  const { sessionId } = await world.connect('acme', 'quickbooks', '1');
  const event = { flowId: sessionId, correlationId: 'c-1', authorization: { code: 'c', callbackTenantId: '1' } };
  const answer = await finish(event, CONTEXT);
  expect(Object.keys(answer).toSorted()).toEqual(['error', 'stage']);
});

test.for([{}, { flowId: 'x' }, { flowId: '01KAFZ00000000000000000001', more: 1 }, null])(
  'finish-connect refuses %j',
  async (event) => {
    const world = createConnectWorld();
    expect(await createFinish(() => world.ports)(event, CONTEXT)).toMatchObject({
      status: 'error',
      code: 'invalid_request',
    });
  },
);
