import { recoveryPartitions, suspectPartitions } from '../domain/grant.ts';
import { PROVIDER_IDS } from '../domain/names.ts';
import type { GrantKey, Instant } from '../domain/terms.ts';
import { type Look, type LookPorts, lookAtDue, PAGE } from './due-look.ts';
import type { DueEntry } from './ports.ts';

/**
 * The order in which a run takes what is due at one provider. Three lanes: answers that may be lost, because a grace is
 * running; suspects; everything else. Recovery has every second turn, and never the first: grants that always fail stand in
 * that lane, and at a provider that is worked on slowly after an outage they must not be all that is ever asked. Each grant is handed out once per run, whatever the index says meanwhile.
 */

const LANES = ['recovery', 'normal', 'suspect'] as const;
type Lane = (typeof LANES)[number];
const TURNS: readonly Lane[] = ['normal', 'recovery', 'suspect', 'recovery'];

const RECOVERY: ReadonlySet<string> = new Set(PROVIDER_IDS.flatMap(recoveryPartitions));
const SUSPECT: ReadonlySet<string> = new Set(PROVIDER_IDS.flatMap(suspectPartitions));

export interface QueueOptions {
  /** When the grace of a recovery entry ends; asked of a page of them at a time. */
  readonly graceEndsAt: (key: GrantKey) => Promise<Instant | undefined>;
  /**
   * In [0, 1). With it entries come in any order and only what was found at first: for a provider at which hardly any of
   * them can be done, so that in time each gets its look.
   */
  readonly shuffle?: (() => number) | undefined;
}

/** What is due at one provider, over the partitions of a first look. */
export class DueQueue {
  readonly #ports: LookPorts;
  readonly #options: QueueOptions;
  readonly #known = new Set<GrantKey>();
  readonly #waiting: Record<Lane, DueEntry[]> = { recovery: [], normal: [], suspect: [] };
  /** Partitions that may hold more than was listed, and how far to list them next. */
  readonly #more = new Map<string, number>();
  #turn = 0;

  constructor(ports: LookPorts, first: Look['found'], options: QueueOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#add(first, () => PAGE);
  }

  /** Puts what was found at first in order; to be called once, before `next`. */
  async prepare(): Promise<void> {
    const { shuffle } = this.#options;
    if (shuffle === undefined) return await this.#sort(LANES);
    for (const lane of LANES) this.#waiting[lane] = shuffled(this.#waiting[lane], shuffle);
    this.#more.clear();
  }

  /** The next entry, asking the index again where it had more; undefined when nothing is left. One call at a time. */
  async next(): Promise<DueEntry | undefined> {
    for (let tried = 0; tried < TURNS.length; tried += 1) {
      const lane = TURNS[this.#turn] ?? 'normal';
      this.#turn = (this.#turn + 1) % TURNS.length;
      // Ends: each round lists further, and a partition that is not full is not asked again.
      while (this.#waiting[lane].length === 0 && this.#unlisted(lane).length > 0) await this.#refill(lane);
      const entry = this.#waiting[lane].shift();
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  /** Grants found so far, handed out or not. */
  get found(): number {
    return this.#known.size;
  }

  /** Grants found and not handed out. */
  get left(): number {
    return LANES.reduce((sum, lane) => sum + this.#waiting[lane].length, 0);
  }

  async #refill(lane: Lane): Promise<void> {
    const limits = new Map(this.#unlisted(lane));
    for (const partition of limits.keys()) this.#more.delete(partition);
    const limitOf = (partition: string) => limits.get(partition) ?? PAGE;
    const { found } = await lookAtDue(this.#ports, [...limits.keys()], limitOf);
    this.#add(found, limitOf);
    await this.#sort([lane]);
  }

  #add(found: Look['found'], limitOf: (partition: string) => number): void {
    for (const [partition, entries] of found) {
      for (const entry of entries) {
        if (this.#known.has(entry.grant)) continue;
        this.#known.add(entry.grant);
        this.#waiting[laneOf(partition)].push(entry);
      }
      // What is listed still, or again, stands in front of what is new.
      if (entries.length >= limitOf(partition)) this.#more.set(partition, entries.length + PAGE);
    }
  }

  async #sort(lanes: readonly Lane[]): Promise<void> {
    for (const lane of lanes) this.#waiting[lane].sort((a, b) => a.dueAt - b.dueAt);
    if (lanes.includes('recovery')) this.#waiting.recovery = await this.#byGrace(this.#waiting.recovery);
  }

  /** Least time left first. Where the grace is over, there is none, or it cannot be known, nothing is lost by waiting. */
  async #byGrace(entries: readonly DueEntry[]): Promise<DueEntry[]> {
    if (entries.length < 2) return [...entries];
    const now = this.#ports.clock.now();
    const ranked = await Promise.all(
      entries.map(async (entry, index) => {
        const endsAt = index < PAGE ? await this.#graceEndsAt(entry.grant) : undefined;
        return { entry, rank: endsAt === undefined || endsAt < now ? Number.POSITIVE_INFINITY : endsAt };
      }),
    );
    return ranked.toSorted((a, b) => (a.rank === b.rank ? 0 : a.rank - b.rank)).map(({ entry }) => entry);
  }

  async #graceEndsAt(key: GrantKey): Promise<Instant | undefined> {
    try {
      return await this.#options.graceEndsAt(key);
    } catch {
      return undefined;
    }
  }

  #unlisted(lane: Lane): [string, number][] {
    return [...this.#more].filter(([partition]) => laneOf(partition) === lane);
  }
}

function laneOf(partition: string): Lane {
  if (RECOVERY.has(partition)) return 'recovery';
  return SUSPECT.has(partition) ? 'suspect' : 'normal';
}

function shuffled(entries: readonly DueEntry[], random: () => number): DueEntry[] {
  return entries
    .map((entry) => ({ entry, rank: random() }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ entry }) => entry);
}
