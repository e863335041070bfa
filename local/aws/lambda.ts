import type { ResolvedFunction } from '../lambda/names.ts';
import type { Invocation, LambdaRuntime } from '../lambda/runtime.ts';
import { createFunctionConcurrency, type FunctionConcurrency } from './function-concurrency.ts';
import type { Guard } from './iam.ts';
import { controlFunction } from './lambda-control.ts';
import { AwsError, type AwsRequest, type AwsResponse, type AwsService } from './server.ts';

/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: of a synchronous and an asynchronous request. */
const MAX_SYNC_BYTES = 6_291_456;
const MAX_ASYNC_BYTES = 1_048_576;

/** `LogType: Tail` gives the last 4 KB. */
const LOG_TAIL_BYTES = 4_096;

const INVOCATIONS = /^\/2015-03-31\/functions\/([^/]+)\/invocations\/?$/;

interface LambdaOptions {
  readonly runtime: LambdaRuntime;
  readonly guard: Guard;
  /** Default: nothing is reserved. */
  readonly concurrency?: FunctionConcurrency;
  /** Called with the name of a function whose invocation was refused because nothing of it may run. */
  onThrottle?(functionName: string): void;
}

/**
 * Lambda's Invoke: by name, partial ARN, ARN, alias or version; RequestResponse, Event and DryRun. Refuses with
 * AccessDeniedException (lambda:InvokeFunction on the ARN as asked for, alias included), ResourceNotFoundException,
 * RequestTooLargeException, InvalidRequestContentException and InvalidParameterValueException, and with
 * TooManyRequestsException what has a reserved concurrency of 0. A failed function answers 200 with
 * `X-Amz-Function-Error: Unhandled`. And what `controlFunction` does.
 * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
export function createLambdaService({
  concurrency = createFunctionConcurrency([]),
  ...options
}: LambdaOptions): AwsService {
  const served = { ...options, concurrency };
  return {
    scope: 'lambda',
    handle: async (request) => controlFunction(served, request) ?? (await invoke(served, request)),
  };
}

async function invoke(
  { runtime, guard, concurrency, onThrottle }: LambdaOptions & { readonly concurrency: FunctionConcurrency },
  request: AwsRequest,
): Promise<AwsResponse> {
  const name = INVOCATIONS.exec(request.path)?.[1];
  if (request.method !== 'POST' || name === undefined) {
    throw new AwsError('UnknownOperationException', 'The embedded Lambda does not implement this request.', 404);
  }
  const { found, arn } = runtime.resolve(decodeURIComponent(name), request.query.get('Qualifier') ?? undefined);
  guard.authorize(request.principal, { action: 'lambda:InvokeFunction', resource: arn });
  if (found === undefined) {
    throw new AwsError('ResourceNotFoundException', `Function not found: ${arn}`, 404, { Type: 'User' });
  }
  const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse';
  const payload = readPayload(request.body, type);
  const isPaused = concurrency.isPaused(found.resource.arn) && type !== 'DryRun';
  if (isPaused) onThrottle?.(found.resource.name);
  switch (type) {
    case 'RequestResponse':
      if (isPaused) throw throttled();
      return await respond(runtime, { found, payload, wantsLog: request.headers['x-amz-log-type'] === 'Tail' });
    case 'Event':
      // Lambda accepts it, tries for as long as the event may wait (a minute, for ours) and drops it then.
      if (!isPaused) void runtime.invokeAsync(found, payload);
      return { status: 202, body: '' };
    case 'DryRun':
      return { status: 204, body: '' };
    default:
      throw new AwsError('InvalidParameterValueException', `Invocation type ${String(type)} is not known.`);
  }
}

function throttled(): AwsError {
  return new AwsError('TooManyRequestsException', 'Rate Exceeded.', 429, {
    Type: 'User',
    Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
  });
}

function readPayload(body: Buffer, type: unknown): string {
  const limit = type === 'Event' ? MAX_ASYNC_BYTES : MAX_SYNC_BYTES;
  if (body.byteLength > limit) {
    throw new AwsError(
      'RequestTooLargeException',
      `${body.byteLength} byte payload is too large for ${limit} bytes.`,
      413,
    );
  }
  const text = body.byteLength === 0 ? '{}' : body.toString();
  try {
    JSON.parse(text);
  } catch {
    throw new AwsError('InvalidRequestContentException', 'Could not parse request body into json.');
  }
  return text;
}

async function respond(
  runtime: LambdaRuntime,
  { found, payload, wantsLog }: { found: ResolvedFunction; payload: string; wantsLog: boolean },
): Promise<AwsResponse> {
  const linesBefore = wantsLog ? runtime.logs().length : 0;
  const invocation = await runtime.invoke(found, payload);
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'x-amz-executed-version': found.version,
    ...(invocation.kind === 'failed' ? { 'x-amz-function-error': 'Unhandled' } : {}),
  };
  if (wantsLog) {
    const lines = runtime.logs().slice(linesBefore);
    const own = lines.filter((line) => line.function === found.resource.name).map(({ line }) => `${line}\n`);
    headers['x-amz-log-result'] = Buffer.from(own.join('')).subarray(-LOG_TAIL_BYTES).toString('base64');
  }
  return { status: 200, headers, body: bodyOf(invocation) };
}

function bodyOf(invocation: Invocation): string {
  return invocation.kind === 'answered' ? invocation.payload : JSON.stringify(invocation.failure);
}
