import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { GrantKey } from '../../lib/domain/grant.ts';
import type { Condition, Path, Scalar, Transaction, Write } from '../../lib/domain/write.ts';
import type { Store } from '../../lib/service/ports.ts';
import { createMemoryStore } from './memory-store.ts';
import { outcomeOf } from './store-contract/helpers.ts';
import type { StorePlace } from './store-contract.ts';

/**
 * Whether a store and the in-memory one answer alike, whatever they are asked: random items, conditions and changes, the
 * same verdict, images, items and due entries after each of a few transactions.
 */
export function storeAgreement(
  name: string,
  createPlace: () => Promise<StorePlace>,
  { runs = 100, seed }: { readonly runs?: number; readonly seed?: number } = {},
): void {
  describe(`the ${name} store`, () => {
    let place: StorePlace;
    beforeAll(async () => {
      place = await createPlace();
    });
    afterAll(() => place.stop?.());

    test(`agrees with the in-memory store on ${runs} random histories`, { timeout: 120_000 }, async () => {
      const property = fc.asyncProperty(HISTORY, async (history) => {
        const memory = createMemoryStore();
        const prefix = randomUUID();
        for (const writes of history) {
          const transaction = bind(writes, prefix);
          const [here, there] = [
            await outcomeOf(memory.commit(transaction)),
            await outcomeOf(place.store.commit(transaction)),
          ];
          expect(there).toEqual(here);
          expect(await stateOf(place.store, prefix)).toEqual(await stateOf(memory, prefix));
        }
      });
      await fc.assert(property, { numRuns: runs, ...(seed === undefined ? {} : { seed }) });
    });
  });
}

const ITEMS = ['one', 'two', 'three'] as const;

/** A write before it is bound to the keys of a run. */
type Draft = { readonly item: (typeof ITEMS)[number] } & Record<string, unknown>;

function keyOf(prefix: string, item: string): GrantKey {
  return `xero#${prefix}-${item}`;
}

function bind(drafts: readonly Draft[], prefix: string): Transaction {
  const writes = drafts.map(({ item, ...draft }) => {
    const key = { pk: keyOf(prefix, item) };
    const bound = draft.op === 'put' ? { ...draft, item: { ...(draft.content as object), ...key, v: 1 } } : draft;
    return { table: 'grants', key, ...bound } as unknown as Write;
  });
  return { token: randomUUID(), writes: writes.map((write) => withPartition(write, prefix)) };
}

/** Each run has an index partition of its own. */
function withPartition(write: Write, prefix: string): Write {
  const text = (value: unknown): unknown => (value === 'PARTITION' ? prefix : value);
  const over = (record: object) =>
    Object.fromEntries(Object.entries(record).map(([name, value]) => [name, text(value)]));
  if (write.op === 'put') return { ...write, item: over(write.item) } as unknown as Write;
  return write.op === 'update' && write.set !== undefined
    ? ({ ...write, set: { ...over(write.set), v: 1 } } as unknown as Write)
    : write;
}

async function stateOf(store: Store, prefix: string) {
  const items = await Promise.all(ITEMS.map((item) => outcomeOf(store.readGrant(keyOf(prefix, item)))));
  const due = await store.listDue(prefix, 2, 10);
  // Entries of the same instant come in any order.
  return {
    items,
    count: await store.countPartition(prefix),
    due: due.toSorted((a, b) => a.dueAt - b.dueAt || (a.grant < b.grant ? -1 : 1)),
  };
}

const NUMBER = fc.integer({ min: 0, max: 3 });
const TEXT = fc.constantFrom('a', 'b', 'active');
const MEMBERS = fc.uniqueArray(fc.constantFrom('x', 'y', 'z'), { maxLength: 3 });
const SET = fc.uniqueArray(fc.constantFrom('x', 'y', 'z'), { minLength: 1 }).map((members) => new Set(members));
const MAP = fc.dictionary(fc.constantFrom('5', '6', 'id'), fc.oneof(NUMBER, TEXT), { maxKeys: 3 });
/** Never empty: dynalite gives that no size where DynamoDB says 0, and no condition of ours asks for it. */
const BYTES = fc.uint8Array({ minLength: 1, maxLength: 4 });

const ATTRIBUTES = {
  number: NUMBER,
  status: TEXT,
  orgs: SET,
  doubts: MAP,
  attempt: MAP,
  auditOwed: fc.oneof(NUMBER, TEXT, fc.boolean(), BYTES, fc.array(NUMBER, { maxLength: 2 }), fc.constant(null)),
  duePartition: fc.constant('PARTITION'),
  dueAt: NUMBER,
};
const CONTENT = fc.record(ATTRIBUTES, { requiredKeys: [] });

const PATH: fc.Arbitrary<Path> = fc.oneof(
  fc.constantFrom<Path>(['pk'], ['number'], ['status'], ['orgs'], ['doubts'], ['attempt'], ['auditOwed'], ['missing']),
  fc.tuple(fc.constantFrom('doubts', 'attempt', 'missing', 'number'), fc.constantFrom('5', '6', 'id')),
);
const SCALAR: fc.Arbitrary<Scalar> = fc.oneof(NUMBER, TEXT, fc.boolean());

const { condition: CONDITION } = fc.letrec<{ condition: Condition; nested: readonly Condition[] }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 2, depthSize: 'small' },
    fc.record({ path: PATH, is: fc.constantFrom('absent', 'present') }) as fc.Arbitrary<Condition>,
    fc.record({ path: PATH, equals: SCALAR }),
    fc.record({ path: PATH, oneOf: fc.array(SCALAR, { maxLength: 3 }) }),
    fc.record({ path: PATH, below: NUMBER }),
    fc.record({ path: PATH, atMost: NUMBER }),
    fc.record({ path: PATH, atLeast: NUMBER }),
    fc.record({ path: PATH, size: NUMBER }),
    fc.record({ anyOf: tie('nested') }),
    fc.record({ allOf: tie('nested') }),
  ),
  nested: fc.array(tie('condition'), { maxLength: 3 }),
}));

const NAMES = fc.subarray(['number', 'status', 'orgs', 'doubts', 'attempt', 'duePartition', 'dueAt', 'missing'], {
  maxLength: 2,
});
const ENTRY_NAMES = fc.uniqueArray(fc.constantFrom('5', '6', 'id'), { maxLength: 2 });
const CHANGE = fc.record(
  {
    set: fc.record(ATTRIBUTES, { requiredKeys: [] }),
    setEntries: fc.record({ doubts: MAP, attempt: MAP }, { requiredKeys: [] }),
    remove: NAMES,
    removeEntries: fc.record({ doubts: ENTRY_NAMES, attempt: ENTRY_NAMES }, { requiredKeys: [] }),
    addMembers: fc.record({ orgs: MEMBERS }, { requiredKeys: [] }),
    removeMembers: fc.record({ orgs: MEMBERS }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);

const WHEN = fc.array(CONDITION, { maxLength: 2 });
const OPERATION = fc.oneof(
  fc.record({ op: fc.constant('put'), content: CONTENT, when: WHEN }),
  fc.tuple(CHANGE, WHEN).map(([change, when]) => ({ op: 'update', ...change, when })),
  fc.tuple(CHANGE, WHEN).map(([change]) => ({ op: 'update', ...change, when: [] })),
  fc.record({ op: fc.constantFrom('delete', 'check'), when: WHEN }),
);

const TRANSACTION = fc
  .tuple(fc.shuffledSubarray([...ITEMS], { minLength: 1 }), fc.array(OPERATION, { minLength: 3, maxLength: 3 }))
  .map(([items, operations]) => items.map((item, index): Draft => ({ ...operations[index], item })));

/** Begins with items to work on. */
const FIRST = fc
  .array(CONTENT, { minLength: 2, maxLength: 2 })
  .map((contents) =>
    contents.map((content, index): Draft => ({ op: 'put', content, when: [], item: ITEMS[index] ?? 'one' })),
  );
const HISTORY = fc
  .tuple(FIRST, fc.array(TRANSACTION, { minLength: 1, maxLength: 4 }))
  .map(([first, rest]) => [first, ...rest]);
