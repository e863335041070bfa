import type { GrantFields, Instant } from './grant.ts';

/**
 * An authorisation ends when it is not refreshed for too long (idle), and at some providers on a day that nothing moves
 * (hard: Intuit's five years, providers.md §1.5). Its operators are told 90, 30 and 7 days before, once each.
 */

const DAY_MS = 24 * 3600_000;
/** Most urgent first. */
const LEVELS_DAYS = [7, 30, 90] as const;
/** From then on a connection counts as expiring. */
const EXPIRING_DAYS = 30;

export type EndClock = 'idle' | 'hard';
const CLOCKS = ['idle', 'hard'] as const satisfies readonly EndClock[];

export interface Warning {
  readonly clock: EndClock;
  readonly days: number;
}

/** What of a grant decides whether its end is near. */
export type EndFacts = Pick<
  GrantFields,
  'status' | 'refreshExpiresAt' | 'hardExpiresAt' | 'lastRefreshedAt' | 'warned'
>;

/** When the next warning is to be given, in the past when one is overdue. Only of grants that are still refreshed. */
export function nextWarningAt(grant: EndFacts): Instant | undefined {
  if (!isWatched(grant)) return undefined;
  let earliest: Instant | undefined;
  for (const clock of CLOCKS) {
    const at = nextOf(grant, clock);
    if (at !== undefined && (earliest === undefined || at < earliest)) earliest = at;
  }
  return earliest;
}

/** The warnings to be given at `now`: of the levels a clock has passed only the most urgent, each once. */
export function dueWarnings(grant: EndFacts, now: Instant): Warning[] {
  if (!isWatched(grant)) return [];
  return CLOCKS.flatMap((clock) => {
    const days = passedLevel(grant, clock, now);
    return days === undefined || days >= lastGiven(grant, clock) ? [] : [{ clock, days }];
  });
}

/** Whether the authorisation ends within 30 days, or sooner where that is its everyday state. */
export function isExpiring(grant: EndFacts, now: Instant): boolean {
  return CLOCKS.some((clock) => (passedLevel(grant, clock, now) ?? Number.POSITIVE_INFINITY) <= EXPIRING_DAYS);
}

function isWatched({ status }: EndFacts): boolean {
  return status === 'active' || status === 'suspect';
}

function nextOf(grant: EndFacts, clock: EndClock): Instant | undefined {
  const endsAt = endOf(grant, clock);
  if (endsAt === undefined) return undefined;
  const given = lastGiven(grant, clock);
  for (let level = LEVELS_DAYS.length - 1; level >= 0; level -= 1) {
    const days = LEVELS_DAYS[level] ?? 0;
    if (days < given && counts(grant, clock, days)) return endsAt - days * DAY_MS;
  }
  return undefined;
}

function passedLevel(grant: EndFacts, clock: EndClock, now: Instant): number | undefined {
  const endsAt = endOf(grant, clock);
  if (endsAt === undefined) return undefined;
  return LEVELS_DAYS.find((days) => endsAt - days * DAY_MS <= now && counts(grant, clock, days));
}

/**
 * A level counts while it is at most half of the clock's whole life: 90 days before the end of a hundred is every day.
 * What a hard clock was set to is not on record; the shortest known is five years.
 */
function counts(grant: EndFacts, clock: EndClock, days: number): boolean {
  if (clock === 'hard') return true;
  return days * DAY_MS * 2 <= (grant.refreshExpiresAt ?? 0) - (grant.lastRefreshedAt ?? Number.POSITIVE_INFINITY);
}

function endOf(grant: EndFacts, clock: EndClock): Instant | undefined {
  return clock === 'idle' ? grant.refreshExpiresAt : grant.hardExpiresAt;
}

function lastGiven({ warned }: EndFacts, clock: EndClock): number {
  return warned?.[clock] ?? Number.POSITIVE_INFINITY;
}
