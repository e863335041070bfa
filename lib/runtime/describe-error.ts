import { type ErrorCode, GrantkeeperError } from '../domain/errors.ts';

/** What a log line may say of an error. Never a message: an SDK's or a parser's may quote what it was given. */
export interface ErrorDescription {
  readonly code: ErrorCode;
  readonly field?: string;
  /** Name of the innermost error: for AWS SDK errors that is the service's error code. */
  readonly errorName?: string;
  /** HTTP status of the AWS answer. */
  readonly errorStatus?: number;
  readonly errorRequestId?: string;
  /** Names of variables that are missing or malformed. */
  readonly missing?: string;
  /** First frame of the stack, for errors nobody threw on purpose. */
  readonly errorAt?: string;
}

const MAX_CAUSES = 5;

/** The fields of an error that are safe to log; anything that is not a `GrantkeeperError` counts as `internal_error`. */
export function describeError(error: unknown): ErrorDescription {
  const isOurs = error instanceof GrantkeeperError;
  const root = rootOf(error);
  return {
    code: codeOf(error),
    ...(isOurs && error.field !== undefined ? { field: error.field } : {}),
    ...(root instanceof Error && root !== error ? awsFieldsOf(root) : {}),
    ...(isOurs ? missingOf(error.cause) : { ...awsFieldsOf(error), ...frameOf(error) }),
  };
}

/** The code an outsider is told. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof GrantkeeperError ? error.code : 'internal_error';
}

function rootOf(error: unknown): unknown {
  let current = error;
  for (let depth = 0; depth < MAX_CAUSES && current instanceof Error && current.cause instanceof Error; depth++) {
    current = current.cause;
  }
  return current;
}

function awsFieldsOf(error: unknown): Pick<ErrorDescription, 'errorName' | 'errorStatus' | 'errorRequestId'> {
  if (!(error instanceof Error)) return { errorName: typeof error };
  const metadata: unknown = '$metadata' in error ? error.$metadata : undefined;
  const { httpStatusCode: status, requestId } = (metadata ?? {}) as { httpStatusCode?: unknown; requestId?: unknown };
  return {
    errorName: error.name,
    ...(typeof status === 'number' ? { errorStatus: status } : {}),
    ...(typeof requestId === 'string' ? { errorRequestId: requestId } : {}),
  };
}

function missingOf(cause: unknown): Pick<ErrorDescription, 'missing'> {
  if (typeof cause !== 'object' || cause === null || !('variables' in cause)) return {};
  return { missing: Array.isArray(cause.variables) ? cause.variables.join(' ') : '' };
}

/** The stack begins with the message, which may quote anything and span lines: it is cut off before looking. */
function frameOf(error: unknown): Pick<ErrorDescription, 'errorAt'> {
  if (!(error instanceof Error)) return {};
  const stack = error.stack ?? '';
  const messageEnd = stack.indexOf(error.message) + error.message.length;
  const frame = /\n\s+at (.+)/.exec(stack.slice(messageEnd))?.[1];
  return frame === undefined ? {} : { errorAt: frame.replace(/^.*[/\\](?=[^/\\]+$)/, '').replace(/\)$/, '') };
}
