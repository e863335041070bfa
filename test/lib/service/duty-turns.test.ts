import { expect, test } from 'vitest';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import type { LivingGrant } from '../../../lib/domain/grant.ts';
import type { Transaction } from '../../../lib/domain/write.ts';
import { performDue } from '../../../lib/service/refresh-grant.ts';
import { HOUR, MINUTE, quickbooksConnection, quickbooksGrant, T0, xeroGrant } from '../../support/grants.ts';
import { createRefreshWorld, ok, type RefreshWorld } from '../../support/refresh-world.ts';

const XERO = 'xero#user-1';

/** A Xero grant that owes the removal of one company, with or without somebody left on it. */
async function givenDetach(world: RefreshWorld, orgs: readonly string[], changes: Partial<LivingGrant> = {}) {
  const grant = await world.given({ detach: { c1: { tenantId: 't1', since: T0 } }, ...changes }, xeroGrant());
  const { orgs: _, ...rest } = grant;
  await world.put(orgs.length === 0 ? { ...rest, unservedSince: T0 } : { ...rest, orgs: new Set(orgs) });
}

/** What the sweep does minute by minute while the API refuses the access token. */
async function refused(world: RefreshWorld, minutes: number): Promise<string[]> {
  const ends: string[] = [];
  for (let minute = 0; minute < minutes; minute += 1) {
    await world.clock.advance(MINUTE);
    const { dueAt = 0 } = (await world.grant(XERO)) ?? {};
    if (dueAt > world.clock.now()) continue;
    world.script.duty = [{ kind: 'UNAUTHORIZED', reason: 'http_401' }];
    world.script.refresh = [ok('access-8', 'refresh-8', { expiresInSeconds: 1800 })];
    ends.push((await performDue(world.ports, XERO, world.clock.now() + 80_000)).outcome);
  }
  return ends;
}

test('an access token the API refuses is renewed, but not one that is new', async () => {
  const world = createRefreshWorld();
  await givenDetach(world, [], { dueAt: T0 });
  expect(new Set(await refused(world, 60))).toEqual(new Set(['unauthorized']));
  const sent = world.sent.map(({ what }) => what);
  expect(sent.indexOf('refresh')).toBeGreaterThan(1);
  expect(sent.filter((what) => what === 'refresh').length).toBeGreaterThanOrEqual(3);
  expect(sent.filter((what) => what === 'refresh').length).toBeLessThanOrEqual(5);
});

test('a duty that keeps failing does not keep off the refresh for which a grace is running', async () => {
  const world = createRefreshWorld();
  const unheard = {
    number: 7,
    id: 'a7',
    kind: 'refresh',
    startedAt: T0 - MINUTE,
    until: T0,
    outcome: 'UNKNOWN',
  } as const;
  await givenDetach(world, [], { dueAt: T0, tokenVersion: 6, attempt: unheard, unansweredSince: T0 - MINUTE });
  expect(await refused(world, 2)).toEqual(['unauthorized', 'unauthorized']);
  expect(world.sent.map(({ what }) => what)).toEqual(['detach', 'refresh', 'detach']);
  expect((await world.grant(XERO))?.unansweredSince).toBeUndefined();
});

test.for([
  ['through this grant', { grant: XERO, providerConnectionId: 'c9' }, []],
  ['by this connection at the provider', { grant: 'xero#user-2', providerConnectionId: 'c1' }, []],
  ["through another user's grant and connection", { grant: 'xero#user-2', providerConnectionId: 'c9' }, ['detach']],
] as const)('a company that is claimed %s is taken off or not', async ([, link, sent]) => {
  const world = createRefreshWorld();
  await givenDetach(world, ['globex'], { dueAt: T0 });
  await world.claim('t1');
  const connection = quickbooksConnection({
    pk: 'ORG#initech',
    sk: 'xero',
    organizationId: 'initech',
    provider: 'xero',
  });
  await world.givenConnection({ ...connection, ...link, linkId: 'link-9', tenantId: 't1' });
  world.script.duty = [{ kind: 'DONE' }];
  await performDue(world.ports, XERO, world.clock.now() + 80_000);
  expect(world.sent.map(({ what }) => what)).toEqual(sent);
  expect((await world.grant(XERO))?.detach).toEqual({});
});

test('a close of which the answer was lost leaves a closed grant as it is', async () => {
  const world = createRefreshWorld();
  const { orgs: _, ...grant } = await world.given(
    { status: 'needs_reauth', unservedSince: T0 - HOUR },
    quickbooksGrant(),
  );
  await world.put({ ...grant, status: 'closing', dueAt: T0 });
  const { commit } = world.store;
  let closes = 0;
  const store = {
    ...world.store,
    async commit(transaction: Transaction) {
      const isClose = transaction.writes.some(
        (write) => write.table === 'audit' && write.op === 'put' && write.item.event === 'grant.closed',
      );
      if (!isClose) return commit(transaction);
      closes += 1;
      // A store that has forgotten the request it carried out.
      const verdict = await commit({ ...transaction, token: `${transaction.token}${closes}` });
      if (closes === 1) throw new GrantkeeperError('unavailable');
      return verdict;
    },
  };
  world.script.duty = [{ kind: 'DONE' }];
  const answer = await performDue({ ...world.ports, store }, 'quickbooks#9341453', world.clock.now() + 80_000);
  expect(answer).toEqual({ outcome: 'closed' });
  expect(closes).toBe(2);
  const closed = await world.grant();
  expect([closed?.status, closed?.dueAt, closed?.duePartition]).toEqual(['closed', undefined, undefined]);
});

test('a read that fails during a duty lets the lease go, and leaves no doubt', async () => {
  const world = createRefreshWorld();
  await givenDetach(world, ['globex'], { dueAt: T0 });
  const readClaim = () => Promise.reject(new GrantkeeperError('unavailable'));
  const ports = { ...world.ports, store: { ...world.store, readClaim } };
  expect(await performDue(ports, XERO, world.clock.now() + 80_000)).toEqual({ outcome: 'retry' });
  const grant = await world.grant(XERO);
  expect(grant?.failure).toMatchObject({ outcome: 'UNKNOWN', reason: 'detach_store_unavailable' });
  expect([grant?.doubts, Object.keys(grant?.detach ?? {})]).toEqual([{}, ['c1']]);
});
