import { App, Stack } from 'aws-cdk-lib';
import { expect, test } from 'vitest';
import type { Config } from '../../infra/config.ts';
import { eventsDeadLetterName, LifecycleEvents } from '../../infra/lifecycle-events.ts';
import { EVENT_TYPES } from '../../lib/domain/lifecycle-event.ts';
import { ofType, PROJECT_CONTEXT, resourcesOf, VALIDATES } from './synthesized.ts';

const TOPIC = 'arn:aws:sns:eu-west-1:111122223333:partner-events';
const FUNCTION = 'arn:aws:lambda:eu-west-1:111122223333:function:on-events:live';

function resourcesWith(...eventTargets: Config['eventTargets']) {
  const app = new App({ context: { ...PROJECT_CONTEXT, [VALIDATES]: false } });
  const stack = new Stack(app, 'service', { env: { region: 'eu-west-1' } });
  new LifecycleEvents(stack, 'Events', { config: { environment: 'prod', eventTargets } as Config });
  return resourcesOf(stack as Parameters<typeof resourcesOf>[0]);
}
const propertiesOf = (resources: ReturnType<typeof resourcesWith>, type: string) =>
  ofType(resources, type).map(({ properties }) => properties);

test('without targets there is a bus that anybody may attach rules to, and nothing else', () => {
  expect(resourcesWith().map(({ type, properties }) => [type, properties])).toEqual([
    [
      'AWS::Events::EventBus',
      { Name: 'grantkeeper-prod', Description: 'What happens to the connections of Grantkeeper prod' },
    ],
  ]);
});

test('each target has a rule on the bus for the events it wants, by default all', () => {
  const rules = propertiesOf(
    resourcesWith(
      { kind: 'sns', arn: TOPIC },
      { kind: 'lambda', arn: FUNCTION, events: ['Connection Needs Reauth', 'Connection Expired'] },
    ),
    'AWS::Events::Rule',
  );
  const target = {
    Id: 'Target0',
    DeadLetterConfig: { Arn: 'EventsDeadLetter.Arn' },
    RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
  };
  expect(rules).toEqual([
    {
      Description: `Lifecycle events for ${TOPIC}`,
      EventBusName: 'EventsBus',
      EventPattern: { source: ['grantkeeper'], 'detail-type': [...EVENT_TYPES] },
      State: 'ENABLED',
      Targets: [{ ...target, Arn: TOPIC }],
    },
    {
      Description: `Lifecycle events for ${FUNCTION}`,
      EventBusName: 'EventsBus',
      EventPattern: { source: ['grantkeeper'], 'detail-type': ['Connection Needs Reauth', 'Connection Expired'] },
      State: 'ENABLED',
      Targets: [{ ...target, Arn: FUNCTION }],
    },
  ]);
});

test('the rule of a function, and no other, may invoke it', () => {
  const resources = resourcesWith({ kind: 'sns', arn: TOPIC }, { kind: 'lambda', arn: FUNCTION });
  expect(propertiesOf(resources, 'AWS::Lambda::Permission')).toEqual([
    {
      Action: 'lambda:InvokeFunction',
      FunctionName: FUNCTION,
      Principal: 'events.amazonaws.com',
      SourceArn: 'EventsTarget2.Arn',
    },
  ]);
});

test('what cannot be delivered waits for 14 days on an encrypted queue that only the rules write to, over TLS', () => {
  const resources = resourcesWith({ kind: 'sns', arn: TOPIC });
  expect(propertiesOf(resources, 'AWS::SQS::Queue')).toEqual([
    { QueueName: 'grantkeeper-prod-events-dead-letter', MessageRetentionPeriod: 1_209_600, SqsManagedSseEnabled: true },
  ]);
  expect(eventsDeadLetterName('prod')).toBe('grantkeeper-prod-events-dead-letter');
  const [policy] = propertiesOf(resources, 'AWS::SQS::QueuePolicy');
  expect(policy?.PolicyDocument.Statement).toEqual([
    {
      Effect: 'Deny',
      Principal: { AWS: '*' },
      Action: 'sqs:*',
      Resource: 'EventsDeadLetter.Arn',
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    },
    {
      Sid: expect.stringMatching(/^AllowEventRule/),
      Effect: 'Allow',
      Principal: { Service: 'events.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: 'EventsDeadLetter.Arn',
      Condition: { ArnEquals: { 'aws:SourceArn': 'EventsTarget1.Arn' } },
    },
  ]);
});
