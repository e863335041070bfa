import { expect, test } from 'vitest';
import type { Grant } from '../../../lib/domain/grant.ts';
import { healthOf, tokenStatusOf } from '../../../lib/domain/health.ts';
import { DAY, HOUR, quickbooksConnection, quickbooksGrant, T0 } from '../../support/grants.ts';

const failure = { outcome: 'UNKNOWN', reason: 'http_503', at: T0, consecutive: 1 } as const;
const closing: Grant = { ...quickbooksGrant(), status: 'closing' };

test.for([
  ['no connection', undefined, undefined, 'disconnected', 'NO_TOKEN'],
  [
    'a disconnected one',
    quickbooksConnection({ status: 'disconnected' }),
    quickbooksGrant(),
    'disconnected',
    'NO_TOKEN',
  ],
  ['a lost company', quickbooksConnection({ status: 'tenant_lost' }), quickbooksGrant(), 'tenant_lost', 'ERROR'],
  ['a connection without its grant', quickbooksConnection(), undefined, 'needs_reauth', 'EXPIRED'],
  ['a closing grant', quickbooksConnection(), closing, 'needs_reauth', 'EXPIRED'],
  ['a grant given up', quickbooksConnection(), quickbooksGrant({ status: 'needs_reauth' }), 'needs_reauth', 'EXPIRED'],
  ['a suspect', quickbooksConnection(), quickbooksGrant({ status: 'suspect' }), 'suspect', 'ERROR'],
  ['a live token', quickbooksConnection(), quickbooksGrant({ failure }), 'healthy', 'VALID'],
  [
    'an end within 30 days',
    quickbooksConnection(),
    quickbooksGrant({ hardExpiresAt: T0 + 29 * DAY }),
    'expiring',
    'VALID',
  ],
  [
    'an end 31 days away',
    quickbooksConnection(),
    quickbooksGrant({ hardExpiresAt: T0 + 31 * DAY }),
    'healthy',
    'VALID',
  ],
  [
    'a refresh token that will have been idle for too long in 29 days',
    quickbooksConnection(),
    quickbooksGrant({ lastRefreshedAt: T0 - 71 * DAY, refreshExpiresAt: T0 + 29 * DAY }),
    'expiring',
    'VALID',
  ],
] as const)('%s is told as it is', ([, connection, grant, health, older]) => {
  expect(healthOf(connection, grant, T0)).toBe(health);
  expect(tokenStatusOf(health)).toBe(older);
});

test('an expired token is late only when its refresh has failed; otherwise the next reader gets one', () => {
  expect(healthOf(quickbooksConnection(), quickbooksGrant(), T0 + 2 * HOUR)).toBe('healthy');
  expect(healthOf(quickbooksConnection(), quickbooksGrant({ failure }), T0 + 2 * HOUR)).toBe('refreshing_late');
});
