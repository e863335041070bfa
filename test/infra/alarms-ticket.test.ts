import { beforeAll, describe, expect, test } from 'vitest';
import type { Resource } from './synthesized.ts';
import { alarmsIn, type Told, tell, watchResources } from './watched.ts';

let alarms: ReadonlyMap<string, Resource['properties']>;
beforeAll(() => {
  alarms = alarmsIn(watchResources());
});

/** Alarms of the ticket topic: when they sound, the maths, the metrics (name{dimensions} statistic period). */
const EXPECTED: Readonly<Record<string, Told>> = {
  'connect-failures': {
    when: '>= 20 in 1 of 2, missing notBreaching',
    expression:
      'expr_1 = IF(((FILL(quickbooks_flows, 0) + FILL(xero_flows, 0)) >= 5) AND ((FILL(quickbooks_faults, 0) + FILL(xero_faults, 0)) >= 3), 100 * (FILL(quickbooks_faults, 0) + FILL(xero_faults, 0)) / (FILL(quickbooks_flows, 0) + FILL(xero_flows, 0)), 0)',
    metrics: [
      'quickbooks_faults: Grantkeeper/dev ConnectFault{provider=quickbooks} Sum 900',
      'xero_faults: Grantkeeper/dev ConnectFault{provider=xero} Sum 900',
      'quickbooks_flows: Grantkeeper/dev ConnectFault{provider=quickbooks} SampleCount 900',
      'xero_flows: Grantkeeper/dev ConnectFault{provider=xero} SampleCount 900',
    ],
  },
  'denied-calls': {
    when: '> upper expr_1 in 2 of 3, missing notBreaching',
    expression:
      'expr_1 = ANOMALY_DETECTION_BAND(m0, 3); m0 = IF((FILL(unauthorized, 0) + FILL(forbidden, 0) + FILL(not_found, 0) + FILL(invalid_state, 0) + FILL(consumer_refused, 0) + FILL(shared_grant_refused, 0)) >= 20, FILL(unauthorized, 0) + FILL(forbidden, 0) + FILL(not_found, 0) + FILL(invalid_state, 0) + FILL(consumer_refused, 0) + FILL(shared_grant_refused, 0), 0)',
    metrics: [
      'unauthorized: Grantkeeper/dev DeniedCalls{outcome=unauthorized} Sum 300',
      'forbidden: Grantkeeper/dev DeniedCalls{outcome=forbidden} Sum 300',
      'not_found: Grantkeeper/dev DeniedCalls{outcome=not_found} Sum 300',
      'invalid_state: Grantkeeper/dev DeniedCalls{outcome=invalid_state} Sum 300',
      'consumer_refused: Grantkeeper/dev DeniedCalls{outcome=consumer_refused} Sum 300',
      'shared_grant_refused: Grantkeeper/dev DeniedCalls{outcome=shared_grant_refused} Sum 300',
    ],
  },
  'firewall-blocks': {
    when: '>= 100 in 2 of 3, missing notBreaching',
    metrics: ['AWS/WAFV2 BlockedRequests{Region=us-east-1,Rule=ALL,WebACL=grantkeeper-dev} Sum 300'],
  },
  'circuit-open': {
    when: '>= 1 in 6 of 8, missing notBreaching',
    expression: 'expr_1 = FILL(quickbooks, 0) + FILL(xero, 0)',
    metrics: [
      'quickbooks: Grantkeeper/dev CircuitOpen{provider=quickbooks} Maximum 60',
      'xero: Grantkeeper/dev CircuitOpen{provider=xero} Maximum 60',
    ],
  },
  'expiring-soon': {
    when: '>= 1 in 1 of 6, missing notBreaching',
    expression:
      'expr_1 = FILL(quickbooks_idle_7, 0) + FILL(quickbooks_hard_7, 0) + FILL(xero_idle_7, 0) + FILL(xero_hard_7, 0)',
    metrics: [
      'quickbooks_idle_7: Grantkeeper/dev GrantExpiring{outcome=idle_7,provider=quickbooks} Sum 3600',
      'quickbooks_hard_7: Grantkeeper/dev GrantExpiring{outcome=hard_7,provider=quickbooks} Sum 3600',
      'xero_idle_7: Grantkeeper/dev GrantExpiring{outcome=idle_7,provider=xero} Sum 3600',
      'xero_hard_7: Grantkeeper/dev GrantExpiring{outcome=hard_7,provider=xero} Sum 3600',
    ],
  },
  'throttled-lambda': {
    when: '>= 1 in 2 of 3, missing notBreaching',
    expression:
      'expr_1 = FILL(get_token, 0) + FILL(refresh_grant, 0) + FILL(rescue, 0) + FILL(authorizer, 0) + FILL(callback, 0) + FILL(finish_connect, 0)',
    metrics: [
      'get_token: AWS/Lambda Throttles{FunctionName=grantkeeper-dev-get-token} Sum 300',
      'refresh_grant: AWS/Lambda Throttles{FunctionName=grantkeeper-dev-refresh-grant} Sum 300',
      'rescue: AWS/Lambda Throttles{FunctionName=grantkeeper-dev-rescue} Sum 300',
      'authorizer: AWS/Lambda Throttles{FunctionName=grantkeeper-dev-authorizer} Sum 300',
      'callback: AWS/Lambda Throttles{FunctionName=grantkeeper-dev-callback} Sum 300',
      'finish_connect: AWS/Lambda Throttles{FunctionName=grantkeeper-dev-finish-connect} Sum 300',
    ],
  },
  'throttled-dynamodb': {
    when: '>= 10 in 2 of 3, missing notBreaching',
    metrics: ['Grantkeeper/dev AwsThrottled{outcome=dynamodb} Sum 300'],
  },
  'throttled-kms': {
    when: '>= 10 in 2 of 3, missing notBreaching',
    metrics: ['Grantkeeper/dev AwsThrottled{outcome=kms} Sum 300'],
  },
  'secret-errors': {
    when: '>= 1 in 2 of 3, missing notBreaching',
    metrics: ['Grantkeeper/dev SecretErrors{} Sum 300'],
  },
  'events-dropped': {
    when: '>= 1 in 1 of 3, missing notBreaching',
    expression: 'expr_1 = FILL(dropped, 0)',
    metrics: ['dropped: Grantkeeper/dev EventsDropped{} Sum 300'],
  },
};

describe('an alarm for working hours', () => {
  test.for(Object.entries(EXPECTED))('%s', ([id, told]) => {
    expect(tell(alarms.get(id) ?? {})).toEqual(told);
  });
});

test('with targets of its own on the bus, what they did not take in a day counts as dropped', () => {
  const eventTargets = JSON.stringify([{ kind: 'sns', arn: 'arn:aws:sns:us-east-1:111122223333:partners' }]);
  expect(tell(alarmsIn(watchResources({ eventTargets })).get('events-dropped') ?? {})).toEqual({
    when: '>= 1 in 1 of 3, missing notBreaching',
    expression: 'expr_1 = FILL(dropped, 0) + FILL(undelivered, 0)',
    metrics: [
      'dropped: Grantkeeper/dev EventsDropped{} Sum 300',
      'undelivered: AWS/SQS ApproximateNumberOfMessagesVisible{QueueName=grantkeeper-dev-events-dead-letter} Maximum 300',
    ],
  });
});
