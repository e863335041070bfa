import { randomUUID } from 'node:crypto';
import { type ExecutionEnvironment, type Outcome, startEnvironment } from './environment.ts';
import type { InvokeMessage, WorkerSettings } from './protocol.ts';

/** 25 MB each; Lambda's own limit is 1,000 for an account. */
const MAX_ENVIRONMENTS = 16;

/** More threads starting at the same time than this only delay each other on a laptop. */
const MAX_STARTING = 4;

/** An idle thread beyond the first is ended after this, so that a burst does not hold its memory for ever. */
const IDLE_MS = 60_000;

export interface PoolOptions {
  readonly settings: WorkerSettings;
  readonly variables: Readonly<Record<string, string>>;
  /** 16 at most, and by default. */
  readonly maxEnvironments?: number;
  /** Called for each new thread; the answer takes what it writes. */
  openLog(): (text: string) => void;
}

/** The execution environments of one function. */
export interface EnvironmentPool {
  /** Waits for a free environment, starting one if there may be more, and runs the invocation there. */
  invoke(message: Omit<InvokeMessage, 'requestId'>): Promise<Outcome & { readonly requestId: string }>;
  /** Kills all threads at once. Running invocations fail; waiting ones get new threads. */
  kill(): Promise<void>;
  /** Kills all threads and refuses whatever waits or comes. */
  stop(): Promise<void>;
  /** Threads that exist now, starting ones included. */
  size(): number;
}

interface Waiting {
  readonly message: InvokeMessage;
  readonly resolve: (outcome: Outcome) => void;
}

interface Member {
  readonly environment: ExecutionEnvironment;
  state: 'starting' | 'idle' | 'busy';
  /** Ended from outside, which is no reason to fail whoever waits. */
  wasKilled: boolean;
  idleTimer?: NodeJS.Timeout;
}

/** An empty pool; the first invocation starts the first thread. */
export function createPool(options: PoolOptions): EnvironmentPool {
  return new Pool(options);
}

class Pool implements EnvironmentPool {
  readonly #options: PoolOptions;
  readonly #members = new Set<Member>();
  readonly #queue: Waiting[] = [];
  #stopped = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  async invoke(message: Omit<InvokeMessage, 'requestId'>): Promise<Outcome & { readonly requestId: string }> {
    const requestId = randomUUID();
    if (this.#stopped) return { ...stoppedOutcome(), requestId };
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.#queue.push({ message: { ...message, requestId }, resolve });
    this.#dispatch();
    return { ...(await promise), requestId };
  }

  async kill(): Promise<void> {
    const members = [...this.#members];
    for (const member of members) {
      member.wasKilled = true;
      this.#forget(member);
    }
    await Promise.all(members.map(({ environment }) => environment.kill()));
    this.#dispatch();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { resolve } of this.#queue.splice(0)) resolve(stoppedOutcome());
    await this.kill();
  }

  size(): number {
    return this.#members.size;
  }

  #dispatch(): void {
    for (const member of this.#members) {
      const next = member.state === 'idle' ? this.#queue.shift() : undefined;
      if (next !== undefined) void this.#serve(member, next);
    }
    const limit = Math.min(this.#options.maxEnvironments ?? MAX_ENVIRONMENTS, MAX_ENVIRONMENTS);
    const wanted = Math.min(this.#queue.length, MAX_STARTING);
    for (let starting = this.#count('starting'); starting < wanted && this.#members.size < limit; starting += 1) {
      void this.#add();
    }
  }

  #count(state: Member['state']): number {
    return [...this.#members].filter((member) => member.state === state).length;
  }

  async #add(): Promise<void> {
    const environment = startEnvironment({
      ...this.#options,
      onOutput: this.#options.openLog(),
      onDeath: () => {
        this.#forget(member);
        this.#dispatch();
      },
    });
    const member: Member = { environment, state: 'starting', wasKilled: false };
    this.#members.add(member);
    const failure = await environment.started;
    if (failure === undefined) {
      this.#rest(member);
      return;
    }
    // The module cannot be loaded: whoever waits longest hears it, as on Lambda; the others start another thread.
    this.#forget(member);
    if (!member.wasKilled) this.#queue.shift()?.resolve({ kind: 'failed', failure });
    this.#dispatch();
  }

  async #serve(member: Member, { message, resolve }: Waiting): Promise<void> {
    member.state = 'busy';
    clearTimeout(member.idleTimer);
    resolve(await member.environment.run(message));
    if (member.environment.alive) this.#rest(member);
    else this.#forget(member);
    this.#dispatch();
  }

  #rest(member: Member): void {
    member.state = 'idle';
    member.idleTimer = setTimeout(() => {
      if (member.state !== 'idle' || this.#members.size === 1) return;
      this.#forget(member);
      void member.environment.kill();
    }, IDLE_MS);
    member.idleTimer.unref();
    this.#dispatch();
  }

  #forget(member: Member): void {
    clearTimeout(member.idleTimer);
    this.#members.delete(member);
  }
}

function stoppedOutcome(): Outcome {
  return {
    kind: 'failed',
    failure: { errorType: 'Runtime.ExitError', errorMessage: 'The local platform is stopping' },
  };
}
