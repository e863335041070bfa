import { describe, expect, test } from 'vitest';
import { readBuses, readBusRules } from '../../../local/assembly/buses.ts';
import { collectResources } from '../../../local/assembly/collect.ts';

const TOPIC = 'arn:aws:sns:us-east-1:111122223333:partner-events';

function collectionWith(rule: Readonly<Record<string, unknown>>) {
  const Resources = {
    Bus: { Type: 'AWS::Events::EventBus', Properties: { Name: 'grantkeeper-local' } },
    Rule: { Type: 'AWS::Events::Rule', Properties: { EventBusName: { Ref: 'Bus' }, ...rule } },
    Clock: { Type: 'AWS::Events::Rule', Properties: { ScheduleExpression: 'rate(1 minute)' } },
  };
  return collectResources([{ name: 'service', dir: '/nowhere', template: { Resources } }]);
}

test('buses have the names that functions put to', () => {
  expect(readBuses(collectionWith({}))).toEqual([
    { name: 'grantkeeper-local', arn: 'arn:aws:events:us-east-1:000000000000:event-bus/grantkeeper-local' },
  ]);
});

test('a rule that waits for events is read with its pattern and targets; what is not done for it is reported', () => {
  const collection = collectionWith({
    EventPattern: { source: ['grantkeeper'], 'detail-type': ['Token Refreshed', 'Refresh Failed'] },
    Targets: [{ Id: 'Target0', Arn: TOPIC, DeadLetterConfig: { Arn: 'x' }, RetryPolicy: { MaximumRetryAttempts: 1 } }],
  });
  expect(readBusRules(collection)).toEqual([
    {
      name: 'service-Rule',
      bus: 'grantkeeper-local',
      enabled: true,
      sources: ['grantkeeper'],
      detailTypes: ['Token Refreshed', 'Refresh Failed'],
      targetArns: [TOPIC],
    },
  ]);
  expect(collection.notRun.map(({ logicalId, reason }) => `${logicalId}: ${reason}`)).toEqual([
    'Rule: DeadLetterConfig is ignored',
    'Rule: RetryPolicy is ignored',
  ]);
});

test('a rule without a bus is on the default one, and may be off', () => {
  const rule = { EventPattern: { source: ['x'] }, EventBusName: undefined, State: 'DISABLED' };
  expect(readBusRules(collectionWith(rule))).toEqual([
    { name: 'service-Rule', bus: 'default', enabled: false, sources: ['x'], targetArns: [] },
  ]);
});

describe('a pattern that would be matched otherwise than on AWS is refused', () => {
  test.for<[object, string]>([
    [{ source: ['a'], account: ['1'], detail: {} }, 'Rule: no rule here can look at account, detail'],
    [{ source: [{ prefix: 'grant' }] }, 'Rule: only lists of texts can be matched here'],
    [{ 'detail-type': 'Token Refreshed' }, 'Rule: only lists of texts can be matched here'],
  ])('%j', ([EventPattern, message]) => {
    expect(() => readBusRules(collectionWith({ EventPattern }))).toThrow(message);
  });
});
