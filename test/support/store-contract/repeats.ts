import { expect, test } from 'vitest';
import { equals } from '../../../lib/domain/write.ts';
import {
  COMMITTED,
  type GetStore,
  newGrant,
  outcomeOf,
  putGrant,
  stored,
  transactionOf,
  updateGrant,
} from './helpers.ts';

/** A token makes a repeat harmless. */
export function repeatTests(store: GetStore): void {
  test('a repeat of a committed transaction is committed and changes nothing', async () => {
    const grant = await stored(store());
    const transaction = transactionOf(
      updateGrant(grant.pk, { set: { number: 8 }, addMembers: { orgs: ['globex'] } }, equals(['number'], 7)),
    );
    expect(await store().commit(transaction)).toEqual(COMMITTED);
    await store().commit(transactionOf(updateGrant(grant.pk, { set: { number: 9 } })));
    expect(await store().commit(structuredClone(transaction))).toEqual(COMMITTED);
    expect((await store().readGrant(grant.pk))?.number).toBe(9);
  });

  test('the same token with other contents is no verdict and changes nothing', async () => {
    const grant = await stored(store());
    const transaction = transactionOf(updateGrant(grant.pk, { set: { number: 8 } }));
    await store().commit(transaction);
    const other = { ...transaction, writes: [updateGrant(grant.pk, { set: { number: 9 } })] };
    expect(await outcomeOf(store().commit(other))).toBe('unavailable');
    expect((await store().readGrant(grant.pk))?.number).toBe(8);
  });

  test('a token longer than 36 characters is no verdict', async () => {
    const write = putGrant(newGrant());
    expect(await outcomeOf(store().commit({ token: 'x'.repeat(37), writes: [write] }))).toBe('unavailable');
  });
}
