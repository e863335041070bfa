import { expect, test } from 'vitest';
import type { LivingGrant } from '../../../lib/domain/grant.ts';
import {
  absent,
  allOf,
  anyOf,
  atLeast,
  atMost,
  below,
  type Condition,
  equals,
  hasSize,
  oneOf,
  present,
} from '../../../lib/domain/write.ts';
import { T0 } from '../grants.ts';
import { COMMITTED, checkGrant, type GetStore, newGrant, newKey, stored, transactionOf } from './helpers.ts';

/** The item the conditions are tried on: number 7, attempt-7 until T0, one doubt, organisations acme and globex. */
const SUBJECT: Partial<LivingGrant> = { orgs: new Set(['acme', 'globex']), doubts: { '5': T0 }, held: {} };

/** What each kind of condition says of an item and of its absence. */
export function conditionTests(store: GetStore): void {
  const rows: readonly [string, Condition, onItem: boolean, onNothing: boolean][] = [
    ['absent, of an attribute that is there', absent('status'), false, true],
    ['absent, of one that is not', absent('notBefore'), true, true],
    ['absent, of an entry that is there', absent('attempt', 'id'), false, true],
    ['absent, of an entry that is not', absent('doubts', '6'), true, true],
    ['absent, of an entry in a map that is not', absent('rejections', 'count'), true, true],
    ['present, of an attribute that is there', present('status'), true, false],
    ['present, of one that is not', present('notBefore'), false, false],
    ['present, of an entry that is there', present('doubts', '5'), true, false],
    ['present, of an entry that is not', present('doubts', '6'), false, false],
    ['equal text', equals(['generation'], 'gen-1'), true, false],
    ['other text', equals(['generation'], 'gen-2'), false, false],
    ['equal number', equals(['number'], 7), true, false],
    ['a number as text', equals(['number'], '7'), false, false],
    ['equal entry', equals(['attempt', 'id'], 'attempt-7'), true, false],
    ['other entry', equals(['attempt', 'id'], 'attempt-8'), false, false],
    ['equality with what is not there', equals(['notBefore'], 0), false, false],
    ['one of several', oneOf(['status'], ['suspect', 'active']), true, false],
    ['one of one', oneOf(['status'], ['active']), true, false],
    ['none of several', oneOf(['status'], ['suspect', 'closed']), false, false],
    ['one of none', oneOf(['status'], []), false, false],
    ['below a greater number', below(['number'], 8), true, false],
    ['below the same number', below(['number'], 7), false, false],
    ['below, of what is not there', below(['notBefore'], 9), false, false],
    ['below, of an entry', below(['attempt', 'until'], T0 + 1), true, false],
    ['at most the same number', atMost(['number'], 7), true, false],
    ['at most a smaller number', atMost(['number'], 6), false, false],
    ['at most, of what is not there', atMost(['notBefore'], 9), false, false],
    ['at least the same number', atLeast(['number'], 7), true, false],
    ['at least a greater number', atLeast(['number'], 8), false, false],
    ['at least, of text', atLeast(['generation'], 0), false, false],
    ['at least, of what is not there', atLeast(['notBefore'], 0), false, false],
    ['at least, of an entry', atLeast(['attempt', 'until'], T0), true, false],
    ['size of a map', hasSize(['doubts'], 1), true, false],
    ['another size of a map', hasSize(['doubts'], 2), false, false],
    ['size of an empty map', hasSize(['held'], 0), true, false],
    ['size of a set', hasSize(['orgs'], 2), true, false],
    ['size of what is not there', hasSize(['rejections'], 0), false, false],
    ['any of two, the second holding', anyOf(equals(['number'], 6), equals(['status'], 'active')), true, false],
    ['any of two, none holding', anyOf(equals(['number'], 6), equals(['status'], 'closed')), false, false],
    ['any of one', anyOf(equals(['number'], 7)), true, false],
    ['any of none', anyOf(), false, false],
    ['all of two, both holding', allOf(equals(['number'], 7), equals(['status'], 'active')), true, false],
    ['all of two, one holding', allOf(equals(['number'], 7), equals(['status'], 'closed')), false, false],
    ['all of none', allOf(), true, true],
    [
      'a free lease, as acquire asks for it',
      anyOf(absent('attempt'), below(['attempt', 'until'], T0 + 1), allOf(present('failure'), absent('access'))),
      true,
      true,
    ],
    ['nested alternatives', allOf(anyOf(absent('pk'), allOf(anyOf(present('number'))))), true, true],
  ];

  test.for(rows)('%s', async ([, condition, onItem, onNothing]) => {
    const grant = await stored(store(), newGrant(SUBJECT));
    const missing = newKey();
    expect(await store().commit(transactionOf(checkGrant(grant.pk, condition)))).toEqual(
      onItem ? COMMITTED : { committed: false, failed: [{ index: 0, image: grant }] },
    );
    expect(await store().commit(transactionOf(checkGrant(missing, condition)))).toEqual(
      onNothing ? COMMITTED : { committed: false, failed: [{ index: 0 }] },
    );
  });

  test('all conditions of a leg must hold', async () => {
    const grant = await stored(store(), newGrant(SUBJECT));
    const holding = [equals(['number'], 7), present('orgs')];
    expect(await store().commit(transactionOf(checkGrant(grant.pk, ...holding)))).toEqual(COMMITTED);
    expect(await store().commit(transactionOf(checkGrant(grant.pk, ...holding, absent('orgs'))))).toEqual({
      committed: false,
      failed: [{ index: 0, image: grant }],
    });
  });
}
