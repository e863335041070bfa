import type { Instant } from '../../lib/domain/grant.ts';
import { Heap, type Timed } from './heap.ts';
import { isGoing, newProcess, type Process } from './process.ts';
import type { Random } from './random.ts';

/** Decides at a gate what becomes of the process: nothing, its end, or a stop of this call until it is released. */
type AtGate = (process: Process) => 'kill' | 'hold' | undefined;
/** Decides whether what an ended process has not waited for goes on after all, when, and for how long. */
type Leftover = (process: Process) => { readonly afterMs: number; readonly forMs: number } | undefined;

interface Entry extends Timed {
  readonly process?: Process;
  readonly act: () => void;
}

/** Virtual time: one thing at a time, in an order that depends on the random numbers alone. */
export class Scheduler {
  readonly #random: Random;
  readonly #entries = new Heap<Entry>();
  readonly #held = new Map<Process, { readonly delayMs: number; readonly resume: () => void }>();
  readonly #ends: ((process: Process) => void)[] = [];
  #atGate: AtGate = () => undefined;
  #atLeftover: Leftover = () => undefined;
  #running: Process[] = [];
  #now: Instant;
  #steps = 0;
  #isStopped = false;

  constructor(random: Random, startAt: Instant) {
    this.#random = random;
    this.#now = startAt;
  }

  /** True time. */
  now(): Instant {
    return this.#now;
  }

  /** Things that have happened. */
  steps(): number {
    return this.#steps;
  }

  /** Processes at work. */
  running(): readonly Process[] {
    return this.#running;
  }

  /** Starts a run of a function with so much time. */
  start(
    name: string,
    { limitMs, skewMs }: { readonly limitMs: number; readonly skewMs: number },
    run: (process: Process) => Promise<unknown>,
  ): Process {
    const process = newProcess({ name, skewMs, limitAt: this.#now + limitMs });
    this.#running.push(process);
    const cut = () => {
      if (!process.wasFrozen) this.#end(process, 'cut');
    };
    this.#entries.put({ at: process.limitAt, rank: 1, process, act: cut });
    this.#put(0, () => void run(process).finally(() => this.#end(process, 'ended')), process);
    return process;
  }

  /** A point where the process may be overtaken or die. Goes on after `delayMs`, if ever. */
  gate(process: Process, delayMs: number): Promise<void> {
    return new Promise((resume) => {
      if (!isGoing(process)) return;
      process.gates += 1;
      const fate = this.#atGate(process);
      if (fate === 'kill') this.#end(process, 'killed');
      else if (fate === 'hold') this.#held.set(process, { delayMs, resume });
      else this.#put(delayMs, resume, process);
    });
  }

  /** Something that happens in the world whatever becomes of any process. */
  after(delayMs: number, act: () => void): void {
    this.#put(delayMs, act);
  }

  kill(process: Process): void {
    this.#end(process, 'killed');
  }

  /** Lets a process go on that is held at a gate. */
  release(process: Process): void {
    const stop = this.#held.get(process);
    if (stop === undefined) return;
    this.#held.delete(process);
    this.#put(stop.delayMs, stop.resume, process);
  }

  /** Called when a process is over, however. */
  onEnd(listener: (process: Process) => void): void {
    this.#ends.push(listener);
  }

  /** Called before each gate. */
  onGate(atGate: AtGate): void {
    this.#atGate = atGate;
  }

  /** Called when an ended process has left something behind. */
  onLeftover(leftover: Leftover): void {
    this.#atLeftover = leftover;
  }

  /** Lets whatever comes next happen, unless that is later than `untilAt`. False when there was nothing. */
  async step(untilAt: Instant): Promise<boolean> {
    const entry = this.#isStopped ? undefined : this.#next(untilAt);
    if (entry === undefined) return false;
    this.#steps += 1;
    this.#now = Math.max(this.#now, entry.at);
    entry.act();
    await settled();
    return true;
  }

  /** Lets everything happen up to that time, and moves the clock there. */
  async runUntil(at: Instant): Promise<void> {
    while (await this.step(at));
    if (!this.#isStopped) this.#now = Math.max(this.#now, at);
  }

  /** Lets things happen as long as that holds. */
  async runWhile(isUnfinished: () => boolean): Promise<void> {
    while (isUnfinished() && (await this.step(Number.POSITIVE_INFINITY)));
  }

  /** Lets every process come to its end. */
  drain(): Promise<void> {
    return this.runWhile(() => this.#running.length > 0);
  }

  /** Nothing happens any more. */
  stop(): void {
    this.#isStopped = true;
  }

  #put(delayMs: number, act: () => void, process?: Process): void {
    const entry = { at: this.#now + delayMs, rank: this.#random.next(), act };
    this.#entries.put(process === undefined ? entry : { ...entry, process });
  }

  #next(untilAt: Instant): Entry | undefined {
    for (let first = this.#entries.first(); first !== undefined && first.at <= untilAt; first = this.#entries.first()) {
      this.#entries.take();
      const { process } = first;
      if (process === undefined || (isGoing(process) && process.frozenUntil <= first.at)) return first;
      if (isGoing(process)) this.#entries.put({ ...first, at: process.frozenUntil });
      else if (process.state === 'ended') this.#thaw(first, process);
    }
    return undefined;
  }

  #thaw(entry: Entry, process: Process): void {
    const thawed = this.#atLeftover(process);
    if (thawed === undefined) return;
    process.state = 'thawed';
    this.#running.push(process);
    const at = Math.max(this.#now, entry.at) + thawed.afterMs;
    this.#entries.put({ ...entry, at });
    this.#entries.put({ at: at + thawed.forMs, rank: 1, process, act: () => this.#end(process, 'cut') });
  }

  #end(process: Process, state: Process['state']): void {
    if (!isGoing(process)) return;
    process.state = state;
    process.endedAt = this.#now;
    this.#running = this.#running.filter((each) => each !== process);
    for (const listener of this.#ends) listener(process);
  }
}

/**
 * Whatever waits for nothing but other promises has gone as far as it can: Node empties the microtasks before a tick.
 */
function settled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
