import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { GrantkeeperError } from '../domain/errors.ts';
import type { FinishConnect, HandOver, RequestRefresh } from '../service/ports.ts';

/** Design §5, readers: only an expired token waits for the holder, and at most this long. */
const WAIT_MS = 10_000;
/** Lambda answers as soon as it has queued the event. */
const START_MS = 3_000;

interface Target {
  /** From `createLambdaClient`: one attempt, since a second would run the function again. */
  readonly client: LambdaClient;
  /** Name or ARN, with an alias if it is to be invoked by one. */
  readonly functionName: string;
}

/**
 * Asks refresh-grant. `wait` returns when the attempt has ended or after `waitMs` (10 s unless told), whichever is first: giving up does not stop
 * the rotation, and the records say how it went, also when the function failed. Throws `unavailable` when Lambda did not
 * take the request.
 */
export function createRefreshRequester(target: Target): RequestRefresh {
  return async (request, mode, waitMs = WAIT_MS) => {
    const call =
      mode === 'wait' ? { type: 'RequestResponse' as const, ms: waitMs } : { type: 'Event' as const, ms: START_MS };
    const answer = await invoke(target, request, call);
    if (answer === 'unknown' && mode === 'start') throw new GrantkeeperError('unavailable');
  };
}

/**
 * Hands over to finish-connect and waits. `pending` when it had not ended in time, failed, or nothing is known of it: what
 * happened stands on the flow. Throws `unavailable` only when Lambda refused the request, so that the code was not sent.
 */
export function createFinishConnect(target: Target): FinishConnect {
  return async (request, timeoutMs) => {
    const answer = await invoke(target, request, { type: 'RequestResponse', ms: timeoutMs });
    return answer === 'ended' ? 'finished' : 'pending';
  };
}

/**
 * Hands a share of the sweep to a copy of refresh-due, which runs by itself. Throws `unavailable` when Lambda did not say that
 * it took the request: should a copy run all the same, the leases keep the two apart.
 */
export function createHandOver(target: Target): HandOver {
  return async ({ partitions }) => {
    const answer = await invoke(target, { partitions }, { type: 'Event', ms: START_MS });
    if (answer !== 'ended') throw new GrantkeeperError('unavailable');
  };
}

type Answer = 'ended' | 'failed' | 'unknown';

async function invoke(
  { client, functionName }: Target,
  payload: object,
  call: { readonly type: 'RequestResponse' | 'Event'; readonly ms: number },
): Promise<Answer> {
  const command = new InvokeCommand({
    FunctionName: functionName,
    InvocationType: call.type,
    Payload: Buffer.from(JSON.stringify(payload)),
  });
  try {
    const { FunctionError } = await client.send(command, { requestTimeout: call.ms });
    return FunctionError === undefined ? 'ended' : 'failed';
  } catch (cause) {
    if (wasRefused(cause)) throw new GrantkeeperError('unavailable', { cause });
    return 'unknown';
  }
}

/**
 * A 4xx says that nothing was run: throttled, forbidden, no such function. A lost connection, a time-out or a 5xx says
 * nothing; the connection that could not be made is among them, and costs the reader one more look at the records.
 */
function wasRefused(error: unknown): boolean {
  const metadata: unknown = error instanceof Error && '$metadata' in error ? error.$metadata : undefined;
  const status = (metadata as { readonly httpStatusCode?: number } | undefined)?.httpStatusCode ?? 0;
  return status >= 400 && status < 500;
}
