import * as z from 'zod/mini';
import { ERRORS, type ErrorCode, GrantkeeperError } from '../domain/errors.ts';
import { ORGANIZATION_ID_PATTERN, PROVIDER_IDS, type ProviderId } from '../domain/names.ts';

/** An organisation id; anything else is refused as `invalid_organization_id`. */
export const organizationIdSchema = refusedAs('invalid_organization_id', (value): value is string => {
  return typeof value === 'string' && ORGANIZATION_ID_PATTERN.test(value);
});

/** A provider we serve; anything else is refused as `unknown_provider`. */
export const providerSchema = refusedAs('unknown_provider', (value): value is ProviderId => {
  return (PROVIDER_IDS as readonly unknown[]).includes(value);
});

/** A value that has no other description than a predicate, with the error code told when it does not hold. */
export function refusedAs<T>(code: ErrorCode, isValid: (value: unknown) => value is T): z.ZodMiniType<T> {
  return z.custom<T>(isValid, { params: { code } });
}

/**
 * Input from outside in the shape of the schema, which should be strict (`z.strictObject`). Throws the first fault as
 * `invalid_request`, or the code its schema names, with the offending field: `root` when it is the whole input.
 * What was sent is in no part of the error.
 */
export function parseInput<T>(schema: z.ZodMiniType<T>, input: unknown, root = 'input'): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new GrantkeeperError(codeOf(issue), { field: fieldOf(issue) || root });
}

function codeOf(issue: z.core.$ZodIssue | undefined): ErrorCode {
  const code: unknown = issue?.code === 'custom' ? issue.params?.code : undefined;
  return typeof code === 'string' && Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'invalid_request';
}

/** Names of unknown fields come from the caller: only plain ones are repeated. */
function fieldOf(issue: z.core.$ZodIssue | undefined): string {
  const path = issue?.path.map(String) ?? [];
  const unknownField = issue?.code === 'unrecognized_keys' ? issue.keys.filter((key) => /^\w{1,64}$/.test(key)) : [];
  return [...path, ...unknownField.slice(0, 1)].join('.');
}
