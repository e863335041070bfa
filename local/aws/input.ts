import { AwsError } from './aws-error.ts';

/** A required, non-empty string of a request; throws ValidationException naming the member. */
export function requireString(input: Readonly<Record<string, unknown>>, name: string): string {
  const value = optionalString(input, name);
  if (value) return value;
  throw new AwsError('ValidationException', `1 validation error detected: '${name}' must not be null or empty`);
}

/** A string of a request that may be absent; throws ValidationException when it is something else. */
export function optionalString(input: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = input[name];
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined;
  throw new AwsError('ValidationException', `1 validation error detected: '${name}' must be a string`);
}

/** Base64 of a request as bytes; absent gives undefined, anything else throws SerializationException. */
export function optionalBytes(input: Readonly<Record<string, unknown>>, name: string): Buffer | undefined {
  const value = optionalString(input, name);
  if (value === undefined) return undefined;
  const bytes = Buffer.from(value, 'base64');
  if (bytes.toString('base64') === value) return bytes;
  throw new AwsError('SerializationException', `'${name}' is not base64`);
}
