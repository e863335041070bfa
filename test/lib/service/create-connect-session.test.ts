import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { createConnectSession } from '../../../lib/service/create-connect-session.ts';
import { createConnectWorld, ORIGIN, RETURN_URL } from '../../support/connect-world.ts';
import { quickbooksConnection, T0 } from '../../support/grants.ts';

const FLOW_ID = '01KAFZ00000000000000000001';
const SECRET = 'secret-1-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx';

test('a session has a link of our origin and lasts fifteen minutes', async () => {
  const { ports } = createConnectWorld();
  const session = await createConnectSession(ports, { organizationId: 'acme', provider: 'quickbooks', origin: ORIGIN });
  expect(session).toEqual({
    sessionId: FLOW_ID,
    connectUrl: `https://gk.example/api/v1/oauth/quickbooks/connect/acme?session=${FLOW_ID}.${SECRET}`,
    expiresAt: T0 + 900_000,
  });
});

test('the stored flow holds everything but the secret', async () => {
  const { ports, store } = createConnectWorld();
  await createConnectSession(ports, {
    organizationId: 'acme',
    provider: 'quickbooks',
    userId: 'ann',
    tenantId: '9341453',
    returnUrl: RETURN_URL,
    origin: ORIGIN,
    actor: 'key-1',
  });
  const { flows, audit } = store.dump();
  expect(flows).toEqual([
    {
      v: 1,
      pk: FLOW_ID,
      stage: 'session',
      organizationId: 'acme',
      provider: 'quickbooks',
      userId: 'ann',
      expectedTenantId: '9341453',
      returnUrl: RETURN_URL,
      sessionHash: createHash('sha256').update(SECRET).digest('hex'),
      pinnedVersion: 0,
      redirectUri: 'https://gk.example/api/v1/oauth/quickbooks/callback',
      createdAt: T0,
      expiresAt: T0 + 1_500_000,
      ttl: T0 / 1000 + 86_400,
    },
  ]);
  expect(audit).toMatchObject([{ pk: 'ORG#acme', event: 'flow.started', actor: 'key-1', provider: 'quickbooks' }]);
  expect(JSON.stringify(store.dump())).not.toContain(SECRET);
});

test.for(['https://partner.example/done/', 'https://partner.example/done?x=1', 'https://evil.example', ''])(
  'return_url %j is not on the list',
  async (returnUrl) => {
    const { ports, store } = createConnectWorld();
    const refused = createConnectSession(ports, {
      organizationId: 'acme',
      provider: 'xero',
      returnUrl,
      origin: ORIGIN,
    });
    await expect(refused).rejects.toMatchObject({ code: 'invalid_return_url', field: 'return_url' });
    expect(store.dump().flows).toEqual([]);
  },
);

test.for([['connected'], ['tenant_lost']] as const)(
  'a %s organisation reconnects the same company',
  async ([status]) => {
    const { ports, seed, flow } = createConnectWorld();
    await seed(quickbooksConnection({ status, version: 3 }));
    const { sessionId } = await createConnectSession(ports, {
      organizationId: 'acme',
      provider: 'quickbooks',
      origin: ORIGIN,
    });
    expect(await flow(sessionId)).toMatchObject({ expectedTenantId: '9341453', pinnedVersion: 3 });
  },
);

test('a connected organisation is refused a session for another company', async () => {
  const { ports, seed } = createConnectWorld();
  await seed(quickbooksConnection());
  const request = { organizationId: 'acme', provider: 'quickbooks', tenantId: '777', origin: ORIGIN } as const;
  await expect(createConnectSession(ports, request)).rejects.toMatchObject({ code: 'company_mismatch' });
});

test('a disconnected organisation may connect another company', async () => {
  const { ports, seed, flow } = createConnectWorld();
  await seed(quickbooksConnection({ status: 'disconnected', version: 2 }));
  const request = { organizationId: 'acme', provider: 'quickbooks', tenantId: '777', origin: ORIGIN } as const;
  const { sessionId } = await createConnectSession(ports, request);
  expect(await flow(sessionId)).toMatchObject({ expectedTenantId: '777', pinnedVersion: 2 });
});
