import { GrantkeeperError } from '../../lib/domain/errors.ts';
import type { Instant } from '../../lib/domain/grant.ts';
import type { RescueMessage } from '../../lib/domain/rescue-message.ts';
import type { CountRescues, RescueQueue } from '../../lib/service/ports.ts';
import { HOUR, MINUTE } from '../support/grants.ts';
import type { SimContext } from './context.ts';
import type { Process } from './process.ts';

/**
 * As infra sets the queue: how long a message stays hidden from others, and when it is given up to the dead-letter
 * queue.
 */
const HIDDEN_MS = 5 * MINUTE;
const DEAD_AFTER_MS = 24 * HOUR;
/** What a queue tells of its length is a moment old. */
const COUNT_LAG_MS = 20_000;
const LATE_MS = [MINUTE, 3 * MINUTE, 10 * MINUTE, 3 * HOUR] as const;

interface Entry {
  readonly message: RescueMessage;
  readonly since: Instant;
  visibleAt: Instant;
  isDead: boolean;
}

/** The rescue queue and its dead-letter queue: at least once, in no order, sometimes late. */
export class RescueLine {
  readonly #context: SimContext;
  #entries: Entry[] = [];
  readonly #counts: { readonly at: Instant; readonly count: number }[] = [];

  constructor(context: SimContext) {
    this.#context = context;
  }

  /** Messages of both queues. */
  length(): number {
    return this.#entries.length;
  }

  /** A consumer would be given a message now. */
  hasVisible(): boolean {
    return this.#visible().length > 0;
  }

  /** When the next message will be given out. */
  nextAt(): Instant {
    return Math.min(...this.#entries.filter(({ isDead }) => !isDead).map(({ visibleAt }) => visibleAt));
  }

  queueOf(process: Process): RescueQueue {
    const { weather, losesAnswer } = this.#context;
    return {
      put: async (message) => {
        await this.#pause(process);
        if (weather.isOn('queue') || weather.strikes('queueNotMade')) throw new GrantkeeperError('unavailable');
        this.#put(structuredClone(message));
        await this.#pause(process);
        process.writes += 1;
        if (weather.strikes('answerToQueueLost') || losesAnswer(process)) throw new GrantkeeperError('unavailable');
      },
    };
  }

  countOf(process: Process): CountRescues {
    const { weather } = this.#context;
    return async () => {
      await this.#pause(process);
      if (weather.isOn('queue')) throw new GrantkeeperError('unavailable');
      return weather.strikes('staleIndex') ? this.#lengthAgo() : this.#entries.length;
    };
  }

  /**
   * Gives a message to a consumer. When it is `handled` it is deleted, or that fails and it is given out again;
   * otherwise it is hidden for a while, and after a day it goes to the dead-letter queue.
   */
  async consume(handle: (message: RescueMessage) => Promise<void>): Promise<void> {
    const { weather, random, scheduler, situations } = this.#context;
    const visible = this.#visible();
    if (visible.length === 0 || weather.isOn('queue')) return;
    const entry = random.pick(visible);
    entry.visibleAt = scheduler.now() + (weather.strikes('duplicate') ? 0 : HIDDEN_MS);
    try {
      await handle(structuredClone(entry.message));
      if (weather.strikes('answerToQueueLost')) situations.saw('rescue_delete_lost');
      else this.#remove(entry);
    } catch {
      situations.saw('rescue_failed');
      if (scheduler.now() - entry.since > DEAD_AFTER_MS) entry.isDead = true;
    }
  }

  /** No consumer has taken anything for a day. */
  bury(): void {
    for (const entry of this.#entries) entry.isDead = true;
  }

  /** An operator lets the messages of the dead-letter queue be delivered again. */
  redrive(): void {
    for (const entry of this.#entries) {
      if (!entry.isDead) continue;
      this.#context.situations.saw('dead_letter_redriven');
      entry.isDead = false;
      entry.visibleAt = this.#context.scheduler.now();
    }
  }

  /** Nothing is held up any more. */
  clearDelays(): void {
    const now = this.#context.scheduler.now();
    for (const entry of this.#entries) entry.visibleAt = Math.min(entry.visibleAt, now);
  }

  #visible(): Entry[] {
    const now = this.#context.scheduler.now();
    return this.#entries.filter(({ visibleAt, isDead }) => !isDead && visibleAt <= now);
  }

  #pause(process: Process): Promise<void> {
    return this.#context.scheduler.gate(process, this.#context.random.pick([5, 20, 60]));
  }

  #put(message: RescueMessage): void {
    const { weather, random, scheduler, situations, custody } = this.#context;
    const since = scheduler.now();
    const lateMs = weather.strikes('lateMessage') ? random.pick(LATE_MS) : 0;
    if (lateMs > 0) situations.saw('rescue_late');
    situations.saw(message.kind === 'bank' ? 'rescue_bank_queued' : 'rescue_queued');
    this.#entries.push({ message, since, visibleAt: since + lateMs, isDead: false });
    this.#context.onPlain('queue', message);
    custody.queued(this.#tokenOf(message), 1);
    this.#noteCount();
  }

  #remove(entry: Entry): void {
    if (!this.#entries.includes(entry)) return;
    this.#entries = this.#entries.filter((each) => each !== entry);
    this.#context.custody.queued(this.#tokenOf(entry.message), -1);
    this.#noteCount();
  }

  #tokenOf(message: RescueMessage): string {
    const sealed = message.kind === 'refresh' ? message.issued.refresh : message.authorization.refresh;
    return this.#context.cipher.peek(sealed) ?? '';
  }

  #noteCount(): void {
    this.#counts.push({ at: this.#context.scheduler.now(), count: this.#entries.length });
  }

  #lengthAgo(): number {
    const at = this.#context.scheduler.now() - COUNT_LAG_MS;
    return this.#counts.findLast((each) => each.at <= at)?.count ?? 0;
  }
}
