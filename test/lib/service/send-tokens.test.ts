import { expect, test } from 'vitest';
import type { HeldToken } from '../../../lib/domain/grant.ts';
import type { RefreshRequest } from '../../../lib/service/ports.ts';
import { performDue, refreshGrant } from '../../../lib/service/refresh-grant.ts';
import { HOUR, heldToken, MINUTE, quickbooksGrant, T0, xeroGrant } from '../../support/grants.ts';
import { createRefreshWorld, ok, type RefreshWorld, rejected } from '../../support/refresh-world.ts';

const KEY = 'quickbooks#9341453';
const EXPIRED = {
  lastUsedAt: T0 - HOUR,
  access: { ...quickbooksGrant().access, obtainedAt: T0 - HOUR, expiresAt: T0 },
};

function ask(world: RefreshWorld, changes: Partial<RefreshRequest> = {}) {
  return refreshGrant(world.ports, { grant: KEY, trigger: 'expiring', ...changes }, world.clock.now() + 80_000);
}

test('where the current token is rejected a held one can save the grant', async () => {
  const world = createRefreshWorld();
  await world.given({ ...EXPIRED, held: { h6: heldToken('h6', 6, 'late', T0) } });
  world.script.refresh = [rejected, ok('access-8', 'refresh-8')];
  expect(await ask(world)).toEqual({ outcome: 'commit' });
  expect(await world.tokens()).toEqual({ access: 'access-8', refresh: 'refresh-8', held: ['displaced refresh-7'] });
});

test('the spent Xero token is kept through its grace and tried when the new one is rejected', async () => {
  const world = createRefreshWorld();
  const base = xeroGrant({ lastUsedAt: T0, access: EXPIRED.access });
  await world.given({}, base);
  world.script.refresh = [
    ok('access-8', 'refresh-8', { expiresInSeconds: 1800 }),
    rejected,
    ok('access-9', 'refresh-9'),
  ];
  const deadline = () => world.clock.now() + 80_000;
  await refreshGrant(world.ports, { grant: 'xero#user-1', trigger: 'expiring' }, deadline());
  expect(await world.tokens('xero#user-1')).toMatchObject({ held: ['previous refresh-7'] });
  await world.clock.advance(20 * MINUTE);
  await refreshGrant(world.ports, { grant: 'xero#user-1', trigger: 'rejected', rejectedVersion: 8 }, deadline());
  expect(world.sent.map(({ token }) => token)).toEqual(['refresh-7', 'refresh-8', 'refresh-7']);
});

test('tokens that are rejected slowly are each tried in their turn, over several attempts', async () => {
  const world = createRefreshWorld();
  await world.given({ ...EXPIRED, held: { h5: heldToken('h5', 5, 'late', T0), h6: heldToken('h6', 6, 'late', T0) } });
  const slowly = async () => {
    await world.clock.advance(16_000);
    return rejected;
  };
  world.script.refresh = [slowly, slowly, ok('access-8', 'refresh-8')];
  for (const outcome of ['not_sent', 'not_sent', 'commit']) {
    expect(await ask(world)).toEqual({ outcome });
    await world.clock.advance(MINUTE);
  }
  expect(world.sent.map(({ token }) => token)).toEqual(['refresh-7', 'refresh-h6', 'refresh-h5']);
  expect((await world.grant())?.status).toBe('active');
});

test.for([
  ['the next can save the grant', ok('access-8', 'refresh-8'), 'commit', 'active'],
  ['the rejection of the others is no verdict', rejected, 'not_sent', 'active'],
] as const)('where a held token does not open, %s', async ([, answer, outcome, status]) => {
  const world = createRefreshWorld();
  const held = { h5: heldToken('h5', 5, 'late', T0), h6: heldToken('h6', 6, 'late', T0) };
  const grant = await world.given({ ...EXPIRED, held });
  const { h6 } = grant.held;
  if (h6 !== undefined)
    await world.put({ ...grant, held: { ...grant.held, h6: { ...h6, ciphertext: new Uint8Array(40) } } });
  world.script.refresh = [rejected, answer];
  expect(await ask(world)).toEqual({ outcome });
  expect(world.sent.map(({ token }) => token)).toEqual(['refresh-7', 'refresh-h5']);
  expect((await world.grant())?.status).toBe(status);
});

/** A grant whose current token no key opens, beside the held ones named. */
async function givenUnreadable(world: RefreshWorld, held: Record<string, HeldToken>) {
  const grant = await world.given({ ...EXPIRED, held });
  await world.put({ ...grant, current: { ...grant.current, ciphertext: new Uint8Array(40) } });
}

const two = { h5: heldToken('h5', 5, 'late', T0), h6: heldToken('h6', 6, 'late', T0) };

test('where the current token does not open a held one can save the grant, and nothing is dropped', async () => {
  const world = createRefreshWorld();
  await givenUnreadable(world, two);
  world.script.refresh = [rejected, ok('access-8', 'refresh-8')];
  expect(await ask(world)).toEqual({ outcome: 'commit' });
  expect(world.sent.map(({ token }) => token)).toEqual(['refresh-h6', 'refresh-h5']);
  const grant = await world.grant();
  expect(Object.values(grant?.held ?? {}).map(({ attemptId, why }) => `${why} ${attemptId}`)).toEqual([
    'displaced attempt-7',
  ]);
});

test('where it does not open, the rejection of all others is no verdict and no signal', async () => {
  const world = createRefreshWorld();
  await givenUnreadable(world, two);
  world.script.refresh = [rejected, rejected];
  expect(await ask(world)).toEqual({ outcome: 'not_sent' });
  expect(await world.grant()).toMatchObject({
    status: 'active',
    notBefore: T0 + 1_000,
    failure: { outcome: 'NOT_SENT', reason: 'current_undecryptable' },
  });
  expect(await world.store.readProvider('quickbooks')).toBeUndefined();
});

test('grants that never open wait longer and longer, and hold nobody else up', async () => {
  const world = createRefreshWorld();
  await givenUnreadable(world, {});
  for (let minute = 0; minute < 60; minute += 1) {
    if (((await world.grant())?.dueAt ?? 0) <= world.clock.now()) {
      await performDue(world.ports, KEY, world.clock.now() + 80_000);
    }
    await world.clock.advance(MINUTE);
  }
  const grant = await world.grant();
  expect(grant?.number).toBeLessThan(35);
  expect((grant?.notBefore ?? 0) - (grant?.failure?.at ?? 0)).toBe(150_000);
  expect(grant?.duePartition).toBe('quickbooks#05');
  expect(world.sent).toEqual([]);
});

test('a key that does not answer for a held token keeps the rest from being a verdict', async () => {
  const world = createRefreshWorld();
  await world.given({ ...EXPIRED, held: { h6: heldToken('h6', 6, 'late', T0) } });
  world.script.refresh = [
    () => {
      world.cipher.failNext({ operation: 'open' });
      return rejected;
    },
  ];
  expect(await ask(world)).toEqual({ outcome: 'not_sent' });
  expect((await world.grant())?.failure?.reason).toBe('held_unavailable');
});

test('a previous token past its grace is not sent', async () => {
  const world = createRefreshWorld();
  const held = { h6: heldToken('h6', 6, 'previous', T0 - 31 * MINUTE), h5: heldToken('h5', 5, 'late', T0 - HOUR) };
  await world.given({ access: EXPIRED.access, held }, xeroGrant());
  world.script.refresh = [rejected, rejected];
  expect(await ask(world, { grant: 'xero#user-1' })).toEqual({ outcome: 'rejected' });
  expect(world.sent.map(({ token }) => token)).toEqual(['refresh-7', 'refresh-h5']);
});

test('while a key does not answer for the current token no older one is sent in its place', async () => {
  const world = createRefreshWorld();
  await world.given({ ...EXPIRED, held: two });
  world.cipher.failNext({ operation: 'open' });
  expect(await ask(world)).toEqual({ outcome: 'not_sent' });
  expect(world.sent).toEqual([]);
  expect((await world.grant())?.failure?.reason).toBe('arm_unavailable');
});
