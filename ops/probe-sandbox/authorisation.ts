import type { Instant } from '../../lib/domain/grant.ts';
import type { Secret } from '../../lib/domain/secret.ts';
import type { Seen } from './seen.ts';

/** A refresh token, and when it came. */
export interface Value {
  readonly token: Secret;
  readonly receivedAt: Instant;
}

/** What came of one consent. */
export interface Authorisation {
  readonly tenantId?: string;
  readonly exchanged: Seen;
  accessToken: Secret;
  /** Each refresh token once, in the order they came. */
  readonly values: Value[];
  /** Whether its newest token was taken when it was last sent. */
  isAlive: boolean;
  /** The provider said that it revoked it. */
  isRevoked: boolean;
}

/** The refresh token that came last. */
export function newest({ values }: Authorisation): Value {
  const value = values.at(-1);
  if (value === undefined) throw new TypeError('an authorisation begins with a refresh token');
  return value;
}

/**
 * Keeps the refresh token of an answer, and tells how it compares. One that came again counts as the newest, whatever came
 * after it.
 */
export function remember(
  { values }: Authorisation,
  token: Secret,
  { sent, receivedAt }: { readonly sent: Value; readonly receivedAt: Instant },
): NonNullable<Seen['refreshToken']> {
  const index = values.findIndex((value) => value.token.open() === token.open());
  const known = values[index];
  if (known === undefined) {
    values.push({ token, receivedAt });
    return 'new';
  }
  values.push(...values.splice(index, 1));
  return known === sent ? 'as sent' : 'another known one';
}
