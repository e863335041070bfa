import type { Instant } from '../domain/grant.ts';
import type { DutyOutcome, TokenOutcome } from '../domain/outcome.ts';
import type { ErrorClass, ErrorRule, ProviderDescriptor, TokenPhase } from '../providers/descriptor.ts';
import { retryAfterSeconds } from './retry-after.ts';

/** A complete answer that is no success, as far as it is looked at. */
export interface Refusal {
  readonly phase: TokenPhase;
  readonly status: number;
  /** `error` of the body, null when it names none (HTML, another JSON, nothing). */
  readonly error: string | null;
  readonly description?: string;
  /** Retry-After header. */
  readonly retryAfter?: string;
  readonly traceId?: string;
}

export type RefusedOutcome = Exclude<TokenOutcome, { readonly kind: 'OK' | 'NOT_SENT' }>;

/**
 * The one mapping from the classes of providers.md §4 to the outcomes of design §5.3, and the word each is told in:
 * `error` the RFC 6749 code if it is a known one, `status` http_<status> whatever the body says, or a word of its own.
 * MALFORMED_REQUEST and UNCLASSIFIED are UNKNOWN because an outage looks like both, and no state may follow from them.
 */
const OUTCOMES = {
  GRANT_REJECTED: { kind: 'REJECTED', word: 'error' },
  WRONG_CLIENT: { kind: 'CONFIG', word: 'wrong_client' },
  CLIENT_REFUSED: { kind: 'CONFIG', word: 'error' },
  REGISTRATION: { kind: 'CONFIG', word: 'error' },
  REDIRECTED: { kind: 'CONFIG', word: 'status' },
  EDGE_REFUSED: { kind: 'UNKNOWN', word: 'status' },
  THROTTLED: { kind: 'THROTTLED', word: 'status' },
  SERVER_ERROR: { kind: 'UNKNOWN', word: 'status' },
  MALFORMED_REQUEST: { kind: 'UNKNOWN', word: 'error' },
  UNCLASSIFIED: { kind: 'UNKNOWN', word: 'error' },
} as const satisfies Record<ErrorClass, { kind: RefusedOutcome['kind']; word: 'error' | 'status' | 'wrong_client' }>;

/** RFC 6749 §5.2 and 4.1.2.1, RFC 7009 §2.2.1, RFC 6750 §3.1. Others are not repeated: they could be anything. */
const KNOWN_ERRORS: ReadonlySet<string> = new Set([
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'unsupported_token_type',
  'access_denied',
  'unsupported_response_type',
  'server_error',
  'temporarily_unavailable',
  'invalid_token',
  'insufficient_scope',
]);

/** Class of the first rule of the descriptor that matches; UNCLASSIFIED when none does. */
export function classOf(descriptor: ProviderDescriptor, refusal: Refusal): ErrorClass {
  return descriptor.errorRules.find((rule) => matches(rule, refusal))?.class ?? 'UNCLASSIFIED';
}

/** What a refusal to a refresh or exchange means for the grant; `now` reads a Retry-After date. */
export function outcomeOf(descriptor: ProviderDescriptor, refusal: Refusal, now: Instant): RefusedOutcome {
  const { kind, word } = OUTCOMES[classOf(descriptor, refusal)];
  const told = {
    reason: reasonOf(word, refusal),
    ...(refusal.traceId === undefined ? {} : { traceId: refusal.traceId }),
  };
  if (kind === 'UNKNOWN') return { kind, answer: 'complete', ...told };
  if (kind !== 'THROTTLED') return { kind, ...told };
  return {
    kind,
    retryAfterSeconds: retryAfterSeconds(refusal.retryAfter, now) ?? descriptor.throttleSeconds,
    ...told,
  };
}

/** What a refusal to a revocation means: ours to fix, or to be tried again. The caller has looked for done statuses. */
export function dutyOutcomeOf(descriptor: ProviderDescriptor, refusal: Refusal, now: Instant): DutyOutcome {
  const outcome = outcomeOf(descriptor, refusal, now);
  if (outcome.kind === 'CONFIG') return outcome;
  const { reason, traceId } = outcome;
  // RFC 7009 §2.2.1: a 503 may name the time as well.
  const afterSeconds =
    outcome.kind === 'THROTTLED' ? outcome.retryAfterSeconds : retryAfterSeconds(refusal.retryAfter, now);
  return {
    kind: 'RETRY',
    ...(afterSeconds === undefined ? {} : { retryAfterSeconds: afterSeconds }),
    reason,
    ...(traceId === undefined ? {} : { traceId }),
  };
}

function matches(rule: ErrorRule, { phase, status, error, description = '' }: Refusal): boolean {
  if (rule.phase !== undefined && rule.phase !== phase) return false;
  if (rule.status !== undefined && !isWithin(rule.status, status)) return false;
  if (rule.error !== undefined && !names(rule.error, error)) return false;
  return rule.description === undefined || rule.description.test(description);
}

function isWithin(range: number | readonly [number, number], status: number): boolean {
  return typeof range === 'number' ? status === range : status >= range[0] && status <= range[1];
}

function names(wanted: string | readonly string[] | null, error: string | null): boolean {
  if (wanted === null || typeof wanted === 'string') return wanted === error;
  return error !== null && wanted.includes(error);
}

function reasonOf(word: 'error' | 'status' | 'wrong_client', { status, error }: Refusal): string {
  if (word === 'wrong_client') return word;
  return word === 'error' && error !== null && KNOWN_ERRORS.has(error) ? error : `http_${status}`;
}
