/** What operators ask of Lambda, besides invoking: a function's settings, and how many of it may run at once. */
import { REGION } from '../assembly/intrinsics.ts';
import type { FunctionResource } from '../assembly/model.ts';
import type { LambdaRuntime } from '../lambda/runtime.ts';
import type { FunctionConcurrency } from './function-concurrency.ts';
import type { Guard } from './iam.ts';
import { AwsError, type AwsRequest, type AwsResponse } from './server.ts';

interface ControlOptions {
  readonly runtime: Pick<LambdaRuntime, 'resolve'>;
  readonly guard: Guard;
  readonly concurrency: FunctionConcurrency;
}

/** Lambda keeps so many of an account's 1,000 unreserved; nobody here runs that many. */
const MAX_RESERVED = 900;

interface Operation {
  readonly method: string;
  readonly path: RegExp;
  readonly name: string;
  perform(found: FunctionResource, request: AwsRequest, concurrency: FunctionConcurrency): AwsResponse;
}

/** https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html and its neighbours. */
const OPERATIONS: readonly Operation[] = [
  {
    method: 'PUT',
    path: /^\/2017-10-31\/functions\/([^/]+)\/concurrency\/?$/,
    name: 'PutFunctionConcurrency',
    perform({ arn }, { body }, concurrency) {
      const executions = reservedIn(body);
      concurrency.reserve(arn, executions);
      return { status: 200, body: { ReservedConcurrentExecutions: executions } };
    },
  },
  {
    method: 'DELETE',
    path: /^\/2017-10-31\/functions\/([^/]+)\/concurrency\/?$/,
    name: 'DeleteFunctionConcurrency',
    perform({ arn }, _, concurrency) {
      concurrency.free(arn);
      return { status: 204, body: '' };
    },
  },
  {
    method: 'GET',
    path: /^\/2019-09-30\/functions\/([^/]+)\/concurrency\/?$/,
    name: 'GetFunctionConcurrency',
    perform({ arn }, _, concurrency) {
      const reserved = concurrency.reservedOf(arn);
      return { status: 200, body: reserved === undefined ? {} : { ReservedConcurrentExecutions: reserved } };
    },
  },
  {
    method: 'GET',
    path: /^\/2015-03-31\/functions\/([^/]+)\/configuration\/?$/,
    name: 'GetFunctionConfiguration',
    perform: (found) => ({ status: 200, body: configurationOf(found) }),
  },
];

/**
 * The answer to one of `PutFunctionConcurrency`, `DeleteFunctionConcurrency`, `GetFunctionConcurrency` and
 * `GetFunctionConfiguration`; undefined for every other request. Refuses with AccessDeniedException,
 * ResourceNotFoundException and InvalidParameterValueException.
 */
export function controlFunction(options: ControlOptions, request: AwsRequest): AwsResponse | undefined {
  for (const operation of OPERATIONS) {
    const name = operation.path.exec(request.path)?.[1];
    if (name === undefined || operation.method !== request.method) continue;
    return operation.perform(findFunction(options, request, operation, name), request, options.concurrency);
  }
  return undefined;
}

function findFunction(
  { runtime, guard }: ControlOptions,
  { principal, query }: AwsRequest,
  operation: Operation,
  name: string,
): FunctionResource {
  const { found, arn } = runtime.resolve(decodeURIComponent(name), query.get('Qualifier') ?? undefined);
  guard.authorize(principal, { action: `lambda:${operation.name}`, resource: arn });
  if (found === undefined) {
    throw new AwsError('ResourceNotFoundException', `Function not found: ${arn}`, 404, { Type: 'User' });
  }
  return found.resource;
}

function reservedIn(body: Buffer): number {
  const executions = parse(body);
  if (typeof executions === 'number' && Number.isInteger(executions) && executions >= 0 && executions <= MAX_RESERVED) {
    return executions;
  }
  throw new AwsError(
    'InvalidParameterValueException',
    `ReservedConcurrentExecutions must be a whole number from 0 to ${MAX_RESERVED}`,
  );
}

function parse(body: Buffer): unknown {
  try {
    return (JSON.parse(body.toString()) as { readonly ReservedConcurrentExecutions?: unknown })
      .ReservedConcurrentExecutions;
  } catch {
    throw new AwsError('InvalidRequestContentException', 'Could not parse request body into json.');
  }
}

function configurationOf(resource: FunctionResource): object {
  const { name, arn, handler, roleArn, timeoutSeconds, memoryMb, environment } = resource;
  return {
    FunctionName: name,
    FunctionArn: arn,
    Runtime: 'nodejs24.x',
    Role: roleArn,
    Handler: handler,
    Timeout: timeoutSeconds,
    MemorySize: memoryMb,
    Version: '$LATEST',
    State: 'Active',
    LastUpdateStatus: 'Successful',
    Environment: { Variables: { ...environment, AWS_REGION: REGION } },
  };
}
