import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import { organizationIdSchema, parseInput, providerSchema } from '../../../lib/runtime/parse-input.ts';

const SCHEMA = z.strictObject({
  organizationId: organizationIdSchema,
  provider: providerSchema,
  rejected: z.exactOptional(z.strictObject({ tokenVersion: z.int() })),
});
const VALID = { organizationId: 'acme', provider: 'xero' };

function refusal(input: unknown, root?: string): unknown {
  try {
    return parseInput(SCHEMA, input, root);
  } catch (error) {
    if (error instanceof GrantkeeperError) return [error.code, error.field, error.cause];
    throw error;
  }
}

test('valid input comes back', () => {
  expect(parseInput(SCHEMA, { ...VALID, rejected: { tokenVersion: 3 } })).toEqual({
    organizationId: 'acme',
    provider: 'xero',
    rejected: { tokenVersion: 3 },
  });
});

test.for([
  ['nothing', undefined, 'invalid_request', 'input'],
  ['a list', [], 'invalid_request', 'input'],
  ['no organisation', { provider: 'xero' }, 'invalid_organization_id', 'organizationId'],
  ['a bad organisation', { ...VALID, organizationId: '../acme' }, 'invalid_organization_id', 'organizationId'],
  [
    'an organisation of 65 characters',
    { ...VALID, organizationId: 'a'.repeat(65) },
    'invalid_organization_id',
    'organizationId',
  ],
  ['a number as organisation', { ...VALID, organizationId: 7 }, 'invalid_organization_id', 'organizationId'],
  ['an unknown provider', { ...VALID, provider: 'sage' }, 'unknown_provider', 'provider'],
  ['a provider of Object', { ...VALID, provider: 'constructor' }, 'unknown_provider', 'provider'],
  ['a nested fault', { ...VALID, rejected: { tokenVersion: '3' } }, 'invalid_request', 'rejected.tokenVersion'],
  ['an unknown field', { ...VALID, extra: 1 }, 'invalid_request', 'extra'],
  [
    'an unknown nested field',
    { ...VALID, rejected: { tokenVersion: 3, extra: 1 } },
    'invalid_request',
    'rejected.extra',
  ],
  ['an unknown field of a bad name', { ...VALID, '<b>': 1 }, 'invalid_request', 'input'],
] as const)('%s is refused with code and field', ([, input, code, field]) => {
  expect(refusal(input)).toEqual([code, field, undefined]);
});

test('the whole input is called what the caller calls it', () => {
  expect(refusal(undefined, 'body')).toEqual(['invalid_request', 'body', undefined]);
});
