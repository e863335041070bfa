import { expect, test } from 'vitest';
import type { ApiKey } from '../../../lib/domain/api-key.ts';
import { authorizeKey } from '../../../lib/service/authorize-key.ts';
import { issueKey } from '../../../lib/service/issue-key.ts';
import { rotateKey } from '../../../lib/service/rotate-key.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { DAY, HOUR, T0 } from '../../support/grants.ts';
import { createMemoryStore } from '../../support/memory-store.ts';

const REQUEST = { name: 'Portal', scopes: ['tokens:read'], organizations: ['acme'] } as const;

async function given(expiresInDays?: number) {
  const clock = createFakeClock({ startAt: T0 });
  const store = createMemoryStore({ now: clock.now });
  const ports = { store, clock, environment: 'dev', log: () => undefined };
  const issued = await issueKey(ports, { ...REQUEST, ...(expiresInDays === undefined ? {} : { expiresInDays }) });
  await clock.advance(DAY);
  return { clock, store, ports, old: issued };
}

test('the new key may what the old one may, and the old one ends after the overlap', async () => {
  const { ports, clock, old, store } = await given();
  const { key, record, previousEndsAt } = await rotateKey(ports, { id: old.record.pk, overlapMs: HOUR });
  expect([
    record.name,
    record.scopes,
    record.organizations,
    record.createdAt,
    record.expiresAt,
    previousEndsAt,
  ]).toEqual(['Portal', ['tokens:read'], ['acme'], T0 + DAY, undefined, T0 + DAY + HOUR]);
  const allowed = { scopes: ['tokens:read'], organizations: ['acme'] };
  expect(await authorizeKey(ports, key.open())).toMatchObject(allowed);
  expect(await authorizeKey(ports, old.key.open())).toMatchObject(allowed);
  await clock.advance(HOUR);
  expect(await authorizeKey(ports, key.open())).toMatchObject(allowed);
  await expect(authorizeKey(ports, old.key.open())).rejects.toMatchObject({ code: 'unauthorized' });
  expect(JSON.stringify(store.dump().apiKeys)).not.toContain(key.open().slice(-49));
});

test('a key made for thirty days is followed by one for thirty days', async () => {
  const { ports, old } = await given(30);
  const { record, previousEndsAt } = await rotateKey(ports, { id: old.record.pk, overlapMs: 60 * DAY });
  // The old one does not live longer than it was meant to.
  expect([record.expiresAt, previousEndsAt]).toEqual([T0 + 31 * DAY, T0 + 30 * DAY]);
});

test.for<[string, Partial<ApiKey>]>([
  ['revoked', { revokedAt: T0 }],
  ['expired', { expiresAt: T0 + DAY }],
])('a key that is %s is not rotated', async ([, change]) => {
  const { ports, old, store } = await given();
  const key = { pk: old.record.pk };
  await store.commit({ token: 'given', writes: [{ table: 'apiKeys', key, when: [], op: 'update', set: change }] });
  const rotating = rotateKey(ports, { id: old.record.pk, overlapMs: HOUR });
  await expect(rotating).rejects.toMatchObject({ code: 'invalid_request', field: 'id' });
  expect(store.dump().apiKeys).toHaveLength(1);
});

test('an id that is not known is not found', async () => {
  const { ports } = await given();
  await expect(rotateKey(ports, { id: 'none', overlapMs: 0 })).rejects.toMatchObject({ code: 'not_found' });
});

test('a key that is revoked in between leaves no new one', async () => {
  const { ports, old, store } = await given();
  const stop = store.onCommit({
    async before() {
      stop();
      const revoke = {
        table: 'apiKeys',
        key: { pk: old.record.pk },
        when: [],
        op: 'update',
        set: { revokedAt: 1 },
      } as const;
      await store.commit({ token: 'between', writes: [revoke] });
    },
  });
  const rotating = rotateKey(ports, { id: old.record.pk, overlapMs: HOUR });
  await expect(rotating).rejects.toMatchObject({ code: 'unavailable' });
  expect(store.dump().apiKeys).toHaveLength(1);
});
