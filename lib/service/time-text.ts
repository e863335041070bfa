import type { Instant } from '../domain/grant.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** An instant for people: in UTC to the second, and how far away it is: `2026-11-20 12:30:00Z (in 30 min)`. */
export function timeText(at: Instant, now: Instant): string {
  const distance = durationText(Math.abs(at - now));
  const relation = at > now ? `in ${distance}` : `${distance} ago`;
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')}Z (${relation})`;
}

/** A length of time in its largest unit of which there are at least two: `90 s`, `45 min`, `30 h`, `14 days`. */
export function durationText(ms: number): string {
  if (ms < 2 * MINUTE_MS) return `${Math.round(ms / SECOND_MS)} s`;
  if (ms < 2 * HOUR_MS) return `${Math.round(ms / MINUTE_MS)} min`;
  if (ms < 2 * DAY_MS) return `${Math.round(ms / HOUR_MS)} h`;
  return `${Math.round(ms / DAY_MS)} days`;
}
