import { expect, test } from 'vitest';
import { finishConnect } from '../../../lib/service/finish-connect.ts';
import {
  ACME_BOOKS,
  ALICE,
  cookieHash,
  createConnectWorld,
  FINISH_MS,
  living,
  QB,
  quickbooksWorld,
  REALM,
  tokensOf,
} from '../../support/connect-world.ts';
import { DAY, MINUTE, T0 } from '../../support/grants.ts';

test('a first connection stores grant, connection, claim and result', async () => {
  const world = quickbooksWorld();
  const { sessionId } = await world.connect('acme', 'quickbooks', REALM, { userId: 'ann' });
  const grant = await living(world, QB);
  const { access, current, ...rest } = grant;
  expect(rest).toEqual({
    v: 1,
    pk: QB,
    provider: 'quickbooks',
    subject: REALM,
    generation: expect.stringMatching(/^01KAFZ/),
    status: 'active',
    clientId: 'client-1',
    environment: 'sandbox',
    scopes: ['com.intuit.quickbooks.accounting'],
    orgs: new Set(['acme']),
    number: 1,
    tokenVersion: 1,
    doubts: {},
    held: {},
    detach: {},
    refreshExpiresAt: T0 + 100 * DAY,
    hardExpiresAt: T0 + 1825 * DAY,
    lastRefreshedAt: T0,
    tenantCheckAt: T0 + 2 * MINUTE,
    refreshCount: 0,
    failedRefreshCount: 0,
    duePartition: 'quickbooks#05',
    dueAt: T0 + 2 * MINUTE,
  });
  expect(access).toMatchObject({ attemptId: sessionId, obtainedAt: T0, expiresAt: T0 + 3_600_000 });
  expect(current).toMatchObject({ attemptId: sessionId, generation: grant.generation, version: 1 });
  expect(access).not.toHaveProperty('scope');
  expect(await tokensOf(world, grant)).toEqual(['access-1', 'refresh-1']);
  const { connections, flows, audit } = world.store.dump();
  const linkId = connections[1]?.linkId;
  expect(connections).toEqual([
    { v: 1, pk: `CLAIM#quickbooks#${REALM}`, sk: 'claim', organizationId: 'acme', linkId },
    {
      v: 1,
      pk: 'ORG#acme',
      sk: 'quickbooks',
      organizationId: 'acme',
      provider: 'quickbooks',
      status: 'connected',
      version: 1,
      linkId: expect.stringMatching(/^01KAFZ/),
      grant: QB,
      tenantId: REALM,
      companyName: 'Acme Books',
      connectedAt: T0,
      connectedBy: 'ann',
    },
  ]);
  expect(flows).toMatchObject([{ stage: 'linked', company: ACME_BOOKS, grant: QB }]);
  expect(audit.map(({ pk, event }) => [pk, event])).toEqual([
    [`GRANT#${QB}`, 'grant.banked'],
    ['ORG#acme', 'connection.linked'],
    ['ORG#acme', 'flow.started'],
  ]);
  expect(world.metrics).toEqual(['ConnectOutcome linked 1', 'ConnectFault 0']);
});

test('no token, code or secret is in any record or log line', async () => {
  const world = quickbooksWorld();
  const { token, sessionId } = await world.connect('acme', 'quickbooks', REALM);
  const everything = JSON.stringify([world.store.dump(), world.log]);
  for (const secret of ['access-1', 'refresh-1', `code-${sessionId}`, 'client-secret', token, ALICE]) {
    expect(everything).not.toContain(secret);
  }
});

test('at Xero the subject comes from the token, and the tokens open for its grant', async () => {
  const world = createConnectWorld();
  const tenant = { tenantId: 't-1', name: 'Acme Ltd', providerConnectionId: 'conn-1' };
  world.provider.state.authorised = { subject: 'user-1', now: [tenant], before: [{ tenantId: 't-0' }] };
  const { sessionId, url } = await world.connect('acme', 'xero');
  expect(url).toContain('connected=true&system=xero');
  const grant = await living(world, 'xero#user-1');
  expect([grant.access.scope, grant.current.scope]).toEqual([`flow#${sessionId}`, `flow#${sessionId}`]);
  expect(await tokensOf(world, grant)).toEqual(['access-1', 'refresh-1']);
  expect(await world.store.readConnection('acme', 'xero')).toMatchObject({
    tenantId: 't-1',
    providerConnectionId: 'conn-1',
    grant: 'xero#user-1',
  });
  expect(world.provider.listed).toEqual([{ provider: 'xero', environment: 'sandbox', thisAuthorizationOnly: true }]);
});

test('nothing is sent when too little time is left to store the answer', async () => {
  const world = quickbooksWorld();
  world.behaviour.finish = 'pending';
  const { sessionId } = await world.connect('acme', 'quickbooks', REALM);
  const request = { flowId: sessionId, authorization: { code: 'c', callbackTenantId: REALM } };
  const end = await finishConnect(world.ports, request, world.clock.now() + 64_000);
  expect(end).toEqual({ stage: 'failed', error: 'unavailable' });
  expect(world.provider.codes).toEqual([]);
});

test('two invocations for one flow send the code once', async () => {
  const world = quickbooksWorld();
  world.behaviour.finish = 'pending';
  const { sessionId } = await world.connect('acme', 'quickbooks', REALM);
  const request = { flowId: sessionId, authorization: { code: 'c', callbackTenantId: REALM } };
  const deadlineAt = world.clock.now() + FINISH_MS;
  await Promise.all([1, 2, 3].map(() => finishConnect(world.ports, request, deadlineAt)));
  expect(world.provider.codes).toEqual(['c']);
  expect((await world.flow(sessionId)).stage).toBe('linked');
  expect(await finishConnect(world.ports, request, deadlineAt)).toEqual({ stage: 'linked' });
});

test('an unknown flow is not found, an expired one fails', async () => {
  const world = quickbooksWorld();
  await expect(finishConnect(world.ports, { flowId: 'x' }, T0)).rejects.toMatchObject({ code: 'not_found' });
  world.behaviour.finish = 'pending';
  const { sessionId } = await world.connect('acme', 'quickbooks', REALM);
  await world.clock.advance(600_000);
  const request = { flowId: sessionId, authorization: { code: 'c', callbackTenantId: REALM } };
  const end = await finishConnect(world.ports, request, world.clock.now() + FINISH_MS);
  expect(end).toEqual({ stage: 'failed', error: 'flow_expired' });
  expect(world.provider.codes).toEqual([]);
});

test('a company that CompanyInfo does not confirm is not linked, and the tokens stay banked', async () => {
  const world = quickbooksWorld();
  world.provider.state.authorised = { subject: REALM, now: [] };
  expect((await world.connect('acme', 'quickbooks', REALM)).url).toContain('error=company_unconfirmed');
  const grant = await living(world, QB);
  expect(grant).toMatchObject({ status: 'active', unservedSince: T0, dueAt: T0 + 600_000 });
  expect(grant).not.toHaveProperty('orgs');
  expect(world.store.dump().connections).toEqual([]);
});

test('a listing that fails is tried three times', async () => {
  const world = quickbooksWorld();
  const failed = { kind: 'unknown', reason: 'http_503' } as const;
  world.provider.state.listings = [failed, failed];
  expect((await world.connect('acme', 'quickbooks', REALM)).url).toContain('connected=true');
  world.provider.state.listings = [failed, failed, failed];
  expect((await world.connect('beta', 'quickbooks', '777')).url).toContain('error=company_unconfirmed');
  expect(world.provider.listed).toHaveLength(6);
});

test('an authorisation that opens no company is refused and stays banked', async () => {
  const world = createConnectWorld();
  expect((await world.connect('acme', 'xero')).url).toContain('error=no_company');
  expect(await living(world, 'xero#user-1')).toMatchObject({ unservedSince: T0 });
});

test('the browser that came back is kept with the flow', async () => {
  const world = quickbooksWorld();
  const { sessionId } = await world.connect('acme', 'quickbooks', REALM);
  expect((await world.flow(sessionId)).cookieHash).toBe(cookieHash(ALICE));
});

test.for([
  ['a fault is an error', { kind: 'CONFIG', reason: 'invalid_client' }, 'error', 'provider_configuration'],
  ['what came of a slow user is none', 'late', 'info', 'flow_expired'],
] as const)('the line of a flow that failed says by what: %s', async ([, cause, level, code]) => {
  const world = quickbooksWorld();
  const session = await world.start('acme', 'quickbooks');
  const state = await world.open('acme', 'quickbooks', session.token);
  if (cause !== 'late') world.provider.state.outcomes = [cause];
  else {
    const { readFlow } = world.ports.store;
    world.ports.store.readFlow = async (id) => {
      const flow = await readFlow(id);
      return flow?.stage === 'authorizing' ? { ...flow, expiresAt: T0 - 1 } : flow;
    };
  }
  await world.callback('quickbooks', { state, code: 'code-1', realmId: REALM });
  const [line] = world.log.map((each) => JSON.parse(each)).filter(({ message }) => message === 'connect');
  expect(line).toMatchObject({ level, outcome: code, code, error: 'GrantkeeperError', provider: 'quickbooks' });
});

test('a run that fails on a flow which another one has ended is not counted as its end', async () => {
  const world = quickbooksWorld();
  const { sessionId } = await world.connect('acme', 'quickbooks', REALM);
  const { readFlow } = world.ports.store;
  const linked = await world.flow(sessionId);
  let isFirst = true;
  world.ports.store.readFlow = async (id) => {
    const isStale = isFirst;
    isFirst = false;
    return isStale ? { ...linked, stage: 'choosing', tenants: [] } : await readFlow(id);
  };
  const before = [...world.metrics];
  const request = { flowId: sessionId, chosenTenantId: 't-9' };
  expect(await finishConnect(world.ports, request, world.clock.now() + FINISH_MS)).toEqual({ stage: 'linked' });
  expect(world.metrics).toEqual(before);
  expect(JSON.parse(world.log.at(-1) ?? '')).toEqual({
    level: 'warn',
    message: 'a connect flow was ended by another run',
    provider: 'quickbooks',
    organizationId: 'acme',
    flowId: sessionId,
    stage: 'linked',
    code: 'company_mismatch',
    error: 'GrantkeeperError',
  });
});
