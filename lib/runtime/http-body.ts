import type { APIGatewayProxyEvent } from 'aws-lambda';
import { GrantkeeperError } from '../domain/errors.ts';

/** Nothing we are sent is longer than some URLs; the gateway itself would pass 10 MB. */
const MAX_BODY_BYTES = 16 * 1024;

/**
 * The body of a request: parsed JSON, or the fields of a form, or undefined when there is none. A body without a type is
 * read as JSON. Throws `invalid_request` with field `body` for one that is too long, not UTF-8, of another type or
 * malformed, and with the field's name when a form has it twice.
 */
export function parseBody(event: Pick<APIGatewayProxyEvent, 'body' | 'isBase64Encoded'>, contentType = ''): unknown {
  const bytes = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  if (bytes.length === 0) return undefined;
  if (bytes.length > MAX_BODY_BYTES) throw invalidBody();
  const text = decode(bytes);
  const [mediaType = ''] = contentType.toLowerCase().split(';');
  switch (mediaType.trim()) {
    case 'application/x-www-form-urlencoded':
      return singleValues(Object.groupBy(new URLSearchParams(text), ([name]) => name));
    case 'application/json':
    case '':
      return parseJson(text);
    default:
      throw invalidBody();
  }
}

/**
 * The one value of each name. RFC 6749 §3.1: "Request and response parameters MUST NOT be included more than once";
 * throws `invalid_request` naming the field that is.
 */
export function singleValues(
  values: Readonly<Record<string, readonly (string | readonly [string, string])[] | undefined>>,
): Record<string, string> {
  const single: [string, string][] = [];
  for (const [name, [first, ...others] = []] of Object.entries(values)) {
    if (others.length > 0) throw new GrantkeeperError('invalid_request', { field: printableName(name) });
    if (first !== undefined) single.push([name, typeof first === 'string' ? first : first[1]]);
  }
  return Object.fromEntries(single);
}

/** Names come from the caller: only plain ones are repeated to him. */
function printableName(name: string): string {
  return /^[\w.-]{1,64}$/.test(name) ? name : 'parameter';
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalidBody();
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidBody();
  }
}

function invalidBody(): GrantkeeperError {
  return new GrantkeeperError('invalid_request', { field: 'body' });
}
