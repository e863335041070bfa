import type { Instant } from '../domain/grant.ts';

const MIN_SECONDS = 1;
const MAX_SECONDS = 3_600;
/** RFC 9110 §5.6.7; `Date.parse` alone takes almost anything for a date. */
const HTTP_DATE = /^[A-Z][a-z]{2,8}, [\dA-Za-z -]{9,20} \d{2}:\d{2}:\d{2} GMT$/;
/** The oldest of its three forms, which every recipient has to read; it names no zone and means GMT. */
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/;

/**
 * Seconds to wait as a Retry-After header says (RFC 9110 §10.2.3: seconds or a date), clamped to 1 second … 1 hour.
 * Undefined when there is none that can be read.
 */
export function retryAfterSeconds(header: string | undefined, now: Instant): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return clamp(Number(text));
  if (!HTTP_DATE.test(text) && !ASCTIME.test(text)) return undefined;
  const at = Date.parse(ASCTIME.test(text) ? `${text} GMT` : text);
  return Number.isNaN(at) ? undefined : clamp(Math.ceil((at - now) / 1000));
}

function clamp(seconds: number): number {
  return Math.min(MAX_SECONDS, Math.max(MIN_SECONDS, seconds));
}
