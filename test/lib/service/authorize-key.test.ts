import { expect, test } from 'vitest';
import type { ApiKey } from '../../../lib/domain/api-key.ts';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import { authorizeKey } from '../../../lib/service/authorize-key.ts';
import { issueKey } from '../../../lib/service/issue-key.ts';
import type { LogOutcome } from '../../../lib/service/ports.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { T0 } from '../../support/grants.ts';
import { createMemoryStore } from '../../support/memory-store.ts';

/** Made once and written down: keys in use must stay valid. */
const KEY = 'gk_dev_x34mvkytjmssvm7p_lsvgjjdwbdHyCeKnbXoLItOfm5lmBbGFnUHjFIn70Fo2R2wdi';
const RECORD: ApiKey = {
  v: 1,
  pk: 'x34mvkytjmssvm7p',
  secretHash: '454a8609aa7a83e85ca965b393521321f411191e1cf461099056fe774bf1bd3e',
  name: 'Reports',
  scopes: ['connections:read'],
  organizations: ['acme'],
  createdAt: T0,
};

async function world(record?: ApiKey, now = T0 + 1_000) {
  const clock = createFakeClock({ startAt: now });
  const store = createMemoryStore({ now: clock.now });
  if (record !== undefined) {
    await store.commit({
      token: 'seed',
      writes: [{ table: 'apiKeys', key: { pk: record.pk }, when: [], op: 'put', item: record }],
    });
  }
  const logged: unknown[] = [];
  const log: LogOutcome = (...line) => void logged.push(line);
  return { store, clock, log, logged, environment: 'dev' };
}

const AUTHORIZED = { id: 'x34mvkytjmssvm7p', scopes: ['connections:read'], organizations: ['acme'] };

test('a key in force says what its holder may do', async () => {
  expect(await authorizeKey(await world(RECORD), KEY)).toEqual(AUTHORIZED);
});

test.for<[string, string | undefined, Partial<ApiKey> | undefined]>([
  ['no key', undefined, {}],
  ['an empty key', '', {}],
  ['a key with a typo', KEY.replace('lsvg', 'lsvG'), {}],
  ['a key with a space after it', `${KEY} `, {}],
  ['an unknown key', KEY, undefined],
  ['another secret', KEY, { secretHash: '0'.repeat(64) }],
  ['a revoked key', KEY, { revokedAt: T0 }],
  ['a key that expires now', KEY, { expiresAt: T0 + 1_000 }],
])('%s is unauthorized and leaves no trace', async ([, presented, changes]) => {
  const ports = await world(changes === undefined ? undefined : { ...RECORD, ...changes });
  const before = ports.store.dump();
  await expect(authorizeKey(ports, presented)).rejects.toEqual(new GrantkeeperError('unauthorized'));
  expect(ports.store.dump()).toEqual(before);
});

test('a good key of another environment is unauthorized', async () => {
  const ports = await world();
  const request = { name: 'Reports', scopes: ['connections:read'], organizations: '*' } as const;
  const { key } = await issueKey({ ...ports, environment: 'prod' }, request);
  await expect(authorizeKey(ports, key.open())).rejects.toEqual(new GrantkeeperError('unauthorized'));
});

test('a malformed key costs no read', async () => {
  const ports = await world(RECORD);
  ports.store.failNext({ when: 'before', operation: 'read' });
  await expect(authorizeKey(ports, 'gk_dev_x_y')).rejects.toEqual(new GrantkeeperError('unauthorized'));
});

test('a key valid for a millisecond more is accepted', async () => {
  expect(await authorizeKey(await world({ ...RECORD, expiresAt: T0 + 1_001 }), KEY)).toEqual(AUTHORIZED);
});

test('a store that does not answer is not a refusal', async () => {
  const ports = await world(RECORD);
  ports.store.failNext({ when: 'before', operation: 'read' });
  await expect(authorizeKey(ports, KEY)).rejects.toMatchObject({ code: 'unavailable' });
});

test.for([
  ['never used', undefined, T0 + 1_000],
  ['used an hour ago', T0 + 1_000 - 3_600_000, T0 + 1_000],
  ['used a millisecond less than an hour ago', T0 + 1_001 - 3_600_000, T0 + 1_001 - 3_600_000],
] as const)('a key %s: the use is noted at most hourly', async ([, lastUsedAt, expected]) => {
  const ports = await world({ ...RECORD, ...(lastUsedAt === undefined ? {} : { lastUsedAt }) });
  await authorizeKey(ports, KEY);
  expect(ports.store.dump().apiKeys).toEqual([{ ...RECORD, lastUsedAt: expected }]);
});

test('a use that cannot be noted is told to the log and nobody else', async () => {
  const ports = await world(RECORD);
  ports.store.failNext({ when: 'before' });
  expect(await authorizeKey(ports, KEY)).toEqual(AUTHORIZED);
  expect(ports.store.dump().apiKeys).toEqual([RECORD]);
  expect(ports.logged).toEqual([['warn', 'the use of a key could not be noted', { keyId: RECORD.pk }]]);
});

test('a use that takes long to note is waited for 300 ms', async () => {
  const ports = await world(RECORD);
  ports.store.onCommit({ before: () => new Promise(() => undefined) });
  const answer = authorizeKey(ports, KEY);
  await ports.clock.advance(0);
  await ports.clock.advance(299);
  expect(await Promise.race([answer, 'waiting'])).toBe('waiting');
  await ports.clock.advance(1);
  expect(await answer).toEqual(AUTHORIZED);
});

test('of many uses at once one is noted', async () => {
  const ports = await world(RECORD);
  let committed = 0;
  ports.store.onCommit({
    after: (_transaction, verdict) => {
      committed += verdict.committed ? 1 : 0;
    },
  });
  await Promise.all(
    Array.from({ length: 5 }, (_, i) => authorizeKey({ ...ports, clock: { ...ports.clock, now: () => T0 + i } }, KEY)),
  );
  expect(committed).toBe(1);
});
