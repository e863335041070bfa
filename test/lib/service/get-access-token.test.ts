import { expect, test } from 'vitest';
import type { LivingGrant } from '../../../lib/domain/grant.ts';
import { Secret } from '../../../lib/domain/secret.ts';
import { type GetTokenPorts, type GetTokenRequest, getAccessToken } from '../../../lib/service/get-access-token.ts';
import { refreshGrant } from '../../../lib/service/refresh-grant.ts';
import { HOUR, MINUTE, quickbooksConnection, quickbooksGrant, T0, xeroGrant } from '../../support/grants.ts';
import { createRefreshWorld, ok, rejected } from '../../support/refresh-world.ts';

const ALL = { organisations: '*', providers: ['quickbooks', 'xero'] } as const;
const EXPIRED = { access: { ...quickbooksGrant().access, obtainedAt: T0 - HOUR, expiresAt: T0 } };

/** The reader beside a refresher that works on the same records, as another function would. */
function createReader(options: Partial<GetTokenPorts> = {}) {
  const world = createRefreshWorld();
  const givenGrant = world.given;
  const asked: string[] = [];
  const ports: GetTokenPorts = {
    store: world.store,
    cipher: world.cipher,
    clock: world.clock,
    policies: world.ports.policies,
    requestRefresh: async (request, mode) => {
      asked.push(`${request.trigger} ${mode}`);
      if (mode === 'wait') await refreshGrant(world.ports, request, world.clock.now() + 80_000);
    },
    apiBaseUrl: (provider, environment) => `https://${provider}.${environment}.example`,
    allowSharedGrants: false,
    count: world.ports.count,
    log: world.ports.log,
    remembered: new Map(),
    ...options,
  };
  const ask = (request: Partial<GetTokenRequest> = {}) =>
    getAccessToken(ports, { organizationId: 'acme', provider: 'quickbooks', consumer: ALL, ...request });
  async function given(changes: Partial<LivingGrant> = {}) {
    await givenGrant({ lastUsedAt: T0, ...changes });
    await world.givenConnection(quickbooksConnection());
  }
  return Object.assign(world, { get: ask, asked, given });
}

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'served',
    (error) => ({ code: error.code, retryAfterSeconds: error.retryAfterSeconds }),
  );

test('a fresh token is served whole, with what an API call needs', async () => {
  const world = createReader();
  await world.given();
  expect(await world.get()).toEqual({
    status: 'ok',
    accessToken: 'access-7',
    tokenType: 'Bearer',
    expiresAt: '2026-11-20T13:00:00.000Z',
    tokenVersion: 7,
    tenantId: '9341453',
    environment: 'sandbox',
    apiBaseUrl: 'https://quickbooks.sandbox.example',
  });
  expect(world.asked).toEqual([]);
  expect(world.counted).toEqual(['TokenServed ok 1']);
});

test('an expired token is refreshed and the new one served', async () => {
  const world = createReader();
  await world.given(EXPIRED);
  world.script.refresh = [ok('access-8', 'refresh-8')];
  expect(await world.get()).toMatchObject({ accessToken: 'access-8', tokenVersion: 8 });
  expect(world.asked).toEqual(['expiring wait']);
  expect(world.counted).toEqual(['RefreshOutcome ok 1', 'TokenServed refreshed 1']);
});

test('within the buffer the token is served and its refresh started without waiting', async () => {
  const world = createReader();
  await world.given();
  await world.clock.advance(56 * MINUTE);
  expect(await world.get()).toMatchObject({ accessToken: 'access-7' });
  expect(world.asked).toEqual(['expiring start']);
  expect(world.counted).toEqual(['TokenServed ok 1']);
});

test('a refresh that could not be started does not cost the caller its token', async () => {
  const world = createReader({ requestRefresh: () => Promise.reject(new Error('throttled')) });
  await world.given();
  await world.clock.advance(56 * MINUTE);
  expect(await world.get()).toMatchObject({ accessToken: 'access-7' });
});

test('the first use in an hour is noted, the next is not', async () => {
  const world = createReader();
  await world.given({ lastUsedAt: T0 - 2 * HOUR });
  await world.get();
  await world.clock.advance(MINUTE);
  await world.get();
  expect((await world.grant())?.lastUsedAt).toBe(T0);
});

test('a reader of an expired token waits for the holder of the lease', async () => {
  const world = createReader();
  await world.given(EXPIRED);
  world.script.refresh = [ok('access-8', 'refresh-8')];
  const lease = { number: 8, id: 'a8', kind: 'refresh', startedAt: T0, until: T0 + 125_000 } as const;
  const grant = await world.grant();
  if (grant !== undefined) await world.put({ ...grant, number: 8, attempt: lease });
  let polls = 0;
  const sleep = world.clock.sleep;
  world.clock.sleep = async (ms) => {
    polls += 1;
    const now = await world.grant();
    if (polls === 3 && now !== undefined) {
      await world.put({
        ...now,
        attempt: { ...lease, outcome: 'OK', until: T0 },
        tokenVersion: 8,
        access: { ...EXPIRED.access, ...now.access, expiresAt: T0 + HOUR } as never,
      });
    }
    await sleep(ms);
  };
  expect(await world.get()).toMatchObject({ accessToken: 'access-7', tokenVersion: 8 });
  expect([polls, world.sent.length, world.asked]).toEqual([3, 0, []]);
  expect(world.counted).toEqual(['TokenServed refreshed 1']);
});

test('after ten seconds of waiting the reader is told when to come back, never to reconnect', async () => {
  const world = createReader();
  await world.given({
    ...EXPIRED,
    attempt: { number: 8, id: 'a8', kind: 'refresh', startedAt: T0, until: T0 + 125_000 },
  });
  expect(await code(world.get())).toEqual({ code: 'refresh_in_progress', retryAfterSeconds: 1 });
  expect(world.clock.now() - T0).toBeLessThanOrEqual(10_000);
  expect(world.clock.now() - T0).toBeGreaterThan(9_000);
});

test('all waiting together is ten seconds, whatever is waited for', async () => {
  const waits: (number | undefined)[] = [];
  const world = createReader({
    requestRefresh: async (_request, _mode, waitMs = 10_000) => {
      waits.push(waitMs);
      await world.clock.sleep(Math.min(waitMs, 6_000));
    },
  });
  await world.given(EXPIRED);
  const asked = code(world.get({ rejected: { tokenVersion: 6, reason: 'tenant' } }));
  expect(await asked).toEqual({ code: 'refresh_in_progress', retryAfterSeconds: 1 });
  expect(waits).toEqual([10_000, 4_000]);
  expect(world.clock.now() - T0).toBe(10_000);
});

test('a refresh that was asked for and did not come about has failed, and is not asked for again at once', async () => {
  const asked: string[] = [];
  const world = createReader({ requestRefresh: async ({ trigger }) => void asked.push(trigger) });
  await world.given(EXPIRED);
  expect(await code(world.get())).toEqual({ code: 'refresh_failed', retryAfterSeconds: 5 });
  expect(asked).toEqual(['expiring']);
});

test('a rejected refresh is told as such, with the time of the next try', async () => {
  const world = createReader();
  await world.given(EXPIRED);
  world.script.refresh = [rejected];
  expect(await code(world.get())).toEqual({ code: 'refresh_rejected', retryAfterSeconds: 60 });
});

test.for([
  [{ kind: 'UNKNOWN', answer: 'complete', reason: 'http_503' }, 15],
  [{ kind: 'CONFIG', reason: 'unauthorized_client' }, 1],
  [{ kind: 'THROTTLED', reason: 'http_429', retryAfterSeconds: 60 }, 60],
] as const)('a refresh that ended in %o is a failure to try again after %i s', async ([outcome, retryAfterSeconds]) => {
  const world = createReader();
  await world.given(EXPIRED);
  world.script.refresh = [outcome];
  expect(await code(world.get())).toEqual({ code: 'refresh_failed', retryAfterSeconds });
});

test('a token that lives, but shorter than asked, is served as stale when its refresh fails', async () => {
  const world = createReader();
  await world.given();
  await world.clock.advance(50 * MINUTE);
  world.script.refresh = [{ kind: 'UNKNOWN', answer: 'complete', reason: 'http_503' }];
  expect(await world.get({ minValiditySeconds: 1800 })).toMatchObject({ accessToken: 'access-7', stale: true });
  expect(world.counted).toEqual(['RefreshOutcome unknown 1', 'TokenServed stale 1']);
});

test('a rejected version is replaced once, then asking again has to wait', async () => {
  const world = createReader();
  await world.given();
  world.script.refresh = [ok('access-8', 'refresh-8')];
  const reject = (tokenVersion: number) => world.get({ rejected: { tokenVersion, reason: 'token' } });
  expect(await reject(7)).toMatchObject({ accessToken: 'access-8', tokenVersion: 8 });
  expect(await reject(7)).toMatchObject({ accessToken: 'access-8', tokenVersion: 8 });
  expect(await code(reject(8))).toEqual({ code: 'refresh_in_progress', retryAfterSeconds: 60 });
  expect(await reject(9)).toMatchObject({ accessToken: 'access-8', tokenVersion: 8 });
  expect(world.sent).toHaveLength(1);
});

test('a company the API refused is looked up, and refused here once it is gone', async () => {
  const world = createReader();
  await world.given();
  world.script.list = [{ kind: 'listed', tenants: [] }];
  expect(await code(world.get({ rejected: { tokenVersion: 7, reason: 'tenant' } }))).toMatchObject({
    code: 'tenant_lost',
  });
  expect(world.asked).toEqual(['tenant wait']);
});

test('after a disconnect nothing is served, at once', async () => {
  const world = createReader();
  await world.given();
  await world.get();
  await world.givenConnection(quickbooksConnection({ status: 'disconnected' }));
  expect(await code(world.get())).toMatchObject({ code: 'not_connected' });
});

test('a link that moved to another grant is served from that one', async () => {
  const world = createReader();
  await world.given();
  await world.get();
  await world.given({ pk: 'quickbooks#other', tokenVersion: 3 } as Partial<LivingGrant>);
  await world.givenConnection(quickbooksConnection({ grant: 'quickbooks#other' }));
  expect(await world.get()).toMatchObject({ tokenVersion: 3 });
});

test('the second read of a connection is one request', async () => {
  const world = createReader();
  await world.given();
  const reads: string[] = [];
  const { readServed, readGrant } = world.store;
  world.store.readServed = (...input) => {
    reads.push('served');
    return readServed(...input);
  };
  world.store.readGrant = (...input) => {
    reads.push('grant');
    return readGrant(...input);
  };
  await world.get();
  await world.get();
  expect(reads).toEqual(['served', 'grant', 'served']);
});

test('a consumer gets only what its map names', async () => {
  const world = createReader();
  await world.given();
  const consumer = { organisations: ['globex'], providers: ['quickbooks'] } as const;
  expect(await code(world.get({ consumer }))).toMatchObject({ code: 'consumer_refused' });
});

test.for([
  [false, { code: 'shared_grant_refused', retryAfterSeconds: undefined }],
  [true, 'served'],
] as const)(
  'a Xero grant shared with an organisation the consumer may not use (allowed: %s)',
  async ([allowSharedGrants, expected]) => {
    const world = createReader({ allowSharedGrants });
    await world.given();
    const base = xeroGrant({ orgs: new Set(['acme', 'globex']), lastUsedAt: T0 });
    await createSharedXero(world, base);
    const consumer = { organisations: ['acme'], providers: ['xero'] } as const;
    expect(await code(world.get({ provider: 'xero', consumer }))).toEqual(expected);
  },
);

async function createSharedXero(world: ReturnType<typeof createReader>, base: LivingGrant) {
  const context = { provider: 'xero', grant: 'xero#user-1', purpose: 'access' } as const;
  const sealed = (await world.cipher.arm(context)).seal(new Secret('access-x'), 'xero#user-1', 'attempt-7');
  await world.put({ ...base, access: { ...base.access, ...sealed } });
  await world.givenConnection(
    quickbooksConnection({
      sk: 'xero',
      provider: 'xero',
      grant: 'xero#user-1',
      tenantId: 't1',
      providerConnectionId: 'c1',
    }),
  );
}

test('a token that does not decrypt is an error of ours', async () => {
  const world = createReader();
  await world.given();
  world.cipher.failNext({ operation: 'open', code: 'token_undecryptable' });
  expect(await code(world.get())).toMatchObject({ code: 'token_undecryptable' });
});
