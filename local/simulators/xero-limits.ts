import type { SimRequest } from './exchange.ts';

/** Calls per tenant and day, per tenant and minute, and per app and minute (providers.md §2.5, Core tier). */
const LIMITS = { day: 5000, minute: 60, appMinute: 10_000 } as const;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Counts API calls for the headers that tell what is left. It tells and does not enforce: a fault gives the 429. */
export class XeroLimits {
  readonly #counts = new Map<string, number>();

  /** Counts this call. */
  headers(request: SimRequest, now: number): Readonly<Record<string, string>> {
    const minute = Math.floor(now / MINUTE_MS);
    const appMinute = this.#left(`app#${minute}`, LIMITS.appMinute);
    const tenant = request.headers['xero-tenant-id'];
    if (typeof tenant !== 'string') return { 'x-appminlimit-remaining': appMinute };
    return {
      'x-appminlimit-remaining': appMinute,
      'x-minlimit-remaining': this.#left(`${tenant}#minute#${minute}`, LIMITS.minute),
      'x-daylimit-remaining': this.#left(`${tenant}#day#${Math.floor(now / DAY_MS)}`, LIMITS.day),
    };
  }

  #left(key: string, limit: number): string {
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return String(Math.max(0, limit - count));
  }
}
