import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { ClientPlace } from '../lib/aws/clients.ts';

/**
 * The SDK clients of the operators' commands. A person waits for them and not a request of a customer, so they are more
 * patient than those of `lib/aws/clients.ts`; every request still has an end.
 */

/** From anywhere in the world, perhaps over a slow line. */
const CONNECT_MS = 3_000;

/** All of these requests may be made again: reads, settings of a value, writes with a token of their own. */
const LIMITS = {
  cloudFormation: { requestMs: 10_000, maxAttempts: 3 },
  /** A page of a scan is 1 MB. */
  dynamoDb: { requestMs: 10_000, maxAttempts: 5 },
  lambda: { requestMs: 10_000, maxAttempts: 4 },
  cloudWatch: { requestMs: 10_000, maxAttempts: 4 },
  secrets: { requestMs: 10_000, maxAttempts: 3 },
  sqs: { requestMs: 10_000, maxAttempts: 3 },
  /** News; the audit is the record. */
  events: { requestMs: 5_000, maxAttempts: 2 },
} as const;

/** Clients of the AWS identity, region and endpoint of the shell; each is made when it is first asked for. */
export interface Clients {
  readonly cloudFormation: CloudFormationClient;
  readonly dynamoDb: DynamoDBDocumentClient;
  readonly lambda: LambdaClient;
  readonly cloudWatch: CloudWatchClient;
  readonly secrets: SecretsManagerClient;
  readonly sqs: SQSClient;
  readonly events: EventBridgeClient;
}

/** See `Clients`; `place` says where and as whom in the shell's stead. */
export function createClients(place: ClientPlace = {}): Clients {
  const settings = (service: keyof typeof LIMITS) => ({ ...place, ...settingsOf(service) });
  const made: { -readonly [C in keyof Clients]?: Clients[C] } = {};
  return {
    get cloudFormation() {
      made.cloudFormation ??= new CloudFormationClient(settings('cloudFormation'));
      return made.cloudFormation;
    },
    get dynamoDb() {
      made.dynamoDb ??= DynamoDBDocumentClient.from(new DynamoDBClient(settings('dynamoDb')), {
        marshallOptions: { removeUndefinedValues: true },
      });
      return made.dynamoDb;
    },
    get lambda() {
      made.lambda ??= new LambdaClient(settings('lambda'));
      return made.lambda;
    },
    get cloudWatch() {
      made.cloudWatch ??= new CloudWatchClient(settings('cloudWatch'));
      return made.cloudWatch;
    },
    get secrets() {
      made.secrets ??= new SecretsManagerClient(settings('secrets'));
      return made.secrets;
    },
    get sqs() {
      made.sqs ??= new SQSClient(settings('sqs'));
      return made.sqs;
    },
    get events() {
      made.events ??= new EventBridgeClient(settings('events'));
      return made.events;
    },
  };
}

function settingsOf(service: keyof typeof LIMITS) {
  const { requestMs, maxAttempts } = LIMITS[service];
  return {
    retryMode: 'standard',
    maxAttempts,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      requestTimeout: requestMs,
      // Without it a breach is only logged and the request goes on.
      throwOnRequestTimeout: true,
    },
  };
}
