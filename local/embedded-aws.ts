import { randomBytes } from 'node:crypto';
import { ACCOUNT, REGION } from './assembly/intrinsics.ts';
import type { Assembly, FunctionResource } from './assembly/model.ts';
import { createCloudWatch } from './aws/cloudwatch.ts';
import { createDynamoDb, type DynamoDb } from './aws/dynamodb.ts';
import type { TableDefinition } from './aws/dynamodb-tables.ts';
import { createEventBridge, type EventBridge } from './aws/eventbridge.ts';
import { createGuard, type Guard, type Principal } from './aws/iam.ts';
import { createKms, type Kms } from './aws/kms.ts';
import { createLambdaService } from './aws/lambda.ts';
import { createSecretsManager, type SecretsManager } from './aws/secrets-manager.ts';
import { startAwsServer } from './aws/server.ts';
import { createSqs, type Sqs } from './aws/sqs.ts';
import type { MovableClock } from './clock.ts';
import { createEventSources, type EventSources } from './event-sources.ts';
import type { LogLine } from './lambda/logs.ts';
import { createLambdaRuntime, type FunctionCredentials, type LambdaRuntime } from './lambda/runtime.ts';

export interface EmbeddedAwsOptions {
  readonly assembly: Assembly;
  readonly clock: MovableClock;
  /** By name of the secret. */
  readonly secretValues: ReadonlyMap<string, string>;
  readonly port?: number;
  onLine?(line: LogLine): void;
}

/** The AWS services of an assembly, running on loopback. */
export interface EmbeddedAws {
  readonly endpointUrl: string;
  readonly region: string;
  /** Of the local administrator, who may do everything. */
  readonly administrator: FunctionCredentials;
  /** What a function signs with: whoever has them may do what its role may. */
  credentialsOf(resource: FunctionResource): FunctionCredentials;
  readonly runtime: LambdaRuntime;
  readonly guard: Guard;
  readonly dynamoDb: DynamoDb;
  readonly kms: Kms;
  readonly secretsManager: SecretsManager;
  readonly eventBridge: EventBridge;
  readonly sqs: Sqs;
  readonly eventSources: EventSources;
  stop(): Promise<void>;
}

/**
 * Creates what the assembly describes (tables, keys, secrets with their values, buses, queues) and serves it together
 * with Lambda, which is also invoked with the messages of queues. Each function signs with an access key of its own, which
 * stands for its role and the role's policies.
 */
export async function startEmbeddedAws(options: EmbeddedAwsOptions): Promise<EmbeddedAws> {
  const { assembly, clock } = options;
  const guard = createGuard();
  const principals = createPrincipals(assembly.functions);
  const dynamoDb = createDynamoDb({ guard, clock });
  const kms = createKms({ guard });
  const secretsManager = createSecretsManager({ guard, clock });
  const eventBridge = createEventBridge({ guard, clock });
  const sqs = createSqs({ guard, clock });
  let endpointUrl = '';
  const runtime = createLambdaRuntime({
    functions: assembly.functions,
    clock,
    credentialsOf: principals.credentialsOf,
    endpointUrl: () => endpointUrl,
    ...(options.onLine === undefined ? {} : { onLine: options.onLine }),
  });
  await createResources(options, { dynamoDb, kms, secretsManager, eventBridge, sqs });
  const lambda = createLambdaService({ runtime, guard });
  const server = await startAwsServer({
    services: [dynamoDb, kms, secretsManager, eventBridge, sqs, createCloudWatch({ guard, clock }), lambda],
    principalOf: principals.principalOf,
    ...(options.port === undefined ? {} : { port: options.port }),
  });
  endpointUrl = server.endpointUrl;
  const eventSources = createEventSources({
    mappings: assembly.eventSources,
    runtime,
    sqs,
    principalOf: principals.roleOf,
  });
  return {
    endpointUrl,
    region: REGION,
    administrator: principals.administrator,
    credentialsOf: principals.credentialsOf,
    runtime,
    guard,
    dynamoDb,
    kms,
    secretsManager,
    eventBridge,
    sqs,
    eventSources,
    async stop() {
      await runtime.stop();
      await server.stop();
      await sqs.stop();
      await dynamoDb.close();
    },
  };
}

async function createResources(
  { assembly, secretValues }: EmbeddedAwsOptions,
  services: Pick<EmbeddedAws, 'dynamoDb' | 'kms' | 'secretsManager' | 'eventBridge' | 'sqs'>,
): Promise<void> {
  await services.dynamoDb.createTables(
    assembly.tables.map(({ name, properties }) => ({ ...properties, TableName: name }) as unknown as TableDefinition),
  );
  for (const { keyId, aliases } of assembly.keys) services.kms.addKey({ keyId, aliases });
  for (const { name, arn } of assembly.secrets) {
    const secretString = secretValues.get(name);
    services.secretsManager.addSecret({ name, arn, ...(secretString === undefined ? {} : { secretString }) });
  }
  for (const { name } of assembly.buses) services.eventBridge.addBus(name);
  for (const { name, attributes } of assembly.queues) await services.sqs.createQueue(name, attributes);
}

interface Principals {
  readonly administrator: FunctionCredentials;
  credentialsOf(resource: FunctionResource): FunctionCredentials;
  principalOf(accessKeyId: string): Principal | undefined;
  /** A function, as its role. */
  roleOf(resource: FunctionResource): Principal;
}

function createPrincipals(functions: readonly FunctionResource[]): Principals {
  const administrator = createCredentials();
  const principals = new Map<string, Principal>([
    [
      administrator.accessKeyId,
      { name: 'administrator', arn: `arn:aws:iam::${ACCOUNT}:user/administrator`, statements: 'administrator' },
    ],
  ]);
  const credentials = new Map<string, FunctionCredentials>();
  const roleOf = ({ name, roleArn, statements }: FunctionResource): Principal => {
    const role = roleArn.slice(roleArn.lastIndexOf('/') + 1);
    return { name, arn: `arn:aws:sts::${ACCOUNT}:assumed-role/${role}/${name}`, statements };
  };
  for (const resource of functions) {
    const own = createCredentials();
    credentials.set(resource.arn, own);
    principals.set(own.accessKeyId, roleOf(resource));
  }
  return {
    administrator,
    credentialsOf(resource) {
      const own = credentials.get(resource.arn);
      if (own === undefined) throw new RangeError(`no credentials exist for ${resource.name}`);
      return own;
    },
    principalOf: (accessKeyId) => principals.get(accessKeyId),
    roleOf,
  };
}

/** Of the form of AWS's own; signatures are not verified, the id alone tells who calls. */
function createCredentials(): FunctionCredentials {
  return {
    accessKeyId: `LOCAL${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64url'),
  };
}
