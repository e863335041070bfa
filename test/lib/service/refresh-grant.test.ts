import { expect, test } from 'vitest';
import type { RefreshRequest } from '../../../lib/service/ports.ts';
import { performDue, refreshGrant } from '../../../lib/service/refresh-grant.ts';
import { createSingleFlight } from '../../../lib/service/single-flight.ts';
import { HOUR, heldToken, MINUTE, quickbooksGrant, refreshToken, T0, xeroGrant } from '../../support/grants.ts';
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
  ['a fresh token', {}, {}, { outcome: 'not_due' }],
  [
    'a rejected version that is not the current',
    {},
    { trigger: 'rejected', rejectedVersion: 6 },
    { outcome: 'not_due' },
  ],
  [
    'a version rejected again within a minute',
    { forcedAt: T0 - 59_999 },
    { trigger: 'rejected', rejectedVersion: 7 },
    { outcome: 'not_due' },
  ],
  [
    'a company looked up within a minute',
    { tenantCheckedAt: T0 - 59_999 },
    { trigger: 'tenant' },
    { outcome: 'not_due' },
  ],
  [
    'a leased grant',
    { ...EXPIRED, attempt: { number: 7, id: 'other', kind: 'refresh', startedAt: T0, until: T0 + 125_000 } },
    {},
    { outcome: 'leased', retryAt: T0 + 125_000 },
  ],
  ['a grant that has to wait', { ...EXPIRED, notBefore: T0 + 5 }, {}, { outcome: 'backing_off', retryAt: T0 + 5 }],
] as const)('%s causes no request', async ([, changes, request, answer]) => {
  const world = createRefreshWorld();
  await world.given(changes as never);
  expect(await ask(world, request as never)).toEqual(answer);
  expect(world.sent).toEqual([]);
});

test('a grant that does not exist is gone', async () => {
  expect(await ask(createRefreshWorld())).toEqual({ outcome: 'gone' });
});

test('a reader’s wish for a longer life is met, a rejected version is replaced', async () => {
  const world = createRefreshWorld();
  await world.given({});
  world.script.refresh = [ok('access-8', 'refresh-8'), ok('access-9', 'refresh-9')];
  expect(await ask(world, { neededUntil: T0 + HOUR + 1 })).toEqual({ outcome: 'commit' });
  expect(await ask(world, { trigger: 'rejected', rejectedVersion: 8 })).toEqual({ outcome: 'commit' });
  expect(await world.grant()).toMatchObject({ tokenVersion: 9, forcedAt: T0 });
});

test('nothing is started without time for a whole attempt', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  expect(await refreshGrant(world.ports, { grant: KEY, trigger: 'expiring' }, T0 + 69_999)).toEqual({
    outcome: 'out_of_time',
  });
  expect((await world.grant())?.number).toBe(7);
});

test.for([
  ['KMS gives no data key', (w: RefreshWorld) => w.cipher.failNext({ operation: 'arm' }), 'arm_unavailable'],
  [
    'the stored token does not decrypt',
    (w: RefreshWorld) => w.cipher.failNext({ operation: 'open', code: 'token_undecryptable' }),
    'arm_token_undecryptable',
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

test('a rejection of every token makes the grant suspect and loses none of them', async () => {
  const world = createRefreshWorld();
  await world.given({ ...EXPIRED, held: { h5: heldToken('h5', 5, 'late', T0), h6: heldToken('h6', 6, 'late', T0) } });
  world.script.refresh = [rejected, rejected, rejected];
  expect(await ask(world)).toEqual({ outcome: 'rejected' });
  expect(world.sent.map(({ token }) => token)).toEqual(['refresh-7', 'refresh-h6', 'refresh-h5']);
  expect(await world.grant()).toMatchObject({ status: 'suspect', rejections: { count: 1 }, dueAt: T0 + 60_000 });
  expect(await world.tokens()).toEqual({
    access: 'access-7',
    refresh: 'refresh-7',
    held: ['late refresh-h5', 'late refresh-h6'],
  });
});

test('a suspect becomes active again by a success', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.refresh = [rejected, ok('access-9', 'refresh-9')];
  await ask(world);
  await world.clock.advance(60_000);
  expect(await performDue(world.ports, KEY, world.clock.now() + 80_000)).toEqual({ outcome: 'commit' });
  expect(await world.grant()).toMatchObject({ status: 'active', tokenVersion: 9 });
  expect((await world.grant())?.rejections).toBeUndefined();
});

test('where the current token is rejected a held one can save the grant', async () => {
  const world = createRefreshWorld();
  await world.given({ ...EXPIRED, held: { h6: heldToken('h6', 6, 'late', T0) } });
  world.script.refresh = [rejected, ok('access-8', 'refresh-8')];
  expect(await ask(world)).toEqual({ outcome: 'commit' });
  expect(await world.tokens()).toEqual({ access: 'access-8', refresh: 'refresh-8', held: ['displaced refresh-7'] });
});

test('a rejection is no verdict when a token arrived while it was asked for', async () => {
  const world = createRefreshWorld();
  const given = await world.given(EXPIRED);
  world.script.refresh = [
    async () => {
      const now = await world.grant();
      await world.put({ ...(now ?? given), held: { late: { ...refreshToken('late', 6), why: 'late', since: T0 } } });
      return rejected;
    },
  ];
  await ask(world);
  expect(await world.grant()).toMatchObject({
    status: 'active',
    failure: { outcome: 'NOT_SENT', reason: 'held_arrived' },
  });
});

test('a commit that fails for a while is tried again with the identical write', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  const tokens: string[] = [];
  world.store.onCommit({ before: (transaction) => void tokens.push(transaction.token) });
  world.script.refresh = [
    () => {
      world.store.failNext({ when: 'before', times: 3 });
      return ok('access-8', 'refresh-8');
    },
  ];
  expect(await ask(world)).toEqual({ outcome: 'commit' });
  expect(new Set(tokens.slice(1)).size).toBe(1);
  expect(tokens).toHaveLength(5);
  expect(world.counted.filter((line) => line.startsWith('CommitRetries'))).toHaveLength(3);
});

test('a commit whose answer was lost is known for its own', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.refresh = [
    () => {
      world.store.failNext({ when: 'after' });
      return ok('access-8', 'refresh-8');
    },
  ];
  expect(await ask(world)).toEqual({ outcome: 'commit' });
  expect(await world.tokens()).toEqual({ access: 'access-8', refresh: 'refresh-8', held: [] });
  expect(world.events()).toEqual(['attempt.ok 8']);
});

test('when only the audit cannot be written the token is stored owing it, and the next lease writes it', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.refresh = [
    () => {
      world.store.failNext({
        when: 'before',
        times: 1000,
        matches: ({ writes }) => writes.some(({ table }) => table === 'audit'),
      });
      return ok('access-8', 'refresh-8');
    },
  ];
  expect(await ask(world)).toEqual({ outcome: 'commit' });
  expect(await world.tokens()).toMatchObject({ refresh: 'refresh-8' });
  expect((await world.grant())?.auditOwed).toMatchObject({ event: 'attempt.ok', number: 8 });
  expect(world.events()).toEqual([]);
});

test('a token that cannot be stored by the deadline is at risk, and says so', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.refresh = [
    () => {
      world.store.failNext({ when: 'before', times: 100_000 });
      return ok('access-8', 'refresh-8');
    },
  ];
  expect(await ask(world)).toEqual({ outcome: 'at_risk' });
  expect(world.counted).toContain('TokenAtRisk 1');
  expect(world.counted).toContain('RefreshOutcome at_risk 1');
  expect(world.clock.now()).toBeGreaterThan(T0 + 70_000);
  expect(world.clock.now()).toBeLessThan(T0 + 80_000);
});

test('a disconnect while the provider answers: the token is held to be revoked, never served', async () => {
  const world = createRefreshWorld();
  const given = await world.given(EXPIRED);
  world.script.refresh = [
    async () => {
      const { access: _a, orgs: _o, ...rest } = (await world.grant()) ?? given;
      await world.put({ ...rest, status: 'closing', generation: 'gen-2' });
      return ok('access-8', 'refresh-8');
    },
  ];
  expect(await ask(world)).toEqual({ outcome: 'other_generation' });
  expect(await world.tokens()).toEqual({ access: undefined, refresh: 'refresh-7', held: ['late refresh-8'] });
  expect((await world.grant())?.status).toBe('closing');
});

test('a worker that comes back after its lease holds its token beside the newer one', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.refresh = [
    async () => {
      await world.clock.advance(130_000);
      world.script.refresh = [ok('access-9', 'refresh-9')];
      const other = { ...world.ports, singleFlight: createSingleFlight() };
      expect(await performDue(other, KEY, world.clock.now() + 80_000)).toEqual({ outcome: 'commit' });
      return ok('access-8', 'refresh-8');
    },
  ];
  expect(await refreshGrant(world.ports, { grant: KEY, trigger: 'expiring' }, T0 + 300_000)).toEqual({
    outcome: 'superseded',
  });
  expect(await world.tokens()).toEqual({ access: 'access-9', refresh: 'refresh-9', held: ['late refresh-8'] });
  expect(world.events().sort()).toEqual(['attempt.doubt 8', 'attempt.ok 9', 'attempt.superseded 8']);
});

test('two callers in one process share one attempt', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.refresh = [ok('access-8', 'refresh-8')];
  expect(await Promise.all([ask(world), ask(world)])).toEqual([{ outcome: 'commit' }, { outcome: 'commit' }]);
  expect((await world.grant())?.number).toBe(8);
});

test('two workers at once send one request', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.refresh = [ok('access-8', 'refresh-8')];
  const worker = () =>
    refreshGrant(
      { ...world.ports, singleFlight: createSingleFlight() },
      { grant: KEY, trigger: 'expiring' },
      T0 + 80_000,
    );
  const answers = await Promise.all([worker(), worker(), worker()]);
  expect(answers.map(({ outcome }) => outcome).sort()).toEqual(['commit', 'leased', 'leased']);
  expect(world.sent).toHaveLength(1);
});

test('a lease whose answer was lost is ours all the same', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.store.failNext({ when: 'after' });
  world.script.refresh = [ok('access-8', 'refresh-8')];
  expect(await ask(world)).toEqual({ outcome: 'commit' });
});

test('the sweep puts a due date right where there is nothing to do', async () => {
  const world = createRefreshWorld();
  await world.given({ dueAt: T0 - MINUTE, lastUsedAt: T0 });
  expect(await performDue(world.ports, KEY, T0 + 80_000)).toEqual({ outcome: 'not_due' });
  expect((await world.grant())?.dueAt).toBeGreaterThanOrEqual(T0 + 30 * MINUTE);
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

test('a duty that comes while the provider answers is due as soon as the token is stored', async () => {
  const world = createRefreshWorld();
  const given = await world.given({}, xeroGrant({ access: EXPIRED.access }));
  world.script.refresh = [
    async () => {
      const now = (await world.grant('xero#user-1')) ?? given;
      await world.put({ ...now, detach: { c1: { tenantId: 't1', since: T0 } } });
      return ok('access-8', 'refresh-8');
    },
  ];
  expect(await ask(world, { grant: 'xero#user-1' })).toEqual({ outcome: 'commit' });
  expect(await world.grant('xero#user-1')).toMatchObject({ tokenVersion: 8, dueAt: T0 });
});

test('a forced refresh whose answer was lost is repeated, though the token at hand would last', async () => {
  const world = createRefreshWorld();
  await world.given({ lastUsedAt: T0 });
  world.script.refresh = [{ kind: 'UNKNOWN', answer: 'cut', reason: 'connection_reset' }, ok('access-9', 'refresh-9')];
  expect(await ask(world, { trigger: 'rejected', rejectedVersion: 7 })).toEqual({ outcome: 'unknown' });
  await world.clock.advance(125_000);
  expect(await performDue(world.ports, KEY, world.clock.now() + 80_000)).toEqual({ outcome: 'commit' });
  expect(await world.tokens()).toMatchObject({ refresh: 'refresh-9' });
});

test('an attempt that died and left nothing to do does not stay due', async () => {
  const world = createRefreshWorld();
  const attempt = { number: 8, id: 'dead', kind: 'detach', startedAt: T0 - 200_000, until: T0 - 75_000 } as const;
  await world.given({ number: 8, attempt, dueAt: T0 - 75_000, lastUsedAt: T0 });
  expect(await performDue(world.ports, KEY, T0 + 80_000)).toEqual({ outcome: 'not_due' });
  expect((await world.grant())?.dueAt).toBeGreaterThanOrEqual(T0 + 30 * MINUTE);
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

test('tokens that are due again at once are refreshed once in a run', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.refresh = [ok('access-8', 'refresh-8', { expiresInSeconds: 0 })];
  expect(await performDue(world.ports, KEY, T0 + 80_000)).toEqual({ outcome: 'commit' });
  expect(world.sent).toHaveLength(1);
});

test('a commit whose condition never holds ends as a token at risk', async () => {
  const world = createRefreshWorld();
  await world.given(EXPIRED);
  world.script.refresh = [
    () => {
      let strange = 0;
      world.store.onCommit({
        async before({ writes }) {
          const grant = await world.grant();
          if (grant === undefined || writes[0]?.key.pk !== KEY || writes.length < 2) return;
          if (++strange % 2 === 1) await world.put({ ...grant, orgs: new Set(['acme', `o${strange}`, 'x']) });
          else await world.put({ ...grant, orgs: new Set(['acme']) });
        },
      });
      return ok('access-8', 'refresh-8');
    },
  ];
  expect(await ask(world)).toEqual({ outcome: 'at_risk' });
  expect(world.counted).toContain('TokenAtRisk 1');
});
