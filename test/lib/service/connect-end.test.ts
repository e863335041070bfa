import { expect, test } from 'vitest';
import type { ErrorCode } from '../../../lib/domain/errors.ts';
import { countConnectEnd } from '../../../lib/service/connect-end.ts';

test.for<['linked' | ErrorCode, 0 | 1]>([
  ['linked', 0],
  // The user's own doing, or that of another organisation.
  ['access_denied', 0],
  ['company_mismatch', 0],
  ['company_taken', 0],
  ['no_company', 0],
  ['connection_changed', 0],
  ['flow_expired', 0],
  // Not his.
  ['provider_error', 1],
  ['provider_configuration', 1],
  ['exchange_failed', 1],
  ['company_unconfirmed', 1],
  ['offline_access_missing', 1],
  ['unavailable', 1],
  ['internal_error', 1],
])('a flow that ended with %s is counted, and as a fault %i times', ([outcome, fault]) => {
  const counted: unknown[] = [];
  countConnectEnd({ count: (...counting) => counted.push(counting) }, 'xero', outcome);
  expect(counted).toEqual([
    ['ConnectOutcome', 1, { provider: 'xero', outcome }],
    ['ConnectFault', fault, { provider: 'xero' }],
  ]);
});
