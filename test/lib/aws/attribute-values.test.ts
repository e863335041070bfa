import { expect, test } from 'vitest';
import { fromItem } from '../../../lib/aws/attribute-values.ts';

test('every type our records have becomes the JavaScript value that was written', () => {
  const item = fromItem({
    text: { S: '' },
    number: { N: '1795176000000' },
    flag: { BOOL: false },
    nothing: { NULL: true },
    bytes: { B: Uint8Array.from([0, 255]) },
    set: { SS: ['a', 'b'] },
    list: { L: [{ S: 'x' }, { M: { n: { N: '-1.5' } } }] },
    map: { M: {} },
  });
  expect(item).toEqual({
    text: '',
    number: 1_795_176_000_000,
    flag: false,
    nothing: null,
    bytes: Uint8Array.from([0, 255]),
    set: new Set(['a', 'b']),
    list: ['x', { n: -1.5 }],
    map: {},
  });
});

test('a type that no record has is refused', () => {
  expect(() => fromItem({ numbers: { NS: ['1'] } })).toThrow(TypeError);
});
