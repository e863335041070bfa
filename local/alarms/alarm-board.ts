import { type CompositeRule, parseRule } from './composite.ts';
import { type Evidence, evaluateAlarm } from './evaluate.ts';
import type { AlarmDefinition, AlarmState, MetricAlarm } from './model.ts';
import { prepareQueries, type QuerySet } from './queries.ts';

/** How many entries of the history, and how many notifications, are remembered. */
const KEEP = 1_000;

/** An alarm as it stands. */
export interface AlarmStatus {
  readonly definition: AlarmDefinition;
  readonly state: AlarmState;
  readonly reason: string;
  readonly changedAt: number;
}

/** Something that happened to an alarm. */
export type HistoryItem = {
  readonly at: number;
  readonly alarm: AlarmDefinition;
} & (
  | { readonly kind: 'StateUpdate'; readonly from: AlarmState; readonly to: AlarmState; readonly reason: string }
  | { readonly kind: 'Action'; readonly action: string; readonly state: AlarmState; readonly error?: string }
);

/** A message on a topic. */
export interface Notification {
  readonly at: number;
  /** The topic's name. */
  readonly topic: string;
  /** The alarm's name. */
  readonly alarm: string;
  readonly state: AlarmState;
}

/** The alarms of a template with their states. */
export interface AlarmBoard {
  /** Judges every metric alarm, then the composites one of whose alarms changed. */
  evaluate(evidence: Evidence): void;
  /**
   * Sets a state by hand; a metric alarm keeps it until it is judged again, a composite until one of its alarms changes.
   * Composites of the alarm are judged at once. Throws `RangeError` for an alarm that does not exist.
   */
  set(name: string, state: AlarmState, reason: string): void;
  /** In the template's order. */
  statuses(): readonly AlarmStatus[];
  /** Oldest first; the last 1,000. */
  history(): readonly HistoryItem[];
  /** What was published on topics, oldest first; the last 1,000. */
  notifications(): readonly Notification[];
}

interface BoardOptions {
  readonly alarms: readonly AlarmDefinition[];
  /** ARNs of the topics that exist; an action of any other kind fails. */
  readonly topics: readonly string[];
  now(): number;
}

/** All alarms are in INSUFFICIENT_DATA until they are judged; those that cannot be judged here stay so. */
export function createAlarmBoard(options: BoardOptions): AlarmBoard {
  return new Board(options);
}

interface Entry {
  readonly definition: AlarmDefinition;
  readonly metric?: { readonly alarm: MetricAlarm; readonly queries: QuerySet };
  readonly rule?: CompositeRule;
  state: AlarmState;
  reason: string;
  changedAt: number;
}

class Board implements AlarmBoard {
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #options: BoardOptions;
  readonly #history: HistoryItem[] = [];
  readonly #notifications: Notification[] = [];
  #wasEvaluated = false;

  constructor(options: BoardOptions) {
    this.#options = options;
    const createdAt = options.now();
    this.#entries = new Map(options.alarms.map((definition) => [definition.name, entryOf(definition, createdAt)]));
  }

  evaluate(evidence: Evidence): void {
    const changed = new Set(this.#wasEvaluated ? [] : this.#entries.keys());
    this.#wasEvaluated = true;
    for (const entry of this.#entries.values()) {
      const verdict = entry.metric && evaluateAlarm(entry.metric.alarm, entry.metric.queries, evidence);
      if (verdict !== undefined && this.#change(entry, verdict.state, verdict.reason))
        changed.add(entry.definition.name);
    }
    this.#judgeComposites(changed);
  }

  set(name: string, state: AlarmState, reason: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw new RangeError(`there is no alarm ${name}`);
    if (this.#change(entry, state, reason)) this.#judgeComposites(new Set([name]));
  }

  statuses(): readonly AlarmStatus[] {
    return [...this.#entries.values()].map(({ definition, state, reason, changedAt }) => {
      return { definition, state, reason, changedAt };
    });
  }

  history(): readonly HistoryItem[] {
    return [...this.#history];
  }

  notifications(): readonly Notification[] {
    return [...this.#notifications];
  }

  /** A composite may be part of another, so what changed is passed on until nothing does. */
  #judgeComposites(changed: ReadonlySet<string>): void {
    if (changed.size === 0) return;
    const next = new Set<string>();
    for (const entry of this.#entries.values()) {
      if (!entry.rule?.children.some((child) => changed.has(child))) continue;
      const holds = entry.rule.holds((name) => this.#entries.get(name)?.state);
      const reason = `its rule ${holds ? 'holds' : 'does not hold'}: ${[...changed].join(', ')} changed`;
      if (this.#change(entry, holds ? 'ALARM' : 'OK', reason)) next.add(entry.definition.name);
    }
    this.#judgeComposites(next);
  }

  /** Whether the state is another than before. */
  #change(entry: Entry, state: AlarmState, reason: string): boolean {
    if (entry.state === state) return false;
    const at = this.#options.now();
    const alarm = entry.definition;
    this.#note({ at, alarm, kind: 'StateUpdate', from: entry.state, to: state, reason });
    Object.assign(entry, { state, reason, changedAt: at });
    for (const action of alarm.actions[state]) this.#act(alarm, action, state);
    return true;
  }

  #act(alarm: AlarmDefinition, action: string, state: AlarmState): void {
    const at = this.#options.now();
    const isTopic = this.#options.topics.includes(action);
    if (isTopic)
      append(this.#notifications, { at, topic: action.split(':').at(-1) ?? action, alarm: alarm.name, state });
    this.#note({
      at,
      alarm,
      kind: 'Action',
      action,
      state,
      ...(isTopic ? {} : { error: 'it is no topic of this assembly' }),
    });
  }

  #note(item: HistoryItem): void {
    append(this.#history, item);
  }
}

function append<T>(kept: T[], item: T): void {
  kept.push(item);
  if (kept.length > KEEP) kept.shift();
}

function entryOf(definition: AlarmDefinition, createdAt: number): Entry {
  const { judgement } = definition;
  return {
    definition,
    ...(judgement.kind === 'MetricAlarm'
      ? { metric: { alarm: judgement, queries: prepareQueries(judgement.queries) } }
      : {}),
    ...(judgement.kind === 'CompositeAlarm' ? { rule: parseRule(judgement.rule) } : {}),
    state: 'INSUFFICIENT_DATA',
    reason:
      judgement.kind === 'unjudged'
        ? `it is not judged here: ${judgement.reason}`
        : 'Unchecked: Initial alarm creation',
    changedAt: createdAt,
  };
}
