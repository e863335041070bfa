/**
 * Hash-consing: equal values become one object with one number, so that a state of the world is told apart from
 * millions of others by a short string of numbers, exactly and without hashing.
 */

const numbers = new WeakMap<object, number>();
const known = new Map<string, object>();

/** The one object equal to `value`. Order of members does not count; members that are undefined are none. */
export function intern<T extends object>(value: T): T {
  if (numbers.has(value)) return value;
  const text = textOf(value);
  const same = known.get(text);
  if (same !== undefined) return same as T;
  known.set(text, value);
  numbers.set(value, known.size);
  return value;
}

/** The number of an interned object. */
export function idOf(value: object): number {
  const number = numbers.get(value);
  if (number === undefined) throw new Error('only interned values have a number');
  return number;
}

/** A function that works each distinct question out once. Its arguments are interned or small. */
export function remembered<A extends readonly unknown[], R>(work: (...asked: A) => R): (...asked: A) => R {
  const answers = new Map<string, R>();
  return (...asked) => {
    const text = asked.map(partOf).join('|');
    const answer = answers.get(text);
    if (answer !== undefined || answers.has(text)) return answer as R;
    const worked = work(...asked);
    answers.set(text, worked);
    return worked;
  };
}

function partOf(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return String(value);
  const number = numbers.get(value);
  return number === undefined ? textOf(value) : `#${number}`;
}

function textOf(value: object): string {
  if (value instanceof Uint8Array) return `b${Buffer.from(value).toString('latin1')}`;
  if (value instanceof Set) return `{${[...value].map(partOf).sort().join(',')}}`;
  if (Array.isArray(value)) return `[${value.map(partOf).join(',')}]`;
  let text = '{';
  for (const name of namesOf(value)) {
    const member = (value as Record<string, unknown>)[name];
    if (member !== undefined) text += `${name}:${partOf(member)},`;
  }
  return `${text}}`;
}

const sorted = new Map<string, readonly string[]>();

/** Names of the members in order; of objects that are built alike they are sorted once. */
function namesOf(value: object): readonly string[] {
  const names = Object.keys(value);
  const shape = names.join();
  const known = sorted.get(shape);
  if (known !== undefined) return known;
  sorted.set(shape, names.sort());
  return names;
}
