/** What the pool and its worker threads say to each other. Payloads travel as JSON text, as they do on AWS. */

/** Given to a worker when it starts. */
export interface WorkerSettings {
  /** Absolute path of the folder with the code. */
  readonly assetDir: string;
  readonly handler: string;
  readonly functionName: string;
  readonly memoryMb: number;
  readonly timeoutMs: number;
  /** The offset of the platform's clock. */
  readonly clockOffset: SharedArrayBuffer;
}

/** Pool → worker: one invocation. The next one comes after the answer. */
export interface InvokeMessage {
  readonly requestId: string;
  readonly payload: string;
  readonly invokedFunctionArn: string;
  readonly functionVersion: string;
}

/** The body of a failed invocation, as the caller sees it. */
export interface FunctionFailure {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
}

/** Worker → pool. `ready` comes once the module is loaded; `init-failed` instead of it. */
export type WorkerMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'init-failed'; readonly failure: FunctionFailure }
  | { readonly kind: 'log'; readonly text: string }
  | { readonly kind: 'answered'; readonly requestId: string; readonly payload: string }
  | { readonly kind: 'failed'; readonly requestId: string; readonly failure: FunctionFailure };
