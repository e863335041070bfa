import { QUICKBOOKS_USER } from './companies.ts';
import type { Mint } from './mint.ts';
import type { RotationRules } from './refresh-chain.ts';
import type { Settings } from './settings.ts';
import type { Dialect, Issue } from './token-service.ts';

export const QUICKBOOKS_ISSUER = 'https://oauth.platform.intuit.com/op/v1';

/** Not published; third parties say about ten minutes (providers.md §1.3). */
export const QUICKBOOKS_CODE_LIFE_MS = 600_000;

const DAY_MS = 86_400_000;
/** What a new value announces: 101 days, although the documented idle life is 100 (providers.md §1.5). */
const ANNOUNCED_SECONDS = 8_726_400;
const IDLE_MS = 100 * DAY_MS;
/** Five years from the authorisation, not reset by a refresh (Intuit, 2025-11-12). */
const HARD_SECONDS = 157_680_000;

/** The rotation that is configured, in the terms of the chain (providers.md §1.6). */
export function quickBooksRules(settings: Settings): RotationRules {
  return {
    rotateAfterMs: settings.rotation === 'every_call' ? 0 : DAY_MS,
    graceMs: settings.rotation === 'daily_with_24h_grace' ? settings.graceSeconds * 1000 : 0,
    idleMs: IDLE_MS,
    hardMs: HARD_SECONDS * 1000,
  };
}

/** How Intuit issues tokens, and the words it refuses with (providers.md §1.4, §1.7). */
export function quickBooksDialect(mint: Mint): Dialect {
  return {
    rules: quickBooksRules,
    refusesSecondInFlight: true,
    issuesRefreshToken: () => true,
    newRefreshValue: (now) => mint.random(`RT1-${Math.floor(now / 1000) % 997}-H0-${Math.floor(now / 1000)}`, 24),
    newAccessToken: (_family, _now, settings) => mint.opaque(settings.accessTokenChars),
    otherFields: (issue) => ({
      token_type: 'bearer',
      ...refreshLife(issue),
      ...(issue.phase === 'code' && issue.family.authorization.scopes.includes('openid')
        ? { id_token: idToken(mint, issue) }
        : {}),
    }),
    describe: (phase, refusal) => {
      if (phase === 'code') return 'Invalid authorization code';
      if (refusal === 'other_client') return 'Incorrect Token type or clientID';
      if (refusal === 'unknown') return 'Incorrect or invalid refresh token';
      if (refusal === 'expired' || refusal === 'dead') return 'Token invalid';
      // A replaced value, and the loser of a race, get the bare 25 bytes of oauth-jsclient #128.
      return undefined;
    },
  };
}

/** The announced life counts down from the issue of the value, not from the answer. */
function refreshLife({ chain, family, now, wantsHardExpiry }: Issue): Record<string, number> {
  if (!chain) return {};
  const hardSeconds = HARD_SECONDS - Math.floor((now - family.startedAt) / 1000);
  return {
    x_refresh_token_expires_in: ANNOUNCED_SECONDS - Math.floor((now - chain.current.issuedAt) / 1000),
    ...(wantsHardExpiry ? { x_refresh_token_hard_expires_in: hardSeconds } : {}),
  };
}

function idToken(mint: Mint, { family, now }: Issue): string {
  const { clientId, subject, nonce } = family.authorization;
  const seconds = Math.floor(now / 1000);
  return mint.signed({
    iss: QUICKBOOKS_ISSUER,
    sub: QUICKBOOKS_USER.subject,
    aud: [clientId],
    realmid: subject,
    auth_time: seconds,
    iat: seconds,
    exp: seconds + 3600,
    ...(nonce === undefined ? {} : { nonce }),
  });
}
