import { expect, test } from 'vitest';
import { createPolicies } from '../../../lib/service/policies.ts';

test('what is not set is the provider’s own or the default', () => {
  expect(createPolicies()('xero')).toEqual({
    margins: { refreshAheadSeconds: 1_800, onDemandSeconds: 300, keepAliveSeconds: 14 * 86_400 },
    graceSeconds: 1_800,
    detaches: true,
    backoff: { baseMs: 1_000, capMs: 300_000 },
    circuit: { failures: 3, resetMs: 60_000 },
    leaseMs: 125_000,
  });
});

test('what is set holds for every provider', () => {
  const policies = createPolicies({
    refreshAheadSeconds: 600,
    onDemandSeconds: 240,
    keepAliveDays: 10,
    leaseSeconds: 180,
    backoffBaseMs: 250,
    backoffCapSeconds: 120,
    circuitFailures: 5,
    circuitResetSeconds: 30,
  });
  expect(policies('quickbooks')).toEqual({
    margins: { refreshAheadSeconds: 600, onDemandSeconds: 240, keepAliveSeconds: 10 * 86_400 },
    graceSeconds: 0,
    detaches: false,
    backoff: { baseMs: 250, capMs: 120_000 },
    circuit: { failures: 5, resetMs: 30_000 },
    leaseMs: 180_000,
  });
  expect(policies('xero').circuit).toEqual({ failures: 5, resetMs: 30_000 });
});
