/**
 * One execution environment of a function: a worker thread that loads the bundle once and then answers one invocation
 * at a time. `Date` follows the platform's clock; timers and `performance.now()` stay real, so that timeouts mean what
 * they say. What is written to stdout and stderr goes to the pool in order with the answers.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { moveDate } from './date.ts';
import type { FunctionFailure, InvokeMessage, WorkerMessage, WorkerSettings } from './protocol.ts';

type Handler = (event: unknown, context: unknown) => unknown;

/** Lambda's limit of a synchronous answer: 6 MB (and 100 bytes of its own). */
const MAX_RESPONSE_BYTES = 6_291_556;

const settings = workerData as WorkerSettings;

function post(message: WorkerMessage): void {
  parentPort?.postMessage(message);
}

function captureOutput(stream: NodeJS.WriteStream): void {
  const write = (chunk: unknown, encoding?: unknown, done?: unknown): boolean => {
    post({ kind: 'log', text: typeof chunk === 'string' ? chunk : Buffer.from(chunk as Uint8Array).toString() });
    const callback = typeof encoding === 'function' ? encoding : done;
    if (typeof callback === 'function') queueMicrotask(() => callback());
    return true;
  };
  stream.write = write as typeof stream.write;
}

async function loadHandler(): Promise<Handler> {
  const dot = settings.handler.lastIndexOf('.');
  const base = join(settings.assetDir, settings.handler.slice(0, dot));
  const file = ['.mjs', '.js', '.cjs'].map((extension) => base + extension).find((path) => existsSync(path));
  if (file === undefined) throw new InitError('Runtime.ImportModuleError', `Cannot find module '${settings.handler}'`);
  const module: Record<string, unknown> = await import(pathToFileURL(file).href);
  const handler = module[settings.handler.slice(dot + 1)];
  if (typeof handler !== 'function') {
    throw new InitError('Runtime.HandlerNotFound', `${settings.handler} is undefined or not exported`);
  }
  // https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html: Node 24 has no callback handlers.
  if (handler.length >= 3) {
    throw new InitError('Runtime.CallbackHandlerDeprecated', `${settings.handler} takes a callback`);
  }
  return handler as Handler;
}

class InitError extends Error {
  readonly errorType: string;
  constructor(errorType: string, message: string) {
    super(message);
    this.errorType = errorType;
  }
}

function toFailure(error: unknown): FunctionFailure {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error) };
  const errorType = error instanceof InitError ? error.errorType : error.name;
  return { errorType, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
}

function createContext(message: InvokeMessage): object {
  const deadline = performance.now() + settings.timeoutMs;
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: settings.functionName,
    functionVersion: message.functionVersion,
    invokedFunctionArn: message.invokedFunctionArn,
    memoryLimitInMB: String(settings.memoryMb),
    awsRequestId: message.requestId,
    logGroupName: `/aws/lambda/${settings.functionName}`,
    logStreamName: 'local',
    getRemainingTimeInMillis: () => Math.max(0, Math.round(deadline - performance.now())),
  };
}

async function answer(handler: Handler, message: InvokeMessage): Promise<WorkerMessage> {
  const { requestId } = message;
  try {
    const result: unknown = await handler(JSON.parse(message.payload), createContext(message));
    const payload = JSON.stringify(result) ?? 'null';
    if (Buffer.byteLength(payload) > MAX_RESPONSE_BYTES) {
      const errorMessage = `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes).`;
      return { kind: 'failed', requestId, failure: { errorType: 'Function.ResponseSizeTooLarge', errorMessage } };
    }
    return { kind: 'answered', requestId, payload };
  } catch (error) {
    return { kind: 'failed', requestId, failure: toFailure(error) };
  }
}

captureOutput(process.stdout);
captureOutput(process.stderr);
moveDate(settings.clockOffset);
try {
  const handler = await loadHandler();
  parentPort?.on('message', (message: InvokeMessage) => {
    void answer(handler, message).then(post);
  });
  post({ kind: 'ready' });
} catch (error) {
  post({ kind: 'init-failed', failure: toFailure(error) });
}
