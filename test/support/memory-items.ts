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
  switch (typeof value) {
    case 'object':
      return value === null ? null : copyObject(value);
    case 'number':
      if (!Number.isFinite(value)) throw new ImpossibleWrite(`${value} cannot be stored`);
      return value;
    case 'function':
    case 'symbol':
      throw new ImpossibleWrite(`a ${typeof value} cannot be stored`);
    default:
      return value;
  }
}

function copyObject(value: object): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(copy);
  if (value instanceof Set) {
    if (value.size === 0) throw new ImpossibleWrite('an empty set cannot be stored');
    return new Set(value);
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new ImpossibleWrite(`an instance of ${value.constructor.name} cannot be stored`);
  }
  const copied: Item = {};
  for (const name of Object.keys(value)) {
    const member = (value as Item)[name];
    if (member !== undefined) copied[name] = copy(member);
  }
  return copied;
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
  if ('atLeast' in condition) return typeof value === 'number' && value >= condition.atLeast;
  return sizeOf(value) === condition.size;
}

/** Refuses changes that no item could take: seen before any condition is looked at. Throws `ImpossibleWrite`. */
export function refuseImpossibleChange(write: Write): void {
  if (write.op !== 'update') return;
  const paths = pathsOf(write);
  refuseOverlaps(paths);
  refuseKeys(paths, { ...write.key });
}

/**
 * The item after a write whose conditions hold; undefined when there is none. Leaves `before` as it is, and shares with it
 * and with the write what has not changed: both must be the caller's own. Throws `ImpossibleWrite`.
 */
export function applied(write: Write, before: Item | undefined): Item | undefined {
  switch (write.op) {
    case 'check':
      return before;
    case 'delete':
      return undefined;
    case 'put':
      return { ...write.item };
    case 'update':
      return changed(write, before, { ...write.key });
  }
}

type AnyChange = Change<Record<string, unknown>>;

function changed(change: AnyChange, before: Item | undefined, key: Item): Item | undefined {
  if (pathsOf(change).length === 0) return before;
  const item: Item = { ...(before ?? key) };
  const mapOf = (name: string) => ownMap(before, item, name);
  for (const [name, value] of defined(change.set)) item[name] = value;
  for (const [name, entries] of defined(change.setEntries)) {
    for (const [entry, value] of defined(entries)) mapOf(name)[entry] = value;
  }
  for (const name of change.remove ?? []) delete item[name];
  for (const [name, entries] of defined(change.removeEntries)) {
    for (const entry of entries) delete mapOf(name)[entry];
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

/** Every attribute and every entry that is changed. */
function pathsOf(change: AnyChange): Path[] {
  const paths: Path[] = [];
  for (const [name] of defined(change.set)) paths.push([name]);
  for (const name of change.remove ?? []) paths.push([name]);
  for (const members of [change.addMembers, change.removeMembers]) {
    for (const [name, { length }] of defined(members)) if (length > 0) paths.push([name]);
  }
  for (const [name, entries] of defined(change.setEntries)) {
    for (const [entry] of defined(entries)) paths.push([name, entry]);
  }
  for (const [name, entries] of defined(change.removeEntries)) for (const entry of entries) paths.push([name, entry]);
  return paths;
}

function refuseOverlaps(paths: readonly Path[]): void {
  const seen = new Set<string>();
  for (const [name, entry] of paths) {
    const place = entry === undefined ? name : `${name}\u0000${entry}`;
    // Whole attributes come before entries.
    if (seen.has(place) || seen.has(name)) throw new ImpossibleWrite(`two changes of ${name} overlap`);
    seen.add(place);
  }
}

function refuseKeys(paths: readonly Path[], key: Item): void {
  const touched = paths.find(([name]) => name in key);
  if (touched !== undefined) throw new ImpossibleWrite(`${touched[0]} is part of the key`);
}

/** A map of the item that may be changed. One that the same write creates does not count as there. */
function ownMap(before: Item | undefined, item: Item, name: string): Item {
  const map = before?.[name];
  if (!isMap(map)) throw new ImpossibleWrite(`${name} is not a map of the item`);
  if (item[name] === map) item[name] = { ...map };
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
  const found: [string, T][] = [];
  for (const name in record) {
    const value = record[name];
    if (value !== undefined) found.push([name, value]);
  }
  return found;
}
