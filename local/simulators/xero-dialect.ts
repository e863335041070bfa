import { randomUUID } from 'node:crypto';
import type { Mint } from './mint.ts';
import type { RotationRules } from './refresh-chain.ts';
import type { Settings } from './settings.ts';
import type { Dialect, Issue } from './token-service.ts';
import type { Family, TokenVault } from './token-vault.ts';

export const XERO_ISSUER = 'https://identity.xero.com';
export const XERO_CODE_LIFE_MS = 300_000;

const IDLE_MS = 60 * 86_400_000;
const ID_TOKEN_SECONDS = 300;

/** A new value at every use; the previous one may be retried for the grace (providers.md §2.2). */
export function xeroRules(settings: Settings): RotationRules {
  return { rotateAfterMs: 0, graceMs: settings.graceSeconds * 1000, idleMs: IDLE_MS };
}

/** How Xero issues tokens: bare `invalid_grant`s, JWTs, one living token set per user and app. */
export function xeroDialect(mint: Mint, vault: TokenVault): Dialect {
  return {
    rules: xeroRules,
    refusesSecondInFlight: false,
    issuesRefreshToken: ({ authorization }) => authorization.scopes.includes('offline_access'),
    newRefreshValue: () => mint.random('', 43),
    newAccessToken: (family, now, settings) => mint.signed(accessClaims(family, now, settings)),
    otherFields: (issue) => ({
      token_type: 'Bearer',
      scope: issue.family.authorization.scopes.join(' '),
      ...(issue.family.authorization.scopes.includes('openid') ? { id_token: idToken(mint, issue) } : {}),
    }),
    onNewFamily: (family) => {
      const { subject, clientId } = family.authorization;
      vault.kill((other) => {
        const { authorization } = other;
        return other !== family && authorization.subject === subject && authorization.clientId === clientId;
      });
    },
    describe: () => undefined,
  };
}

function accessClaims({ authorization, startedAt }: Family, now: number, settings: Settings): Record<string, unknown> {
  const seconds = Math.floor(now / 1000);
  return {
    nbf: seconds,
    exp: seconds + settings.accessTokenSeconds,
    iss: XERO_ISSUER,
    aud: `${XERO_ISSUER}/resources`,
    client_id: authorization.clientId,
    sub: authorization.subject.replaceAll('-', ''),
    auth_time: Math.floor(startedAt / 1000),
    xero_userid: authorization.subject,
    global_session_id: authorization.eventId.replaceAll('-', ''),
    jti: randomUUID().replaceAll('-', ''),
    authentication_event_id: authorization.eventId,
    scope: authorization.scopes,
  };
}

function idToken(mint: Mint, { family, now }: Issue): string {
  const { clientId, subject, nonce } = family.authorization;
  const seconds = Math.floor(now / 1000);
  return mint.signed({
    iss: XERO_ISSUER,
    sub: subject.replaceAll('-', ''),
    aud: clientId,
    iat: seconds,
    exp: seconds + ID_TOKEN_SECONDS,
    auth_time: Math.floor(family.startedAt / 1000),
    xero_userid: subject,
    ...(nonce === undefined ? {} : { nonce }),
  });
}
