import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { KMSClient } from '@aws-sdk/client-kms';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { ThrottledService } from '../domain/names.ts';
import type { CountMetric } from '../service/ports.ts';
import { type Watched, watchThrottling } from './throttle-watch.ts';

/**
 * Every SDK client of the product is made here, with its retries and time-outs spelt out: the SDK's defaults changed under
 * us on 2026-11-10, and by default a request may take for ever. With a `count` each tells how often its service throttles us.
 */

/** A name lookup, TCP and TLS inside one region; anything slower is an outage. */
const CONNECT_MS = 1_000;
/** More than any function needs at once; the sweep works on some dozens of grants in parallel. */
const MAX_SOCKETS = 100;

/**
 * One request, and how often it is tried. DynamoDB: the service tries again itself until its deadline, so the SDK only
 * covers a pooled socket that died while the sandbox was frozen. KMS and Secrets Manager are asked before the point of no
 * return, where a second and third try cost nothing but time.
 */
const CLIENT_LIMITS = {
  dynamodb: { requestMs: 2_000, maxAttempts: 2 },
  kms: { requestMs: 2_000, maxAttempts: 3 },
  secrets: { requestMs: 3_000, maxAttempts: 3 },
  /** Once a minute, by a run that has other things to do. */
  cloudwatch: { requestMs: 2_000, maxAttempts: 2 },
  /** Beside the work; what waits for it gives up by itself. */
  events: { requestMs: 2_000, maxAttempts: 2 },
  /** Asked when the store fails: the service tries again itself, and a message that comes twice is applied once. */
  sqs: { requestMs: 2_000, maxAttempts: 2 },
  /** A retry would run a function twice. The time of each call is set in `invoke.ts`; this is the longest of them. */
  lambda: { requestMs: 28_000, maxAttempts: 1 },
} as const;

/** Where and as whom, for tests and tools; in Lambda the SDK reads both from its environment. */
export interface ClientPlace {
  readonly endpoint?: string;
  readonly region?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** DynamoDB with JavaScript values; undefined members are left out of what is written. */
export function createDynamoClient(place: ClientPlace = {}, count?: CountMetric): DynamoDBDocumentClient {
  const client = new DynamoDBClient({ ...place, ...settings(CLIENT_LIMITS.dynamodb) });
  return DynamoDBDocumentClient.from(watched(client, 'dynamodb', count), {
    marshallOptions: { removeUndefinedValues: true },
  });
}

/** Metrics and alarms. */
export function createCloudWatchClient(place: ClientPlace = {}, count?: CountMetric): CloudWatchClient {
  return watched(new CloudWatchClient({ ...place, ...settings(CLIENT_LIMITS.cloudwatch) }), 'cloudwatch', count);
}

/** The bus of lifecycle events. */
export function createEventBridgeClient(place: ClientPlace = {}, count?: CountMetric): EventBridgeClient {
  return watched(new EventBridgeClient({ ...place, ...settings(CLIENT_LIMITS.events) }), 'events', count);
}

/** The key service. */
export function createKmsClient(place: ClientPlace = {}, count?: CountMetric): KMSClient {
  return watched(new KMSClient({ ...place, ...settings(CLIENT_LIMITS.kms) }), 'kms', count);
}

/** The secret store. */
export function createSecretsClient(place: ClientPlace = {}, count?: CountMetric): SecretsManagerClient {
  return watched(new SecretsManagerClient({ ...place, ...settings(CLIENT_LIMITS.secrets) }), 'secretsmanager', count);
}

/** The rescue queue. It is spoken to at the host of its URL, unless `place` names an endpoint. */
export function createSqsClient(place: ClientPlace = {}, count?: CountMetric): SQSClient {
  return watched(new SQSClient({ ...place, ...settings(CLIENT_LIMITS.sqs) }), 'sqs', count);
}

/**
 * Invocations of our other functions: tried once, each on a fresh connection. A pooled one that died unnoticed would fail
 * after bytes were written, and there is no second try to hide it.
 */
export function createLambdaClient(place: ClientPlace = {}, count?: CountMetric): LambdaClient {
  const client = new LambdaClient({ ...place, ...settings(CLIENT_LIMITS.lambda, { keepAlive: false }) });
  return watched(client, 'lambda', count);
}

function watched<C extends Watched>(client: C, service: ThrottledService, count: CountMetric | undefined): C {
  if (count !== undefined) watchThrottling(client, service, count);
  return client;
}

function settings(limits: { readonly requestMs: number; readonly maxAttempts: number }, agent = { keepAlive: true }) {
  const agentOptions = { ...agent, maxSockets: MAX_SOCKETS };
  return {
    retryMode: 'standard',
    maxAttempts: limits.maxAttempts,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      requestTimeout: limits.requestMs,
      // Without it a breach is only logged and the request goes on.
      throwOnRequestTimeout: true,
      httpAgent: agentOptions,
      httpsAgent: agentOptions,
    },
  };
}
