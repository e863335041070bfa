import type { GrantKey, Instant } from '../../lib/domain/grant.ts';
import { TABLES, type TableName } from '../../lib/domain/names.ts';
import type { Key } from '../../lib/domain/write.ts';
import type { DueEntry } from '../../lib/service/ports.ts';
import type { Item } from './memory-items.ts';

/**
 * Where the in-memory store keeps its items. Nothing is copied here: an item that lies in a table is never changed but
 * replaced, so whoever is handed one may look at it and must copy it before giving it away.
 */
export interface MemoryTables {
  get(table: TableName, key: Key): Item | undefined;
  /** Undefined removes it. */
  set(place: { readonly table: TableName; readonly key: Key }, item: Item | undefined): void;
  /** All items of one partition key, in order of the sort key. */
  under(table: TableName, pk: string): Item[];
  /** All items in order of their keys. */
  sorted(table: TableName): Item[];
  each(table: TableName): Iterable<Item>;
  /** What the due index lists of a partition. */
  due(partition: string, at: Instant, limit: number): DueEntry[];
  /** How many entries a partition of the due index has. */
  count(partition: string): number;
}

/** Empty tables. */
export function createMemoryTables(): MemoryTables {
  const tables = new Map(TABLES.map((table) => [table, createTable()]));
  const index = createDueIndex();
  const tableOf = (name: TableName): Table => {
    const table = tables.get(name);
    if (table === undefined) throw new TypeError(`there is no table ${name}`);
    return table;
  };
  return {
    get: (table, key) => tableOf(table).items.get(placeOf(key)),
    set({ table, key }, item) {
      if (table === 'grants') index.move(key.pk, tableOf(table).items.get(placeOf(key)), item);
      tableOf(table).set(key, item);
    },
    under: (table, pk) => tableOf(table).under(pk),
    sorted: (table) => tableOf(table).sorted(),
    each: (table) => tableOf(table).items.values(),
    due: index.due,
    count: index.count,
  };
}

/** One text per key, in the order of the keys. */
export function placeOf({ pk, sk }: Key): string {
  return sk === undefined ? pk : `${pk}\u0000${sk}`;
}

function inOrder(items: ReadonlyMap<string, Item>): Item[] {
  return [...items].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
}

type Table = ReturnType<typeof createTable>;

function createTable() {
  const items = new Map<string, Item>();
  /** Of all places; forgotten when one comes or goes. */
  let order: string[] | undefined;
  /** Only of items with a sort key. */
  const groups = new Map<string, Map<string, Item>>();
  return {
    items: items as ReadonlyMap<string, Item>,
    set(key: Key, item: Item | undefined): void {
      const place = placeOf(key);
      if (item === undefined || !items.has(place)) order = undefined;
      if (item === undefined) items.delete(place);
      else items.set(place, item);
      if (key.sk === undefined) return;
      const group = groups.get(key.pk) ?? new Map<string, Item>();
      groups.set(key.pk, group);
      if (item === undefined) group.delete(place);
      else group.set(place, item);
    },
    sorted(): Item[] {
      order ??= [...items.keys()].toSorted();
      return order.map((place) => items.get(place)).filter((item) => item !== undefined);
    },
    under: (pk: string): Item[] => inOrder(groups.get(pk) ?? new Map()),
  };
}

function createDueIndex() {
  const partitions = new Map<string, Map<string, Instant>>();
  /** Partitions as they were listed last; one that changes is dropped. */
  const listed = new Map<string, DueEntry[]>();

  function entries(partition: string): DueEntry[] {
    const known = listed.get(partition);
    if (known !== undefined) return known;
    const sorted = [...(partitions.get(partition) ?? [])]
      .map(([pk, dueAt]) => ({ grant: pk as GrantKey, dueAt }))
      .toSorted((a, b) => a.dueAt - b.dueAt);
    listed.set(partition, sorted);
    return sorted;
  }
  return {
    move(pk: string, before: Item | undefined, after: Item | undefined): void {
      const [from, to] = [entryOf(before), entryOf(after)];
      if (from?.partition === to?.partition && from?.dueAt === to?.dueAt) return;
      if (from !== undefined) {
        partitions.get(from.partition)?.delete(pk);
        listed.delete(from.partition);
      }
      if (to === undefined) return;
      const partition = partitions.get(to.partition) ?? new Map<string, Instant>();
      partitions.set(to.partition, partition.set(pk, to.dueAt));
      listed.delete(to.partition);
    },
    due(partition: string, at: Instant, limit: number): DueEntry[] {
      const due: DueEntry[] = [];
      for (const entry of entries(partition)) {
        if (entry.dueAt > at || due.length >= limit) break;
        due.push({ ...entry });
      }
      return due;
    },
    count: (partition: string): number => partitions.get(partition)?.size ?? 0,
  };
}

/** An item is in the index when it has both of its attributes. */
function entryOf(item: Item | undefined): { partition: string; dueAt: Instant } | undefined {
  const { duePartition: partition, dueAt } = item ?? {};
  return typeof partition === 'string' && typeof dueAt === 'number' ? { partition, dueAt } : undefined;
}
