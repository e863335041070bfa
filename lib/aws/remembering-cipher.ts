import { createHash } from 'node:crypto';
import type { Instant } from '../domain/grant.ts';
import type { Secret } from '../domain/secret.ts';
import type { Cipher, Clock } from '../service/ports.ts';

/** Design §4: the plaintext of an access token may stay in memory this long. */
const REMEMBERED_MS = 5 * 60_000;
/** About 4 MB of the longest access tokens there are. */
const MAX_REMEMBERED = 1_000;

/**
 * A cipher that remembers opened access tokens by ciphertext and context for 5 minutes, the 1,000 used last. Whether the
 * token may be handed out is decided by the caller from records it read just now; this only spares KMS. Refresh tokens and
 * failures are never remembered.
 */
export function createRememberingCipher(cipher: Cipher, clock: Pick<Clock, 'now'>): Cipher {
  // Insertion order is order of use: what is used moves to the end.
  const remembered = new Map<string, { readonly token: Secret; readonly until: Instant }>();

  function recall(key: string): Secret | undefined {
    const entry = remembered.get(key);
    remembered.delete(key);
    if (entry === undefined || entry.until <= clock.now()) return undefined;
    remembered.set(key, entry);
    return entry.token;
  }
  function remember(key: string, token: Secret): void {
    remembered.set(key, { token, until: clock.now() + REMEMBERED_MS });
    const [oldest] = remembered.keys();
    if (remembered.size > MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
  }
  return {
    arm: (context) => cipher.arm(context),
    async open(sealed, context) {
      if (context.purpose !== 'access') return cipher.open(sealed, context);
      const key = keyOf(sealed, context);
      const known = recall(key);
      if (known !== undefined) return known;
      const token = await cipher.open(sealed, context);
      remember(key, token);
      return token;
    },
  };
}

/** Everything that decides whether the token opens, so that what would not open is not found here either. */
function keyOf(...[sealed, context]: Parameters<Cipher['open']>): string {
  const { provider, grant, purpose } = context;
  return createHash('sha256')
    .update(JSON.stringify([provider, grant, purpose, sealed.attemptId, sealed.scope, sealed.dataKey.length]))
    .update(sealed.dataKey)
    .update(sealed.ciphertext)
    .digest('base64');
}
