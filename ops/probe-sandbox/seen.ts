import { type ApiFault, faultOf } from '../../lib/oauth/api-fault.ts';
import type { CallResult } from '../../lib/oauth/https-call.ts';
import { isJsonObject, jsonOf } from '../../lib/oauth/json.ts';

/** What may be told of an answer: its shape, never a value that somebody could use. */
export interface Seen {
  /** Absent when no complete answer came; `failure` says why then. */
  readonly status?: number;
  readonly failure?: string;
  readonly body: 'JSON' | 'HTML' | 'XML' | 'text' | 'no body';
  /** RFC 6749 §5.2 `error`. */
  readonly error?: string;
  /** `error_description`, or the `Detail` of a Xero problem. */
  readonly description?: string;
  /** Of the QuickBooks API. */
  readonly fault?: ApiFault;
  /** Names at the top of a JSON object, sorted. */
  readonly fields: readonly string[];
  /** Lifetimes that were told, by field. */
  readonly seconds: Readonly<Record<string, number>>;
  /** Entries of a JSON list. */
  readonly count?: number;
  /** How long the answer took. */
  readonly tookMs: number;
  /** Of the code or refresh token that was sent, since it was received. */
  readonly sentAgeMs?: number;
  /** The refresh token of the answer, compared with those of the same authorisation. */
  readonly refreshToken?: 'as sent' | 'another known one' | 'new';
  /** Which of the claims that we read stand in the access token. */
  readonly claims?: readonly string[];
}

/** No error code has more; a token does. */
const ERROR = /^[a-z_]{1,40}$/;
/** Words. What could be a token or an id (many characters without a space) is kept back. */
const WORDS = /^[\w .,:;'()/-]{1,120}$/;
const LONG_WORD = /[\w-]{26}|\d{8}/;
/** Words, as the names of fields are made of. */
const FIELD = /^[A-Za-z]{1,25}(_[A-Za-z]{1,25}){0,7}$/;
const LIFETIME = /expires_in$/;
const MAX_FIELDS = 40;
const WITHHELD = '(withheld)';

/** What is told of the answer to one request. */
export function seenOf(result: CallResult, tookMs: number): Seen {
  if (result.kind !== 'answered') {
    return { failure: result.reason, body: 'no body', fields: [], seconds: {}, tookMs };
  }
  const parsed = jsonOf(result.body);
  const told = isJsonObject(parsed) ? parsed : {};
  const fault = faultOf(result.body);
  return {
    status: result.status,
    body: bodyKind(result.body, parsed),
    ...(told.error === undefined ? {} : { error: matching(told.error, ERROR) }),
    ...describedBy(told.error_description ?? told.Detail),
    ...(fault === undefined ? {} : { fault }),
    fields: Object.keys(told)
      .map((name) => matching(name, FIELD))
      .toSorted()
      .slice(0, MAX_FIELDS),
    seconds: lifetimesOf(told),
    ...(Array.isArray(parsed) ? { count: parsed.length } : {}),
    tookMs,
  };
}

/** Tokens were issued, or it was done. */
export function isOk(seen: Seen | undefined): boolean {
  return seen?.status === 200 && seen.error === undefined;
}

/** Neither an outage nor a throttle: those say nothing about what was sent. */
export function isAnswered(seen: Seen | undefined): seen is Seen {
  return seen?.status !== undefined && seen.status < 500 && seen.status !== 429;
}

/** The provider said that it does not take what was sent. */
export function isRejected(seen: Seen | undefined): boolean {
  return seen?.status === 400 && seen.error === 'invalid_grant';
}

/** One line. */
export function describeSeen(seen: Seen): string {
  return [
    seen.status === undefined ? `no complete answer (${seen.failure})` : String(seen.status),
    seen.error ?? '',
    seen.description === undefined ? '' : `"${seen.description}"`,
    seen.fault === undefined ? '' : faultText(seen.fault),
    seen.body,
    seen.fields.length === 0 ? '' : `with ${seen.fields.join(', ')}`,
    ...Object.entries(seen.seconds).map(([name, seconds]) => `${name} ${seconds}`),
    seen.count === undefined ? '' : `${seen.count} in the list`,
    seen.refreshToken === undefined ? '' : `refresh token: ${seen.refreshToken}`,
    seen.claims === undefined ? '' : `claims: ${seen.claims.join(', ') || 'none'}`,
    seen.sentAgeMs === undefined ? '' : `sent at an age of ${durationText(seen.sentAgeMs)}`,
    `${(seen.tookMs / 1000).toFixed(1)} s`,
  ]
    .filter((part) => part !== '')
    .join('; ');
}

/** In the two largest units: `24 h 2 min`, `3 s`. */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function faultText({ code, isAuthentication }: ApiFault): string {
  return `fault ${code ?? 'without code'}${isAuthentication ? ' (authentication)' : ''}`;
}

function bodyKind(body: Buffer, parsed: unknown): Seen['body'] {
  if (body.length === 0) return 'no body';
  if (parsed !== undefined) return 'JSON';
  const head = body.toString('latin1', 0, 256).trimStart().toLowerCase();
  if (head.startsWith('<?xml') || head.startsWith('<intuitresponse')) return 'XML';
  return head.startsWith('<') ? 'HTML' : 'text';
}

function describedBy(value: unknown): { readonly description?: string } {
  if (typeof value !== 'string' || value === '') return {};
  return { description: WORDS.test(value) && !LONG_WORD.test(value) ? value : WITHHELD };
}

function matching(value: unknown, pattern: RegExp): string {
  return typeof value === 'string' && pattern.test(value) ? value : WITHHELD;
}

/** Numbers and numeric strings (providers.md §1.4). */
function lifetimesOf(told: Readonly<Record<string, unknown>>): Record<string, number> {
  const found = Object.entries(told).filter(([name]) => FIELD.test(name) && LIFETIME.test(name));
  const numbers = found.map(([name, value]) => [name, Number(value)] as const);
  return Object.fromEntries(numbers.filter(([, value]) => Number.isSafeInteger(value)));
}
