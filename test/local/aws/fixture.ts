import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { KMSClient } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { createCloudWatch } from '../../../local/aws/cloudwatch.ts';
import { createDynamoDb } from '../../../local/aws/dynamodb.ts';
import { createEventBridge } from '../../../local/aws/eventbridge.ts';
import { createGuard, type PolicyStatement, type Principal } from '../../../local/aws/iam.ts';
import { createKms } from '../../../local/aws/kms.ts';
import { createSecretsManager } from '../../../local/aws/secrets-manager.ts';
import { type AwsService, startAwsServer } from '../../../local/aws/server.ts';
import { createSqs } from '../../../local/aws/sqs.ts';
import { createClock } from '../../../local/clock.ts';

export const TABLE_ARN = 'arn:aws:dynamodb:us-east-1:000000000000:table/Grants';

/** All services behind one port, an administrator `ADMIN`, and roles made on the way. */
export async function startFixture(more: AwsService[] = []) {
  const guard = createGuard();
  const clock = createClock();
  const dynamodb = createDynamoDb({ guard, clock });
  const kms = createKms({ guard });
  const secrets = createSecretsManager({ guard, clock });
  const events = createEventBridge({ guard, clock, keep: 3 });
  const cloudwatch = createCloudWatch({ guard, clock });
  const sqs = createSqs({ guard, clock });
  const principals = new Map<string, Principal>([
    ['ADMIN', { name: 'admin', arn: 'arn:aws:iam::000000000000:user/admin', statements: 'administrator' }],
  ]);
  const server = await startAwsServer({
    services: [dynamodb, kms, secrets, events, cloudwatch, sqs, ...more],
    principalOf: (accessKeyId) => principals.get(accessKeyId),
  });

  /** SDK clients of a principal; one attempt, so that every failure is seen. */
  function clientsOf(accessKeyId: string) {
    const config = {
      endpoint: server.endpointUrl,
      region: 'us-east-1',
      credentials: { accessKeyId, secretAccessKey: 'unchecked' },
      maxAttempts: 1,
      requestHandler: { requestTimeout: 1000, throwOnRequestTimeout: true },
    };
    const client = new DynamoDBClient(config);
    return {
      dynamodb: client,
      documents: DynamoDBDocumentClient.from(client),
      kms: new KMSClient(config),
      secrets: new SecretsManagerClient(config),
      events: new EventBridgeClient(config),
      cloudwatch: new CloudWatchClient(config),
      sqs: new SQSClient(config),
    };
  }
  return {
    guard,
    clock,
    dynamodb,
    kms,
    secrets,
    events,
    cloudwatch,
    sqs,
    server,
    clientsOf,
    admin: clientsOf('ADMIN'),
    /** Clients of a role that has only these statements. */
    asRole(name: string, statements: readonly PolicyStatement[]) {
      principals.set(name, { name, arn: `arn:aws:sts::000000000000:assumed-role/${name}/session`, statements });
      return clientsOf(name);
    },
    async stop() {
      await server.stop();
      await sqs.stop();
      await dynamodb.close();
    },
  };
}

export type Fixture = Awaited<ReturnType<typeof startFixture>>;

/** The shape of CDK's TableV2 in a template. */
export const grantsTable = {
  TableName: 'Grants',
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'duePartition', AttributeType: 'S' },
    { AttributeName: 'dueAt', AttributeType: 'N' },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: 'due',
      KeySchema: [
        { AttributeName: 'duePartition', KeyType: 'HASH' },
        { AttributeName: 'dueAt', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'KEYS_ONLY' },
    },
  ],
  TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
  BillingMode: 'PAY_PER_REQUEST',
  Replicas: [{ Region: 'us-east-1', PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } }],
};

export const connectionsTable = {
  TableName: 'Connections',
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'sk', AttributeType: 'S' },
  ],
};

/** What a rejected promise was rejected with: the SDK's error name and message. */
export async function refusalOf(work: Promise<unknown>): Promise<{ name: string; message: string }> {
  try {
    await work;
  } catch (error) {
    const { name, message } = error as Error;
    return { name, message };
  }
  return { name: 'none', message: 'the call succeeded' };
}
