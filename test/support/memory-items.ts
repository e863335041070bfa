import type { Change, Condition, Path, Scalar, Write } from '../../lib/domain/write.ts';

/** What DynamoDB does to one item, over plain values. Written apart from the adapter, so that the two can be compared. */
export type Item = Record<string, unknown>;

/** The request itself is impossible (DynamoDB: ValidationException or a leg's ValidationError). */
export class ImpossibleWrite extends Error {}

/** A copy that shares nothing: undefined members gone, sets and binary their own. Refuses what DynamoDB cannot hold. */
export function copyOf<T>(value: T): T {
  return copy(value) as T;
}

function copy(value: unknown): unknown {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (value instanceof Set) {
    if (value.size === 0) throw new ImpossibleWrite('an empty set cannot be stored');
    return new Set(value);
  }
  if (Array.isArray(value)) return value.map(copy);
  if (typeof value === 'object' && value !== null) {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) {
      throw new ImpossibleWrite(`an instance of ${value.constructor.name} cannot be stored`);
    }
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, member]) => (member === undefined ? [] : [[name, copy(member)]])),
    );
  }
  if (typeof value === 'number' && !Number.isFinite(value)) throw new ImpossibleWrite(`${value} cannot be stored`);
  if (typeof value === 'function' || typeof value === 'symbol') {
    throw new ImpossibleWrite(`a ${typeof value} cannot be stored`);
  }
  return value;
}

/** Whether a condition holds for an item, or for its absence. */
export function holds(condition: Condition, item: Item | undefined): boolean {
  if ('anyOf' in condition) return condition.anyOf.some((each) => holds(each, item));
  if ('allOf' in condition) return condition.allOf.every((each) => holds(each, item));
  const value = valueAt(condition.path, item);
  if ('is' in condition) return (value === undefined) === (condition.is === 'absent');
  if ('equals' in condition) return value === condition.equals;
  if ('oneOf' in condition) return condition.oneOf.includes(value as Scalar);
  if ('below' in condition) return typeof value === 'number' && value < condition.below;
  if ('atMost' in condition) return typeof value === 'number' && value <= condition.atMost;
  return sizeOf(value) === condition.size;
}

/** Refuses changes that no item could take: seen before any condition is looked at. Throws `ImpossibleWrite`. */
export function refuseImpossibleChange(write: Write): void {
  if (write.op !== 'update') return;
  const paths = pathsOf(write);
  refuseOverlaps(paths);
  refuseKeys(paths, { ...write.key });
}

/** The item after a write whose conditions hold; undefined when there is none. Throws `ImpossibleWrite`. */
export function applied(write: Write, before: Item | undefined): Item | undefined {
  switch (write.op) {
    case 'check':
      return before;
    case 'delete':
      return undefined;
    case 'put':
      return copyOf<Item>({ ...write.item });
    case 'update':
      return changed(write, before, { ...write.key });
  }
}

type AnyChange = Change<Record<string, unknown>>;

function changed(change: AnyChange, before: Item | undefined, key: Item): Item | undefined {
  if (pathsOf(change).length === 0) return before;
  const item = copyOf(before ?? key);
  for (const [name, value] of defined(change.set)) item[name] = copyOf(value);
  for (const [name, entries] of defined(change.setEntries)) {
    const map = defined(entries).length > 0 ? mapAt(before, item, name) : {};
    for (const [entry, value] of defined(entries)) map[entry] = copyOf(value);
  }
  for (const name of change.remove ?? []) delete item[name];
  for (const [name, entries] of defined(change.removeEntries)) {
    for (const entry of entries) delete mapAt(before, item, name)[entry];
  }
  for (const [name, members] of defined(change.addMembers)) {
    if (members.length > 0) item[name] = new Set([...setAt(item, name), ...members]);
  }
  for (const [name, members] of defined(change.removeMembers)) {
    const left = new Set([...setAt(item, name)].filter((member) => !members.includes(member)));
    if (left.size > 0) item[name] = left;
    else if (members.length > 0) delete item[name];
  }
  return item;
}

function pathsOf(change: AnyChange): Path[] {
  const whole = [
    ...defined(change.set).map(([name]) => name),
    ...(change.remove ?? []),
    ...[...defined(change.addMembers), ...defined(change.removeMembers)].flatMap(([name, members]) =>
      members.length > 0 ? [name] : [],
    ),
  ];
  const nested = [
    ...defined(change.setEntries).flatMap(([name, entries]) => defined(entries).map(([entry]) => [name, entry])),
    ...defined(change.removeEntries).flatMap(([name, entries]) => entries.map((entry) => [name, entry])),
  ];
  return [...whole.map((name): Path => [name]), ...(nested as [string, string][])];
}

function refuseOverlaps(paths: readonly Path[]): void {
  for (const [index, [name, entry]] of paths.entries()) {
    const overlapping = paths
      .slice(index + 1)
      .some((other) => other[0] === name && (entry === undefined || other[1] === undefined || other[1] === entry));
    if (overlapping) throw new ImpossibleWrite(`two changes of ${name} overlap`);
  }
}

function refuseKeys(paths: readonly Path[], key: Item): void {
  const touched = paths.find(([name]) => name in key);
  if (touched !== undefined) throw new ImpossibleWrite(`${touched[0]} is part of the key`);
}

/** The map as it was before the write: one that the same write creates does not count. */
function mapAt(before: Item | undefined, item: Item, name: string): Item {
  if (!isMap(before?.[name])) throw new ImpossibleWrite(`${name} is not a map of the item`);
  return item[name] as Item;
}

function setAt(item: Item, name: string): ReadonlySet<string> {
  const value = item[name] ?? new Set();
  if (!(value instanceof Set)) throw new ImpossibleWrite(`${name} is not a set`);
  return value as ReadonlySet<string>;
}

function valueAt([name, entry]: Path, item: Item | undefined): unknown {
  const value = item?.[name];
  if (entry === undefined) return value;
  return isMap(value) && Object.hasOwn(value, entry) ? value[entry] : undefined;
}

function sizeOf(value: unknown): number | undefined {
  if (value instanceof Set) return value.size;
  if (value instanceof Uint8Array || Array.isArray(value) || typeof value === 'string') return value.length;
  return isMap(value) ? Object.keys(value).length : undefined;
}

function isMap(value: unknown): value is Item {
  return (
    typeof value === 'object' &&
    value !== null &&
    !(value instanceof Set) &&
    !(value instanceof Uint8Array) &&
    !Array.isArray(value)
  );
}

type Optional<T> = { readonly [name: string]: T | undefined } | undefined;

function defined<T>(record: Optional<T>): [string, T][] {
  return Object.entries(record ?? {}).filter((entry): entry is [string, T] => entry[1] !== undefined);
}
