import { expect, test } from 'vitest';
import { COUNT, countOf, type GetContext, IF_ABSENT, type Legs, newKey, reasonsOf, seeded, write } from './helpers.ts';

/** What is refused before anything is written. */
export function validationTests(context: GetContext): void {
  const rows: readonly [string, (TableName: string) => Legs][] = [
    ['no legs', () => []],
    [
      'two legs on one item',
      (TableName) => {
        const Key = newKey();
        return [{ Delete: { TableName, Key } }, { ConditionCheck: { TableName, Key, ...IF_ABSENT } }];
      },
    ],
    ['101 legs', (TableName) => Array.from({ length: 101 }, () => ({ Delete: { TableName, Key: newKey() } }))],
    [
      'redundant parentheses',
      (TableName) => [{ Delete: { TableName, Key: newKey(), ConditionExpression: '((attribute_exists(pk)))' } }],
    ],
    [
      'a name that no expression uses',
      (TableName) => [
        { Delete: { TableName, Key: newKey(), ...IF_ABSENT, ExpressionAttributeNames: { '#unused': 'count' } } },
      ],
    ],
    [
      'two overlapping paths',
      (TableName) => [
        {
          Update: {
            TableName,
            Key: newKey(),
            UpdateExpression: 'SET m.a = :one REMOVE m',
            ExpressionAttributeValues: COUNT.ExpressionAttributeValues,
          },
        },
      ],
    ],
    ['an empty set', (TableName) => [{ Put: { TableName, Item: { ...newKey(), orgs: { SS: [] } } } }]],
  ];
  test.for(rows)('%s', async ([, legs]) => {
    expect(await reasonsOf(write(context(), legs(context().TableName)))).toBe('ValidationException');
  });

  test('an entry of a map that is not there is refused and undoes all', async () => {
    const { TableName } = context();
    const [there, other] = [await seeded(context()), await seeded(context())];
    const legs: Legs = [
      { Update: { TableName, Key: { pk: there.pk }, UpdateExpression: 'ADD #c :one', ...COUNT } },
      {
        Update: {
          TableName,
          Key: { pk: other.pk },
          UpdateExpression: 'SET m.a = :one',
          ExpressionAttributeValues: COUNT.ExpressionAttributeValues,
        },
      },
    ];
    // AWS documents the leg's ValidationError (API_TransactWriteItems, cancellation reasons); DynamoDB Local refuses the whole.
    const known = [[{ Code: 'None' }, { Code: 'ValidationError' }], 'ValidationException'];
    expect(known).toContainEqual(await reasonsOf(write(context(), legs)));
    expect(await countOf(context(), there.pk.S)).toBe(1);
  });

  test('a table that is not there', async () => {
    const legs: Legs = [{ Delete: { TableName: 'no-such-table', Key: newKey() } }];
    expect(await reasonsOf(write(context(), legs))).toBe('ResourceNotFoundException');
  });
}
