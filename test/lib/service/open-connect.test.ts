import { expect, test } from 'vitest';
import { confirmConnect, openConnect } from '../../../lib/service/open-connect.ts';
import { ALICE, createConnectWorld, MALLORY, ORIGIN } from '../../support/connect-world.ts';
import { T0 } from '../../support/grants.ts';

const ACME = { organizationId: 'acme', provider: 'quickbooks', origin: ORIGIN, cookie: ALICE } as const;

test('the link leads to the provider and ties the flow to the browser', async () => {
  const { ports, start, flow } = createConnectWorld();
  const { token, sessionId } = await start('acme', 'quickbooks');
  const opened = await openConnect(ports, { ...ACME, session: token });
  expect(opened).toEqual({
    kind: 'provider',
    cookie: ALICE,
    url: 'https://quickbooks.example/authorize?client_id=client-1&redirect_uri=https://gk.example/api/v1/oauth/quickbooks/callback&state=state-1',
  });
  expect(await ports.verifyState('state-1', T0)).toEqual({
    flowId: sessionId,
    provider: 'quickbooks',
    organizationId: 'acme',
    cookieHash: '9bc743a2ac1e505583424495793abc31608701006957c91725c559224d5084f9',
    nonce: '01KAFZ00000000000000000002',
    expiresAt: T0 + 600_000,
  });
  expect((await flow(sessionId)).stage).toBe('session');
});

test.for([undefined, '', 'short', `${'x'.repeat(42)};`])('cookie %j is replaced by a new one', async (cookie) => {
  const { ports, start } = createConnectWorld();
  const { token } = await start('acme', 'quickbooks');
  const opened = await openConnect(ports, { ...ACME, session: token, cookie });
  expect(opened.cookie).toBe('secret-2-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx');
});

test.for([
  ['no session', {}, 0],
  ['junk', { session: 'junk' }, 0],
  ['an unknown flow', { session: `01KAFZ99999999999999999999.${'x'.repeat(43)}` }, 0],
  ['another organisation', { organizationId: 'beta' }, 0],
  ['another provider', { provider: 'xero' }, 0],
  ['fifteen minutes later', {}, 900_000],
] as const)('a link is refused: %s', async ([name, change, waitMs]) => {
  const { ports, start, clock } = createConnectWorld();
  const { token } = await start('acme', 'quickbooks');
  await clock.advance(waitMs);
  const session = name === 'no session' ? undefined : token;
  const refused = openConnect(ports, { ...ACME, session, ...change });
  await expect(refused).rejects.toMatchObject({ code: 'session_invalid' });
});

test('a link with another secret is refused', async () => {
  const { ports, start } = createConnectWorld();
  const { token } = await start('acme', 'quickbooks');
  const forged = `${token.slice(0, -1)}y`;
  await expect(openConnect(ports, { ...ACME, session: forged })).rejects.toMatchObject({ code: 'session_invalid' });
});

test('a link whose callback has come is refused', async () => {
  const { ports, connect } = createConnectWorld();
  const { token } = await connect('acme', 'quickbooks', '9341453');
  await expect(openConnect(ports, { ...ACME, session: token })).rejects.toMatchObject({ code: 'session_invalid' });
});

test('a link can be opened a second before it expires, and as often as one likes', async () => {
  const { ports, start, clock } = createConnectWorld();
  const { token } = await start('acme', 'quickbooks');
  await openConnect(ports, { ...ACME, session: token });
  await clock.advance(899_999);
  expect((await openConnect(ports, { ...ACME, session: token })).kind).toBe('provider');
});

test('open access starts a flow without a session', async () => {
  const { ports, store } = createConnectWorld({ access: 'open' });
  expect((await openConnect(ports, ACME)).kind).toBe('provider');
  const [flow] = store.dump().flows;
  expect(flow).toMatchObject({ organizationId: 'acme', provider: 'quickbooks', stage: 'session', pinnedVersion: 0 });
  expect(flow).not.toHaveProperty('sessionHash');
});

test('a page asks first where the binding is interstitial, and open access stores nothing before the answer', async () => {
  const { ports, store } = createConnectWorld({ binding: 'interstitial', access: 'open' });
  const opened = await openConnect(ports, ACME);
  expect(opened).toEqual({ kind: 'interstitial', cookie: ALICE, proof: expect.stringMatching(/^[\w-]{43}$/) });
  expect(store.dump().flows).toEqual([]);
});

test('the page knows who started the flow, and its answer leads to the provider', async () => {
  const { ports, start } = createConnectWorld({ binding: 'interstitial' });
  const { token } = await start('acme', 'quickbooks', { userId: 'ann' });
  const opened = await openConnect(ports, { ...ACME, session: token });
  if (opened.kind !== 'interstitial') throw new Error('no page');
  expect(opened).toMatchObject({ session: token, userId: 'ann' });
  const confirmed = await confirmConnect(ports, { ...ACME, session: token, proof: opened.proof });
  expect(confirmed).toMatchObject({ kind: 'provider', cookie: ALICE });
});

test.for([
  ['without the cookie', { cookie: undefined }],
  ["with another browser's cookie", { cookie: MALLORY }],
  ['without the proof', { proof: undefined }],
  ['for another organisation', { organizationId: 'beta' }],
  ['for another provider', { provider: 'xero' }],
] as const)('the answer of the page is refused %s', async ([, change]) => {
  const { ports, start } = createConnectWorld({ binding: 'interstitial' });
  const { token } = await start('acme', 'quickbooks');
  const opened = await openConnect(ports, { ...ACME, session: token });
  const proof = opened.kind === 'interstitial' ? opened.proof : '';
  const refused = confirmConnect(ports, { ...ACME, session: token, proof, ...change });
  await expect(refused).rejects.toMatchObject({ code: 'invalid_state' });
});

test('the answer of the page is refused once the link has expired', async () => {
  const { ports, start, clock } = createConnectWorld({ binding: 'interstitial' });
  const { token } = await start('acme', 'quickbooks');
  const opened = await openConnect(ports, { ...ACME, session: token });
  const proof = opened.kind === 'interstitial' ? opened.proof : '';
  await clock.advance(900_000);
  const refused = confirmConnect(ports, { ...ACME, session: token, proof });
  await expect(refused).rejects.toMatchObject({ code: 'session_invalid' });
});
