import { expect, test } from 'vitest';
import type { LivingGrant } from '../../../lib/domain/grant.ts';
import { performDue, refreshGrant } from '../../../lib/service/refresh-grant.ts';
import { HOUR, heldToken, MINUTE, T0, xeroGrant } from '../../support/grants.ts';
import { createRefreshWorld, ok, type RefreshWorld } from '../../support/refresh-world.ts';

const XERO = 'xero#user-1';
const QUICKBOOKS = 'quickbooks#9341453';
const done = { kind: 'DONE' } as const;

/** A Xero grant that owes the removal of one company, with or without somebody left on it. */
async function givenDetach(world: RefreshWorld, orgs: readonly string[], changes: Partial<LivingGrant> = {}) {
  const grant = await world.given({ detach: { c1: { tenantId: 't1', since: T0 } }, ...changes }, xeroGrant());
  const { orgs: _, ...rest } = grant;
  await world.put(orgs.length === 0 ? { ...rest, unservedSince: T0 } : { ...rest, orgs: new Set(orgs) });
}

const duty = (world: RefreshWorld, grant: typeof XERO | typeof QUICKBOOKS) =>
  refreshGrant(world.ports, { grant, trigger: 'duty' }, world.clock.now() + 80_000);

test('one company is taken off while the others keep their tokens', async () => {
  const world = createRefreshWorld();
  await givenDetach(world, ['globex']);
  world.script.duty = [done];
  expect(await duty(world, XERO)).toEqual({ outcome: 'done' });
  expect(world.sent).toEqual([{ what: 'detach', token: 'access-7 c1' }]);
  expect(await world.grant(XERO)).toMatchObject({
    status: 'active',
    detach: {},
    orgs: new Set(['globex']),
    attempt: { outcome: 'OK' },
  });
  expect(await world.tokens(XERO)).toEqual({ access: 'access-7', refresh: 'refresh-7', held: [] });
});

test('with nobody left the grant is closed ten minutes later, with a live token, and every token deleted', async () => {
  const world = createRefreshWorld();
  await givenDetach(world, []);
  world.script.duty = [done];
  expect(await duty(world, XERO)).toEqual({ outcome: 'done' });
  expect(await world.grant(XERO)).toMatchObject({ status: 'active', dueAt: T0 + 10 * MINUTE });
  await world.clock.advance(10 * MINUTE);
  world.script.list = [{ kind: 'listed', tenants: [] }];
  expect(await performDue(world.ports, XERO, world.clock.now() + 80_000)).toEqual({ outcome: 'closed' });
  const grant = await world.grant(XERO);
  expect(grant).toMatchObject({ status: 'closed', held: {}, number: 9 });
  expect([grant?.current, grant?.access, grant?.dueAt]).toEqual([undefined, undefined, undefined]);
  expect(world.events().sort()).toEqual(['duty.detached 8', 'grant.closed 9']);
});

test('an authorisation that comes while the last company is taken off stays, and the lease is let go', async () => {
  const world = createRefreshWorld();
  await givenDetach(world, []);
  world.script.duty = [done];
  world.store.onCommit({
    async after({ writes: [first] }) {
      const grant = await world.grant(XERO);
      if (grant === undefined || first?.op !== 'update' || !('removeEntries' in first)) return;
      await world.put({ ...grant, generation: 'gen-2', number: 9, unservedSince: T0 });
    },
  });
  await duty(world, XERO);
  expect(await world.grant(XERO)).toMatchObject({ status: 'active', generation: 'gen-2', attempt: { outcome: 'OK' } });
  expect(await world.tokens(XERO)).toMatchObject({ access: 'access-7', refresh: 'refresh-7' });
});

test('an authorisation that comes while a company is being taken off has the lease let go', async () => {
  const world = createRefreshWorld();
  await givenDetach(world, ['globex']);
  world.script.duty = [
    async () => {
      const grant = await world.grant(XERO);
      if (grant !== undefined) await world.put({ ...grant, generation: 'gen-2', number: 9, detach: {} });
      return done;
    },
  ];
  expect(await duty(world, XERO)).toEqual({ outcome: 'done' });
  expect((await world.grant(XERO))?.attempt).toMatchObject({ kind: 'detach', outcome: 'OK' });
});

test.for([
  ['a detach', XERO],
  ['a revocation', QUICKBOOKS],
] as const)('%s that would outlast its budget is not sent, however long its function may run', async ([, key]) => {
  const world = createRefreshWorld();
  if (key === XERO)
    await givenDetach(world, ['globex'], {
      detach: { c1: { tenantId: 't1', since: T0 }, c2: { tenantId: 't2', since: T0 } },
    });
  else await givenClosing(world);
  world.script.duty = [
    async () => {
      await world.clock.advance(55_001);
      return done;
    },
  ];
  expect(await refreshGrant(world.ports, { grant: key, trigger: 'duty' }, T0 + 180_000)).toEqual({ outcome: 'retry' });
  expect(world.sent).toHaveLength(1);
});

test('a token that does not open does not keep the others from being revoked', async () => {
  const world = createRefreshWorld();
  await givenClosing(world);
  world.cipher.failNext({ operation: 'open', code: 'token_undecryptable' });
  world.script.duty = [done];
  expect(await duty(world, QUICKBOOKS)).toEqual({ outcome: 'closed' });
  expect(world.sent).toEqual([{ what: 'revoke', token: 'refresh-late' }]);
});

test('a token that cannot be opened for the moment is waited for', async () => {
  const world = createRefreshWorld();
  await givenClosing(world);
  world.cipher.failNext({ operation: 'open', code: 'unavailable' });
  expect(await duty(world, QUICKBOOKS)).toEqual({ outcome: 'retry' });
  expect((await world.grant())?.status).toBe('closing');
});

test('an expired access token is refreshed first, then the company taken off', async () => {
  const world = createRefreshWorld();
  await givenDetach(world, [], { access: { ...xeroGrant().access, obtainedAt: T0 - HOUR, expiresAt: T0 } });
  world.script.refresh = [ok('access-8', 'refresh-8')];
  world.script.duty = [done];
  expect(await duty(world, XERO)).toEqual({ outcome: 'done' });
  expect(world.sent.map(({ what, token }) => `${what} ${token}`)).toEqual(['refresh refresh-7', 'detach access-8 c1']);
});

test('a company that was connected again meanwhile stays', async () => {
  const world = createRefreshWorld();
  await givenDetach(world, ['globex']);
  await world.claim('t1');
  expect(await duty(world, XERO)).toEqual({ outcome: 'done' });
  expect(world.sent).toEqual([]);
  expect((await world.grant(XERO))?.detach).toEqual({});
});

test.for([
  [{ kind: 'RETRY', reason: 'http_503' }, 'retry', 'UNKNOWN', 'detach_http_503'],
  [{ kind: 'UNAUTHORIZED', reason: 'http_401' }, 'unauthorized', 'UNKNOWN', 'detach_unauthorized'],
  [{ kind: 'CONFIG', reason: 'invalid_client' }, 'config', 'CONFIG', 'detach_invalid_client'],
] as const)('a duty answered by %o stays and is tried again', async ([answer, outcome, recorded, reason]) => {
  const world = createRefreshWorld();
  await givenDetach(world, []);
  world.script.duty = [answer];
  expect(await duty(world, XERO)).toEqual({ outcome });
  const grant = await world.grant(XERO);
  expect(grant).toMatchObject({
    status: 'active',
    detach: { c1: { tenantId: 't1' } },
    failure: { outcome: recorded, reason },
  });
  expect(grant?.dueAt).toBeGreaterThan(T0);
});

/** A QuickBooks grant after a disconnect: closing, two tokens. */
async function givenClosing(world: RefreshWorld) {
  const { access: _a, orgs: _o, ...rest } = await world.given({ held: { late: heldToken('late', 6, 'late', T0) } });
  await world.put({ ...rest, status: 'closing', generation: 'gen-2' });
}

test('a closing QuickBooks grant has the current and every held token revoked, then closes', async () => {
  const world = createRefreshWorld();
  await givenClosing(world);
  world.script.duty = [done, done];
  expect(await duty(world, QUICKBOOKS)).toEqual({ outcome: 'closed' });
  expect(world.sent).toEqual([
    { what: 'revoke', token: 'refresh-7' },
    { what: 'revoke', token: 'refresh-late' },
  ]);
  expect((await world.grant())?.status).toBe('closed');
});

test('a revocation that fails is tried again later, with every token still there', async () => {
  const world = createRefreshWorld();
  await givenClosing(world);
  world.script.duty = [done, { kind: 'RETRY', reason: 'http_429', retryAfterSeconds: 60 }];
  expect(await duty(world, QUICKBOOKS)).toEqual({ outcome: 'retry' });
  expect(await world.grant()).toMatchObject({ status: 'closing', notBefore: T0 + 60_000 });
  expect(await world.tokens()).toMatchObject({ refresh: 'refresh-7', held: ['late refresh-late'] });
});

test('a token that arrives during the revocation keeps the grant closing until it is revoked too', async () => {
  const world = createRefreshWorld();
  await givenClosing(world);
  world.script.duty = [
    done,
    async () => {
      const grant = await world.grant();
      const late = grant?.held.late;
      if (grant !== undefined && late !== undefined)
        await world.put({ ...grant, held: { ...grant.held, later: late } });
      return done;
    },
    done,
    done,
    done,
  ];
  expect(await duty(world, QUICKBOOKS)).toEqual({ outcome: 'closed' });
  expect(world.sent).toHaveLength(5);
});

test('a grant that has served nobody for ten minutes closes, and not a minute earlier', async () => {
  const world = createRefreshWorld();
  const { orgs: _, ...rest } = await world.given({ lastUsedAt: T0 });
  await world.put({ ...rest, unservedSince: T0 });
  await world.clock.advance(9 * MINUTE);
  expect(await performDue(world.ports, QUICKBOOKS, world.clock.now() + 80_000)).toEqual({ outcome: 'not_due' });
  await world.clock.advance(MINUTE);
  world.script.duty = [done];
  expect(await performDue(world.ports, QUICKBOOKS, world.clock.now() + 80_000)).toEqual({ outcome: 'closed' });
  expect(world.sent).toEqual([{ what: 'revoke', token: 'refresh-7' }]);
});

/** A Xero authorisation that nobody linked. */
async function givenUnserved(world: RefreshWorld, changes: Partial<LivingGrant> = {}) {
  const { orgs: _, ...rest } = await world.given(changes, xeroGrant());
  await world.put({ ...rest, unservedSince: T0 - 10 * MINUTE });
  return () => performDue(world.ports, XERO, world.clock.now() + 80_000);
}

const LISTED = {
  kind: 'listed',
  tenants: [
    { tenantId: 't1', providerConnectionId: 'c1' },
    { tenantId: 't2', providerConnectionId: 'c2' },
  ],
} as const;

test('an unserved Xero grant has the companies nobody holds taken off and closes, without a revocation', async () => {
  const world = createRefreshWorld();
  const due = await givenUnserved(world);
  await world.claim('t1');
  world.script.list = [LISTED];
  world.script.duty = [done];
  expect(await due()).toEqual({ outcome: 'closed' });
  expect(world.sent).toEqual([
    { what: 'list', token: 'access-7 undefined' },
    { what: 'detach', token: 'access-7 c2' },
  ]);
  expect(world.events().sort()).toEqual(['duty.detached 8', 'grant.closed 8']);
});

test('an unserved Xero grant waits while the provider does not say or does not remove', async () => {
  const world = createRefreshWorld();
  const due = await givenUnserved(world);
  world.script.list = [{ kind: 'unknown', reason: 'http_503' }, LISTED];
  world.script.duty = [{ kind: 'RETRY', reason: 'http_503' }];
  expect(await due()).toEqual({ outcome: 'retry' });
  expect(await world.grant(XERO)).toMatchObject({ status: 'active', failure: { reason: 'detach_list_http_503' } });
  await world.clock.advance(MINUTE);
  expect(await due()).toEqual({ outcome: 'retry' });
  expect((await world.grant(XERO))?.status).toBe('active');
});

test.for([
  ['the authorisation was given up', { status: 'needs_reauth' }, 0],
  ['it was tried for a day', { access: { ...xeroGrant().access, expiresAt: T0 + 25 * HOUR } }, 24 * HOUR],
] as const)('an unserved Xero grant closes without its companies when %s', async ([, changes, waitMs]) => {
  const world = createRefreshWorld();
  const due = await givenUnserved(world, changes);
  await world.clock.advance(waitMs);
  expect(await due()).toEqual({ outcome: 'closed' });
  expect(world.sent).toEqual([]);
});

test.for(['active', 'suspect'] as const)(
  'where the access token of an unserved %s Xero grant is refused its companies are looked up with the next one',
  async (status) => {
    const world = createRefreshWorld();
    const due = await givenUnserved(world, { status });
    await world.clock.advance(10 * MINUTE);
    world.script.list = [{ kind: 'unauthorized', reason: 'http_401' }, LISTED];
    expect(await due()).toEqual({ outcome: 'unauthorized' });
    await world.clock.advance(MINUTE);
    world.script.refresh = [ok('access-8', 'refresh-8')];
    world.script.duty = [done, done];
    expect(await due()).toEqual({ outcome: 'closed' });
    expect(world.sent.map(({ what }) => what)).toEqual(['list', 'refresh', 'list', 'detach', 'detach']);
  },
);

test('an unserved Xero grant whose access token has expired is refreshed to take its companies off', async () => {
  const world = createRefreshWorld();
  const due = await givenUnserved(world, { access: { ...xeroGrant().access, obtainedAt: T0 - HOUR, expiresAt: T0 } });
  world.script.refresh = [ok('access-8', 'refresh-8')];
  world.script.list = [LISTED];
  world.script.duty = [done, done];
  expect(await due()).toEqual({ outcome: 'closed' });
  expect(world.sent.map(({ what }) => what)).toEqual(['refresh', 'list', 'detach', 'detach']);
});
