import type { Instant } from './grant.ts';
import type { Secret } from './secret.ts';

/**
 * What became of one request to a token endpoint (design §5.3). The caller must handle each arm: an OK carries the only
 * copy of a rotated token.
 */
export interface IssuedTokens {
  readonly accessToken: Secret;
  /** Absent when the provider did not return one; then the one that was sent stays good. */
  readonly refreshToken?: Secret;
  /** As the provider wrote it (`bearer`, `Bearer`). */
  readonly tokenType: string;
  readonly expiresInSeconds: number;
  readonly refreshExpiresInSeconds?: number;
  readonly hardExpiresInSeconds?: number;
  readonly scopes?: readonly string[];
  /** When the request was sent; expiries count from here. */
  readonly sentAt: Instant;
}

interface Told {
  /** Short stable word for log, metric and audit, e.g. `invalid_grant`, `connect_refused`, `http_502`. Never provider text. */
  readonly reason: string;
  /** `intuit_tid` or the like, for the provider's support. */
  readonly traceId?: string;
}

export type TokenOutcome =
  | ({ readonly kind: 'OK'; readonly tokens: IssuedTokens } & Pick<Told, 'traceId'>)
  /** Proven not sent: nothing happened at the provider. */
  | ({ readonly kind: 'NOT_SENT' } & Told)
  /** The provider may have rotated. `answer`: `complete` when an answer was read to its end, `cut` when not. */
  | ({ readonly kind: 'UNKNOWN'; readonly answer: 'complete' | 'cut' } & Told)
  | ({ readonly kind: 'REJECTED' } & Told)
  /** Ours to fix: client credentials, registration, endpoint. Never says anything about the grant. */
  | ({ readonly kind: 'CONFIG' } & Told)
  | ({ readonly kind: 'THROTTLED'; readonly retryAfterSeconds?: number } & Told);

/** What became of a revocation or a detach. `done` includes "was gone already". */
export type DutyOutcome =
  | ({ readonly kind: 'DONE' } & Partial<Told>)
  | ({ readonly kind: 'RETRY'; readonly retryAfterSeconds?: number } & Told)
  | ({ readonly kind: 'CONFIG' } & Told)
  /** The access token was refused (401): refresh first, then again. */
  | ({ readonly kind: 'UNAUTHORIZED' } & Told);
