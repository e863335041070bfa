import { describe, expect, test } from 'vitest';
import { type AuditEvent, type AuditRow, auditRow } from '../../../lib/domain/audit.ts';
import type { Grant, LivingGrant } from '../../../lib/domain/grant.ts';
import {
  type Finding,
  findingOn,
  newsSince,
  obstacleTo,
  wasDisconnected,
} from '../../../lib/domain/restore-decision.ts';
import { DAY, HOUR, quickbooksConnection, quickbooksGrant, T0 } from '../../support/grants.ts';

/** The table is as it was at T0; the disaster came later, and the refreshers stood still two days after. */
const RUN = { id: '2026-11-22T12:00Z', beganAt: T0 + 2 * DAY };
const NOW = T0 + 2 * DAY + HOUR;

function row(event: AuditEvent, at: number, more: Partial<AuditRow> = {}): AuditRow {
  return {
    ...auditRow({ pk: 'GRANT#quickbooks#9341453', id: 'id', event, provider: 'quickbooks', at, startedAt: at }),
    ...more,
  };
}

/** The same grant after its tokens were taken away. */
function ofStatus(status: 'closing' | 'closed'): Grant {
  const { current: _c, access: _a, orgs: _o, ...rest } = quickbooksGrant();
  return { ...rest, status };
}

describe('the audit since', () => {
  const later = T0 + HOUR;
  test.for<[string, Grant, AuditRow[], Finding]>([
    ['of a grant without news', quickbooksGrant(), [row('attempt.ok', T0, { number: 7 })], 'current'],
    ['with a refresh', quickbooksGrant(), [row('attempt.ok', later, { number: 8 })], 'behind'],
    ['with a refresh by a slow clock', quickbooksGrant(), [row('attempt.ok', T0 - 9, { number: 8 })], 'behind'],
    ['with a refresh after another restore', quickbooksGrant(), [row('attempt.ok', later, { number: 5 })], 'behind'],
    ['with a new authorisation', quickbooksGrant(), [row('grant.banked', later, { number: 8 })], 'behind'],
    ['with a lost answer', quickbooksGrant(), [row('attempt.unknown', later, { number: 8 })], 'behind'],
    [
      'with a lost answer that the table knows',
      quickbooksGrant(),
      [row('attempt.unknown', T0 - 9, { number: 6 })],
      'current',
    ],
    ['with a rejection only', quickbooksGrant(), [row('attempt.rejected', later, { number: 8 })], 'current'],
    [
      'with its end',
      quickbooksGrant(),
      [row('attempt.ok', later, { number: 8 }), row('grant.closing', later + 1)],
      'ended',
    ],
    [
      'with its end, all the way',
      quickbooksGrant(),
      [row('grant.closing', later), row('grant.closed', later + 1)],
      'ended',
    ],
    ['with an end before its tokens', quickbooksGrant(), [row('grant.closed', T0 - DAY)], 'current'],
    [
      'with its end and a new authorisation',
      quickbooksGrant(),
      [row('grant.banked', later + 9, { number: 12 }), row('grant.closing', later)],
      'behind',
    ],
    ['of a closing grant that was closed', ofStatus('closing'), [row('grant.closed', later)], 'current'],
    [
      'of a closed grant that was authorised',
      ofStatus('closed'),
      [row('grant.banked', later, { number: 9 })],
      'reauthorized',
    ],
    [
      'of a closing grant that was authorised and closed',
      ofStatus('closing'),
      [row('grant.banked', later), row('grant.closing', later + 1)],
      'current',
    ],
  ])('%s is found', ([, grant, rows, finding]) => {
    expect(findingOn(grant, rows)).toBe(finding);
  });

  test('is asked for from a day before the oldest thing the image knows', () => {
    expect(newsSince(quickbooksGrant(), RUN)).toBe(T0 - 800 - DAY);
    expect(newsSince(quickbooksGrant({ access: { ...quickbooksGrant().access, obtainedAt: T0 - 9000 } }), RUN)).toBe(
      T0 - 9000 - DAY,
    );
  });

  test('ends a connection only if it names its very link', () => {
    const ended = (linkId: string, provider: 'quickbooks' | 'xero') =>
      auditRow({
        pk: 'ORG#acme',
        id: linkId,
        event: 'connection.disconnected',
        provider,
        at: T0 + 9,
        startedAt: T0 + 9,
      });
    const connection = quickbooksConnection();
    const linked = { ...ended('link-1', 'quickbooks'), event: 'connection.linked' } as const;
    expect([
      wasDisconnected(connection, [ended('link-2', 'quickbooks'), ended('link-1', 'quickbooks')]),
      wasDisconnected(connection, [ended('link-2', 'quickbooks'), ended('link-1', 'xero'), linked]),
    ]).toEqual([true, false]);
  });
});

describe('a grant is left alone', () => {
  const restored = row('grant.restored', NOW, { sk: '2026-11-22T12:00:00.000Z#2026-11-22T12:00Z#grant.restored' });
  const running = { ...quickbooksGrant().attempt, number: 8, id: 'a8', kind: 'refresh' } as const;
  test.for<[string, Partial<LivingGrant>, AuditRow[], 'done' | 'working' | undefined]>([
    ['when this restore has been through', {}, [restored], 'done'],
    ['but not when another one has', {}, [{ ...restored, sk: restored.sk.replace('22T', '21T') }], undefined],
    [
      'when an attempt is running',
      { attempt: { number: 8, id: 'a8', kind: 'refresh', startedAt: RUN.beganAt - 9, until: NOW + 1 } },
      [],
      'working',
    ],
    [
      'when one was made since the refreshers were said to stand still',
      { attempt: { ...running, startedAt: RUN.beganAt + 1, until: NOW, outcome: 'OK' } },
      [],
      'working',
    ],
    [
      'but not for one that was running in the restored table',
      { attempt: { ...running, startedAt: T0, until: T0 + 125_000 } },
      [],
      undefined,
    ],
    ['but not without any', {}, [], undefined],
  ])('%s', ([, changes, rows, expected]) => {
    const { attempt: _, ...untried } = quickbooksGrant();
    const grant = Object.keys(changes).length > 0 ? quickbooksGrant(changes) : (untried as LivingGrant);
    expect(obstacleTo(RUN, grant, rows, NOW)).toBe(expected);
  });
});
