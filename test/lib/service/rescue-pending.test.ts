import { expect, test } from 'vitest';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import type { LivingGrant } from '../../../lib/domain/grant.ts';
import { refreshGrant } from '../../../lib/service/refresh-grant.ts';
import { HOUR, MINUTE, quickbooksGrant, refreshToken, T0, xeroGrant } from '../../support/grants.ts';
import { createRefreshWorld, ok } from '../../support/refresh-world.ts';

const NOW = T0 + 2 * HOUR;

/** A grant whose attempt 8 never reported, begun so long ago. */
async function givenDoubt(agoMs: number, base: LivingGrant = quickbooksGrant()) {
  const world = createRefreshWorld();
  await world.clock.advance(NOW - T0);
  const startedAt = NOW - agoMs;
  const attempt = { number: 8, id: 'attempt-8', kind: 'refresh', startedAt, until: startedAt + 125_000 } as const;
  await world.given({ number: 8, attempt }, base);
  return world;
}

const refresh = (
  world: Awaited<ReturnType<typeof givenDoubt>>,
  count: () => Promise<number>,
  grant = quickbooksGrant(),
) =>
  refreshGrant(
    { ...world.ports, countRescues: count },
    { grant: grant.pk, trigger: 'expiring', neededUntil: NOW + HOUR },
    NOW + 80_000,
  );

test.for([
  ['a token waits on the rescue queue', 1],
  ['the queue cannot be counted', undefined],
] as const)('the spent token is not sent again while %s', async ([, waiting]) => {
  const world = await givenDoubt(3 * MINUTE);
  const count = async (): Promise<number> => {
    if (waiting === undefined) throw new GrantkeeperError('unavailable');
    return waiting;
  };
  expect(await refresh(world, count)).toEqual({ outcome: 'not_sent' });
  expect(world.sent).toEqual([]);
  expect(await world.grant()).toMatchObject({
    status: 'active',
    failure: { outcome: 'NOT_SENT', reason: 'rescue_pending' },
    doubts: { 8: NOW - 3 * MINUTE },
  });
});

test('what was rescued between the lease and the send is not overtaken by the token it replaced', async () => {
  const world = await givenDoubt(3 * MINUTE);
  const count = async () => {
    const grant = (await world.grant()) as LivingGrant;
    await world.put({ ...grant, tokenVersion: 8, current: refreshToken('attempt-8', 8) });
    return 0;
  };
  expect(await refresh(world, count)).toEqual({ outcome: 'not_sent' });
  expect(world.sent).toEqual([]);
});

test.for([
  ['the queue is empty', quickbooksGrant(), 3 * MINUTE, 0],
  ['the doubt is a quarter of an hour old', quickbooksGrant(), 15 * MINUTE, 1],
  ['the provider knows a grace', xeroGrant(), 3 * MINUTE, 1],
] as const)('it is sent when %s', async ([, base, agoMs, waiting]) => {
  const world = await givenDoubt(agoMs, base);
  world.script.refresh.push(ok('access-9', 'refresh-9'));
  expect(await refresh(world, async () => waiting, base)).toEqual({ outcome: 'commit' });
  expect(world.sent.map(({ token }) => token)).toEqual(['refresh-7']);
});

test('nobody is asked when no attempt is in doubt', async () => {
  const world = createRefreshWorld();
  await world.clock.advance(NOW - T0);
  await world.given();
  world.script.refresh.push(ok('access-8', 'refresh-8'));
  const count = (): Promise<number> => Promise.reject(new Error('nobody should ask'));
  expect(await refresh(world, count)).toEqual({ outcome: 'commit' });
});
