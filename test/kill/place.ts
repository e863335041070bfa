import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { ulid } from 'ulid';
import { createDynamoClient, createKmsClient, createSecretsClient, createSqsClient } from '../../lib/aws/clients.ts';
import { createDynamoStore } from '../../lib/aws/dynamo-store.ts';
import { createEnvelopeCipher } from '../../lib/aws/envelope-cipher.ts';
import { createCountRescues, createRescueQueue } from '../../lib/aws/rescue-queue.ts';
import { createSecretReader } from '../../lib/aws/secrets.ts';
import type { ProviderId, TableName } from '../../lib/domain/names.ts';
import type { CallLimits } from '../../lib/oauth/https-call.ts';
import { createTenantDirectory } from '../../lib/oauth/tenant-directory.ts';
import { createTokenEndpoint } from '../../lib/oauth/token-endpoint.ts';
import { providerHosts } from '../../lib/providers/index.ts';
import { createPolicies } from '../../lib/service/policies.ts';
import type { Clock } from '../../lib/service/ports.ts';
import { createHealthMemory } from '../../lib/service/provider-health.ts';
import type { SweepPorts } from '../../lib/service/refresh-due.ts';
import { createSingleFlight } from '../../lib/service/single-flight.ts';

/** Where the embedded AWS listens and what it holds. */
export interface AwsPlace {
  readonly environment: string;
  readonly awsUrl: string;
  readonly keyArn: string;
  readonly sqsUrl: string;
  readonly rescueQueueUrl: string;
  readonly rescueDeadLetterUrl: string;
}

/** Everything a process has to know to work on the grants; plain data, so that it can be sent to one. */
export interface Place extends AwsPlace {
  readonly storeUrl: string;
  readonly tables: Readonly<Record<TableName, string>>;
  /** Where each provider is reached. */
  readonly origins: Partial<Readonly<Record<ProviderId, string>>>;
}

const AS = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } } as const;

/** The store of the place, over the product's own client. */
export function storeClient(storeUrl: string) {
  return createDynamoClient({ endpoint: storeUrl, ...AS });
}

/**
 * The same with more patience. DynamoDB answers in milliseconds and the product gives up after two seconds; its stand-
 * in shares two cores with everybody who asks it, and callers by the hundred would then only try again without end.
 */
function patientStoreClient(storeUrl: string) {
  const agent = { keepAlive: true, maxSockets: 20 };
  const requestHandler = { connectionTimeout: 20_000, requestTimeout: 20_000, httpAgent: agent };
  return DynamoDBDocumentClient.from(
    new DynamoDBClient({ endpoint: storeUrl, ...AS, retryMode: 'standard', maxAttempts: 2, requestHandler }),
    { marshallOptions: { removeUndefinedValues: true } },
  );
}

/** SQS of the place. */
export function queueClient({ sqsUrl }: Pick<Place, 'sqsUrl'>) {
  return createSqsClient({ endpoint: sqsUrl, ...AS });
}

/** KMS and the envelope cipher of the place. */
function cipherOf({ awsUrl, keyArn, environment }: AwsPlace) {
  return createEnvelopeCipher({ client: createKmsClient({ endpoint: awsUrl, ...AS }), keyArn, environment });
}

export interface RefresherOptions {
  readonly clock: Clock;
  /** Limits of the token endpoint in real time, where the clock does not run with it. */
  readonly limits?: Partial<CallLimits>;
  readonly newId?: () => string;
  /** Over the patient client. */
  readonly isPatient?: boolean;
  onCount?: SweepPorts['count'];
  onLog?: SweepPorts['log'];
}

/** The ports of a refresher and of the sweep, made of the product's real adapters as `lib/runtime/wiring.ts` does. */
export function createRefresher(place: Place, options: RefresherOptions): SweepPorts {
  const { clock } = options;
  const hosts = (provider: ProviderId) => providerHosts(provider, 'sandbox', place.origins);
  const secrets = createSecretsClient({ endpoint: place.awsUrl, ...AS });
  const sqs = queueClient(place);
  const connect = options.isPatient ? patientStoreClient : storeClient;
  return {
    clock,
    store: createDynamoStore({ client: connect(place.storeUrl), tables: place.tables }),
    cipher: cipherOf(place),
    endpoint: createTokenEndpoint({
      hosts,
      now: clock.now,
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    }),
    tenants: createTenantDirectory({ hosts, now: clock.now }),
    readClient: createSecretReader({ client: secrets, environment: place.environment, now: clock.now }).readClient,
    policies: createPolicies(),
    rescueQueue: createRescueQueue({ client: sqs, queueUrl: place.rescueQueueUrl }),
    countRescues: createCountRescues({
      client: sqs,
      queueUrl: place.rescueQueueUrl,
      deadLetterUrl: place.rescueDeadLetterUrl,
    }),
    // There is no Lambda here to hand over to: what one sweep leaves, the next finds.
    handOver: async () => undefined,
    providerEnvironment: 'sandbox',
    health: createHealthMemory(),
    singleFlight: createSingleFlight(),
    random: Math.random,
    newId: options.newId ?? (() => ulid()),
    count: options.onCount ?? (() => undefined),
    emit: () => undefined,
    publish: async () => undefined,
    countUnusableKeys: async () => 0,
    log: options.onLog ?? (() => undefined),
  };
}
