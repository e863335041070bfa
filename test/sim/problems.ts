import { GrantkeeperError } from '../../lib/domain/errors.ts';
import type { Loss } from './custody.ts';
import { plaintextIn } from './invariants.ts';
import { PLAINTEXT } from './provider.ts';
import type { Scheduler } from './scheduler.ts';
import type { Trace } from './trace.ts';
import type { Unavoidable } from './whereabouts.ts';

/** What is wrong with a run. The first finding ends it: what follows from it would only hide it. */
export class Problems {
  readonly #scheduler: Scheduler;
  readonly #trace: Trace;
  readonly #lost: Partial<Record<Unavoidable | 'avoidable', number>> = {};
  #first: string | undefined;

  constructor(scheduler: Scheduler, trace: Trace) {
    this.#scheduler = scheduler;
    this.#trace = trace;
  }

  first(): string | undefined {
    return this.#first;
  }

  /** Grants lost, by cause. */
  lost(): Readonly<Partial<Record<Unavoidable | 'avoidable', number>>> {
    return this.#lost;
  }

  fail(what: string): void {
    this.#first ??= what;
    this.#scheduler.stop();
  }

  /** Only our own errors are thrown on purpose. */
  threw(error: unknown): void {
    if (error instanceof GrantkeeperError) return;
    this.fail(`threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }

  /** Holds what leaves memory for `place` against I7. */
  leaves(place: string, what: unknown): void {
    if (plaintextIn(what, PLAINTEXT)) this.fail(`I7: a plaintext in the ${place}`);
  }

  lose({ subject, token, cause = undefined }: Loss): void {
    const name = cause ?? 'avoidable';
    this.#trace.tell(() => `lost: ${subject} (${token}), ${name}`);
    this.#lost[name] = (this.#lost[name] ?? 0) + 1;
    if (cause === undefined) this.fail(`I2: ${token} of ${subject} was the only good token and is gone`);
  }
}
