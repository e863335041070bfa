import type { AlarmDefinition } from '../alarms/model.ts';
import type { BusRule } from '../aws/eventbridge-rules.ts';
import type { PolicyStatement } from '../aws/iam.ts';

/** Everything of a cloud assembly that the local platform runs, with intrinsics resolved. */
export interface Assembly {
  readonly tables: readonly TableResource[];
  readonly keys: readonly KeyResource[];
  readonly secrets: readonly SecretResource[];
  readonly functions: readonly FunctionResource[];
  readonly apis: readonly ApiResource[];
  /** Rules that fire by the clock. */
  readonly rules: readonly RuleResource[];
  /** Rules that wait for events. */
  readonly busRules: readonly BusRule[];
  /** Names of event buses; `default` always exists and is not listed. */
  readonly buses: readonly BusResource[];
  readonly permissions: readonly PermissionResource[];
  readonly queues: readonly QueueResource[];
  /** Queues whose messages a function is invoked with. */
  readonly eventSources: readonly EventSourceResource[];
  /** Those that cannot be judged here are among them, and in `notRun` too. */
  readonly alarms: readonly AlarmDefinition[];
  /** ARNs. */
  readonly topics: readonly string[];
  readonly stacks: readonly StackResource[];
  /** What the templates hold and the local platform does not do, one entry per resource or setting. */
  readonly notRun: readonly NotRun[];
}

/** Outputs are by their logical id. */
export interface StackResource {
  readonly name: string;
  readonly outputs: Readonly<Record<string, { readonly value: string; readonly description?: string }>>;
}

interface BusResource {
  readonly name: string;
  readonly arn: string;
}

/** The properties stay in CloudFormation's form (Table or GlobalTable). */
interface TableResource {
  readonly type: 'AWS::DynamoDB::Table' | 'AWS::DynamoDB::GlobalTable';
  readonly name: string;
  readonly arn: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface KeyResource {
  readonly keyId: string;
  readonly arn: string;
  /** With their prefix, `alias/…`. */
  readonly aliases: readonly string[];
}

interface SecretResource {
  readonly name: string;
  readonly arn: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface FunctionResource {
  readonly name: string;
  readonly arn: string;
  /** Module and export, `index.handler`. */
  readonly handler: string;
  /** Absolute path of the folder with the code. */
  readonly assetDir: string;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  /** At most so many run at once. On AWS a further synchronous invocation is throttled; here it waits. */
  readonly reservedConcurrency?: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Name of the log group its lines go to. */
  readonly logGroup: string;
  readonly roleArn: string;
  /** Of all policies of the role, in template order. */
  readonly statements: readonly PolicyStatement[];
  /** Of asynchronous invocations; Lambda's default is 2. */
  readonly maximumRetryAttempts: number;
  /** Alias name → version. */
  readonly aliases: Readonly<Record<string, string>>;
  readonly versions: readonly string[];
}

/** A service that may invoke a function, from which source (ARN pattern with `*`; absent means any). */
export interface PermissionResource {
  readonly functionArn: string;
  readonly principal: string;
  readonly sourceArn?: string;
}

export interface QueueResource {
  readonly name: string;
  readonly arn: string;
  /** By the names of CreateQueue. */
  readonly attributes: Readonly<Record<string, string>>;
}

export interface EventSourceResource {
  readonly functionArn: string;
  readonly queueArn: string;
  /** Messages per invocation, at most. */
  readonly batchSize: number;
  /** Whether the function's answer names the messages that failed (`batchItemFailures`). */
  readonly reportsItemFailures: boolean;
  readonly enabled: boolean;
}

export interface RuleResource {
  readonly name: string;
  readonly arn: string;
  readonly enabled: boolean;
  /** As `rate(1 minute)`. */
  readonly scheduleExpression?: string;
  readonly targets: readonly RuleTarget[];
}

export interface RuleTarget {
  readonly id: string;
  readonly arn: string;
  /** Constant JSON that replaces the event. */
  readonly input?: string;
}

export interface ApiResource {
  readonly id: string;
  readonly stage: string;
  readonly methods: readonly ApiMethod[];
  /** By response type, as `UNAUTHORIZED`. */
  readonly gatewayResponses: Readonly<Record<string, GatewayResponse>>;
}

export interface GatewayResponse {
  readonly statusCode?: number;
  /** Header name → value, without the quotes of the template. */
  readonly headers: Readonly<Record<string, string>>;
  /** Media type → template text. */
  readonly templates: Readonly<Record<string, string>>;
}

export interface ApiMethod {
  readonly httpMethod: string;
  /** From the root, `/v1/items/{id}`. */
  readonly path: string;
  readonly resourceId: string;
  readonly integration: ApiIntegration;
  readonly authorizer?: ApiAuthorizer;
}

export type ApiIntegration =
  | { readonly kind: 'lambda'; readonly functionArn: string; readonly timeoutMs: number }
  | {
      readonly kind: 'mock';
      readonly statusCode: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    };

export interface ApiAuthorizer {
  readonly id: string;
  readonly type: 'REQUEST' | 'TOKEN';
  readonly functionArn: string;
  /** `method.request.header.X-API-Key` and the like. */
  readonly identitySources: readonly string[];
  /** A regular expression that every identity value must fit completely. */
  readonly validation?: string;
  /** 0 switches the cache off. */
  readonly ttlSeconds: number;
}

export interface NotRun {
  readonly stack: string;
  readonly logicalId: string;
  readonly type: string;
  readonly reason: string;
}
