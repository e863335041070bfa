import { expect, test } from 'vitest';
import { chooseTenant, readChoice } from '../../../lib/service/choose-tenant.ts';
import { ALICE, type ConnectWorld, createConnectWorld, MALLORY, ORIGIN } from '../../support/connect-world.ts';

const TENANTS = [
  { tenantId: 't-1', name: 'One Ltd', providerConnectionId: 'conn-1' },
  { tenantId: 't-2', name: 'Two Ltd', providerConnectionId: 'conn-2' },
];
const RESULT = 'https://app.example/settings/integrations';

async function choosing() {
  const world = createConnectWorld();
  world.provider.state.authorised = { subject: 'user-1', now: TENANTS };
  const { sessionId, url } = await world.connect('acme', 'xero');
  return { world, flowId: sessionId, url };
}

async function proofOf(world: ConnectWorld, flowId: string): Promise<string> {
  const choice = await readChoice(world.ports, { provider: 'xero', flowId, cookie: ALICE, origin: ORIGIN });
  if (choice.kind !== 'ask') throw new Error('nothing to choose');
  return choice.proof;
}

test('of several companies none is chosen for the user: the callback leads to the choice', async () => {
  const { world, flowId, url } = await choosing();
  expect(url).toBe(`https://gk.example/api/v1/oauth/xero/choose?flow=${flowId}`);
  expect(await world.flow(flowId)).toMatchObject({ stage: 'choosing', tenants: TENANTS, grant: 'xero#user-1' });
  expect(world.store.dump().connections).toEqual([]);
  const choice = await readChoice(world.ports, { provider: 'xero', flowId, cookie: ALICE, origin: ORIGIN });
  expect(choice).toEqual({
    kind: 'ask',
    flowId,
    organizationId: 'acme',
    tenants: TENANTS,
    proof: expect.stringMatching(/^[\w-]{43}$/),
  });
});

test('the chosen company is linked', async () => {
  const { world, flowId } = await choosing();
  const proof = await proofOf(world, flowId);
  const request = { provider: 'xero', flowId, cookie: ALICE, origin: ORIGIN, correlationId: 'c-2', proof } as const;
  expect(await chooseTenant(world.ports, { ...request, tenantId: 't-2' })).toBe(`${RESULT}?connected=true&system=xero`);
  expect(world.finishCalls.at(-1)).toEqual({ flowId, chosenTenantId: 't-2', correlationId: 'c-2' });
  expect(await world.store.readConnection('acme', 'xero')).toMatchObject({
    tenantId: 't-2',
    companyName: 'Two Ltd',
    providerConnectionId: 'conn-2',
  });
  expect(world.provider.codes).toHaveLength(1);
  expect(await chooseTenant(world.ports, { ...request, tenantId: 't-1' })).toBe(`${RESULT}?connected=true&system=xero`);
  expect(await readChoice(world.ports, request)).toEqual({ kind: 'done', url: `${RESULT}?connected=true&system=xero` });
});

test('two choices at once link one company', async () => {
  const { world, flowId } = await choosing();
  const proof = await proofOf(world, flowId);
  const request = { provider: 'xero', flowId, cookie: ALICE, origin: ORIGIN, correlationId: 'c-2', proof } as const;
  await Promise.all(['t-1', 't-2'].map((tenantId) => chooseTenant(world.ports, { ...request, tenantId })));
  const { connections } = world.store.dump();
  expect(connections.map(({ pk }) => pk)).toHaveLength(2);
  expect((await world.flow(flowId)).stage).toBe('linked');
});

test.for([
  ["another browser's cookie", { cookie: MALLORY }],
  ['no cookie', { cookie: undefined }],
  ['another provider', { provider: 'quickbooks' }],
  ['an unknown flow', { flowId: '01KAFZ99999999999999999999' }],
  ['junk for a flow', { flowId: '../x' }],
  ['a foreign form', { proof: 'x'.repeat(43) }],
  ['no proof', { proof: undefined }],
] as const)('a choice with %s is refused', async ([, change]) => {
  const { world, flowId } = await choosing();
  const proof = await proofOf(world, flowId);
  const request = { provider: 'xero', flowId, cookie: ALICE, origin: ORIGIN, correlationId: 'c', proof } as const;
  const refused = chooseTenant(world.ports, { ...request, tenantId: 't-1', ...change });
  await expect(refused).rejects.toMatchObject({ code: 'invalid_state' });
  expect(world.finishCalls).toHaveLength(1);
});

test.for([undefined, 't-3'])('company %j was not offered', async (tenantId) => {
  const { world, flowId } = await choosing();
  const proof = await proofOf(world, flowId);
  const request = {
    provider: 'xero',
    flowId,
    cookie: ALICE,
    origin: ORIGIN,
    correlationId: 'c',
    proof,
    tenantId,
  } as const;
  await expect(chooseTenant(world.ports, request)).rejects.toMatchObject({
    code: 'invalid_request',
    field: 'tenant_id',
  });
});

test('a choice that is not made in time ends the flow', async () => {
  const { world, flowId } = await choosing();
  await world.clock.advance(600_000);
  const choice = await readChoice(world.ports, { provider: 'xero', flowId, cookie: ALICE, origin: ORIGIN });
  expect(choice).toEqual({ kind: 'done', url: `${RESULT}?connected=false&system=xero&error=flow_expired` });
});

test("a chosen company that is another organisation's refuses the link", async () => {
  const { world, flowId } = await choosing();
  await world.seed({ v: 1, pk: 'CLAIM#xero#t-1', sk: 'claim', organizationId: 'beta', linkId: 'link-9' });
  const proof = await proofOf(world, flowId);
  const request = {
    provider: 'xero',
    flowId,
    cookie: ALICE,
    origin: ORIGIN,
    correlationId: 'c',
    proof,
    tenantId: 't-1',
  } as const;
  expect(await chooseTenant(world.ports, request)).toBe(`${RESULT}?connected=false&system=xero&error=company_taken`);
});

test('when finish-connect cannot be reached the user may choose again', async () => {
  const { world, flowId, url } = await choosing();
  const proof = await proofOf(world, flowId);
  world.behaviour.finish = 'unreachable';
  const request = {
    provider: 'xero',
    flowId,
    cookie: ALICE,
    origin: ORIGIN,
    correlationId: 'c',
    proof,
    tenantId: 't-1',
  } as const;
  expect(await chooseTenant(world.ports, request)).toBe(url);
});
