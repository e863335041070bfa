const KEYWORDS: ReadonlySet<string> = new Set(['SET', 'REMOVE', 'ADD', 'DELETE', 'AND', 'OR', 'NOT', 'BETWEEN', 'IN']);
/** A value placeholder, a nested step, a list index, or a top-level name and whether it is the name of a function. */
const TOKEN = /:[\w.-]+|\.\s*#?[\w-]+|\[\d+\]|(#?[A-Za-z_][\w-]*)(\s*\()?/g;

/**
 * The top-level attribute names that a DynamoDB expression reads or writes, each once, in order of appearance.
 * `names` is the request's ExpressionAttributeNames. The keywords are reserved words of DynamoDB and can never be
 * attribute names unless behind a `#name`.
 */
export function namesInExpression(expression: string, names: Readonly<Record<string, string>>): string[] {
  const found = new Set<string>();
  for (const [, name, call] of expression.matchAll(TOKEN)) {
    if (!name) continue;
    if (name.startsWith('#')) found.add(names[name] ?? name);
    else if (!call && !KEYWORDS.has(name.toUpperCase())) found.add(name);
    // `AND (` looks like a call, which is harmless: keywords are never names.
  }
  return [...found];
}
