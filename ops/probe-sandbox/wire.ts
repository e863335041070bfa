import type { Instant } from '../../lib/domain/grant.ts';
import { type Call, type CallLimits, type CallResult, callOnce } from '../../lib/oauth/https-call.ts';
import { type Seen, seenOf } from './seen.ts';

/** The probe ends early; the message says why and what to do. What was obtained is still given back. */
export class ProbeStop extends Error {}

/** The operator wants to stop. */
export class Interrupted extends ProbeStop {
  constructor() {
    super('interrupted');
  }
}

/** Patience and haste: a sandbox is shared, and limits are not what is being asked about. */
const PAUSE_MS = 1_000;
/** As the product waits for a token endpoint (lib/oauth/token-endpoint.ts). */
const LIMITS: CallLimits = { connectMs: 5_000, answerMs: 45_000, bodyBytes: 256 * 1024 };
/** Kept back for giving back what was obtained. */
const ENDING_REQUESTS = 20;

export interface WireWorld {
  now(): Instant;
  /** Rejects when the signal aborts. */
  pause(ms: number, signal?: AbortSignal): Promise<void>;
  readonly signal: AbortSignal;
  /** Replaces single limits, for tests. */
  readonly limits?: Partial<CallLimits>;
}

/** One request at a time, at most so many, with a pause before each but the first. */
export class Wire {
  readonly #world: WireWorld;
  #left: number;
  #isEnding = false;
  sent = 0;

  constructor(world: WireWorld, maxRequests: number) {
    this.#world = world;
    this.#left = maxRequests + ENDING_REQUESTS;
  }

  /**
   * Sends once, and tells what was seen. Throws `Interrupted` instead of sending when that is wanted, and `ProbeStop` when no
   * more requests are allowed; what is on its way is waited for, because its answer may hold tokens.
   */
  async send(call: Call): Promise<{ readonly result: CallResult; readonly seen: Seen }> {
    const { now, limits } = this.#world;
    if (this.#left <= (this.#isEnding ? 0 : ENDING_REQUESTS)) throw new ProbeStop('no more requests are allowed');
    if (this.sent > 0) await this.wait(PAUSE_MS);
    if (this.#world.signal.aborted && !this.#isEnding) throw new Interrupted();
    this.#left -= 1;
    this.sent += 1;
    const startedAt = now();
    const result = await callOnce(call, { ...LIMITS, ...limits }, now);
    return { result, seen: seenOf(result, now() - startedAt) };
  }

  /** Waits. Throws `Interrupted`. */
  async wait(ms: number): Promise<void> {
    const { pause, signal } = this.#world;
    try {
      await (this.#isEnding ? pause(ms) : pause(ms, signal));
    } catch (error) {
      throw signal.aborted ? new Interrupted() : error;
    }
  }

  /** From now on nothing interrupts, and the requests that were kept back may be used. */
  end(): void {
    this.#isEnding = true;
  }
}
