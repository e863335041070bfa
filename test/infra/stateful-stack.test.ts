import { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildApp, ofType, type Resource, resourcesOf } from './synthesized.ts';

let resources: readonly Resource[];
beforeAll(() => {
  resources = resourcesOf(buildApp().stateful);
});

function table(name: string): Resource {
  const tables = ofType(resources, 'AWS::DynamoDB::GlobalTable');
  const found = tables.find(({ logicalId }) => logicalId.startsWith(`Tables${name}`));
  if (found === undefined) throw new Error(`there is no table ${name}`);
  return found;
}

const KEYS = { AttributeName: 'pk', KeyType: 'HASH' };
const WITH_SORT = [KEYS, { AttributeName: 'sk', KeyType: 'RANGE' }];

test.for([
  { name: 'grants', keys: [KEYS], isKept: true, ttl: undefined },
  { name: 'connections', keys: WITH_SORT, isKept: true, ttl: undefined },
  { name: 'flows', keys: [KEYS], isKept: false, ttl: { AttributeName: 'ttl', Enabled: true } },
  { name: 'apiKeys', keys: [KEYS], isKept: true, ttl: undefined },
  { name: 'audit', keys: WITH_SORT, isKept: true, ttl: { AttributeName: 'ttl', Enabled: true } },
])('$name is on demand, under the table key, kept: $isKept', ({ name, keys, isKept, ttl }) => {
  const { properties, deletionPolicy } = table(name);
  const [replica, ...others] = properties.Replicas;
  expect(others).toEqual([]);
  expect({
    keys: properties.KeySchema,
    billing: properties.BillingMode,
    sse: properties.SSESpecification,
    ttl: properties.TimeToLiveSpecification,
    key: replica.SSESpecification.KMSMasterKeyId,
    recovery: replica.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled,
    protection: replica.DeletionProtectionEnabled,
    deletionPolicy,
  }).toEqual({
    keys,
    billing: 'PAY_PER_REQUEST',
    sse: { SSEEnabled: true, SSEType: 'KMS' },
    ttl,
    key: 'TableKey.Arn',
    recovery: isKept,
    protection: isKept,
    deletionPolicy: isKept ? 'Retain' : 'Delete',
  });
});

test('there are these five tables and no others', () => {
  expect(ofType(resources, 'AWS::DynamoDB::GlobalTable')).toHaveLength(5);
});

test('the due index is on grants alone and holds keys only', () => {
  const indexes = ['grants', 'connections', 'flows', 'apiKeys', 'audit'].map(
    (name) => table(name).properties.GlobalSecondaryIndexes,
  );
  const due = {
    IndexName: 'due',
    KeySchema: [
      { AttributeName: 'duePartition', KeyType: 'HASH' },
      { AttributeName: 'dueAt', KeyType: 'RANGE' },
    ],
    Projection: { ProjectionType: 'KEYS_ONLY' },
  };
  expect(indexes).toEqual([[due], undefined, undefined, undefined, undefined]);
});

describe('keys', () => {
  test('both rotate, stay when the stack goes and wait 30 days to be deleted', () => {
    const keys = ofType(resources, 'AWS::KMS::Key').map(({ logicalId, properties, deletionPolicy }) => ({
      id: logicalId.slice(0, -8),
      rotates: properties.EnableKeyRotation,
      window: properties.PendingWindowInDays,
      deletionPolicy,
    }));
    expect(keys).toEqual([
      { id: 'TokenKey', rotates: true, window: 30, deletionPolicy: 'Retain' },
      { id: 'TableKey', rotates: true, window: 30, deletionPolicy: 'Retain' },
    ]);
  });

  test('the token key’s policy leaves everything to IAM', () => {
    const [tokenKey] = ofType(resources, 'AWS::KMS::Key');
    expect(tokenKey?.properties.KeyPolicy.Statement).toEqual([
      { Action: 'kms:*', Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::AWS::AccountId:root' }, Resource: '*' },
    ]);
  });

  test('the table key is open to this account through DynamoDB only', () => {
    const [, tableKey] = ofType(resources, 'AWS::KMS::Key');
    expect(tableKey?.properties.KeyPolicy.Statement[1]).toEqual({
      Sid: 'ThroughDynamoDbForThisAccount',
      Effect: 'Allow',
      Principal: { AWS: '*' },
      Action: [
        'kms:CreateGrant',
        'kms:Decrypt',
        'kms:DescribeKey',
        'kms:Encrypt',
        'kms:GenerateDataKey',
        'kms:GenerateDataKeyWithoutPlaintext',
        'kms:ReEncryptFrom',
        'kms:ReEncryptTo',
      ],
      Resource: '*',
      Condition: {
        StringEquals: { 'kms:CallerAccount': 'AWS::AccountId', 'kms:ViaService': 'dynamodb.us-east-1.amazonaws.com' },
      },
    });
  });
});

test('secrets come with made-up values under the names the code reads', () => {
  const secrets = ofType(resources, 'AWS::SecretsManager::Secret').map(({ properties, deletionPolicy }) => ({
    name: properties.Name,
    generated: properties.GenerateSecretString,
    deletionPolicy,
  }));
  const client = { SecretStringTemplate: '{"clientId":"replace-me"}', GenerateStringKey: 'clientSecret' };
  expect(secrets).toEqual([
    { name: 'grantkeeper/dev/quickbooks/sandbox/client', generated: client, deletionPolicy: 'RetainExceptOnCreate' },
    { name: 'grantkeeper/dev/xero/sandbox/client', generated: client, deletionPolicy: 'RetainExceptOnCreate' },
    {
      name: 'grantkeeper/dev/state-keys',
      generated: {
        SecretStringTemplate: '{"id":"1"}',
        GenerateStringKey: 'key',
        PasswordLength: 43,
        ExcludePunctuation: true,
      },
      deletionPolicy: 'Delete',
    },
  ]);
});

describe('the rescue queue', () => {
  const queueOf = (name: string) =>
    ofType(resources, 'AWS::SQS::Queue').find(({ properties }) => properties.QueueName === name);

  test('keeps messages for two weeks under SQS’s own key, tries each for a day, and outlives the stack', () => {
    const queue = queueOf('grantkeeper-dev-rescue');
    expect(queue?.properties).toEqual({
      QueueName: 'grantkeeper-dev-rescue',
      SqsManagedSseEnabled: true,
      MessageRetentionPeriod: 14 * 24 * 3600,
      VisibilityTimeout: 300,
      RedrivePolicy: { deadLetterTargetArn: 'RescueDeadLetter.Arn', maxReceiveCount: 288 },
    });
    expect(queue?.deletionPolicy).toBe('RetainExceptOnCreate');
  });

  test('has a dead-letter queue that keeps them as long', () => {
    const queue = queueOf('grantkeeper-dev-rescue-dead-letter');
    expect(queue?.properties).toEqual({
      QueueName: 'grantkeeper-dev-rescue-dead-letter',
      SqsManagedSseEnabled: true,
      MessageRetentionPeriod: 14 * 24 * 3600,
    });
    expect(queue?.deletionPolicy).toBe('RetainExceptOnCreate');
    expect(ofType(resources, 'AWS::SQS::Queue')).toHaveLength(2);
  });

  test('is spoken to over TLS only; everything else is left to the roles', () => {
    const policies = ofType(resources, 'AWS::SQS::QueuePolicy').map(({ properties }) => [
      properties.Queues,
      properties.PolicyDocument.Statement,
    ]);
    const onlyTls = (Resource: string) => [
      {
        Action: 'sqs:*',
        Effect: 'Deny',
        Principal: { AWS: '*' },
        Resource,
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ];
    expect(policies).toEqual([
      [['RescueDeadLetter'], onlyTls('RescueDeadLetter.Arn')],
      [['RescueQueue'], onlyTls('RescueQueue.Arn')],
    ]);
  });
});

test('an operator is told what the tables and queues are called that the command line works on', () => {
  const outputs: Record<string, { Value: unknown; Description?: string }> = Template.fromStack(
    buildApp().stateful,
  ).toJSON().Outputs;
  const ids = ['ApiKeysTable', 'GrantsTable', 'ConnectionsTable', 'AuditTable', 'FlowsTable'];
  const told = [...ids, 'RescueQueueUrl', 'RescueDeadLetterUrl'].map((id) => [
    outputs[id]?.Value,
    outputs[id]?.Description,
  ]);
  expect(told).toEqual([
    [{ Ref: expect.stringMatching(/^TablesapiKeys/) }, 'GK_TABLE_API_KEYS of npm run ops'],
    [{ Ref: expect.stringMatching(/^Tablesgrants/) }, 'GK_TABLE_GRANTS of npm run ops'],
    [{ Ref: expect.stringMatching(/^Tablesconnections/) }, 'GK_TABLE_CONNECTIONS of npm run ops'],
    [{ Ref: expect.stringMatching(/^Tablesaudit/) }, 'GK_TABLE_AUDIT of npm run ops'],
    [{ Ref: expect.stringMatching(/^Tablesflows/) }, 'GK_TABLE_FLOWS of npm run ops'],
    [{ Ref: expect.stringMatching(/^RescueQueue/) }, 'Tokens that wait for their table'],
    [{ Ref: expect.stringMatching(/^RescueDeadLetter/) }, 'Tokens that could not be stored for a day'],
  ]);
});
