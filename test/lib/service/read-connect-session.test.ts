import { expect, test } from 'vitest';
import { readConnectSession } from '../../../lib/service/read-connect-session.ts';
import { createConnectWorld } from '../../support/connect-world.ts';
import { T0 } from '../../support/grants.ts';

const KEY = { organizations: ['acme'] };

test('a new session', async () => {
  const { ports, start } = createConnectWorld();
  const { sessionId } = await start('acme', 'quickbooks');
  expect(await readConnectSession(ports, { sessionId, key: KEY })).toEqual({
    sessionId,
    organizationId: 'acme',
    provider: 'quickbooks',
    stage: 'session',
    expiresAt: T0 + 900_000,
  });
});

test('a finished one tells the company, for a day', async () => {
  const { ports, connect, provider, clock } = createConnectWorld();
  provider.state.authorised = { subject: '1', now: [{ tenantId: '1', name: 'One' }] };
  const { sessionId } = await connect('acme', 'quickbooks', '1');
  await clock.advance(86_399_999);
  const session = await readConnectSession(ports, { sessionId, key: { organizations: '*' } });
  expect(session).toMatchObject({ stage: 'linked', company: { tenantId: '1', name: 'One' } });
  expect(session).not.toHaveProperty('error');
  await clock.advance(1);
  await expect(readConnectSession(ports, { sessionId, key: KEY })).rejects.toMatchObject({ code: 'not_found' });
});

test('a failed one tells why', async () => {
  const { ports, connect } = createConnectWorld();
  const { sessionId } = await connect('acme', 'xero');
  const session = await readConnectSession(ports, { sessionId, key: KEY });
  expect(session).toMatchObject({ stage: 'failed', error: 'no_company' });
});

test('one that ran out of time has failed', async () => {
  const { ports, start, clock } = createConnectWorld();
  const { sessionId } = await start('acme', 'quickbooks');
  await clock.advance(1_500_000);
  const session = await readConnectSession(ports, { sessionId, key: KEY });
  expect(session).toMatchObject({ stage: 'failed', error: 'flow_expired' });
});

test.for([
  ["another organisation's", undefined, { organizations: ['beta'] }],
  ['an unknown one', '01KAFZ99999999999999999999', KEY],
  ['junk', 'x', KEY],
  ['any, without a key', undefined, undefined],
] as const)('%s is not found', async ([, id, key]) => {
  const { ports, start } = createConnectWorld();
  const { sessionId } = await start('acme', 'quickbooks');
  const refused = readConnectSession(ports, { sessionId: id ?? sessionId, key });
  await expect(refused).rejects.toMatchObject({ code: 'not_found' });
});
