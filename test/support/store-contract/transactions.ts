import { expect, test } from 'vitest';
import type { GrantKey } from '../../../lib/domain/grant.ts';
import { absent, equals, present, type Write } from '../../../lib/domain/write.ts';
import {
  COMMITTED,
  checkGrant,
  type GetStore,
  newGrant,
  newKey,
  outcomeOf,
  putGrant,
  records,
  settled,
  stored,
  transactionOf,
  updateGrant,
} from './helpers.ts';

/** All legs or none; who fails is named. */
export function transactionTests(store: GetStore): void {
  test('legs on several tables are written together', async () => {
    const { organizationId, connection, claim } = records();
    const grant = newGrant();
    const verdict = await store().commit(
      transactionOf(
        putGrant(grant, absent('pk')),
        {
          table: 'connections',
          key: { pk: connection.pk, sk: connection.sk },
          when: [absent('pk')],
          op: 'put',
          item: connection,
        },
        { table: 'connections', key: { pk: claim.pk, sk: claim.sk }, when: [absent('pk')], op: 'put', item: claim },
      ),
    );
    expect(verdict).toEqual(COMMITTED);
    expect(await store().readServed(organizationId, 'quickbooks', grant.pk)).toEqual({ connection, grant });
  });

  test('one failed leg undoes all, and only failed legs are named, each with its image', async () => {
    const [first, second, third] = [await stored(store()), await stored(store()), await stored(store())];
    const [created, missing] = [newGrant(), newKey()];
    const verdict = await store().commit(
      transactionOf(
        updateGrant(first.pk, { set: { number: 8 } }, equals(['number'], 7)),
        updateGrant(second.pk, { set: { number: 8 } }, equals(['number'], 6)),
        putGrant(created, absent('pk')),
        checkGrant(missing, present('pk')),
        { table: 'grants', key: { pk: third.pk }, when: [], op: 'delete' },
      ),
    );
    expect(verdict).toEqual({ committed: false, failed: [{ index: 1, image: second }, { index: 3 }] });
    expect(await store().readGrant(first.pk)).toEqual(first);
    expect(await store().readGrant(second.pk)).toEqual(second);
    expect(await store().readGrant(third.pk)).toEqual(third);
    expect(await store().readGrant(created.pk)).toBeUndefined();
  });

  test('an impossible leg undoes all and is no verdict, even beside a failed condition', async () => {
    const [first, second] = [await stored(store()), await stored(store())];
    const impossible = updateGrant(second.pk, { setEntries: { rejections: { count: 1 } } });
    const holding = transactionOf(updateGrant(first.pk, { set: { number: 8 } }), impossible);
    expect(await outcomeOf(store().commit(holding))).toBe('unavailable');
    const failing = transactionOf(checkGrant(first.pk, equals(['number'], 6)), impossible);
    expect(await outcomeOf(store().commit(failing))).toBe('unavailable');
    expect(await store().readGrant(first.pk)).toEqual(first);
  });

  test.for<[string, (pk: GrantKey) => readonly Write[]]>([
    ['two legs on one item', (pk) => [checkGrant(pk, present('pk')), updateGrant(pk, { set: { number: 8 } })]],
    ['no legs', () => []],
  ])('%s are no verdict', async ([, writes]) => {
    const grant = await stored(store());
    expect(await outcomeOf(store().commit(transactionOf(...writes(grant.pk))))).toBe('unavailable');
    expect(await store().readGrant(grant.pk)).toEqual(grant);
  });

  test('of commits at the same time with the same condition exactly one is written', async () => {
    const grant = await stored(store());
    const attempt = (id: string) =>
      settled(
        store(),
        transactionOf(updateGrant(grant.pk, { set: { number: 8, generation: id } }, equals(['number'], 7))),
      );
    const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
    const verdicts = await Promise.all(ids.map(attempt));
    const winners = ids.filter((_, index) => verdicts[index]?.committed);
    const read = await store().readGrant(grant.pk);
    expect(winners).toEqual([read?.generation]);
    const losers = verdicts.filter((verdict) => !verdict.committed);
    expect(losers).toEqual(
      Array.from({ length: 5 }, () => ({ committed: false, failed: [{ index: 0, image: read }] })),
    );
  });

  test('writers of two items never see one without the other', async () => {
    const [left, right] = [await stored(store()), await stored(store())];
    const raise = async () => {
      for (let tries = 0; tries < 200; tries += 1) {
        const number = (await store().readGrant(left.pk))?.number ?? 0;
        const legs = [left.pk, right.pk].map((pk) =>
          updateGrant(pk, { set: { number: number + 1 } }, equals(['number'], number)),
        );
        if ((await settled(store(), transactionOf(...legs))).committed) return;
      }
    };
    await Promise.all([raise(), raise(), raise(), raise()]);
    expect((await store().readGrant(left.pk))?.number).toBe(11);
    expect((await store().readGrant(right.pk))?.number).toBe(11);
  });
}
