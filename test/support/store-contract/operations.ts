import { expect, test } from 'vitest';
import { type AuditRow, auditRow } from '../../../lib/domain/audit.ts';
import { appendAudit, type Change, equals, present, type Records, type Write } from '../../../lib/domain/write.ts';
import { T0 } from '../grants.ts';
import { COMMITTED, type GetStore, newGrant, newKey, stored, transactionOf, updateGrant } from './helpers.ts';

/** What put, update, delete and check do. */
export function operationTests(store: GetStore): void {
  test('a put replaces the whole item', async () => {
    const grant = await stored(store(), newGrant({ notBefore: T0, doubts: { '5': 1 } }));
    const next = newGrant({ pk: grant.pk, number: 8 });
    await stored(store(), next);
    expect(await store().readGrant(grant.pk)).toEqual(next);
  });

  test('a put under another key than it names is refused', async () => {
    const grant = newGrant();
    const write: Write = { table: 'grants', key: { pk: newKey() }, when: [], op: 'put', item: grant };
    await expect(store().commit(transactionOf(write))).rejects.toThrow(TypeError);
    expect(await store().readGrant(grant.pk)).toBeUndefined();
  });

  test('a delete removes the item, and says nothing when there is none', async () => {
    const grant = await stored(store());
    const remove: Write = { table: 'grants', key: { pk: grant.pk }, when: [], op: 'delete' };
    expect(await store().commit(transactionOf(remove))).toEqual(COMMITTED);
    expect(await store().readGrant(grant.pk)).toBeUndefined();
    expect(await store().commit(transactionOf(remove))).toEqual(COMMITTED);
  });

  test('a delete whose condition fails answers the image and removes nothing', async () => {
    const grant = await stored(store());
    const when = [equals(['number'], 8)];
    const remove: Write = { table: 'grants', key: { pk: grant.pk }, when, op: 'delete' };
    expect(await store().commit(transactionOf(remove))).toEqual({
      committed: false,
      failed: [{ index: 0, image: grant }],
    });
    expect(await store().readGrant(grant.pk)).toEqual(grant);
  });

  test('an update creates an item that is not there', async () => {
    const grant = newGrant();
    const { pk, ...set } = grant;
    expect(await store().commit(transactionOf(updateGrant(pk, { set })))).toEqual(COMMITTED);
    expect(await store().readGrant(pk)).toEqual(grant);
  });

  test.for<[string, Change<Records['grants']>]>([
    ['an update of nothing', {}],
    [
      'an update of undefined and empty members',
      { set: { number: undefined } as never, remove: [], addMembers: { orgs: [] } },
    ],
  ])('%s checks its conditions and creates nothing', async ([, change]) => {
    const pk = newKey();
    expect(await store().commit(transactionOf(updateGrant(pk, change)))).toEqual(COMMITTED);
    expect(await store().readGrant(pk)).toBeUndefined();
    expect(await store().commit(transactionOf(updateGrant(pk, change, present('pk'))))).toEqual({
      committed: false,
      failed: [{ index: 0 }],
    });
  });

  test('an audit row is put once', async () => {
    const row: AuditRow = auditRow({
      pk: `GRANT#${newKey()}`,
      id: 'attempt-7',
      event: 'attempt.ok',
      provider: 'quickbooks',
      at: T0,
      startedAt: T0 - 800,
    });
    expect(await store().commit(transactionOf(appendAudit(row)))).toEqual(COMMITTED);
    expect(await store().commit(transactionOf(appendAudit({ ...row, at: T0 + 1 })))).toEqual({
      committed: false,
      failed: [{ index: 0, image: row }],
    });
  });
}
