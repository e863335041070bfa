import { expect, test } from 'vitest';
import { decideAcquire } from '../../../lib/domain/acquire-decision.ts';
import { type AuditEvent, auditRow } from '../../../lib/domain/audit.ts';
import { eventsOf, factsOf } from '../../../lib/domain/told-events.ts';
import { appendAudit, type Transaction } from '../../../lib/domain/write.ts';
import { HOUR, quickbooksGrant, T0 } from '../../support/grants.ts';

const KEY = 'quickbooks#9341453';
const rowOf = (event: AuditEvent, changes: object = {}) =>
  auditRow({ pk: `GRANT#${KEY}`, id: 'attempt-8', event, provider: 'quickbooks', at: T0, startedAt: T0, ...changes });
const withRow = (...rows: ReturnType<typeof rowOf>[]): Transaction => ({ token: 't', writes: rows.map(appendAudit) });

test.for<AuditEvent>([
  'attempt.doubt',
  'attempt.superseded',
  'attempt.late',
  'duty.detached',
  'duty.abandoned',
  'grant.banked',
  'grant.closing',
  'grant.closed',
  'grant.restored',
  'flow.started',
  'flow.failed',
])('%s is no news', (event) => {
  expect(eventsOf(withRow(rowOf(event)), () => undefined)).toEqual([]);
});

test('of a grant that was not read lately only the row is told', () => {
  expect(eventsOf(withRow(rowOf('attempt.ok', { number: 8 })), () => undefined)).toEqual([
    { type: 'Token Refreshed', at: T0, provider: 'quickbooks', grant: KEY, attemptId: 'attempt-8', tokenVersion: 8 },
  ]);
});

test('two warnings of one transaction are two events', () => {
  const rows = [
    rowOf('grant.expiring', { id: 'idle_7', reason: 'idle_7' }),
    rowOf('grant.expiring', { id: 'hard_90', reason: 'hard_90' }),
  ];
  const about = {
    type: 'Connection Near Expiry',
    at: T0,
    provider: 'quickbooks',
    grant: KEY,
    organizationIds: ['acme'],
  };
  expect(eventsOf(withRow(...rows), () => factsOf(quickbooksGrant()))).toEqual([
    { ...about, reason: 'idle', days: 7 },
    { ...about, reason: 'hard', days: 90 },
  ]);
});

test('a transaction without a row tells nothing, and the lease that pays an owed row neither', () => {
  const owed = rowOf('attempt.ok', { number: 7 });
  const input = { kind: 'refresh', attemptId: 'attempt-8', now: T0 + HOUR } as const;
  const decision = decideAcquire(quickbooksGrant({ auditOwed: owed }), input);
  if (decision.kind !== 'acquire') throw new Error(decision.why);
  expect(decision.transaction.writes.map(({ table }) => table)).toEqual(['grants', 'audit']);
  expect(eventsOf(decision.transaction, () => undefined)).toEqual([]);
});

test('a row that is owed by a grant put whole is told with it', () => {
  const item = quickbooksGrant({ auditOwed: rowOf('attempt.ok', { number: 8 }) });
  const write = { table: 'grants', key: { pk: KEY }, when: [], op: 'put', item } as const;
  expect(eventsOf({ token: 't', writes: [write] }, () => undefined).map(({ type }) => type)).toEqual([
    'Token Refreshed',
  ]);
});

test('what is remembered of a grant are ids and instants', () => {
  const failure = { outcome: 'UNKNOWN', reason: 'http_503', at: T0 + 5, consecutive: 1 } as const;
  expect(factsOf(quickbooksGrant({ orgs: new Set(['b', 'a']), failure, lastUsedAt: T0 - 1 }))).toEqual({
    organizationIds: ['a', 'b'],
    accessExpiresAt: T0 + HOUR,
    failedAt: T0 + 5,
    lastUsedAt: T0 - 1,
  });
});
