import { beforeAll, expect, test } from 'vitest';
import { ofType, type Resource } from './synthesized.ts';
import { watchResources } from './watched.ts';

let resources: readonly Resource[];
beforeAll(() => {
  resources = watchResources({
    pageAddresses: '["oncall@example.com","https://pager.example.com/in"]',
    ticketAddresses: '["team@example.com"]',
  });
});

const properties = (type: string) => ofType(resources, type).map((resource) => resource.properties);

const OF_THIS_ACCOUNT = { StringEquals: { 'aws:SourceAccount': 'AWS::AccountId' } };
const SENDER = { Service: 'cloudwatch.amazonaws.com' };

test('both topics are under one key of their own', () => {
  expect(properties('AWS::SNS::Topic')).toEqual([
    { TopicName: 'grantkeeper-dev-page', DisplayName: 'Grantkeeper dev: page', KmsMasterKeyId: 'TopicsKey.Arn' },
    { TopicName: 'grantkeeper-dev-ticket', DisplayName: 'Grantkeeper dev: ticket', KmsMasterKeyId: 'TopicsKey.Arn' },
  ]);
});

test('alarms of this account alone may use the key, which turns and goes with the stack', () => {
  const [key] = ofType(resources, 'AWS::KMS::Key');
  expect(key).toMatchObject({
    deletionPolicy: 'Delete',
    properties: { EnableKeyRotation: true, PendingWindowInDays: 7 },
  });
  const [owner, ...others] = key?.properties.KeyPolicy.Statement ?? [];
  expect(owner).toMatchObject({ Action: 'kms:*', Principal: { AWS: 'arn:aws:iam::AWS::AccountId:root' } });
  expect(others).toEqual([
    {
      Sid: 'ForAlarmsOfThisAccount',
      Effect: 'Allow',
      Principal: SENDER,
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: '*',
      Condition: OF_THIS_ACCOUNT,
    },
  ]);
});

test.for(['Topicspage', 'Topicsticket'])('%s hears alarms of this account alone, over TLS only', (topic) => {
  const policy = properties('AWS::SNS::TopicPolicy').find(({ Topics }) => Topics[0] === topic);
  expect(policy?.PolicyDocument.Statement).toEqual([
    {
      Sid: 'AllowPublishThroughSSLOnly',
      Effect: 'Deny',
      Principal: '*',
      Action: 'sns:Publish',
      Resource: topic,
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    },
    {
      Sid: 'AlarmsOfThisAccountMaySpeak',
      Effect: 'Allow',
      Principal: SENDER,
      Action: 'sns:Publish',
      Resource: topic,
      Condition: OF_THIS_ACCOUNT,
    },
  ]);
});

test('addresses are subscribed, as mail or as https', () => {
  expect(properties('AWS::SNS::Subscription')).toEqual([
    { TopicArn: 'Topicspage', Protocol: 'email', Endpoint: 'oncall@example.com' },
    { TopicArn: 'Topicspage', Protocol: 'https', Endpoint: 'https://pager.example.com/in' },
    { TopicArn: 'Topicsticket', Protocol: 'email', Endpoint: 'team@example.com' },
  ]);
});
