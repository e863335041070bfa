import { ArnFormat, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, type Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { APP, type FunctionName, VARIABLES } from '../lib/domain/names.ts';
import { acknowledge } from './acknowledge.ts';
import type { Config } from './config.ts';
import type { FunctionSpec } from './function-spec.ts';
import { type PermissionContext, statementsFor } from './permissions.ts';
import { variablesFor } from './variables.ts';

export interface ServiceFunctionProps extends Pick<PermissionContext, 'stateful'> {
  readonly name: FunctionName;
  readonly spec: FunctionSpec;
  readonly code: Code;
  readonly config: Config;
}

/** How long an asynchronous request may wait before it is dropped; Lambda's least. The sweep asks again each minute. */
const EVENT_AGE = Duration.minutes(1);

/** The variable by which a function knows the one it invokes. */
const TARGET_VARIABLES = {
  'refresh-grant': VARIABLES.refreshGrantFunction,
  'finish-connect': VARIABLES.finishConnectFunction,
  'refresh-due': VARIABLES.refreshDueFunction,
} as const;

/** Why a failed request is kept nowhere, as `isRepeatedBy` of the spec says. */
const WITHOUT_DEAD_LETTERS = {
  asker: 'Every request is synchronous: its caller hears of the failure, and Lambda keeps none of these.',
  sweep:
    'What is to be done stands in the tables, where the sweep of the next minute finds it; a kept request would be old.',
  queue: 'Its messages stay on the rescue queue, which has a dead-letter queue of its own.',
} as const;

const WITHOUT_TRACES =
  'The X-Ray SDK for Node ends in February 2027; a correlation id goes through every log line, durations are metrics.';

const ALL_RESOURCES =
  'cloudwatch:PutMetricData knows no resources; a condition holds it to the namespace of the environment.';

/** One Lambda with a role and a log group of its own, and what its spec gives it. */
export class ServiceFunction extends Construct {
  readonly lambda: LambdaFunction;
  readonly #spec: FunctionSpec;
  /** Known before there is a function, so that its own role and variables can name it without a circle. */
  readonly #functionName: string;

  constructor(scope: Construct, id: string, { name, spec, code, config, stateful }: ServiceFunctionProps) {
    super(scope, id);
    this.#spec = spec;
    const functionName = `${APP}-${config.environment}-${name}`;
    this.#functionName = functionName;
    const logGroup = new LogGroup(this, 'Logs', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: config.logRetentionDays satisfies RetentionDays,
      // What must be kept is in the audit table; these lines end with their retention anyway. They are under CloudWatch's
      // own key, because no line holds a secret; a key of ours would have to be open to the whole logs service.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.lambda = new LambdaFunction(this, 'Function', {
      functionName,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code,
      timeout: Duration.seconds(spec.timeoutSeconds),
      memorySize: spec.memoryMb,
      environment: variablesFor(spec, { config, stateful }),
      role: new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') }),
      logGroup,
      ...(spec.concurrency === undefined ? {} : { reservedConcurrentExecutions: spec.concurrency }),
      ...(spec.isAskedOnce ? { retryAttempts: 0, maxEventAge: EVENT_AGE } : {}),
    });
    this.#acknowledge();
    for (const statement of statementsFor(spec, { environment: config.environment, stateful })) {
      this.lambda.addToRolePolicy(statement);
    }
    this.lambda.addToRolePolicy(
      new PolicyStatement({
        sid: 'WriteOwnLogs',
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        // The group's ARN ends in `:*`, its streams.
        resources: [logGroup.logGroupArn],
      }),
    );
  }

  /** Lets this function invoke the one its spec names, and tells it that one's name. */
  connect(functions: Readonly<Record<FunctionName, ServiceFunction>>): void {
    const target = this.#spec.invokes;
    if (target === undefined) return;
    const { name, arn } = functions[target] === this ? this.#itself() : functions[target].#deployed();
    this.lambda.addEnvironment(TARGET_VARIABLES[target], name);
    this.lambda.addToRolePolicy(
      new PolicyStatement({ sid: 'Invoke', actions: ['lambda:InvokeFunction'], resources: [arn] }),
    );
  }

  #acknowledge(): void {
    const reason = WITHOUT_DEAD_LETTERS[this.#spec.isRepeatedBy ?? 'asker'];
    acknowledge(this.lambda, { 'Serverless-LambdaDLQ': reason, 'Serverless-LambdaTracing': WITHOUT_TRACES });
    if (this.#spec.isAskedOnce) acknowledge(this.lambda, { 'Serverless-LambdaAsyncFailureDestination': reason });
    if (this.#spec.watchesFleet) acknowledge(this, { 'AwsSolutions-IAM5[Resource::*]': ALL_RESOURCES });
  }

  #deployed(): { readonly name: string; readonly arn: string } {
    return { name: this.lambda.functionName, arn: this.lambda.functionArn };
  }

  #itself(): { readonly name: string; readonly arn: string } {
    const name = this.#functionName;
    const place = { service: 'lambda', resource: 'function', arnFormat: ArnFormat.COLON_RESOURCE_NAME };
    return { name, arn: Stack.of(this).formatArn({ ...place, resourceName: name }) };
  }
}
