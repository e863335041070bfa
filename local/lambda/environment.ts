import { Worker } from 'node:worker_threads';
import type { FunctionFailure, InvokeMessage, WorkerMessage, WorkerSettings } from './protocol.ts';

/** Loading a bundle takes some 100 ms; Lambda allows an initialization 10 s, a busy laptop gets thrice that. */
const INIT_TIMEOUT_MS = 30_000;

/** What came of an invocation: the answer as JSON text, or the failure. */
export type Outcome =
  | { readonly kind: 'answered'; readonly payload: string }
  | { readonly kind: 'failed'; readonly failure: FunctionFailure };

/** One execution environment: a worker thread with the function's module loaded, for one invocation at a time. */
export interface ExecutionEnvironment {
  /** Resolves when the module is loaded, to a failure when it cannot be. */
  readonly started: Promise<FunctionFailure | undefined>;
  /**
   * Runs one invocation. Afterwards the environment is as warm as before, except when the invocation timed out or the
   * thread died: then `alive` is false and nothing more may be asked of it.
   */
  run(message: InvokeMessage): Promise<Outcome>;
  readonly alive: boolean;
  /** Ends the thread at once; a running invocation fails as if the process had been killed. */
  kill(): Promise<void>;
}

export interface EnvironmentOptions {
  readonly settings: WorkerSettings;
  readonly variables: Readonly<Record<string, string>>;
  onOutput(text: string): void;
  /** The thread ended, for whatever reason; called once. */
  onDeath(): void;
}

/** Starts a thread. Its environment variables are the given ones and no others. */
export function startEnvironment(options: EnvironmentOptions): ExecutionEnvironment {
  return new WorkerEnvironment(options);
}

class WorkerEnvironment implements ExecutionEnvironment {
  readonly started: Promise<FunctionFailure | undefined>;
  alive = true;
  readonly #worker: Worker;
  readonly #options: EnvironmentOptions;
  readonly #initTimer: NodeJS.Timeout;
  #settleStart: (failure?: FunctionFailure) => void;
  #settleRun: ((outcome: Outcome) => void) | undefined;
  #fault: FunctionFailure | undefined;

  constructor(options: EnvironmentOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<FunctionFailure | undefined>();
    this.started = promise;
    this.#settleStart = resolve;
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: options.settings,
      env: { ...options.variables },
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: options.settings.memoryMb },
    });
    this.#initTimer = setTimeout(() => this.#end(initTimedOut()), INIT_TIMEOUT_MS);
    this.#worker.on('message', (message: WorkerMessage) => this.#receive(message));
    this.#worker.on('error', (error) => {
      this.#fault = failureOf(error);
    });
    this.#worker.on('exit', (code) => this.#buried(code));
    // The worker redirects what its JavaScript writes; this is for what Node itself writes.
    for (const stream of [this.#worker.stdout, this.#worker.stderr]) {
      stream.on('data', (chunk: Buffer) => options.onOutput(chunk.toString()));
    }
  }

  run(message: InvokeMessage): Promise<Outcome> {
    const { timeoutMs } = this.#options.settings;
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const timer = setTimeout(() => this.#end(timedOut(message.requestId, timeoutMs)), timeoutMs);
    this.#settleRun = (outcome) => {
      clearTimeout(timer);
      this.#settleRun = undefined;
      resolve(outcome);
    };
    this.#worker.postMessage(message);
    return promise;
  }

  async kill(): Promise<void> {
    this.#end({ errorType: 'Runtime.ExitError', errorMessage: 'Runtime exited with error: signal: killed' });
    await this.#worker.terminate();
  }

  #receive(message: WorkerMessage): void {
    // An answer that was already on its way when the thread was ended must not be taken for one.
    if (message.kind === 'log') this.#options.onOutput(message.text);
    else if (!this.alive) return;
    else if (message.kind === 'ready') this.#started();
    else if (message.kind === 'init-failed') this.#end(message.failure);
    else if (message.kind === 'answered') this.#settleRun?.({ kind: 'answered', payload: message.payload });
    else this.#settleRun?.({ kind: 'failed', failure: message.failure });
  }

  #started(): void {
    clearTimeout(this.#initTimer);
    this.#settleStart();
  }

  #end(failure: FunctionFailure): void {
    if (!this.alive) return;
    this.alive = false;
    clearTimeout(this.#initTimer);
    this.#settleStart(failure);
    this.#settleRun?.({ kind: 'failed', failure });
    void this.#worker.terminate();
  }

  #buried(code: number): void {
    const exit = { errorType: 'Runtime.ExitError', errorMessage: `Runtime exited with error: exit status ${code}` };
    this.#end(this.#fault ?? exit);
    this.#options.onDeath();
  }
}

function failureOf(error: unknown): FunctionFailure {
  if (!(error instanceof Error)) return { errorType: 'Runtime.ExitError', errorMessage: String(error) };
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
}

/** In the words of Lambda: `2026-11-20T12:00:00.000Z <request id> Task timed out after 3.00 seconds`. */
function timedOut(requestId: string, timeoutMs: number): FunctionFailure {
  const seconds = (timeoutMs / 1000).toFixed(2);
  return {
    errorType: 'Sandbox.Timedout',
    errorMessage: `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`,
  };
}

function initTimedOut(): FunctionFailure {
  return {
    errorType: 'Sandbox.Timedout',
    errorMessage: `Init phase timed out after ${INIT_TIMEOUT_MS / 1000} seconds`,
  };
}
