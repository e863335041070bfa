import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ACCOUNT, REGION } from './assembly/intrinsics.ts';
import type { PermissionResource, RuleResource } from './assembly/model.ts';
import { parseRate } from './assembly/rate.ts';
import { AssemblyError } from './assembly/template.ts';
import { matchesArn } from './aws/iam-patterns.ts';
import type { MovableClock } from './clock.ts';
import type { ResolvedFunction } from './lambda/names.ts';
import type { LambdaRuntime } from './lambda/runtime.ts';

/** An advance is cut into at most so many steps, so that a year passes in seconds. */
const MAX_STEPS = 60;

/** How long an advance waits (real time) for the runs of one step before it goes on without them. */
const STEP_PATIENCE_MS = 15_000;

export interface ScheduleOptions {
  readonly rules: readonly RuleResource[];
  readonly permissions: readonly PermissionResource[];
  readonly runtime: Pick<LambdaRuntime, 'resolve' | 'invokeAsync'>;
  readonly clock: MovableClock;
  /** How long a step waits for its runs, in real time; default 15 s. */
  readonly stepPatienceMs?: number;
  /**
   * Called after every step of an advance and after the runs of every firing (time to live, messages that are visible again,
   * alarms). Must not reject.
   */
  onStep?(): Promise<unknown>;
}

/** The template's scheduled rules, by the movable clock. */
export interface Schedule {
  /** From now on rules fire, the first time one period from now. */
  start(): void;
  /**
   * Moves the clock forward by exactly so many seconds, in steps, so that things happen in order: a step ends where a
   * rule is due, its runs are awaited, then comes the next step. An hour with a rule each minute is 60 steps with a run
   * each. A longer advance has 60 equal steps, and what was due several times within one fires once at its end. A rule
   * never runs twice at a time: while a run is not finished (a step waits 15 s of real time for it), its rule is
   * skipped. Advances queue. Throws `RangeError` for a negative number.
   */
  advance(seconds: number): Promise<void>;
  stop(): void;
}

/** Throws `AssemblyError` when a rule's target is no function, or no permission lets EventBridge invoke it. */
export function createSchedule(options: ScheduleOptions): Schedule {
  return new ClockSchedule(options);
}

interface Timetable {
  readonly rule: RuleResource;
  readonly periodMs: number;
  readonly targets: readonly { readonly found: ResolvedFunction; readonly input?: string }[];
  dueAt: number;
  running: Promise<void> | undefined;
}

class ClockSchedule implements Schedule {
  readonly #options: ScheduleOptions;
  readonly #timetables: readonly Timetable[];
  #timer: NodeJS.Timeout | undefined;
  #advancing: Promise<void> = Promise.resolve();

  constructor(options: ScheduleOptions) {
    this.#options = options;
    this.#timetables = options.rules.filter(({ enabled }) => enabled).flatMap((rule) => timetableOf(rule, options));
  }

  start(): void {
    const now = this.#options.clock.now();
    for (const timetable of this.#timetables) timetable.dueAt = now + timetable.periodMs;
    this.#arm();
  }

  advance(seconds: number): Promise<void> {
    if (!(seconds >= 0 && Number.isFinite(seconds)))
      return Promise.reject(new RangeError('the clock only moves forward'));
    const advance = this.#advancing.then(() => this.#advance(Math.round(seconds * 1000)));
    this.#advancing = advance.catch(() => {});
    return advance;
  }

  stop(): void {
    clearTimeout(this.#timer);
    for (const timetable of this.#timetables) timetable.dueAt = Number.POSITIVE_INFINITY;
  }

  async #advance(totalMs: number): Promise<void> {
    const { clock, onStep } = this.#options;
    const smallestStepMs = Math.max(1, Math.ceil(totalMs / MAX_STEPS));
    for (let restMs = totalMs; restMs > 0; ) {
      const stepMs = Math.min(restMs, Math.max(smallestStepMs, this.#nextDueAt() - clock.now()));
      clock.advance(stepMs / 1000);
      restMs -= stepMs;
      this.#fireDue();
      await this.#patience();
      await onStep?.();
    }
    this.#arm();
  }

  #nextDueAt(): number {
    return Math.min(...this.#timetables.map(({ dueAt }) => dueAt));
  }

  async #patience(): Promise<void> {
    const running = this.#timetables.map((timetable) => timetable.running).filter((run) => run !== undefined);
    if (running.length === 0) return;
    const stop = new AbortController();
    const patience = sleep(this.#options.stepPatienceMs ?? STEP_PATIENCE_MS, undefined, {
      signal: stop.signal,
      ref: false,
    }).catch(() => {});
    await Promise.race([Promise.all(running), patience]);
    stop.abort();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const delayMs = this.#nextDueAt() - this.#options.clock.now();
    if (!Number.isFinite(delayMs)) return;
    this.#timer = setTimeout(
      () => {
        this.#fireDue();
        this.#arm();
        void this.#patience().then(() => this.#options.onStep?.());
      },
      Math.max(0, delayMs),
    );
    this.#timer.unref();
  }

  #fireDue(): void {
    const now = this.#options.clock.now();
    for (const timetable of this.#timetables.filter(({ dueAt }) => dueAt <= now)) {
      timetable.dueAt += Math.ceil((now - timetable.dueAt + 1) / timetable.periodMs) * timetable.periodMs;
      if (timetable.running === undefined) timetable.running = this.#run(timetable);
    }
  }

  async #run(timetable: Timetable): Promise<void> {
    const event = JSON.stringify(scheduledEvent(timetable.rule, this.#options.clock.now()));
    const runs = timetable.targets.map(({ found, input }) => this.#options.runtime.invokeAsync(found, input ?? event));
    await Promise.all(runs);
    timetable.running = undefined;
  }
}

function timetableOf(rule: RuleResource, options: ScheduleOptions): Timetable[] {
  const periodMs = parseRate(rule.scheduleExpression ?? '');
  if (periodMs === undefined) return [];
  const targets = rule.targets.map(({ arn, input }) => {
    const { found } = options.runtime.resolve(arn);
    if (found === undefined) throw new AssemblyError(`rule ${rule.name}: ${arn} is not a function of this assembly`);
    if (!options.permissions.some((permission) => lets(permission, rule, arn))) {
      throw new AssemblyError(`rule ${rule.name}: no permission lets EventBridge invoke ${arn}`);
    }
    return { found, ...(input === undefined ? {} : { input }) };
  });
  return [{ rule, periodMs, targets, dueAt: Number.POSITIVE_INFINITY, running: undefined }];
}

function lets({ functionArn, principal, sourceArn }: PermissionResource, rule: RuleResource, target: string): boolean {
  const isSource = sourceArn === undefined || matchesArn(sourceArn, rule.arn);
  return functionArn === target && principal === 'events.amazonaws.com' && isSource;
}

/** https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-scheduled-event.html: times are whole seconds. */
function scheduledEvent(rule: RuleResource, now: number): object {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: ACCOUNT,
    time: `${new Date(now).toISOString().slice(0, 19)}Z`,
    region: REGION,
    resources: [rule.arn],
    detail: {},
  };
}
