import { expect, test } from 'vitest';
import type { GrantFields } from '../../../lib/domain/grant.ts';
import type { RefreshRequest } from '../../../lib/service/ports.ts';
import { performDue, refreshGrant } from '../../../lib/service/refresh-grant.ts';
import { HOUR, heldToken, quickbooksGrant, refreshToken, T0, xeroGrant } from '../../support/grants.ts';
import { createRefreshWorld, ok, type RefreshWorld, rejected } from '../../support/refresh-world.ts';

const KEY = 'quickbooks#9341453';
const EXPIRED = {
  lastUsedAt: T0 - HOUR,
  access: { ...quickbooksGrant().access, obtainedAt: T0 - HOUR, expiresAt: T0 },
};

function ask(world: RefreshWorld, changes: Partial<RefreshRequest> = {}) {
  return refreshGrant(world.ports, { grant: KEY, trigger: 'expiring', ...changes }, world.clock.now() + 80_000);
}

test('an expired token is refreshed once and stored, and the spent one is gone', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.refresh = [ok('access-8', 'refresh-8', { refreshExpiresInSeconds: 8_726_400 })];
  expect(await ask(world)).toEqual({ outcome: 'commit' });
  expect(world.sent).toEqual([{ what: 'refresh', token: 'refresh-7', secret: 'secret-1' }]);
  expect(await world.tokens()).toEqual({ access: 'access-8', refresh: 'refresh-8', held: [] });
  expect(await world.grant()).toMatchObject({
    status: 'active',
    tokenVersion: 8,
    access: { obtainedAt: T0, expiresAt: T0 + HOUR },
    refreshExpiresAt: T0 + 8_726_400_000,
  });
  expect(world.events()).toEqual(['attempt.ok 8']);
  expect(world.counted).toEqual(['RefreshOutcome ok 1']);
});

test('everything that can fail is done before the token is sent', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  const before = world.cipher.counts();
  world.script.refresh = [
    () => {
      const { arms, opens } = world.cipher.counts();
      expect([arms - before.arms, opens - before.opens]).toEqual([2, 1]);
      return ok('access-8', 'refresh-8');
    },
  ];
  await ask(world);
  const { arms, opens } = world.cipher.counts();
  expect([arms - before.arms, opens - before.opens]).toEqual([2, 1]);
});

test('the lease is in the table while the provider is asked', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.refresh = [
    async () => {
      expect(await world.grant()).toMatchObject({
        number: 8,
        dueAt: T0 + 125_000,
        attempt: { id: 'id-2', until: T0 + 125_000 },
      });
      return ok('access-8', 'refresh-8');
    },
  ];
  await ask(world);
  expect(world.sent).toHaveLength(1);
});

test('an answer without a refresh token keeps the one that was sent, sealed anew', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.refresh = [ok('access-8')];
  await ask(world);
  expect(await world.tokens()).toEqual({ access: 'access-8', refresh: 'refresh-7', held: [] });
  expect((await world.grant())?.current).toMatchObject({ version: 8, attemptId: 'id-2' });
});

test.for([
  ['KMS gives no data key', (w: RefreshWorld) => w.cipher.failNext({ operation: 'arm' }), 'arm_unavailable'],
  [
    'the stored token does not decrypt',
    (w: RefreshWorld) => w.cipher.failNext({ operation: 'open', code: 'token_undecryptable' }),
    'current_undecryptable',
  ],
] as const)('when %s nothing is sent and the grant waits', async ([, fail, reason]) => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  fail(world);
  expect(await ask(world)).toEqual({ outcome: 'not_sent' });
  expect(world.sent).toEqual([]);
  expect(await world.grant()).toMatchObject({
    status: 'active',
    notBefore: T0 + 1_000,
    failure: { outcome: 'NOT_SENT', reason },
  });
  expect(world.events()).toEqual(['attempt.not_sent 8']);
});

test('a token of another client is never sent', async () => {
  const world = createRefreshWorld();
  await world.given({ ...EXPIRED, clientId: 'client-0' });
  expect(await ask(world)).toEqual({ outcome: 'not_sent' });
  expect((await world.grant())?.failure?.reason).toBe('client_changed');
});

test.for([
  [
    { kind: 'UNKNOWN', answer: 'cut', reason: 'connection_reset' },
    'unknown',
    { until: T0 + 125_000, dueAt: T0 + 125_000 },
  ],
  [{ kind: 'UNKNOWN', answer: 'complete', reason: 'http_503' }, 'unknown', { until: T0 + 15_000, dueAt: T0 + 15_000 }],
  [{ kind: 'NOT_SENT', reason: 'connect_refused' }, 'not_sent', { until: T0, dueAt: T0 + 1_000 }],
  [{ kind: 'THROTTLED', reason: 'http_429', retryAfterSeconds: 60 }, 'throttled', { until: T0, dueAt: T0 + 60_000 }],
  [{ kind: 'CONFIG', reason: 'unauthorized_client' }, 'config', { until: T0, dueAt: T0 + 1_000 }],
] as const)('%o never changes the status', async ([answer, outcome, { until, dueAt }]) => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.refresh = [answer];
  expect(await ask(world)).toEqual({ outcome });
  expect(await world.grant()).toMatchObject({ status: 'active', tokenVersion: 7, dueAt, attempt: { until } });
});

test('a refused client is read again once and tried with the new secret', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.secrets = ['secret-1', 'secret-2'];
  world.script.refresh = [{ kind: 'CONFIG', reason: 'invalid_client' }, ok('access-8', 'refresh-8')];
  expect(await ask(world)).toEqual({ outcome: 'commit' });
  expect(world.sent.map(({ secret }) => secret)).toEqual(['secret-1', 'secret-2']);
});

test('a refused client with no newer secret is not tried again', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.refresh = [{ kind: 'CONFIG', reason: 'invalid_client' }];
  expect(await ask(world)).toEqual({ outcome: 'config' });
  expect(world.sent).toHaveLength(1);
});

test('no token, secret or provider text reaches a log line', async () => {
  const world = createRefreshWorld();
  await world.given({ ...EXPIRED, held: { h6: heldToken('h6', 6, 'late', T0) } });
  world.script.refresh = [rejected, rejected];
  await ask(world);
  world.script.refresh = [
    () => {
      world.store.failNext({ when: 'before', times: 100_000 });
      return ok('access-8', 'refresh-8');
    },
  ];
  await world.clock.advance(60_000);
  await performDue(world.ports, KEY, world.clock.now() + 80_000);
  expect(world.logged.length).toBeGreaterThan(1);
  for (const line of world.logged) expect(line).not.toMatch(/access-|refresh-|secret-/);
});

test.for([
  ['a lost answer', [{ kind: 'UNKNOWN', answer: 'cut', reason: 'timeout' }], {}, [KEY]],
  ['a provider that cannot be reached', [{ kind: 'NOT_SENT', reason: 'connect_refused' }], {}, [KEY]],
  ['a token of another client', [], { clientId: 'client-0' }, undefined],
  ['a token that does not open', [], { current: refreshToken('attempt-7', 7) }, undefined],
] as const)('%s counts for the circuit only where the provider is to blame', async ([, answers, changes, failing]) => {
  const world = createRefreshWorld();
  const grant = await world.given(EXPIRED);
  await world.put({ ...grant, ...changes });
  world.script.refresh = [...answers];
  await ask(world);
  expect((await world.store.readProvider('quickbooks'))?.failing).toEqual(failing);
});

test('the idle end of a token counts from its sending where the provider does not tell it', async () => {
  const world = createRefreshWorld();
  await world.given({ access: EXPIRED.access, refreshExpiresAt: T0 + 1 }, xeroGrant());
  world.script.refresh = [ok('access-8', 'refresh-8')];
  expect(await ask(world, { grant: 'xero#user-1' })).toEqual({ outcome: 'commit' });
  expect((await world.grant('xero#user-1'))?.refreshExpiresAt).toBe(T0 + 60 * 24 * HOUR);
});

test('a report that meets a late token’s change of status is made again', async () => {
  const world = createRefreshWorld();
  const given = await world.given({ ...EXPIRED, status: 'needs_reauth' });
  world.script.refresh = [
    async () => {
      await world.put({ ...((await world.grant()) ?? given), status: 'suspect' });
      return { kind: 'UNKNOWN', answer: 'complete', reason: 'http_503' };
    },
  ];
  expect(await ask(world)).toEqual({ outcome: 'unknown' });
  expect(await world.grant()).toMatchObject({
    status: 'suspect',
    attempt: { outcome: 'UNKNOWN' },
    duePartition: 'quickbooks#suspect#01',
  });
});

test.for([
  ['was authorised anew', { generation: 'gen-2' }],
  [
    'has heard of its end',
    { attempt: { number: 8, id: 'id-2', kind: 'refresh', startedAt: T0, until: T0, outcome: 'OK' } },
  ],
] as const)('the end of an attempt is not noted on a grant that meanwhile %s', async ([, changes]) => {
  const answers = [
    ['rejected', rejected],
    ['throttled', { kind: 'THROTTLED', reason: 'http_429' }],
  ] as const;
  for (const [outcome, answer] of answers) {
    const world = createRefreshWorld();
    const given = await world.given(EXPIRED);
    let image: object = {};
    world.script.refresh = [
      async () => {
        image = { ...((await world.grant()) ?? given), ...changes };
        await world.put(image as GrantFields);
        return answer;
      },
    ];
    expect(await ask(world)).toEqual({ outcome });
    expect(await world.grant()).toEqual(image);
    expect(world.events()).toEqual([]);
  }
});

const UNHEARD = { kind: 'UNKNOWN', answer: 'complete', reason: 'http_500' } as const;
const failed = (consecutive: number, outcome: 'UNKNOWN' | 'NOT_SENT' | 'CONFIG' = 'UNKNOWN') => ({
  failure: { outcome, reason: 'x', at: T0 - HOUR, consecutive },
});

test.for([
  ['for the first time', {}, [KEY]],
  ['for the third time', failed(2), [KEY]],
  ['for the fourth time, of whatever kind', failed(3, 'NOT_SENT'), undefined],
  ['after failures of ours', failed(9, 'CONFIG'), [KEY]],
] as const)('a grant that is not answered %s says something of the provider or not', async ([, changes, failing]) => {
  const world = createRefreshWorld();
  await world.given({ ...EXPIRED, ...changes });
  world.script.refresh = [UNHEARD];
  await ask(world);
  expect((await world.store.readProvider('quickbooks'))?.failing).toEqual(failing);
});
