import type { ApiMethod } from '../assembly/model.ts';

/** A method and what stood for the placeholders of its path, percent-decoded. */
export interface MatchedRoute {
  readonly method: ApiMethod;
  readonly pathParameters: Readonly<Record<string, string>>;
}

/**
 * Finds the method for a path without stage. As API Gateway does, a constant segment goes before `{name}`, that before
 * `{name+}`, decided from left to right, and an exact method before ANY. A trailing slash is ignored.
 */
export function findRoute(methods: readonly ApiMethod[], httpMethod: string, path: string): MatchedRoute | undefined {
  const segments = path.replace(/\/$/, '').split('/').slice(1);
  const candidates = methods
    .filter((method) => method.httpMethod === httpMethod || method.httpMethod === 'ANY')
    .flatMap((method) => {
      const pathParameters = match(partsOf(method), segments);
      return pathParameters === undefined ? [] : [{ method, pathParameters }];
    });
  return candidates.sort((one, other) => compare(one.method, other.method))[0];
}

function partsOf(method: ApiMethod): readonly string[] {
  return method.path.split('/').filter((part) => part !== '');
}

function match(parts: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  const parameters: Record<string, string> = {};
  for (const [index, part] of parts.entries()) {
    const segment = segments[index];
    if (segment === undefined || segment === '') return undefined;
    const greedy = /^\{(.+)\+\}$/.exec(part)?.[1];
    if (greedy !== undefined) {
      parameters[greedy] = decode(segments.slice(index).join('/'));
      return parameters;
    }
    const name = /^\{(.+)\}$/.exec(part)?.[1];
    if (name !== undefined) parameters[name] = decode(segment);
    else if (part !== segment) return undefined;
  }
  return parts.length === segments.length ? parameters : undefined;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function rank(part: string | undefined): number {
  if (part === undefined) return 3;
  if (part.endsWith('+}')) return 2;
  return part.startsWith('{') ? 1 : 0;
}

function compare(one: ApiMethod, other: ApiMethod): number {
  const [left, right] = [partsOf(one), partsOf(other)];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = rank(left[index]) - rank(right[index]);
    if (difference !== 0) return difference;
  }
  return Number(one.httpMethod === 'ANY') - Number(other.httpMethod === 'ANY');
}
