import { expect, test } from 'vitest';
import { decideAcquire } from '../../../lib/domain/acquire-decision.ts';
import type { AttemptKind, Grant, GrantFields } from '../../../lib/domain/grant.ts';
import type { Transaction } from '../../../lib/domain/write.ts';
import { rescue } from '../../../lib/service/rescue.ts';
import { type ConnectWorld, EARLIER, living, QB, quickbooksWorld, REALM } from '../../support/connect-world.ts';
import { quickbooksGrant, T0 } from '../../support/grants.ts';

/** The company's grant after a disconnect whose revocation has not been sent yet. */
async function givenClosing(world: ConnectWorld, changes: Partial<GrantFields> = {}): Promise<void> {
  const { access: _a, orgs: _o, ...rest } = quickbooksGrant({ pk: QB, subject: REALM });
  await world.seed({ ...rest, status: 'closing', generation: EARLIER, dueAt: T0, ...changes } as Grant);
}

const grantOf = async (world: ConnectWorld) => (await world.store.readGrant(QB)) as Grant;

/** Whether an attempt of that kind could start on the grant as it is. */
async function couldStart(world: ConnectWorld, kind: AttemptKind): Promise<boolean> {
  return decideAcquire(await grantOf(world), { kind, attemptId: 'other', now: world.clock.now() }).kind === 'acquire';
}

test('while a code is exchanged the revocation of the company’s old authorisation is held off', async () => {
  const world = quickbooksWorld();
  await givenClosing(world);
  expect(await couldStart(world, 'revoke')).toBe(true);
  const { exchange } = world.provider.endpoint;
  const during: unknown[] = [];
  world.provider.endpoint.exchange = async (request) => {
    during.push(await couldStart(world, 'revoke'), (await grantOf(world)).attempt?.kind);
    return exchange(request);
  };
  expect((await world.connect('acme', 'quickbooks', REALM)).url).toContain('connected=true');
  expect(during).toEqual([false, 'exchange']);
  const grant = await living(world, QB);
  expect(grant).toMatchObject({ status: 'active', held: {}, doubts: {}, attempt: { kind: 'exchange', outcome: 'OK' } });
  expect(await couldStart(world, 'refresh')).toBe(true);
});

test('a revocation that waits after a failure is held off as well', async () => {
  const world = quickbooksWorld();
  await givenClosing(world, { notBefore: T0 + 300_000 });
  expect((await world.connect('acme', 'quickbooks', REALM)).url).toContain('connected=true');
  expect((await living(world, QB)).notBefore).toBeUndefined();
});

test('when the exchange fails the revocation is due again at once', async () => {
  const world = quickbooksWorld();
  await givenClosing(world);
  world.provider.state.outcomes = [{ kind: 'REJECTED', reason: 'invalid_grant' }];
  expect((await world.connect('acme', 'quickbooks', REALM)).url).toContain('error=exchange_failed');
  expect(await grantOf(world)).toMatchObject({
    status: 'closing',
    dueAt: world.clock.now(),
    attempt: { outcome: 'OK' },
  });
  expect(await couldStart(world, 'revoke')).toBe(true);
});

test('while only the queue has the new tokens the revocation stays held off, and the bank ends that', async () => {
  const world = quickbooksWorld();
  await givenClosing(world);
  let isDown = true;
  const stores = ({ writes }: Transaction) =>
    isDown && writes.some((write) => 'set' in write && 'current' in write.set);
  world.store.failNext({ when: 'before', times: 10_000, matches: stores });
  expect((await world.connect('acme', 'quickbooks', REALM)).url).toContain('error=unavailable');
  expect(await grantOf(world)).toMatchObject({ status: 'closing', attempt: { kind: 'exchange' } });
  expect(await couldStart(world, 'revoke')).toBe(false);
  const [message] = world.rescues;
  if (message === undefined) throw new Error('nothing was put on the queue');
  isDown = false;
  expect(await rescue(world.ports, message, world.clock.now() + 40_000)).toBe('banked');
  expect(await living(world, QB)).toMatchObject({ status: 'active', attempt: { kind: 'exchange', outcome: 'OK' } });
});

test('a revocation that is being sent is waited for, and the code is not sent while it runs', async () => {
  const world = quickbooksWorld();
  const attempt = { number: 8, id: 'revoking', kind: 'revoke', startedAt: T0, until: T0 + 125_000 } as const;
  await givenClosing(world, { number: 8, attempt });
  expect((await world.connect('acme', 'quickbooks', REALM)).url).toContain('error=provider_error');
  expect(world.provider.codes).toEqual([]);
  expect(await grantOf(world)).toMatchObject({ status: 'closing', attempt });
});
