import { randomUUID } from 'node:crypto';
import { devNull } from 'node:os';
import { QUEUE_ORIGIN } from '../assembly/identity.ts';
import { REGION } from '../assembly/intrinsics.ts';
import type { FunctionResource } from '../assembly/model.ts';
import type { MovableClock } from '../clock.ts';
import type { Outcome } from './environment.ts';
import { createLogs, type FunctionLogs, type LogLine, openStream } from './logs.ts';
import { type ResolvedFunction, resolveFunction } from './names.ts';
import { createPool, type EnvironmentPool } from './pool.ts';

/** The access key a function signs with; its id tells the embedded AWS which role is calling. */
export interface FunctionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface LambdaRuntimeOptions {
  readonly functions: readonly FunctionResource[];
  readonly clock: MovableClock;
  credentialsOf(resource: FunctionResource): FunctionCredentials;
  /** Where the embedded AWS is; asked when an execution environment starts. */
  endpointUrl(): string;
  onLine?(line: LogLine): void;
  /**
   * Asks whether the function's role may write its log: once for each thread with `logs:CreateLogStream`, and again with
   * `logs:PutLogEvents`, for the ARN of the thread's stream. What it may not write is lost. Default: it may.
   */
  mayLog?(resource: FunctionResource, action: string, streamArn: string): boolean;
  /** Nothing of a paused function is run: it is throttled. Default: none is paused. */
  isPaused?(resource: FunctionResource): boolean;
  onInvocation?(run: InvocationRecord): void;
}

/** What Lambda measures of an invocation. */
export interface InvocationRecord {
  readonly function: string;
  readonly startedAt: number;
  readonly outcome: 'ok' | 'error' | 'throttled';
  /** In real time, as the function lived it. */
  readonly durationMs: number;
}

/** An outcome with the id of its invocation. */
export type Invocation = Outcome & { readonly requestId: string };

/** The functions of an assembly, ready to be invoked. */
export interface LambdaRuntime {
  /** See `resolveFunction`. */
  resolve(nameOrArn: string, qualifier?: string): ReturnType<typeof resolveFunction>;
  /** Runs the function once and gives its answer; `payload` is JSON text. Never rejects. */
  invoke(target: ResolvedFunction, payload: string): Promise<Invocation>;
  /**
   * Runs the function as an asynchronous invocation: with the template's retries after failures. Resolves when it is
   * over, whatever came of it.
   */
  invokeAsync(target: ResolvedFunction, payload: string): Promise<void>;
  /** Resolves when no invocation runs or waits to be retried. */
  settled(): Promise<void>;
  logs(): readonly LogLine[];
  /** Kills all execution environments of a function, as a crash would. Throws `RangeError` for an unknown name. */
  kill(functionName: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * AWS waits 1 and 2 minutes before the retries of an asynchronous invocation; nobody at a laptop would see them.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
const RETRY_DELAYS_MS = [1_000, 2_000];

/** Execution environments start when the first invocation comes. */
export function createLambdaRuntime(options: LambdaRuntimeOptions): LambdaRuntime {
  return new Runtime(options);
}

/** In the words of Lambda's Invoke. */
function throttled(): Invocation {
  const failure = { errorType: 'TooManyRequestsException', errorMessage: 'Rate Exceeded.' };
  return { kind: 'failed', failure, requestId: randomUUID() };
}

class Runtime implements LambdaRuntime {
  readonly #options: LambdaRuntimeOptions;
  readonly #pools = new Map<string, EnvironmentPool>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #stopping = new AbortController();
  readonly #logs: FunctionLogs;

  constructor(options: LambdaRuntimeOptions) {
    this.#options = options;
    this.#logs = createLogs((line) => options.onLine?.(line));
  }

  resolve(nameOrArn: string, qualifier?: string): ReturnType<typeof resolveFunction> {
    return resolveFunction(this.#options.functions, nameOrArn, qualifier);
  }

  invoke(target: ResolvedFunction, payload: string): Promise<Invocation> {
    return this.#track(this.#run(target, payload));
  }

  invokeAsync(target: ResolvedFunction, payload: string): Promise<void> {
    return this.#track(this.#runWithRetries(target, payload));
  }

  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  logs(): readonly LogLine[] {
    return this.#logs.lines();
  }

  async kill(functionName: string): Promise<void> {
    const resource = this.#options.functions.find(({ name }) => name === functionName);
    if (resource === undefined) throw new RangeError(`no function is called ${functionName}`);
    await this.#pools.get(resource.arn)?.kill();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#pools.values()].map((pool) => pool.stop()));
    await this.settled();
  }

  async #run(target: ResolvedFunction, payload: string): Promise<Invocation> {
    const { resource } = target;
    const [startedAt, startedMs] = [this.#options.clock.now(), performance.now()];
    const isPaused = this.#options.isPaused?.(resource) === true;
    const invocation = isPaused ? throttled() : await this.#perform(target, payload);
    const outcome = isPaused ? 'throttled' : invocation.kind === 'answered' ? 'ok' : 'error';
    if (!this.#stopping.signal.aborted) {
      const durationMs = performance.now() - startedMs;
      this.#options.onInvocation?.({ function: resource.name, startedAt, outcome, durationMs });
    }
    return invocation;
  }

  async #perform({ resource, invokedArn, version }: ResolvedFunction, payload: string): Promise<Invocation> {
    const pool = this.#poolOf(resource);
    const invocation = await pool.invoke({ payload, invokedFunctionArn: invokedArn, functionVersion: version });
    if (invocation.kind === 'failed' && !this.#stopping.signal.aborted) {
      const { errorType, errorMessage } = invocation.failure;
      this.#logs.write(
        { function: resource.name, rest: '' },
        `${invocation.requestId} ${errorType}: ${errorMessage}\n`,
      );
    }
    return invocation;
  }

  async #runWithRetries(target: ResolvedFunction, payload: string): Promise<void> {
    for (let retry = 0; ; retry += 1) {
      const { kind } = await this.#run(target, payload);
      if (kind === 'answered' || retry >= target.resource.maximumRetryAttempts) return;
      // Lambda would keep the event for a while; nobody here resumes within that time.
      if (this.#options.isPaused?.(target.resource)) return;
      await this.#pause(RETRY_DELAYS_MS[retry] ?? 0);
      if (this.#stopping.signal.aborted) return;
    }
  }

  #pause(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, delayMs);
    this.#stopping.signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
    return promise;
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }

  #poolOf(resource: FunctionResource): EnvironmentPool {
    const existing = this.#pools.get(resource.arn);
    if (existing !== undefined) return existing;
    const pool = createPool({
      settings: {
        assetDir: resource.assetDir,
        handler: resource.handler,
        functionName: resource.name,
        memoryMb: resource.memoryMb,
        timeoutMs: resource.timeoutSeconds * 1000,
        clockOffset: this.#options.clock.offset,
      },
      variables: this.#variablesOf(resource),
      ...(resource.reservedConcurrency === undefined ? {} : { maxEnvironments: resource.reservedConcurrency }),
      openLog: () => openStream(this.#logs, { resource, mayLog: this.#options.mayLog, now: this.#options.clock.now }),
    });
    this.#pools.set(resource.arn, pool);
    return pool;
  }

  /** The template's variables and those that Lambda itself sets; nothing of the process that runs the platform. */
  #variablesOf(resource: FunctionResource): Record<string, string> {
    const { accessKeyId, secretAccessKey } = this.#options.credentialsOf(resource);
    // The SDK follows the host of a queue's URL, past every endpoint it is told.
    const given = Object.entries(resource.environment).map(([name, value]) => [
      name,
      value.replaceAll(QUEUE_ORIGIN, this.#options.endpointUrl()),
    ]);
    return {
      ...Object.fromEntries(given),
      AWS_REGION: REGION,
      AWS_DEFAULT_REGION: REGION,
      AWS_LAMBDA_FUNCTION_NAME: resource.name,
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(resource.memoryMb),
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      LAMBDA_TASK_ROOT: resource.assetDir,
      _HANDLER: resource.handler,
      TZ: ':UTC',
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_ENDPOINT_URL: this.#options.endpointUrl(),
      // The developer's own AWS profile must not reach a function.
      AWS_CONFIG_FILE: devNull,
      AWS_SHARED_CREDENTIALS_FILE: devNull,
      AWS_EC2_METADATA_DISABLED: 'true',
    };
  }
}
