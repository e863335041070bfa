import type { Change, Condition, Path } from '../domain/write.ts';

/** Placeholders for the names and values of one request; the same name is declared once. */
export interface Placeholders {
  path(path: Path): string;
  value(value: unknown): string;
  /** The request members that declare them; absent when there are none (DynamoDB refuses empty maps). */
  declared(): {
    readonly ExpressionAttributeNames?: Record<string, string>;
    readonly ExpressionAttributeValues?: Record<string, unknown>;
  };
}

/** A fresh set for one leg. Numbered in order of use, so that a repeated transaction is the byte-identical request. */
export function createPlaceholders(): Placeholders {
  const names = new Map<string, string>();
  const values: [string, unknown][] = [];
  function name(attribute: string): string {
    const known = names.get(attribute);
    if (known !== undefined) return known;
    const placeholder = `#n${names.size}`;
    names.set(attribute, placeholder);
    return placeholder;
  }
  return {
    path: (path) => path.map(name).join('.'),
    value(value) {
      const placeholder = `:v${values.length}`;
      values.push([placeholder, value]);
      return placeholder;
    },
    declared: () => ({
      ...(names.size > 0
        ? {
            ExpressionAttributeNames: Object.fromEntries(
              [...names].map(([attribute, placeholder]) => [placeholder, attribute]),
            ),
          }
        : {}),
      ...(values.length > 0 ? { ExpressionAttributeValues: Object.fromEntries(values) } : {}),
    }),
  };
}

/** The ConditionExpression that holds when all conditions hold; an empty list always holds. */
export function conditionExpression(conditions: readonly Condition[], placeholders: Placeholders): string {
  return render({ allOf: conditions }, placeholders);
}

/** The UpdateExpression of a change; undefined when it changes nothing. */
export function updateExpression(
  change: Change<Record<string, unknown>>,
  placeholders: Placeholders,
): string | undefined {
  const { path, value } = placeholders;
  const assign = (target: Path, content: unknown) => `${path(target)} = ${value(content)}`;
  const clauses = {
    SET: [
      ...defined(change.set).map(([name, content]) => assign([name], content)),
      ...entries(change.setEntries).map(({ target, content }) => assign(target, content)),
    ],
    REMOVE: [
      ...(change.remove ?? []).map((name) => path([name])),
      ...defined(change.removeEntries).flatMap(([name, keys]) => keys.map((key) => path([name, key]))),
    ],
    ADD: members(change.addMembers, placeholders),
    DELETE: members(change.removeMembers, placeholders),
  };
  const written = Object.entries(clauses).filter(([, parts]) => parts.length > 0);
  return written.length === 0 ? undefined : written.map(([verb, parts]) => `${verb} ${parts.join(', ')}`).join(' ');
}

function render(condition: Condition, placeholders: Placeholders): string {
  if ('anyOf' in condition) return combine(condition.anyOf, 'OR', placeholders) ?? never(placeholders);
  if ('allOf' in condition) return combine(condition.allOf, 'AND', placeholders) ?? always(placeholders);
  if ('oneOf' in condition) {
    // Not IN: the embedded DynamoDB does not find a false in a list.
    const either = condition.oneOf.map((each) => ({ path: condition.path, equals: each }));
    return combine(either, 'OR', placeholders) ?? never(placeholders);
  }
  const { path, value } = placeholders;
  const at = path(condition.path);
  if ('is' in condition) return `${condition.is === 'absent' ? 'attribute_not_exists' : 'attribute_exists'}(${at})`;
  if ('equals' in condition) return `${at} = ${value(condition.equals)}`;
  if ('below' in condition) return `${at} < ${value(condition.below)}`;
  if ('atMost' in condition) return `${at} <= ${value(condition.atMost)}`;
  if ('atLeast' in condition) return `${at} >= ${value(condition.atLeast)}`;
  return `size(${at}) = ${value(condition.size)}`;
}

/** Parentheses only around two or more: DynamoDB refuses redundant ones. */
function combine(conditions: readonly Condition[], operator: 'AND' | 'OR', placeholders: Placeholders) {
  const parts = conditions.map((condition) => render(condition, placeholders));
  return parts.length > 1 ? `(${parts.join(` ${operator} `)})` : parts[0];
}

/** The language has no constants, but every item has a `pk`. */
function always(placeholders: Placeholders): string {
  const pk = placeholders.path(['pk']);
  return `(attribute_exists(${pk}) OR attribute_not_exists(${pk}))`;
}

function never(placeholders: Placeholders): string {
  const pk = placeholders.path(['pk']);
  return `(attribute_exists(${pk}) AND attribute_not_exists(${pk}))`;
}

type Optional<T> = { readonly [name: string]: T | undefined } | undefined;

function defined<T>(record: Optional<T>): [string, T][] {
  return Object.entries(record ?? {}).filter((entry): entry is [string, T] => entry[1] !== undefined);
}

function entries(maps: Optional<Readonly<Record<string, unknown>>>): { target: Path; content: unknown }[] {
  return defined(maps).flatMap(([name, map]) =>
    defined(map).map(([key, content]) => ({ target: [name, key] as const, content })),
  );
}

function members(sets: Optional<readonly string[]>, { path, value }: Placeholders): string[] {
  return defined(sets)
    .filter(([, names]) => names.length > 0)
    .map(([name, names]) => `${path([name])} ${value(new Set(names))}`);
}
