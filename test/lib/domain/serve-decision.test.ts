import { expect, test } from 'vitest';
import type { Connection } from '../../../lib/domain/connection.ts';
import type { Grant, LivingGrant } from '../../../lib/domain/grant.ts';
import { decideServe, type ReadRequest } from '../../../lib/domain/serve-decision.ts';
import { HOUR, MINUTE, QUICKBOOKS_POLICY, quickbooksConnection, quickbooksGrant, T0 } from '../../support/grants.ts';

const { margins } = QUICKBOOKS_POLICY;
const END = T0 + HOUR;
const running = (until: number) => ({ number: 8, id: 'a8', kind: 'refresh', startedAt: T0, until }) as const;
const failure = { outcome: 'UNKNOWN', reason: 'http_503', at: T0, consecutive: 1 } as const;

function decide(changes: Partial<LivingGrant>, now: number, request: ReadRequest = {}) {
  return decideServe(quickbooksConnection(), quickbooksGrant(changes), request, margins, now);
}

test.for([
  ['no connection', undefined, quickbooksGrant(), 'not_connected'],
  ['a disconnected one', quickbooksConnection({ status: 'disconnected' }), quickbooksGrant(), 'not_connected'],
  ['a lost company', quickbooksConnection({ status: 'tenant_lost' }), quickbooksGrant(), 'tenant_lost'],
  ['a missing grant', quickbooksConnection(), undefined, 'needs_reauth'],
  ['a closing grant', quickbooksConnection(), { ...quickbooksGrant(), status: 'closing' }, 'needs_reauth'],
  [
    'a grant that serves others only',
    quickbooksConnection(),
    quickbooksGrant({ orgs: new Set(['globex']) }),
    'needs_reauth',
  ],
] as const)('%s is refused', ([, connection, grant, code]) => {
  expect(decideServe(connection as Connection, grant as Grant, {}, margins, T0)).toEqual({ kind: 'refuse', code });
});

test('a fresh token is served, whatever a refresh is doing', () => {
  expect(decide({}, T0)).toEqual({ kind: 'serve', start: false, stale: false });
  expect(decide({ attempt: running(END), status: 'suspect', notBefore: END }, T0)).toEqual({
    kind: 'serve',
    start: false,
    stale: false,
  });
});

test('within the buffer the token is served and a refresh started, unless one runs or has to wait', () => {
  expect(decide({}, END - 4 * MINUTE)).toEqual({ kind: 'serve', start: true, stale: false });
  expect(decide({ attempt: running(END) }, END - 4 * MINUTE)).toEqual({ kind: 'serve', start: false, stale: false });
  expect(decide({ notBefore: END }, END - 4 * MINUTE)).toEqual({ kind: 'serve', start: false, stale: false });
});

test('a token that lasts for less than was asked is refreshed, or served as stale while that cannot be', () => {
  const asked = { minValiditySeconds: 1200 };
  expect(decide({}, END - 10 * MINUTE, asked)).toEqual({
    kind: 'refresh',
    trigger: 'expiring',
    alive: true,
    neededMs: 1_200_000,
  });
  expect(decide({ attempt: running(END) }, END - 10 * MINUTE, asked)).toEqual({
    kind: 'serve',
    start: false,
    stale: true,
  });
});

test.for([
  ['is refreshed', {}, { kind: 'refresh', trigger: 'expiring', alive: false, neededMs: 60_000 }],
  ['waits for the holder of the lease', { attempt: running(END + 9) }, { kind: 'wait', alive: false, until: END + 9 }],
  [
    'is refused while the wait after a failure lasts',
    { failure, notBefore: END + 9 },
    { kind: 'refuse', code: 'refresh_failed', retryAt: END + 9 },
  ],
  [
    'is refused while the provider may still be rotating',
    { failure, attempt: { ...running(END + 15), outcome: 'UNKNOWN' } },
    { kind: 'refuse', code: 'refresh_failed', retryAt: END + 15 },
  ],
  [
    'says that the refresh was rejected',
    { status: 'suspect', notBefore: END + 9 },
    { kind: 'refuse', code: 'refresh_rejected', retryAt: END + 9 },
  ],
  ['asks for the user once it was given up', { status: 'needs_reauth' }, { kind: 'refuse', code: 'needs_reauth' }],
] as const)('an expired token %s', ([, changes, decision]) => {
  expect(decide(changes as Partial<LivingGrant>, END)).toEqual(decision);
});

test.for([
  ['the current one forces a refresh', 7, {}, { kind: 'refresh', trigger: 'rejected', alive: false, neededMs: 0 }],
  [
    'the current one within a minute of the last',
    7,
    { forcedAt: T0 - 59_000 },
    { kind: 'refuse', code: 'refresh_in_progress', retryAt: T0 + 1_000 },
  ],
  [
    'the current one a minute after the last',
    7,
    { forcedAt: T0 - 60_000 },
    { kind: 'refresh', trigger: 'rejected', alive: false, neededMs: 0 },
  ],
  ['the current one while a refresh runs', 7, { attempt: running(END) }, { kind: 'wait', alive: false, until: END }],
  ['an older one gets the current', 6, {}, { kind: 'serve', start: false, stale: false }],
  ['one of another grant gets the current', 8, {}, { kind: 'serve', start: false, stale: false }],
] as const)('of a rejected version, %s', ([, rejectedVersion, changes, decision]) => {
  expect(decide(changes as Partial<LivingGrant>, T0, { rejectedVersion })).toEqual(decision);
});
