import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { LivingGrant } from '../../../lib/domain/grant.ts';
import { type Change, present, type Records } from '../../../lib/domain/write.ts';
import { T0 } from '../grants.ts';
import { checkGrant, type GetStore, newGrant, newKey, stored, transactionOf, updateGrant } from './helpers.ts';

/** The due index holds what has both a partition and a due date. */
export function dueTests(store: GetStore): void {
  async function due(partition: string, ...instants: readonly number[]): Promise<LivingGrant[]> {
    return Promise.all(instants.map((dueAt) => stored(store(), newGrant({ duePartition: partition, dueAt }))));
  }

  test('what is due is listed, most overdue first, up to and with the instant', async () => {
    const partition = randomUUID();
    const [late, first, now, later] = await due(partition, T0 - 10, T0 - 20, T0, T0 + 1);
    expect(await store().listDue(partition, T0, 10)).toEqual([
      { grant: first?.pk, dueAt: T0 - 20 },
      { grant: late?.pk, dueAt: T0 - 10 },
      { grant: now?.pk, dueAt: T0 },
    ]);
    expect((await store().listDue(partition, T0 + 1, 10)).at(-1)).toEqual({ grant: later?.pk, dueAt: T0 + 1 });
  });

  test('no more than the limit', async () => {
    const partition = randomUUID();
    const [, first, second] = await due(partition, T0, T0 - 20, T0 - 10);
    expect((await store().listDue(partition, T0, 2)).map(({ grant }) => grant)).toEqual([first?.pk, second?.pk]);
  });

  test('a grant moves with its due date and its partition, and leaves with either', async () => {
    const [from, to] = [randomUUID(), randomUUID()];
    const [grant] = await due(from, T0);
    const pk = grant?.pk ?? newKey();
    const change = (changes: Change<Records['grants']>) => store().commit(transactionOf(updateGrant(pk, changes)));
    await change({ set: { dueAt: T0 - 5, duePartition: to } });
    expect(await store().listDue(from, T0, 10)).toEqual([]);
    expect(await store().listDue(to, T0, 10)).toEqual([{ grant: pk, dueAt: T0 - 5 }]);
    await change({ remove: ['dueAt'] });
    expect(await store().listDue(to, T0, 10)).toEqual([]);
    await change({ set: { dueAt: T0 } });
    expect(await store().listDue(to, T0, 10)).toEqual([{ grant: pk, dueAt: T0 }]);
    await change({ remove: ['dueAt', 'duePartition'] });
    expect(await store().listDue(to, T0, 10)).toEqual([]);
  });

  test('a partition is counted whole, due or not', async () => {
    const partition = randomUUID();
    expect(await store().countPartition(partition)).toBe(0);
    const [grant] = await due(partition, T0 - 10, T0, T0 + 1_000_000);
    expect(await store().countPartition(partition)).toBe(3);
    await store().commit(transactionOf(updateGrant(grant?.pk ?? newKey(), { remove: ['dueAt'] })));
    expect(await store().countPartition(partition)).toBe(2);
  });

  test('a transaction that was undone leaves the index as it was', async () => {
    const partition = randomUUID();
    const [grant] = await due(partition, T0);
    const pk = grant?.pk ?? newKey();
    await store().commit(transactionOf(updateGrant(pk, { remove: ['dueAt'] }), checkGrant(newKey(), present('pk'))));
    expect(await store().listDue(partition, T0, 10)).toEqual([{ grant: pk, dueAt: T0 }]);
  });
}
