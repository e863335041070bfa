import { describe, expect, test } from 'vitest';
import { type AuditEvent, type AuditRow, auditRow } from '../../../lib/domain/audit.ts';
import type { Connection } from '../../../lib/domain/connection.ts';
import type { Grant } from '../../../lib/domain/grant.ts';
import { decideReopen, decideRestore } from '../../../lib/domain/restore-decision.ts';
import { apply } from '../../support/apply.ts';
import {
  DAY,
  HOUR,
  QUICKBOOKS_POLICY,
  quickbooksConnection,
  quickbooksGrant,
  T0,
  XERO_POLICY,
  xeroGrant,
} from '../../support/grants.ts';

/** The table is as it was at T0, and is brought up to date two days later. */
const RUN = { id: '2026-11-22T12:00Z', beganAt: T0 + 2 * DAY };
const NOW = T0 + 2 * DAY + HOUR;

function row(event: AuditEvent, at: number, number: number): AuditRow {
  return auditRow({
    pk: 'GRANT#quickbooks#9341453',
    id: 'id',
    event,
    provider: 'quickbooks',
    at,
    startedAt: at,
    number,
  });
}

async function restored(grant: Grant, rows: readonly AuditRow[] = [], connections: readonly Connection[] = []) {
  const policy = grant.provider === 'xero' ? { ...XERO_POLICY, detaches: true } : QUICKBOOKS_POLICY;
  const { transaction } = decideRestore({ grant, rows, connections }, RUN, { now: NOW, policy });
  expect(transaction.token.length).toBeLessThanOrEqual(36);
  return apply(grant, transaction);
}

test('a grant to which nothing has happened only gets a number no caller has seen, and loses the attempt of that number', async () => {
  const { attempt: _, ...grant } = quickbooksGrant();
  expect(await restored(quickbooksGrant(), [row('attempt.ok', T0, 7)])).toEqual({
    committed: true,
    grant: {
      ...grant,
      number: 1_000_007,
      tokenVersion: 1_000_007,
      // Nobody uses it: it is kept alive, within fourteen days of its last refresh.
      dueAt: expect.any(Number),
      duePartition: expect.stringMatching(/^quickbooks#\d\d$/),
    },
    audit: [
      {
        v: 1,
        pk: 'GRANT#quickbooks#9341453',
        sk: '2026-11-22T12:00:00.000Z#2026-11-22T12:00Z#grant.restored',
        event: 'grant.restored',
        provider: 'quickbooks',
        at: NOW,
        startedAt: T0 + 2 * DAY,
        durationMs: HOUR,
        number: 1_000_007,
        reason: 'current',
        ttl: 1_795_176_000 + 2 * 86_400 + 3_600 + 396 * 86_400,
      },
    ],
  });
});

test('a grant that is behind is suspect and due now, with everything it holds and none of the old rejections', async () => {
  const grant = quickbooksGrant({
    status: 'needs_reauth',
    reauth: { reason: 'unknown', since: T0, probes: 2 },
    rejections: { count: 3, firstAt: T0 - HOUR, lastAt: T0 },
    failure: { outcome: 'REJECTED', reason: 'invalid_grant', at: T0, consecutive: 3 },
    notBefore: NOW + HOUR,
  });
  const { attempt: _a, reauth: _u, rejections: _r, failure: _f, notBefore: _n, ...kept } = grant;
  const { grant: after } = await restored(grant, [row('attempt.ok', T0 + HOUR, 41)], [quickbooksConnection()]);
  expect(after).toEqual({
    ...kept,
    status: 'suspect',
    number: 1_000_041,
    tokenVersion: 1_000_041,
    dueAt: NOW,
    duePartition: expect.stringMatching(/^quickbooks#suspect#\d\d$/),
  });
});

test('the number is beyond every one the audit has, also those of an earlier restore', async () => {
  const { grant } = await restored(quickbooksGrant(), [row('grant.restored', T0 + HOUR, 1_000_007)]);
  expect([grant.number, grant.tokenVersion, grant.status]).toEqual([2_000_007, 2_000_007, 'active']);
});

test.for([
  [undefined, 8, { '8': T0 }],
  ['UNKNOWN', 8, { '8': T0 }],
  ['OK', 7, {}],
] as const)('an attempt that ended %s, number %i, leaves the doubts %j', async ([outcome, number, doubts]) => {
  const attempt = { number, id: 'a8', kind: 'refresh', startedAt: T0, until: T0 + 9 } as const;
  const grant = quickbooksGrant({ number, attempt: outcome === undefined ? attempt : { ...attempt, outcome } });
  expect((await restored(grant)).grant).toMatchObject({ doubts, number: 1_000_000 + number });
});

test('a grant that has ended since is closing, under a new generation, and serves nobody', async () => {
  const grant = quickbooksGrant({ detach: { 'conn-1': { tenantId: 't', since: T0 } }, tenantCheckAt: T0 });
  const { attempt: _a, access: _c, orgs: _o, tenantCheckAt: _t, ...kept } = grant;
  const ended = await restored(grant, [row('grant.closing', T0 + HOUR, 9)]);
  expect(ended.grant).toEqual({
    ...kept,
    status: 'closing',
    generation: expect.stringMatching(/^01M8[0-9A-Z]{22}$/),
    detach: {},
    number: 1_000_009,
    tokenVersion: 1_000_009,
    dueAt: NOW,
    duePartition: expect.stringMatching(/^quickbooks#\d\d$/),
  });
  expect(ended.audit.map(({ reason }) => reason)).toEqual(['ended']);
});

describe('a grant that was not alive', () => {
  const { access: _a, orgs: _o, attempt: _t, ...rest } = quickbooksGrant();

  test('and waits to be revoked is due now', async () => {
    const { grant } = await restored({ ...rest, status: 'closing' });
    expect(grant).toMatchObject({ status: 'closing', number: 1_000_007, generation: 'gen-1', dueAt: NOW });
  });

  test('and is closed is not due, and keeps its number for the next authorisation', async () => {
    const { current: _c, dueAt: _d, duePartition: _p, ...closed } = { ...rest, status: 'closed' as const };
    const { grant, audit } = await restored(closed, [row('grant.banked', T0 + HOUR, 8)]);
    expect(grant).toEqual({ ...closed, number: 1_000_008, tokenVersion: 1_000_008 });
    expect(audit.map(({ reason }) => reason)).toEqual(['reauthorized']);
  });
});

describe('where the connections are newer than the grants', () => {
  const link = (organizationId: string, changes: Partial<Connection> = {}): Connection =>
    quickbooksConnection({
      pk: `ORG#${organizationId}`,
      sk: 'xero',
      provider: 'xero',
      organizationId,
      grant: 'xero#user-1',
      tenantId: `tenant-${organizationId}`,
      providerConnectionId: `conn-${organizationId}`,
      ...changes,
    });

  test('who has left is left, and what is owed for it is owed', async () => {
    const grant = xeroGrant({ orgs: new Set(['acme', 'beta', 'gamma']) });
    const connections = [
      link('acme'),
      link('beta', { status: 'disconnected' }),
      link('gamma', { grant: 'xero#user-2' }),
    ];
    expect((await restored(grant, [], connections)).grant).toMatchObject({
      orgs: new Set(['acme']),
      detach: { 'conn-beta': { tenantId: 'tenant-beta', since: NOW } },
      status: 'active',
      dueAt: NOW,
    });
  });

  test('a grant that everybody has left serves nobody from now on', async () => {
    const { grant } = await restored(xeroGrant(), [], [link('acme', { grant: 'xero#user-2' })]);
    expect(grant).toMatchObject({ unservedSince: NOW, detach: {} });
    expect(grant.orgs).toBeUndefined();
  });

  test('a company that is only lost is not left', async () => {
    const { grant } = await restored(xeroGrant(), [], [link('acme', { status: 'tenant_lost' })]);
    expect(grant.orgs).toEqual(new Set(['acme']));
  });
});

test('a provider starts anew, slowly, unless somebody has written its state meanwhile', () => {
  const { writes } = decideReopen(
    { v: 1, pk: 'PROVIDER#xero', provider: 'xero', circuitVersion: 9, frozen: true },
    'xero',
    NOW,
  );
  expect(writes).toEqual([
    {
      table: 'grants',
      key: { pk: 'PROVIDER#xero' },
      when: [{ path: ['circuitVersion'], equals: 9 }],
      op: 'put',
      item: { v: 1, pk: 'PROVIDER#xero', provider: 'xero', circuitVersion: 10, closedAt: NOW },
    },
  ]);
  expect(decideReopen(undefined, 'xero', NOW).writes[0]).toMatchObject({
    when: [{ path: ['circuitVersion'], is: 'absent' }],
    item: { circuitVersion: 1 },
  });
});
