import { expect, test } from 'vitest';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import type { Grant } from '../../../lib/domain/grant.ts';
import type { TokenOutcome } from '../../../lib/domain/outcome.ts';
import { Secret } from '../../../lib/domain/secret.ts';
import {
  type ConnectWorld,
  createConnectWorld,
  EARLIER,
  QB,
  quickbooksWorld,
  REALM,
} from '../../support/connect-world.ts';
import { quickbooksConnection, quickbooksGrant, T0 } from '../../support/grants.ts';

const CONFIG = { kind: 'CONFIG', reason: 'invalid_client' } as const;
const NOT_SENT = { kind: 'NOT_SENT', reason: 'connect_refused' } as const;

test.for([
  ['exchange_failed', { kind: 'REJECTED', reason: 'invalid_grant' }],
  ['exchange_failed', { kind: 'UNKNOWN', answer: 'cut', reason: 'timeout' }],
  ['provider_configuration', CONFIG],
  ['provider_error', { kind: 'THROTTLED', reason: 'http_429' }],
] as [string, TokenOutcome][])('%s: the code is sent once when the answer is %j', async ([error, outcome]) => {
  const world = quickbooksWorld();
  world.provider.state.outcomes = [outcome];
  await world.seed(quickbooksGrant(), quickbooksConnection());
  const before = world.store.dump();
  const { url, sessionId } = await world.connect('acme', 'quickbooks', REALM);
  expect(url).toBe(`https://app.example/settings/integrations?connected=false&system=quickbooks&error=${error}`);
  expect(world.provider.codes).toEqual([`code-${sessionId}`]);
  const { grants, connections } = world.store.dump();
  expect({ grants, connections }).toEqual({ grants: before.grants, connections: before.connections });
  expect(world.metrics).toEqual([`ConnectOutcome ${error} 1`, 'ConnectFault 1']);
});

test('a code that provably never left is sent a second time, not a third', async () => {
  const world = quickbooksWorld();
  world.provider.state.outcomes = [NOT_SENT];
  expect((await world.connect('acme', 'quickbooks', REALM)).url).toContain('connected=true');
  expect(world.provider.codes).toHaveLength(2);
  world.provider.state.outcomes = [NOT_SENT, NOT_SENT];
  expect((await world.connect('beta', 'quickbooks', '777')).url).toContain('error=provider_error');
  expect(world.provider.codes).toHaveLength(4);
});

test('after invalid_client the secret is read again, for the next flow', async () => {
  const world = quickbooksWorld();
  world.provider.state.outcomes = [CONFIG];
  const reads: unknown[] = [];
  const client = { clientId: 'client-1', clientSecret: new Secret('s') };
  world.ports.readClient = async (...read: unknown[]) => {
    reads.push(read);
    return client;
  };
  await world.connect('acme', 'quickbooks', REALM);
  expect(reads.slice(1)).toEqual([
    ['quickbooks', 'sandbox'],
    ['quickbooks', 'sandbox', { fresh: true }],
  ]);
});

test('an authorisation without a refresh token is refused', async () => {
  const world = quickbooksWorld();
  world.provider.state.withoutRefreshToken = true;
  expect((await world.connect('acme', 'quickbooks', REALM)).url).toContain('error=offline_access_missing');
  expect(world.store.dump().grants).toEqual([]);
});

test.for([undefined, 'user#1'])('a token that names subject %j cannot be banked, which is counted', async (subject) => {
  const world = createConnectWorld();
  world.provider.state.authorised = { subject: subject as string, now: [] };
  expect((await world.connect('acme', 'xero')).url).toContain('error=company_unconfirmed');
  expect(world.metrics).toEqual(['TokenAtRisk 1', 'ConnectOutcome company_unconfirmed 1', 'ConnectFault 1']);
});

test.for([
  ['arm', (world: ConnectWorld) => world.cipher.failNext({ operation: 'arm' }), 'unavailable'],
  [
    'credentials',
    (world: ConnectWorld) => {
      const read = world.ports.readClient;
      let reads = 0;
      world.ports.readClient = async () => {
        reads += 1;
        if (reads > 1) throw new GrantkeeperError('secret_unavailable');
        return read();
      };
    },
    'provider_configuration',
  ],
] as const)('nothing is sent when %s cannot be had', async ([, prepare, error]) => {
  const world = quickbooksWorld();
  prepare(world);
  expect((await world.connect('acme', 'quickbooks', REALM)).url).toContain(`error=${error}`);
  expect(world.provider.codes).toEqual([]);
});

test('a live revocation is waited for before the code is sent', async () => {
  const world = quickbooksWorld();
  const attempt = { number: 8, id: 'attempt-8', kind: 'revoke', startedAt: T0, until: T0 + 125_000 } as const;
  const {
    orgs: _o,
    access: _a,
    ...closing
  } = {
    ...quickbooksGrant({ generation: EARLIER, number: 8, attempt }),
    status: 'closing' as const,
  };
  await world.seed(closing as Grant);
  expect((await world.connect('acme', 'quickbooks', REALM)).url).toContain('error=provider_error');
  expect(world.provider.codes).toEqual([]);
  const until = world.clock.now() + 15_000;
  await world.seed({ ...closing, pk: QB, attempt: { ...attempt, outcome: 'UNKNOWN', until }, dueAt: T0 } as Grant);
  expect((await world.connect('acme', 'quickbooks', REALM)).url).toContain('connected=true');
  expect(world.clock.now()).toBeGreaterThanOrEqual(until);
});
