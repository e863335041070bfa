import type { SimContext } from './context.ts';
import { ANSWER_MS, drawFate, type Fate, situationOf } from './fate.ts';
import type { Process } from './process.ts';

/** What a request is about, and whether only the holder of that subject's lease may send it. */
export interface Addressed {
  readonly subject: string;
  readonly isUnderLease: boolean;
}

/**
 * One request at the provider, from its first byte to its end: carried out or never, and nobody waits for it any more.
 */
export interface ProviderRequest extends Addressed {
  readonly process: Process;
  /** Its process had been frozen before it was sent: nothing can be asked of that one any more. */
  readonly wasStale: boolean;
  isCarriedOut: boolean;
  isWaitedFor: boolean;
}

export type Reply<T> =
  /** Proven not sent. */
  | { readonly kind: 'not_sent' }
  /** Nothing, or not all of it: the provider may have carried it out. */
  | { readonly kind: 'cut'; readonly reason: NonNullable<Fate['reason']> }
  /** Answered in full, though not by what it did, if it did anything. */
  | { readonly kind: 'server_error' | 'html' | 'throttled' }
  | { readonly kind: 'answered'; readonly answer: T };

/** What a request does at the provider, and who is to know when its answer will never arrive. */
interface Work<T> {
  carryOut(): T;
  lost(result: T): void;
}

/** Connecting, and the answer after it. */
const LONGEST_MS = ANSWER_MS + 5_000;

/**
 * Between a process and the provider: what is sent is carried out (or not) whatever becomes of the process meanwhile.
 */
export class Network {
  readonly #context: SimContext;
  readonly #underWay = new Map<string, Set<ProviderRequest>>();
  readonly #sentFor = new Map<string, number>();
  #sends = 0;

  constructor(context: SimContext) {
    this.#context = context;
    context.scheduler.onEnd((process) => this.#abandon(process));
  }

  /** Requests that have left, of any kind. */
  sends(): number {
    return this.#sends;
  }

  /** Requests about a subject that have left. */
  sendsFor(subject: string): number {
    return this.#sentFor.get(subject) ?? 0;
  }

  async send<T>(process: Process, addressed: Addressed, work: Work<T>): Promise<Reply<T>> {
    const { scheduler, random, weather, situations, poisoned } = this.#context;
    await scheduler.gate(process, 1);
    const fate = drawFate(random, weather, poisoned.has(addressed.subject));
    if (fate.kind === 'not_sent') {
      await scheduler.gate(process, 5);
      situations.saw('not_sent');
      return { kind: 'not_sent' };
    }
    const request = this.#begin(process, addressed);
    const result = this.#carryOut(request, fate, work);
    await scheduler.gate(process, Math.min(fate.thereMs + fate.backMs, LONGEST_MS));
    request.isWaitedFor = false;
    this.#forget(request);
    situations.saw(situationOf(fate));
    if (fate.kind === 'answered' && result.value !== undefined) return { kind: 'answered', answer: result.value };
    if (fate.kind === 'cut' || fate.kind === 'answered') return { kind: 'cut', reason: fate.reason ?? 'timeout' };
    return { kind: fate.kind };
  }

  #begin(process: Process, addressed: Addressed): ProviderRequest {
    const { subject } = addressed;
    const request = { process, ...addressed, wasStale: process.wasFrozen, isCarriedOut: false, isWaitedFor: true };
    const others = this.#underWay.get(subject) ?? new Set();
    if (addressed.isUnderLease) this.#context.onSend(request, [...others]);
    this.#underWay.set(subject, others.add(request));
    this.#sends += 1;
    this.#sentFor.set(subject, this.sendsFor(subject) + 1);
    return request;
  }

  /** At the provider, some time later; the result is filled in then. */
  #carryOut<T>(request: ProviderRequest, fate: Fate, work: Work<T>): { value?: T } {
    const result: { value?: T } = {};
    this.#context.scheduler.after(fate.thereMs, () => {
      if (fate.isCarriedOut) result.value = work.carryOut();
      request.isCarriedOut = true;
      const arrives = fate.kind === 'answered' && request.isWaitedFor;
      if (result.value !== undefined && !arrives) work.lost(result.value);
      this.#forget(request);
    });
    return result;
  }

  /** Its process is over: nobody waits for it any more. */
  #abandon(process: Process): void {
    const situation = process.state === 'killed' ? 'crash_with_request_under_way' : 'ended_with_request_under_way';
    for (const requests of this.#underWay.values()) {
      for (const request of requests) {
        if (request.process !== process) continue;
        this.#context.situations.saw(situation);
        request.isWaitedFor = false;
        this.#forget(request);
      }
    }
  }

  #forget(request: ProviderRequest): void {
    if (!request.isWaitedFor && request.isCarriedOut) this.#underWay.get(request.subject)?.delete(request);
  }
}
