import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE_MS = 500;

/** Looks until there is something, and gives it. Throws after `seconds`, with what was waited for. */
export async function eventually<T>(what: string, seconds: number, look: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + seconds * 1000; ; await sleep(PAUSE_MS)) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() >= end) throw new Error(`not within ${seconds} s: ${what}`);
  }
}
