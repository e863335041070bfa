import type { PutEnd, PutEvents } from '../aws/events.ts';
import type { LifecycleEvent } from '../domain/lifecycle-event.ts';
import { METRICS } from '../domain/names.ts';
import type { CountMetric, EmitEvent, LogOutcome } from '../service/ports.ts';

/**
 * Events are gathered and sent beside the work. Whatever is wrong with the bus costs events and nothing else: nobody waits
 * for a send but the end of the invocation, and that not for long.
 */

/** As many as one request takes. */
const BATCH = 10;
/** At once. A sweep makes some hundred events a second, and one request takes some 20 ms. */
const MAX_SENDS = 4;
/** Some 300 bytes each. More than that are waiting only when the bus does not answer. */
const MAX_WAITING = 1_000;
/** What an answer may be late for the sake of its events. */
const FLUSH_MS = 2_000;

export interface EventPorts {
  readonly put: PutEvents;
  readonly count: CountMetric;
  readonly log: LogOutcome;
}

interface Send {
  readonly size: number;
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}

/** Of this process: one per `createEmitEvent`. */
const outboxes: Outbox[] = [];

/** Gathers events and begins to send them when there are ten; `flushEvents` sends the rest. */
export function createEmitEvent(ports: EventPorts): EmitEvent {
  const outbox = new Outbox(ports);
  outboxes.push(outbox);
  return (event) => outbox.add(event);
}

/**
 * Resolves when every event told in this process is on the bus or given up, which is after two seconds, or `limitMs` if that is
 * less. What was given up since the last call is counted and logged once. Never rejects; a function that tells nothing does
 * not wait.
 */
export async function flushEvents(limitMs: number = FLUSH_MS): Promise<void> {
  await Promise.all(outboxes.map((outbox) => outbox.flush(Math.max(0, Math.min(limitMs, FLUSH_MS)))));
}

class Outbox {
  readonly #ports: EventPorts;
  readonly #sends = new Set<Send>();
  #waiting: LifecycleEvent[] = [];
  #dropped = 0;
  #reason: string | undefined;

  constructor(ports: EventPorts) {
    this.#ports = ports;
  }

  add(event: LifecycleEvent): void {
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(event);
    else this.#drop(1, 'too_many');
    this.#send(BATCH);
  }

  async flush(limitMs: number): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      resolve();
    }, limitMs);
    try {
      for (this.#send(1); this.#sends.size > 0 && !isLate; this.#send(1)) {
        await Promise.race([late, ...[...this.#sends].map(({ ended }) => ended)]);
      }
    } finally {
      clearTimeout(timer);
    }
    this.#giveUp();
    this.#report();
  }

  /** As long as that many are waiting and not too many sends are under way. */
  #send(atLeast: number): void {
    while (this.#waiting.length >= atLeast && this.#waiting.length > 0 && this.#sends.size < MAX_SENDS) {
      this.#begin(this.#waiting.splice(0, BATCH));
    }
  }

  #begin(events: readonly LifecycleEvent[]): void {
    const abort = new AbortController();
    const end = async () => {
      const { dropped, reason } = await this.#put(events, abort.signal);
      // One that was given up has been counted.
      if (!this.#sends.delete(send)) return;
      if (dropped > 0) this.#drop(dropped, reason);
      this.#send(BATCH);
    };
    const send: Send = { size: events.length, abort, ended: Promise.resolve().then(end) };
    this.#sends.add(send);
  }

  /** A rejection that nobody waits for would end the process. */
  async #put(events: readonly LifecycleEvent[], signal: AbortSignal): Promise<PutEnd> {
    try {
      return await this.#ports.put(events, signal);
    } catch (error) {
      return { dropped: events.length, reason: error instanceof Error ? error.name : 'unknown' };
    }
  }

  /** Nothing is left behind that would go on when the sandbox is thawed, perhaps hours later. */
  #giveUp(): void {
    for (const { size, abort } of this.#sends) {
      this.#drop(size, 'timeout');
      abort.abort();
    }
    this.#sends.clear();
    if (this.#waiting.length > 0) this.#drop(this.#waiting.length, 'timeout');
    this.#waiting = [];
  }

  #drop(count: number, reason: string | undefined): void {
    this.#dropped += count;
    this.#reason ??= reason;
  }

  #report(): void {
    if (this.#dropped === 0) return;
    this.#ports.count(METRICS.eventsDropped, this.#dropped);
    this.#ports.log('warn', 'lifecycle events were dropped', { count: this.#dropped, reason: this.#reason });
    this.#dropped = 0;
    this.#reason = undefined;
  }
}
