import { type ChildProcess, fork } from 'node:child_process';

/**
 * Processes of our own, and calls to them. Each is a Node module that ends in `serve(handlers)`; a call runs one
 * handler there and brings back its result. Nothing but what was started here is ever signalled, by its own process
 * handle.
 */

type Handlers = Readonly<Record<string, (input: never) => unknown>>;

/** A running process and what can be asked of it. */
export interface Child<H extends Handlers> {
  readonly pid: number;
  /** Rejects when the handler threw, or the process ended before it answered. */
  call<K extends keyof H & string>(name: K, input: Parameters<H[K]>[0]): Promise<Awaited<ReturnType<H[K]>>>;
  /** SIGKILL, as a crash; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM, so that it can end what it started itself; resolves when it is gone. */
  stop(): Promise<void>;
}

interface Question {
  readonly id: number;
  readonly name: string;
  readonly input: unknown;
}

type Reply = { readonly id: number } & ({ readonly result: unknown } | { readonly error: string });

interface Told {
  readonly told: unknown;
}

interface Pending {
  resolve(result: never): void;
  reject(error: Error): void;
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGTERM');
});
// A signal ends a process without an exit event.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

export interface ChildOptions {
  /** Added to our own environment. */
  readonly environment?: Record<string, string>;
  /** Called with what the process tells of its own accord. */
  onTold?(told: unknown): void;
}

/** Starts `module` (a file URL); it also ends when we end, however that happens. */
export function startChild<H extends Handlers>(module: URL, { environment, onTold }: ChildOptions = {}): Child<H> {
  const child = fork(module, { env: { ...process.env, ...environment }, serialization: 'advanced' });
  running.add(child);
  const pending = new Map<number, Pending>();
  const gone = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      running.delete(child);
      const error = new Error(`${nameOf(module)} (pid ${child.pid}) ended: ${signal ?? `exit ${code}`}`);
      for (const { reject } of pending.values()) reject(error);
      pending.clear();
      resolve();
    });
  });
  child.on('message', (message: Reply | Told) => {
    if ('told' in message) onTold?.(message.told);
    else settle(pending, message);
  });
  child.on('error', () => {
    // Told by `exit`, and by the calls that find no process.
  });
  let asked = 0;
  return {
    pid: child.pid ?? 0,
    call(name, input) {
      asked += 1;
      const question: Question = { id: asked, name, input };
      return new Promise((resolve, reject) => {
        pending.set(question.id, { resolve, reject });
        child.send(question as never, (error) => {
          if (error !== null && pending.delete(question.id)) reject(error);
        });
      });
    },
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
    async stop() {
      child.kill('SIGTERM');
      await gone;
    },
  };
}

/** The child's side: answers calls until the parent is gone, and then ends the process. */
export function serve(handlers: Handlers): void {
  process.on('message', (question: Question) => void answer(handlers, question));
  process.once('disconnect', () => process.exit(0));
}

/** The child's side: tells the parent something nobody asked for. */
export function tell(told: unknown): void {
  const message: Told = { told };
  if (process.connected) process.send?.(message);
}

async function answer(handlers: Handlers, { id, name, input }: Question): Promise<void> {
  let reply: Reply;
  try {
    const handler = handlers[name];
    if (handler === undefined) throw new Error(`nothing is called ${name}`);
    reply = { id, result: await handler(input as never) };
  } catch (error) {
    reply = { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  if (process.connected) process.send?.(reply);
}

function settle(pending: Map<number, Pending>, reply: Reply): void {
  const waiting = pending.get(reply.id);
  pending.delete(reply.id);
  if ('error' in reply) waiting?.reject(new Error(reply.error));
  else waiting?.resolve(reply.result as never);
}

function nameOf(module: URL): string {
  return module.pathname.slice(module.pathname.lastIndexOf('/') + 1);
}
