import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FunctionResource } from '../../../local/assembly/model.ts';
import { createClock } from '../../../local/clock.ts';
import {
  createLambdaRuntime,
  type Invocation,
  type LambdaRuntime,
  type LambdaRuntimeOptions,
} from '../../../local/lambda/runtime.ts';

export const ECHO_ARN = 'arn:aws:lambda:us-east-1:000000000000:function:app-echo';

/** The function of `mini/functions/echo`, which does what its event says. */
export function echoFunction(changes: Partial<FunctionResource> = {}): FunctionResource {
  return {
    name: 'app-echo',
    arn: ECHO_ARN,
    handler: 'index.handler',
    assetDir: dirname(fileURLToPath(new URL('../mini/functions/echo/index.mjs', import.meta.url))),
    timeoutSeconds: 5,
    memoryMb: 128,
    environment: { TABLE: 'items' },
    logGroup: '/aws/lambda/app-echo',
    roleArn: 'arn:aws:iam::000000000000:role/echo',
    statements: [],
    maximumRetryAttempts: 0,
    aliases: { live: '1' },
    versions: ['1'],
    ...changes,
  };
}

export function startRuntime(
  resource: FunctionResource,
  clock = createClock(),
  more: Partial<LambdaRuntimeOptions> = {},
): LambdaRuntime {
  return createLambdaRuntime({
    functions: [resource],
    clock,
    credentialsOf: () => ({ accessKeyId: 'LOCALKEY', secretAccessKey: 'local-secret' }),
    endpointUrl: () => 'http://127.0.0.1:4566',
    ...more,
  });
}

/** Invokes the function by the given name with an event. */
export function invoke(runtime: LambdaRuntime, event: unknown, name = 'app-echo'): Promise<Invocation> {
  const { found } = runtime.resolve(name);
  if (found === undefined) throw new Error(`no function ${name}`);
  return runtime.invoke(found, JSON.stringify(event));
}

/** The answer of a successful invocation. */
export async function answerOf(invocation: Promise<Invocation>): Promise<unknown> {
  const result = await invocation;
  if (result.kind !== 'answered') throw new Error(result.failure.errorMessage);
  return JSON.parse(result.payload);
}
