import type { Instant } from '../../lib/domain/grant.ts';

/** `SIM_TRACE` keeps more. */
const KEPT = Number(process.env.SIM_TRACE ?? 60);

interface Entry {
  readonly at: Instant;
  readonly what: () => string;
}

export type Trace = ReturnType<typeof createTrace>;

/** The last things that happened, for whoever has to find out why. */
export function createTrace(now: () => Instant) {
  const startedAt = now();
  const kept: Entry[] = [];
  let next = 0;
  return {
    /** Nothing is put into words before somebody asks. */
    tell(what: () => string): void {
      kept[next % KEPT] = { at: now(), what };
      next += 1;
    },
    lines(): string[] {
      const entries = next <= KEPT ? kept : [...kept.slice(next % KEPT), ...kept.slice(0, next % KEPT)];
      return entries.map(({ at, what }) => `${((at - startedAt) / 1000).toFixed(3).padStart(11)} ${what()}`);
    },
  };
}
