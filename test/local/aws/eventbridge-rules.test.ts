import { expect, test } from 'vitest';
import { type BusRule, createRules, type Delivery } from '../../../local/aws/eventbridge-rules.ts';

const EVENT = {
  id: 'event-1',
  bus: 'grantkeeper-local',
  source: 'grantkeeper',
  detailType: 'Token Refreshed',
  detail: { provider: 'xero' },
  resources: [],
  at: 1_795_176_000_123,
};
const RULE: BusRule = { name: 'all', bus: 'grantkeeper-local', enabled: true, targetArns: ['arn:a'] };

function rulesWith(...rules: BusRule[]) {
  const created = createRules({ account: '000000000000', keep: 3 });
  for (const rule of rules) created.add(rule);
  return created;
}

test('a target is given the event as EventBridge wraps it', () => {
  const rules = rulesWith(RULE);
  const heard: Delivery[] = [];
  rules.onDelivery((delivery) => heard.push(delivery));
  rules.deliver(EVENT);
  expect(rules.deliveries()).toEqual([
    {
      rule: 'all',
      targetArn: 'arn:a',
      event: {
        version: '0',
        id: 'event-1',
        'detail-type': 'Token Refreshed',
        source: 'grantkeeper',
        account: '000000000000',
        time: '2026-11-20T12:00:00Z',
        region: 'us-east-1',
        resources: [],
        detail: { provider: 'xero' },
      },
    },
  ]);
  expect(heard).toEqual(rules.deliveries());
});

test.for<[string, Partial<BusRule>, number]>([
  ['of its source and type', { sources: ['other', 'grantkeeper'], detailTypes: ['Token Refreshed'] }, 1],
  ['of any type', { sources: ['grantkeeper'] }, 1],
  ['of another source', { sources: ['aws.s3'] }, 0],
  ['of another type', { detailTypes: ['Refresh Failed', 'token refreshed'] }, 0],
  ['that is on another bus', { bus: 'default' }, 0],
  ['while it is off', { enabled: false }, 0],
  ['once for each of its targets', { targetArns: ['arn:a', 'arn:b'] }, 2],
])('a rule lets through an event %s: %j', ([, changes, count]) => {
  const rules = rulesWith({ ...RULE, ...changes });
  rules.deliver(EVENT);
  expect(rules.deliveries().length).toBe(count);
});

test('only the last deliveries are remembered', () => {
  const rules = rulesWith(RULE);
  for (const id of ['1', '2', '3', '4', '5']) rules.deliver({ ...EVENT, id });
  expect(rules.deliveries().map(({ event }) => event.id)).toEqual(['3', '4', '5']);
});
