import { expect, test } from 'vitest';
import { auditRow } from '../../../lib/domain/audit.ts';
import type { Grant } from '../../../lib/domain/grant.ts';
import type { TokenOutcome } from '../../../lib/domain/outcome.ts';
import { appendAudit } from '../../../lib/domain/write.ts';
import { createTellingStore } from '../../../lib/service/telling-store.ts';
import { DAY, MINUTE, quickbooksGrant, T0 } from '../../support/grants.ts';
import { createMemoryStore } from '../../support/memory-store.ts';
import { ok, rejected } from '../../support/refresh-world.ts';
import { ABOUT, createTellingWorld, EXPIRING, KEY } from './telling-world.ts';

const hasAudit = ({ writes }: { writes: readonly { table: string }[] }) =>
  writes.some(({ table }) => table === 'audit');

test('a refresh that is stored is told once, with whom the grant serves', async () => {
  const world = createTellingWorld();
  await world.given({ ...EXPIRING, orgs: new Set(['globex', 'acme']) });
  world.script.refresh = [ok('access-8', 'refresh-7')];
  expect(await world.ask()).toEqual({ outcome: 'commit' });
  expect(world.emitted).toEqual([
    {
      type: 'Token Refreshed',
      at: T0,
      provider: 'quickbooks',
      grant: KEY,
      organizationIds: ['acme', 'globex'],
      attemptId: 'id-2',
      tokenVersion: 8,
    },
  ]);
});

test.for<[TokenOutcome, object]>([
  [
    { kind: 'NOT_SENT', reason: 'connect_refused' },
    { outcome: 'NOT_SENT', reason: 'connect_refused' },
  ],
  [
    { kind: 'UNKNOWN', answer: 'complete', reason: 'http_503' },
    { outcome: 'UNKNOWN', reason: 'http_503' },
  ],
  [
    { kind: 'CONFIG', reason: 'unauthorized_client' },
    { outcome: 'CONFIG', reason: 'unauthorized_client' },
  ],
  [
    { kind: 'THROTTLED', reason: 'http_429', retryAfterSeconds: 60 },
    { outcome: 'THROTTLED', reason: 'http_429' },
  ],
  [rejected, { outcome: 'REJECTED', reason: 'invalid_grant' }],
])('a refresh that ends in %j is told as failed', async ([outcome, told]) => {
  const world = createTellingWorld();
  await world.given(EXPIRING);
  world.script.refresh = [outcome];
  await world.ask();
  expect(world.emitted).toEqual([{ type: 'Refresh Failed', at: T0, ...ABOUT, attemptId: 'id-2', ...told }]);
});

test('nothing is told of a commit whose condition fails, but of the one that is decided on what it met', async () => {
  const world = createTellingWorld();
  await world.given(EXPIRING);
  world.script.refresh = [
    async () => {
      // Another organisation is linked while the answer is awaited.
      const image = await world.grant();
      if (image !== undefined) await world.put({ ...image, orgs: new Set(['acme', 'initech']) });
      return rejected;
    },
  ];
  expect(await world.ask()).toEqual({ outcome: 'rejected' });
  expect(world.emitted).toEqual([
    {
      type: 'Refresh Failed',
      at: T0,
      ...ABOUT,
      organizationIds: ['acme', 'initech'],
      attemptId: 'id-2',
      outcome: 'REJECTED',
      reason: 'invalid_grant',
    },
  ]);
});

test('a commit whose answer is lost is told when the identical request is answered', async () => {
  const world = createTellingWorld();
  await world.given(EXPIRING);
  world.script.refresh = [
    () => {
      world.memory.failNext({ when: 'after', times: 2 });
      return ok('access-8');
    },
  ];
  await world.ask();
  expect(world.emitted.map(({ type }) => type)).toEqual(['Token Refreshed']);
});

test('a commit that is never answered is not told', async () => {
  const world = createTellingWorld();
  await world.given(EXPIRING);
  world.script.refresh = [
    () => {
      world.memory.failNext({ when: 'before', times: 10_000 });
      return ok('access-8');
    },
  ];
  expect(await world.ask()).toEqual({ outcome: 'rescued' });
  expect(world.emitted.map(({ type }) => type)).toEqual([]);
});

test('a refresh that owes its audit row is told at once, and not when the row is written', async () => {
  const world = createTellingWorld();
  await world.given(EXPIRING);
  let isAuditDown = true;
  world.script.refresh = [
    () => {
      world.memory.failNext({ when: 'before', times: 1_000, matches: (it) => isAuditDown && hasAudit(it) });
      return ok('access-8', undefined, { expiresInSeconds: 120 });
    },
    ok('access-9'),
  ];
  await world.ask();
  expect(world.emitted.map(({ type, tokenVersion }) => `${type} ${tokenVersion}`)).toEqual(['Token Refreshed 8']);
  expect((await world.grant())?.auditOwed?.event).toBe('attempt.ok');
  await world.clock.advance(2 * MINUTE);
  isAuditDown = false;
  await world.ask();
  expect(world.emitted.map(({ type, tokenVersion }) => `${type} ${tokenVersion}`)).toEqual([
    'Token Refreshed 8',
    'Token Refreshed 9',
  ]);
});

test('a warning is told with its clock and days', async () => {
  const world = createTellingWorld();
  await world.given({ hardExpiresAt: T0 + 29 * DAY, dueAt: T0 });
  await world.perform();
  expect(world.emitted).toEqual([{ type: 'Connection Near Expiry', at: T0, ...ABOUT, reason: 'hard', days: 30 }]);
});

test('of the thousand grants that were read last it is known whom they serve', async () => {
  const world = createTellingWorld();
  const { store } = world.ports;
  const keyOf = (index: number) => `quickbooks#${index}` as const;
  for (let index = 0; index < 1_006; index += 1) await world.put(quickbooksGrant({ pk: keyOf(index) }));
  const tell = async (index: number) => {
    const row = { event: 'attempt.ok', provider: 'quickbooks', at: T0, startedAt: T0, id: 'attempt-8' } as const;
    const told = appendAudit(auditRow({ ...row, pk: `GRANT#${keyOf(index)}` }));
    await store.commit({ token: `tell-${index}-${world.emitted.length}`, writes: [{ ...told, when: [] }] });
    return world.emitted.at(-1)?.organizationIds;
  };
  for (let index = 0; index < 1_000; index += 1) await store.readGrant(keyOf(index));
  await store.readGrant(keyOf(5));
  expect(await tell(0)).toEqual(['acme']);
  for (let index = 1_000; index < 1_006; index += 1) await store.readGrant(keyOf(index));
  expect([await tell(0), await tell(5), await tell(6), await tell(7)]).toEqual([
    undefined,
    ['acme'],
    undefined,
    ['acme'],
  ]);
});

test('what fails while telling does not make a commit fail', async () => {
  const inner = createMemoryStore();
  const store = createTellingStore(inner, () => {
    throw new Error('broken');
  });
  const grant = quickbooksGrant();
  const row = { event: 'attempt.ok', provider: 'quickbooks', at: T0, startedAt: T0, id: 'attempt-8' } as const;
  const verdict = await store.commit({
    token: 'token-1',
    writes: [
      { table: 'grants', key: { pk: KEY }, when: [], op: 'put', item: grant },
      appendAudit(auditRow({ ...row, pk: `GRANT#${KEY}` })),
    ],
  });
  expect(verdict).toEqual({ committed: true });
});

test('a grant of which nothing can be said is read and shown like any other', async () => {
  // As the store may hold it: nothing in this process has checked what is in an item.
  const odd = { ...quickbooksGrant(), orgs: null, access: null } as unknown as Grant;
  const failed = [{ index: 0, image: odd }];
  const inner = {
    ...createMemoryStore(),
    readGrant: async () => odd,
    commit: async () => ({ committed: false, failed }) as const,
  };
  const store = createTellingStore(inner, () => undefined);
  expect(await store.readGrant(KEY)).toBe(odd);
  const write = { table: 'grants', key: { pk: KEY }, when: [], op: 'check' } as const;
  expect(await store.commit({ token: 'token-1', writes: [write] })).toEqual({ committed: false, failed });
});
