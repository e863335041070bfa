import { beforeAll, describe, expect, test } from 'vitest';
import type { Resource } from './synthesized.ts';
import { alarmsIn, type Told, tell, watchResources } from './watched.ts';

let alarms: ReadonlyMap<string, Resource['properties']>;
beforeAll(() => {
  alarms = alarmsIn(watchResources());
});

/** Alarms that page: when they sound, the maths, the metrics (name{dimensions} statistic period). */
const EXPECTED: Readonly<Record<string, Told>> = {
  'token-at-risk': {
    when: '>= 1 in 1 of 15, missing notBreaching',
    expression: 'expr_1 = FILL(quickbooks, 0) + FILL(xero, 0) + FILL(lost_quickbooks, 0) + FILL(lost_xero, 0)',
    metrics: [
      'quickbooks: Grantkeeper/dev TokenAtRisk{provider=quickbooks} Sum 60',
      'xero: Grantkeeper/dev TokenAtRisk{provider=xero} Sum 60',
      'lost_quickbooks: Grantkeeper/dev NeedsReauth{outcome=lost_rotation,provider=quickbooks} Sum 60',
      'lost_xero: Grantkeeper/dev NeedsReauth{outcome=lost_rotation,provider=xero} Sum 60',
    ],
  },
  'rescue-queue-waiting': {
    when: '>= 1 in 5 of 8, missing notBreaching',
    expression: 'expr_1 = FILL(visible, 0) + FILL(taken, 0)',
    metrics: [
      'visible: AWS/SQS ApproximateNumberOfMessagesVisible{QueueName=grantkeeper-dev-rescue} Maximum 60',
      'taken: AWS/SQS ApproximateNumberOfMessagesNotVisible{QueueName=grantkeeper-dev-rescue} Maximum 60',
    ],
  },
  'rescue-dead-letter': {
    when: '>= 1 in 1 of 5, missing notBreaching',
    expression: 'expr_1 = FILL(visible, 0) + FILL(taken, 0)',
    metrics: [
      'visible: AWS/SQS ApproximateNumberOfMessagesVisible{QueueName=grantkeeper-dev-rescue-dead-letter} Maximum 60',
      'taken: AWS/SQS ApproximateNumberOfMessagesNotVisible{QueueName=grantkeeper-dev-rescue-dead-letter} Maximum 60',
    ],
  },
  'key-unusable': {
    when: '>= 1 in 2 of 3, missing notBreaching',
    metrics: ['Grantkeeper/dev KeysUnusable{} Maximum 60'],
  },
  'sweep-heartbeat': {
    when: '< 1 in 6 of 6, missing breaching',
    expression: 'expr_1 = FILL(beats, 0)',
    metrics: ['beats: Grantkeeper/dev SweepHeartbeat{} Sum 60'],
  },
  'refresh-lag': {
    when: '> 900000 in 3 of 5, missing notBreaching',
    metrics: ['Grantkeeper/dev RefreshLag{} Maximum 60'],
  },
  'refresh-success-quickbooks': {
    when: '< 50 in 6 of 10, missing notBreaching',
    expression:
      'expr_1 = IF(FILL(open, 0) > 0, 0, IF((FILL(at_risk, 0) + FILL(not_sent, 0) + FILL(unknown, 0) + FILL(config, 0) + FILL(throttled, 0)) >= 2, 100 * (FILL(ok, 0) + FILL(rescued, 0)) / (FILL(ok, 0) + FILL(rescued, 0) + FILL(at_risk, 0) + FILL(not_sent, 0) + FILL(unknown, 0) + FILL(config, 0) + FILL(throttled, 0)), 100))',
    metrics: [
      'ok: Grantkeeper/dev RefreshOutcome{outcome=ok,provider=quickbooks} Sum 60',
      'rescued: Grantkeeper/dev RefreshOutcome{outcome=rescued,provider=quickbooks} Sum 60',
      'at_risk: Grantkeeper/dev RefreshOutcome{outcome=at_risk,provider=quickbooks} Sum 60',
      'not_sent: Grantkeeper/dev RefreshOutcome{outcome=not_sent,provider=quickbooks} Sum 60',
      'unknown: Grantkeeper/dev RefreshOutcome{outcome=unknown,provider=quickbooks} Sum 60',
      'config: Grantkeeper/dev RefreshOutcome{outcome=config,provider=quickbooks} Sum 60',
      'throttled: Grantkeeper/dev RefreshOutcome{outcome=throttled,provider=quickbooks} Sum 60',
      'open: Grantkeeper/dev CircuitOpen{provider=quickbooks} Maximum 60',
    ],
  },
  'refresh-success-xero': {
    when: '< 50 in 6 of 10, missing notBreaching',
    expression:
      'expr_1 = IF(FILL(open, 0) > 0, 0, IF((FILL(at_risk, 0) + FILL(not_sent, 0) + FILL(unknown, 0) + FILL(config, 0) + FILL(throttled, 0)) >= 2, 100 * (FILL(ok, 0) + FILL(rescued, 0)) / (FILL(ok, 0) + FILL(rescued, 0) + FILL(at_risk, 0) + FILL(not_sent, 0) + FILL(unknown, 0) + FILL(config, 0) + FILL(throttled, 0)), 100))',
    metrics: [
      'ok: Grantkeeper/dev RefreshOutcome{outcome=ok,provider=xero} Sum 60',
      'rescued: Grantkeeper/dev RefreshOutcome{outcome=rescued,provider=xero} Sum 60',
      'at_risk: Grantkeeper/dev RefreshOutcome{outcome=at_risk,provider=xero} Sum 60',
      'not_sent: Grantkeeper/dev RefreshOutcome{outcome=not_sent,provider=xero} Sum 60',
      'unknown: Grantkeeper/dev RefreshOutcome{outcome=unknown,provider=xero} Sum 60',
      'config: Grantkeeper/dev RefreshOutcome{outcome=config,provider=xero} Sum 60',
      'throttled: Grantkeeper/dev RefreshOutcome{outcome=throttled,provider=xero} Sum 60',
      'open: Grantkeeper/dev CircuitOpen{provider=xero} Maximum 60',
    ],
  },
  'get-token-errors': {
    when: '>= 5 in 2 of 3, missing notBreaching',
    expression:
      'expr_1 = IF(((FILL(calls, 0)) >= 10) AND ((FILL(faults, 0) + FILL(errors, 0)) >= 3), 100 * (FILL(faults, 0) + FILL(errors, 0)) / (FILL(calls, 0)), 0)',
    metrics: [
      'faults: Grantkeeper/dev ServeFault{} Sum 300',
      'calls: AWS/Lambda Invocations{FunctionName=grantkeeper-dev-get-token} Sum 300',
      'errors: AWS/Lambda Errors{FunctionName=grantkeeper-dev-get-token} Sum 300',
    ],
  },
  'get-token-latency': {
    when: '> 3000 in 2 of 3, missing notBreaching',
    expression: 'expr_1 = IF(FILL(calls, 0) >= 100, FILL(p99, 0), 0)',
    metrics: ['p99: Grantkeeper/dev ServeLatency{} p99 300', 'calls: Grantkeeper/dev ServeLatency{} SampleCount 300'],
  },
  'verdicts-frozen': {
    when: '>= 1 in 3 of 10, missing notBreaching',
    expression: 'expr_1 = FILL(quickbooks, 0) + FILL(xero, 0)',
    metrics: [
      'quickbooks: Grantkeeper/dev VerdictsFrozen{provider=quickbooks} Maximum 60',
      'xero: Grantkeeper/dev VerdictsFrozen{provider=xero} Maximum 60',
    ],
  },
  'config-refused': {
    when: '>= 1 in 3 of 5, missing notBreaching',
    expression: 'expr_1 = FILL(quickbooks, 0) + FILL(xero, 0)',
    metrics: [
      'quickbooks: Grantkeeper/dev ConfigRefused{provider=quickbooks} Maximum 60',
      'xero: Grantkeeper/dev ConfigRefused{provider=xero} Maximum 60',
    ],
  },
  'needs-reauth-burst': {
    when: '>= 5 in 1 of 1, missing notBreaching',
    expression:
      'expr_1 = FILL(quickbooks_user_revoked, 0) + FILL(quickbooks_idle_expired, 0) + FILL(quickbooks_lost_rotation, 0) + FILL(quickbooks_unknown, 0) + FILL(xero_user_revoked, 0) + FILL(xero_idle_expired, 0) + FILL(xero_lost_rotation, 0) + FILL(xero_unknown, 0)',
    metrics: [
      'quickbooks_user_revoked: Grantkeeper/dev NeedsReauth{outcome=user_revoked,provider=quickbooks} Sum 3600',
      'quickbooks_idle_expired: Grantkeeper/dev NeedsReauth{outcome=idle_expired,provider=quickbooks} Sum 3600',
      'quickbooks_lost_rotation: Grantkeeper/dev NeedsReauth{outcome=lost_rotation,provider=quickbooks} Sum 3600',
      'quickbooks_unknown: Grantkeeper/dev NeedsReauth{outcome=unknown,provider=quickbooks} Sum 3600',
      'xero_user_revoked: Grantkeeper/dev NeedsReauth{outcome=user_revoked,provider=xero} Sum 3600',
      'xero_idle_expired: Grantkeeper/dev NeedsReauth{outcome=idle_expired,provider=xero} Sum 3600',
      'xero_lost_rotation: Grantkeeper/dev NeedsReauth{outcome=lost_rotation,provider=xero} Sum 3600',
      'xero_unknown: Grantkeeper/dev NeedsReauth{outcome=unknown,provider=xero} Sum 3600',
    ],
  },
};

describe('an alarm that pages', () => {
  test.for(Object.entries(EXPECTED))('%s', ([id, told]) => {
    expect(tell(alarms.get(id) ?? {})).toEqual(told);
  });
});

test.for([
  ['refresh-lag', { refreshLagSeconds: 120 }, '> 120000 in 3 of 5, missing notBreaching'],
  ['get-token-latency', { serveLatencyMs: 250 }, '> 250 in 2 of 3, missing notBreaching'],
  ['needs-reauth-burst', { needsReauthBurst: 40 }, '>= 40 in 1 of 1, missing notBreaching'],
] as const)('the threshold of %s is a setting', ([id, settings, when]) => {
  expect(tell(alarmsIn(watchResources(settings)).get(id) ?? {}).when).toBe(when);
});

test('every environment watches its own metrics, functions and queues', () => {
  const staging = { env: 'staging', frontendUrl: 'https://app.example.com', partnerName: 'Example' };
  const elsewhere = [...alarmsIn(watchResources(staging)).values()].map((alarm) => JSON.stringify(alarm));
  expect(elsewhere.filter((alarm) => /[/-]dev\b/.test(alarm))).toEqual([]);
});
