import { QUEUE_ORIGIN } from './assembly/identity.ts';
import { REGION } from './assembly/intrinsics.ts';
import type { Assembly, FunctionResource } from './assembly/model.ts';
import { createCloudFormation } from './aws/cloudformation.ts';
import { type CloudWatch, createCloudWatch } from './aws/cloudwatch.ts';
import { createDynamoDb, type DynamoDb } from './aws/dynamodb.ts';
import type { TableDefinition } from './aws/dynamodb-tables.ts';
import { createEventBridge, type EventBridge } from './aws/eventbridge.ts';
import { createFunctionConcurrency, type FunctionConcurrency } from './aws/function-concurrency.ts';
import { createGuard, type Guard } from './aws/iam.ts';
import { createKms, type Kms } from './aws/kms.ts';
import { createLambdaService } from './aws/lambda.ts';
import { createSecretsManager, type SecretsManager } from './aws/secrets-manager.ts';
import { type AwsService, startAwsServer } from './aws/server.ts';
import { createSqs, type Sqs } from './aws/sqs.ts';
import type { MovableClock } from './clock.ts';
import { createEventSources, type EventSources } from './event-sources.ts';
import type { LogLine } from './lambda/logs.ts';
import { recordInvocation, recordThrottle } from './lambda/metrics.ts';
import { createLambdaRuntime, type FunctionCredentials, type LambdaRuntime } from './lambda/runtime.ts';
import { createPrincipals, type Principals } from './principals.ts';

export interface EmbeddedAwsOptions {
  readonly assembly: Assembly;
  readonly clock: MovableClock;
  /** By name of the secret. */
  readonly secretValues: ReadonlyMap<string, string>;
  readonly port?: number;
  onLine?(line: LogLine): void;
}

/** The AWS services of an assembly, running on loopback. */
export interface EmbeddedAws extends Services {
  readonly endpointUrl: string;
  readonly region: string;
  /** Of the local administrator, who may do everything. */
  readonly administrator: FunctionCredentials;
  /** What a function signs with: whoever has them may do what its role may. */
  credentialsOf(resource: FunctionResource): FunctionCredentials;
  readonly runtime: LambdaRuntime;
  readonly eventSources: EventSources;
  stop(): Promise<void>;
}

/** The services that hold something, and what they share. */
interface Services {
  readonly guard: Guard;
  readonly concurrency: FunctionConcurrency;
  readonly dynamoDb: DynamoDb;
  readonly kms: Kms;
  readonly secretsManager: SecretsManager;
  readonly eventBridge: EventBridge;
  readonly sqs: Sqs;
  readonly cloudWatch: CloudWatch;
}

/**
 * Creates what the assembly describes (tables, keys, secrets with their values, buses with their rules, queues, alarms) and
 * serves it together with Lambda, which is also invoked with the messages of queues, and CloudFormation, which knows the
 * stacks. Each function signs with an access key of its own, which stands for its role and the role's policies.
 */
export async function startEmbeddedAws(options: EmbeddedAwsOptions): Promise<EmbeddedAws> {
  const { assembly } = options;
  const principals = createPrincipals(assembly.functions);
  const services = createServices(options);
  const { guard, concurrency, sqs, dynamoDb, cloudWatch } = services;
  let endpointUrl = '';
  const runtime = runtimeOf(options, { services, principals, endpointUrl: () => endpointUrl });
  await createResources(options, services);
  const onThrottle = (name: string) => recordThrottle(cloudWatch, name);
  const server = await startAwsServer({
    services: [
      ...servedOf(services),
      createLambdaService({ runtime, guard, concurrency, onThrottle }),
      createCloudFormation({ guard, clock: options.clock, stacks: () => stacksOf(assembly, endpointUrl) }),
    ],
    principalOf: principals.principalOf,
    ...(options.port === undefined ? {} : { port: options.port }),
  });
  endpointUrl = server.endpointUrl;
  const eventSources = createEventSources({
    mappings: assembly.eventSources,
    runtime,
    sqs,
    principalOf: principals.roleOf,
    isPaused: ({ arn }) => concurrency.isPaused(arn),
  });
  return {
    ...services,
    endpointUrl,
    region: REGION,
    administrator: principals.administrator,
    credentialsOf: principals.credentialsOf,
    runtime,
    eventSources,
    async stop() {
      await runtime.stop();
      await server.stop();
      await sqs.stop();
      await dynamoDb.close();
    },
  };
}

function createServices({ assembly, clock }: EmbeddedAwsOptions): Services {
  const guard = createGuard();
  return {
    guard,
    concurrency: createFunctionConcurrency(assembly.functions),
    dynamoDb: createDynamoDb({ guard, clock }),
    kms: createKms({ guard, clock }),
    secretsManager: createSecretsManager({ guard, clock }),
    eventBridge: createEventBridge({ guard, clock }),
    sqs: createSqs({ guard, clock }),
    cloudWatch: createCloudWatch({ guard, clock, alarms: assembly.alarms, topics: assembly.topics }),
  };
}

function servedOf({ dynamoDb, kms, secretsManager, eventBridge, sqs, cloudWatch }: Services): AwsService[] {
  return [dynamoDb, kms, secretsManager, eventBridge, sqs, cloudWatch];
}

function runtimeOf(
  { assembly, clock, onLine }: EmbeddedAwsOptions,
  parts: { readonly services: Services; readonly principals: Principals; endpointUrl(): string },
): LambdaRuntime {
  const { guard, concurrency, cloudWatch, eventBridge } = parts.services;
  const runtime = createLambdaRuntime({
    functions: assembly.functions,
    clock,
    credentialsOf: parts.principals.credentialsOf,
    endpointUrl: parts.endpointUrl,
    onLine(entry) {
      cloudWatch.ingest(entry.line);
      onLine?.(entry);
    },
    mayLog(resource, action, streamArn) {
      try {
        guard.authorize(parts.principals.roleOf(resource), { action, resource: streamArn });
        return true;
      } catch {
        // The guard's report has it.
        return false;
      }
    },
    isPaused: ({ arn }) => concurrency.isPaused(arn),
    onInvocation: (record) => recordInvocation(cloudWatch, record),
  });
  eventBridge.onDelivery(({ targetArn, event }) => {
    const { found } = runtime.resolve(targetArn);
    if (found !== undefined) void runtime.invokeAsync(found, JSON.stringify(event));
  });
  return runtime;
}

/** The stacks with addresses that lead here. */
function stacksOf({ stacks }: Assembly, endpointUrl: string): Assembly['stacks'] {
  return stacks.map(({ name, outputs }) => {
    const here = Object.entries(outputs).map(([id, output]) => {
      return [id, { ...output, value: output.value.replaceAll(QUEUE_ORIGIN, endpointUrl) }] as const;
    });
    return { name, outputs: Object.fromEntries(here) };
  });
}

async function createResources({ assembly, secretValues }: EmbeddedAwsOptions, services: Services): Promise<void> {
  await services.dynamoDb.createTables(
    assembly.tables.map(({ name, properties }) => ({ ...properties, TableName: name }) as unknown as TableDefinition),
  );
  for (const { keyId, aliases } of assembly.keys) services.kms.addKey({ keyId, aliases });
  for (const { name, arn } of assembly.secrets) {
    const secretString = secretValues.get(name);
    services.secretsManager.addSecret({ name, arn, ...(secretString === undefined ? {} : { secretString }) });
  }
  for (const { name } of assembly.buses) services.eventBridge.addBus(name);
  for (const rule of assembly.busRules) services.eventBridge.addRule(rule);
  for (const { name, attributes } of assembly.queues) await services.sqs.createQueue(name, attributes);
}
