import { describe, expect, test } from 'vitest';
import { conditionExpression, createPlaceholders, updateExpression } from '../../../lib/aws/expressions.ts';
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

describe('a condition expression', () => {
  const rows: readonly [string, readonly Condition[], string, readonly unknown[]][] = [
    ['absent', [absent('pk')], 'attribute_not_exists(#n0)', []],
    ['present, of an entry', [present('attempt', 'id')], 'attribute_exists(#n0.#n1)', []],
    ['equals', [equals(['number'], 7)], '#n0 = :v0', [7]],
    ['one of', [oneOf(['status'], ['active', 'suspect'])], '(#n0 = :v0 OR #n0 = :v1)', ['active', 'suspect']],
    ['one of none', [oneOf(['status'], [])], '(attribute_exists(#n0) AND attribute_not_exists(#n0))', []],
    ['below', [below(['dueAt'], 9)], '#n0 < :v0', [9]],
    ['at most', [atMost(['dueAt'], 9)], '#n0 <= :v0', [9]],
    ['at least', [atLeast(['observedAt'], 9)], '#n0 >= :v0', [9]],
    ['size', [hasSize(['held'], 2)], 'size(#n0) = :v0', [2]],
    ['two conditions', [present('a'), present('b')], '(attribute_exists(#n0) AND attribute_exists(#n1))', []],
    ['alternatives', [anyOf(absent('a'), equals(['a'], 1))], '(attribute_not_exists(#n0) OR #n0 = :v0)', [1]],
    ['one alternative, without parentheses', [anyOf(allOf(absent('a')))], 'attribute_not_exists(#n0)', []],
    [
      'alternatives beside a condition',
      [anyOf(absent('a'), allOf(present('b'), absent('c'))), present('d')],
      '((attribute_not_exists(#n0) OR (attribute_exists(#n1) AND attribute_not_exists(#n2))) AND attribute_exists(#n3))',
      [],
    ],
    ['no alternatives', [anyOf()], '(attribute_exists(#n0) AND attribute_not_exists(#n0))', []],
    ['no conditions', [], '(attribute_exists(#n0) OR attribute_not_exists(#n0))', []],
  ];
  test.for(rows)('%s', ([, conditions, expression, values]) => {
    const placeholders = createPlaceholders();
    expect(conditionExpression(conditions, placeholders)).toBe(expression);
    expect(Object.values(placeholders.declared().ExpressionAttributeValues ?? {})).toEqual(values);
  });

  test('declares a name once and each value, and no empty maps', () => {
    const placeholders = createPlaceholders();
    expect(placeholders.declared()).toEqual({});
    conditionExpression([equals(['attempt', 'id'], 'a'), equals(['id'], 'a')], placeholders);
    expect(placeholders.declared()).toEqual({
      ExpressionAttributeNames: { '#n0': 'attempt', '#n1': 'id' },
      ExpressionAttributeValues: { ':v0': 'a', ':v1': 'a' },
    });
  });
});

describe('an update expression', () => {
  test('names every kind of change once', () => {
    const placeholders = createPlaceholders();
    const change = {
      set: { number: 8, notBefore: undefined },
      setEntries: { held: { 'attempt-8': { version: 8 } } },
      remove: ['failure', 'rejections'],
      removeEntries: { doubts: ['5', '6'] },
      addMembers: { orgs: ['acme'] },
      removeMembers: { others: ['globex'] },
    };
    expect(updateExpression(change, placeholders)).toBe(
      'SET #n0 = :v0, #n1.#n2 = :v1 REMOVE #n3, #n4, #n5.#n6, #n5.#n7 ADD #n8 :v2 DELETE #n9 :v3',
    );
    expect(placeholders.declared()).toEqual({
      ExpressionAttributeNames: {
        '#n0': 'number',
        '#n1': 'held',
        '#n2': 'attempt-8',
        '#n3': 'failure',
        '#n4': 'rejections',
        '#n5': 'doubts',
        '#n6': '5',
        '#n7': '6',
        '#n8': 'orgs',
        '#n9': 'others',
      },
      ExpressionAttributeValues: {
        ':v0': 8,
        ':v1': { version: 8 },
        ':v2': new Set(['acme']),
        ':v3': new Set(['globex']),
      },
    });
  });

  test.for([
    [{}],
    [{ set: { number: undefined } }],
    [{ remove: [], removeEntries: { doubts: [] }, addMembers: { orgs: [] }, removeMembers: { orgs: undefined } }],
  ] as const)('of nothing is none (%#)', ([change]) => {
    const placeholders = createPlaceholders();
    expect(updateExpression(change as object, placeholders)).toBeUndefined();
    expect(placeholders.declared()).toEqual({});
  });
});
