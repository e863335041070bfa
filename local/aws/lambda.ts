import type { ResolvedFunction } from '../lambda/names.ts';
import type { Invocation, LambdaRuntime } from '../lambda/runtime.ts';
import type { createGuard } from './iam.ts';
import { AwsError, type AwsRequest, type AwsResponse, type AwsService } from './server.ts';

/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: of a synchronous and an asynchronous request. */
const MAX_SYNC_BYTES = 6_291_456;
const MAX_ASYNC_BYTES = 1_048_576;

/** `LogType: Tail` gives the last 4 KB. */
const LOG_TAIL_BYTES = 4_096;

const INVOCATIONS = /^\/2015-03-31\/functions\/([^/]+)\/invocations\/?$/;

/**
 * Lambda's Invoke: by name, partial ARN, ARN, alias or version; RequestResponse, Event and DryRun. Refuses with
 * AccessDeniedException (lambda:InvokeFunction on the ARN as asked for, alias included), ResourceNotFoundException,
 * RequestTooLargeException, InvalidRequestContentException and InvalidParameterValueException. A failed function
 * answers 200 with `X-Amz-Function-Error: Unhandled`.
 * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
export function createLambdaService(options: {
  readonly runtime: LambdaRuntime;
  readonly guard: ReturnType<typeof createGuard>;
}): AwsService {
  return { scope: 'lambda', handle: (request) => invoke(options, request) };
}

async function invoke(
  { runtime, guard }: Parameters<typeof createLambdaService>[0],
  request: AwsRequest,
): Promise<AwsResponse> {
  const name = INVOCATIONS.exec(request.path)?.[1];
  if (request.method !== 'POST' || name === undefined) {
    throw new AwsError('UnknownOperationException', 'The embedded Lambda only implements Invoke.', 404);
  }
  const { found, arn } = runtime.resolve(decodeURIComponent(name), request.query.get('Qualifier') ?? undefined);
  guard.authorize(request.principal, { action: 'lambda:InvokeFunction', resource: arn });
  if (found === undefined) {
    throw new AwsError('ResourceNotFoundException', `Function not found: ${arn}`, 404, { Type: 'User' });
  }
  const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse';
  const payload = readPayload(request.body, type);
  switch (type) {
    case 'RequestResponse':
      return await respond(runtime, { found, payload, wantsLog: request.headers['x-amz-log-type'] === 'Tail' });
    case 'Event':
      void runtime.invokeAsync(found, payload);
      return { status: 202, body: '' };
    case 'DryRun':
      return { status: 204, body: '' };
    default:
      throw new AwsError('InvalidParameterValueException', `Invocation type ${String(type)} is not known.`);
  }
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
