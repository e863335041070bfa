import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { detailOf, EVENT_TYPES, EVENT_VERSION, type LifecycleEvent } from '../../../lib/domain/lifecycle-event.ts';
import { PROVIDER_IDS } from '../../../lib/domain/names.ts';
import { T0 } from '../../support/grants.ts';

const SCHEMA = JSON.parse(
  readFileSync(new URL('../../../lib/domain/lifecycle-event.schema.json', import.meta.url), 'utf8'),
);
const accepts = (detail: unknown) => z.fromJSONSchema(SCHEMA).safeParse(detail).success;

/** Every field is there, though no type has all. */
const WHOLE: Required<LifecycleEvent> = {
  type: 'Refresh Failed',
  at: T0,
  provider: 'xero',
  grant: 'xero#user-1',
  organizationIds: ['acme', 'globex'],
  reason: 'http_503',
  outcome: 'UNKNOWN',
  attemptId: '01KAFZ0000AAAAAAAAAAAAAAAA',
  tokenVersion: 8,
  days: 30,
};

test('an event goes over the wire with its version, environment and time', () => {
  expect(detailOf(WHOLE, 'prod')).toEqual({
    version: 1,
    environment: 'prod',
    occurredAt: '2026-11-20T12:00:00.000Z',
    provider: 'xero',
    grant: 'xero#user-1',
    organizationIds: ['acme', 'globex'],
    reason: 'http_503',
    outcome: 'UNKNOWN',
    attemptId: '01KAFZ0000AAAAAAAAAAAAAAAA',
    tokenVersion: 8,
    days: 30,
  });
  expect(detailOf({ type: 'Circuit Closed', at: T0, provider: 'quickbooks' }, 'dev')).toEqual({
    version: 1,
    environment: 'dev',
    occurredAt: '2026-11-20T12:00:00.000Z',
    provider: 'quickbooks',
  });
});

test('of more than 1,000 organisations the rest is left out', () => {
  const organizationIds = Array.from({ length: 1_001 }, (_, index) => `org-${index}`);
  const detail = detailOf({ ...WHOLE, organizationIds }, 'prod');
  expect([detail.organizationIds?.length, detail.organizationIds?.at(-1), accepts(detail)]).toEqual([
    1_000,
    'org-999',
    true,
  ]);
});

test('the schema knows the fields, the version and the providers that there are, and no others', () => {
  const detail = detailOf(WHOLE, 'prod');
  expect(Object.keys(SCHEMA.properties).toSorted()).toEqual(Object.keys(detail).toSorted());
  expect(SCHEMA.properties.version.const).toBe(EVENT_VERSION);
  expect(SCHEMA.properties.provider.enum).toEqual(PROVIDER_IDS);
  expect(EVENT_TYPES.length).toBe(10);
});

test('the schema accepts a whole detail and the least one', () => {
  expect([
    accepts(detailOf(WHOLE, 'prod')),
    accepts(detailOf({ type: 'Circuit Closed', at: T0, provider: 'xero' }, 'dev')),
  ]).toEqual([true, true]);
});

test.for<[string, object]>([
  ['another version', { version: 2 }],
  ['a time without its zone', { occurredAt: '2026-11-20T12:00:00.000' }],
  ['a provider we do not serve', { provider: 'sage' }],
  ['a grant without its provider', { grant: 'user-1' }],
  ['a class that is none', { outcome: 'OK' }],
  ['a level that is none', { days: 31 }],
  ['an organisation that is none', { organizationIds: ['a b'] }],
])('the schema refuses %s', ([, change]) => {
  expect(accepts({ ...detailOf(WHOLE, 'prod'), ...change })).toBe(false);
});
