import middy, { type MiddlewareObj } from '@middy/core';
import type { Context } from 'aws-lambda';
import { ERRORS, type ErrorCode, GrantkeeperError, isFault } from '../domain/errors.ts';
import type { Instant } from '../domain/grant.ts';
import type { FunctionName } from '../domain/names.ts';
import type { LogOutcome } from '../service/ports.ts';
import { chooseCorrelationId, withCorrelationId } from './correlation.ts';
import { codeOf, describeError } from './describe-error.ts';
import { flushTold } from './flush.ts';
import { createLogOutcome } from './logging.ts';
import { countDenial } from './metrics.ts';

/** What a Lambda-invoked function knows of its invocation. */
export interface Invocation {
  readonly correlationId: string;
  /** When the answer must be on its way: the function's time limit, less what answering takes. */
  readonly deadlineAt: Instant;
  /** What the function was invoked by: an alias, a version number, `$LATEST`, or undefined when unqualified. */
  readonly qualifier: string | undefined;
  /** Adds to the log line of this invocation: ids and outcomes. */
  note(fields: Parameters<LogOutcome>[2]): void;
}

/** What such a function answers when it fails; it never throws for a caller's or our own trouble. */
export interface InvokeFailure {
  readonly status: 'error';
  readonly code: ErrorCode;
  readonly message: string;
  readonly field?: string;
  readonly retryAfterSeconds?: number;
  /** Only the organisation's user can mend it, by connecting. */
  readonly reconnectRequired?: true;
}

/** The part of a Lambda context this room reads. */
export type InvokeContext = Pick<Context, 'awsRequestId' | 'invokedFunctionArn' | 'getRemainingTimeInMillis'>;

/** How an invocation ended; without a code it was answered as asked. */
export interface InvocationEnd {
  readonly durationMs: number;
  readonly code?: ErrorCode;
}

interface InvokeOptions {
  /** Is told of every end before the metrics are written. Must not throw. */
  readonly ended?: (end: InvocationEnd) => void;
}

type Fields = Parameters<LogOutcome>[2];
type InvokeMiddleware<R> = MiddlewareObj<unknown, R | InvokeFailure, Error, Context>;

/** Kept for the answer, the log line and the metrics. */
const ANSWER_MS = 1_000;

const MENDED_BY_USER: ReadonlySet<ErrorCode> = new Set(['not_connected', 'needs_reauth', 'tenant_lost']);

/**
 * The Lambda handler of a function that is invoked by name or alias, not over HTTP. What `handle` throws becomes
 * `{status: "error", code, message, field?, retryAfterSeconds?}`; anything but a `GrantkeeperError` becomes
 * `internal_error`. Writes one log line per invocation, and the metrics counted in it.
 *
 * There is no early timeout and no abort signal: what was sent to a provider is waited for, because an answer that is
 * not read may hold the only valid token.
 */
export function invokeHandler<R>(
  name: FunctionName,
  handle: (event: unknown, invocation: Invocation) => Promise<R>,
  { ended }: InvokeOptions = {},
): (event: unknown, context: InvokeContext) => Promise<R | InvokeFailure> {
  const log = createLogOutcome();
  return (event, context) => {
    const noted: Fields[] = [];
    const invocation = invocationOf(event, context, (fields) => noted.push(fields));
    const stack = middy<unknown, R | InvokeFailure>({ timeoutEarlyInMillis: 0 })
      .use(flushesTold<R>())
      .use(
        tellsEnd<R>((end, fields) => {
          ended?.(end);
          const level = end.code !== undefined && isFault(end.code) ? 'error' : 'info';
          log(level, 'invocation', Object.assign({ function: name }, ...noted, fields, { durationMs: end.durationMs }));
        }),
      )
      .use(answersFailure<R>())
      .handler(async () => await handle(event, invocation));
    return withCorrelationId(invocation.correlationId, async () => await stack(event, context as Context));
  };
}

/**
 * The Lambda handler of a function that has nobody to answer an error to: the schedule's, whose failures belong in the
 * function's `Errors` metric, and the gateway's authorizer. It throws, and what it throws says no more than `thrown` puts
 * into it, because the Lambda runtime logs it whole.
 */
export function throwingHandler<R>(
  name: FunctionName,
  handle: (event: unknown, invocation: Invocation) => Promise<R>,
  thrown: (code: ErrorCode) => Error = (code) => new GrantkeeperError(code),
): (event: unknown, context: InvokeContext) => Promise<R> {
  const answering = invokeHandler(name, async (event, invocation) => ({ result: await handle(event, invocation) }));
  return async (event, context) => {
    const answer = await answering(event, context);
    if ('result' in answer) return answer.result;
    throw thrown(answer.code);
  };
}

function invocationOf(event: unknown, context: InvokeContext, note: Invocation['note']): Invocation {
  return {
    correlationId: correlationOf(event, context),
    deadlineAt: Date.now() + context.getRemainingTimeInMillis() - ANSWER_MS,
    qualifier: context.invokedFunctionArn.split(':')[7],
    note,
  };
}

/** The one the caller handed on, else Lambda's request id. */
function correlationOf(event: unknown, { awsRequestId }: InvokeContext): string {
  const handed =
    typeof event === 'object' && event !== null && 'correlationId' in event ? event.correlationId : undefined;
  return chooseCorrelationId(handed, awsRequestId);
}

function answersFailure<R>(): InvokeMiddleware<R> {
  return {
    onError: function answerFailure(request) {
      request.response = failureOf(request.error);
    },
  };
}

function tellsEnd<R>(tell: (end: InvocationEnd, fields: Fields) => void): InvokeMiddleware<R> {
  // Not the time of day, which may be put right meanwhile.
  const startedMs = performance.now();
  const durationMs = () => Math.round(performance.now() - startedMs);
  return {
    after: function tellSuccess() {
      tell({ durationMs: durationMs() }, {});
    },
    onError: function tellFailure({ error }) {
      countDenial(error);
      tell({ durationMs: durationMs(), code: codeOf(error) }, { ...describeError(error) });
    },
  };
}

function failureOf(error: unknown): InvokeFailure {
  const code = codeOf(error);
  const { field, retryAfterSeconds } = error instanceof GrantkeeperError ? error : {};
  return {
    status: 'error',
    code,
    message: ERRORS[code].message,
    ...(field === undefined ? {} : { field }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    ...(MENDED_BY_USER.has(code) ? { reconnectRequired: true } : {}),
  };
}

function flushesTold<R>(): InvokeMiddleware<R> {
  const flush = async function flush({ context }: { readonly context: Context }): Promise<void> {
    await flushTold(context);
  };
  return { after: flush, onError: flush };
}
