import { expect, test } from 'vitest';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import { SCOPES } from '../../../lib/domain/routes.ts';
import { authorizeKey } from '../../../lib/service/authorize-key.ts';
import { issueKey, type KeyRequest, revokeKey } from '../../../lib/service/issue-key.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { T0 } from '../../support/grants.ts';
import { createMemoryStore } from '../../support/memory-store.ts';

function world() {
  const clock = createFakeClock({ startAt: T0 });
  return { clock, store: createMemoryStore({ now: clock.now }), log: () => {}, environment: 'dev' };
}
const REQUEST: KeyRequest = { name: 'Reports', scopes: ['tokens:read'], organizations: ['acme', 'beta'] };

test('a key is stored by its hash only', async () => {
  const ports = world();
  const { key, record } = await issueKey(ports, { ...REQUEST, expiresInDays: 30 });
  expect(record).toEqual({
    v: 1,
    pk: expect.stringMatching(/^[0-9a-z]{16}$/),
    secretHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    name: 'Reports',
    scopes: ['tokens:read'],
    organizations: ['acme', 'beta'],
    createdAt: T0,
    expiresAt: T0 + 30 * 86_400_000,
  });
  expect(ports.store.dump().apiKeys).toEqual([record]);
  expect(JSON.stringify(ports.store.dump())).not.toContain(key.open().slice(-49));
});

test('a key that was issued is accepted until it is revoked', async () => {
  const ports = world();
  const { key, record } = await issueKey(ports, { name: 'All', scopes: SCOPES, organizations: '*' });
  expect(await authorizeKey(ports, key.open())).toEqual({ id: record.pk, scopes: SCOPES, organizations: '*' });
  await revokeKey(ports, record.pk);
  await expect(authorizeKey(ports, key.open())).rejects.toEqual(new GrantkeeperError('unauthorized'));
});

test('revoking again keeps the first instant', async () => {
  const ports = world();
  const { record } = await issueKey(ports, REQUEST);
  await revokeKey(ports, record.pk);
  await ports.clock.advance(5_000);
  await revokeKey(ports, record.pk);
  expect(ports.store.dump().apiKeys).toEqual([{ ...record, revokedAt: T0 }]);
});

test('a key that does not exist cannot be revoked and is not made by trying', async () => {
  const ports = world();
  await expect(revokeKey(ports, '0123456789abcdef')).rejects.toEqual(new GrantkeeperError('not_found'));
  expect(ports.store.dump().apiKeys).toEqual([]);
});

test.for<[Partial<KeyRequest>, string]>([
  [{ name: ' ' }, 'name'],
  [{ name: 'x'.repeat(101) }, 'name'],
  [{ scopes: [] }, 'scopes'],
  [{ scopes: ['tokens:read', 'tokens:read'] }, 'scopes'],
  [{ organizations: [] }, 'organizations'],
  [{ organizations: ['acme', '*'] }, 'organizations'],
  [{ organizations: Array.from({ length: 51 }, (_, i) => `org-${i}`) }, 'organizations'],
  [{ expiresInDays: 0 }, 'expiresInDays'],
  [{ expiresInDays: 1.5 }, 'expiresInDays'],
])('%j is refused by field and nothing is stored', async ([changes, field]) => {
  const ports = world();
  await expect(issueKey(ports, { ...REQUEST, ...changes })).rejects.toMatchObject({ code: 'invalid_request', field });
  expect(ports.store.dump().apiKeys).toEqual([]);
});
