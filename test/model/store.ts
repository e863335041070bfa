import type { Grant } from '../../lib/domain/grant.ts';
import type { FailedLeg, Transaction, Write } from '../../lib/domain/write.ts';
import { applied, holds, type Item } from '../support/memory-items.ts';
import { idOf, intern } from './intern.ts';
import type { World } from './world.ts';

/**
 * The store, by the same semantics as the in-memory one of the tests. Audit rows are not kept: that each transition
 * has one is checked on the transaction itself.
 */

export type Outcome =
  | { readonly committed: true; readonly world: World }
  | { readonly committed: false; readonly failed: readonly FailedLeg[] };

const FAILED = Symbol('failed');
const DELETED = Symbol('deleted');
/** What a leg makes of an item, worked out once. */
const results = new WeakMap<Write, Map<number, Item | typeof FAILED | typeof DELETED>>();

/** One all-or-nothing write on the world as it is. Throws for a transaction that no store would take. */
export function write(world: World, transaction: Transaction): Outcome {
  const legs = transaction.writes.filter(({ table }) => table !== 'audit');
  const keys = legs.map(itemKey);
  if (new Set(keys).size < keys.length) return impossible(world, keys);
  const failed: FailedLeg[] = [];
  const store: Record<string, Item> = { ...world.store };
  for (const [at, leg] of legs.entries()) {
    const key = keys[at] ?? '';
    const before = world.store[key];
    const after = legResult(leg, before);
    if (after === FAILED) {
      failed.push({ index: transaction.writes.indexOf(leg), ...(before === undefined ? {} : { image: before }) });
    } else if (after === DELETED) delete store[key];
    else store[key] = after;
  }
  return failed.length > 0
    ? { committed: false, failed }
    : { committed: true, world: { ...world, store: intern(store), stored: known(world, storedBy(transaction)) } };
}

function known({ stored }: World, ids: readonly string[]): readonly string[] {
  return ids.length === 0 ? stored : [...new Set([...stored, ...ids])];
}

const STORED: ReadonlySet<string> = new Set(['attempt.ok', 'attempt.superseded', 'attempt.late', 'grant.banked']);

/** Whose tokens the transaction stores: the attempts or flows that its audit rows name. */
export function storedBy({ writes }: Transaction): readonly string[] {
  return writes.flatMap((leg) =>
    leg.table === 'audit' && leg.op === 'put' && STORED.has(leg.item.event) ? [leg.item.sk.split('#')[1] ?? ''] : [],
  );
}

/** The grant as a failed leg showed it; undefined when no grant's condition failed. */
export function imageOf(transaction: Transaction, failed: readonly FailedLeg[]): Grant | undefined {
  const leg = failed.find(({ index }) => transaction.writes[index]?.table === 'grants');
  return leg?.image as Grant | undefined;
}

/** Where an item stands in the store of a world. */
function itemKey({ table, key }: Pick<Write, 'table' | 'key'>): string {
  return key.sk === undefined ? `${table}/${key.pk}` : `${table}/${key.pk}/${key.sk}`;
}

/** The item without what counts for nothing but reports, so that histories that differ in it only are one. */
function storable(item: Item): Item {
  return 'refreshCount' in item ? { ...item, refreshCount: 0, failedRefreshCount: 0 } : item;
}

/** DynamoDB refuses a transaction with two writes to one item, whatever they say. */
function impossible(world: World, keys: readonly string[]): Outcome {
  const twice = keys.find((key, at) => keys.indexOf(key) < at);
  return { committed: true, world: { ...world, problem: `a transaction writes ${twice} twice, which no store takes` } };
}

function legResult(leg: Write, before: Item | undefined): Item | typeof FAILED | typeof DELETED {
  const id = before === undefined ? 0 : idOf(before);
  const known = results.get(leg) ?? new Map<number, Item | typeof FAILED | typeof DELETED>();
  results.set(leg, known);
  const found = known.get(id);
  if (found !== undefined) return found;
  const after = leg.when.every((condition) => holds(condition, before)) ? applied(leg, before) : FAILED;
  const result = after === FAILED ? FAILED : after === undefined ? DELETED : intern(storable(after as Item));
  known.set(id, result);
  return result;
}
