import { TENANT_ID_PATTERN } from '../domain/names.ts';
import type { Secret } from '../domain/secret.ts';
import { isJsonObject, jsonOf } from './json.ts';

/** Access tokens are at most this long (`token-answer.ts`). */
const MAX_CHARS = 32_768;

/**
 * A claim of a JWT that looks like an id, undefined when the token is no JWT or has no such claim. The signature is not
 * verified: the token came from the provider's token endpoint over TLS, which proves its origin as well (OpenID Connect
 * Core §3.1.3.7, rule 6). It must not be used for a token from anywhere else.
 */
export function claimOf(token: Secret, claim: string): string | undefined {
  const text = token.open();
  const parts = text.split('.');
  if (text.length > MAX_CHARS || parts.length !== 3) return undefined;
  const payload = jsonOf(Buffer.from(parts[1] ?? '', 'base64url'));
  const value = isJsonObject(payload) && Object.hasOwn(payload, claim) ? payload[claim] : undefined;
  return typeof value === 'string' && TENANT_ID_PATTERN.test(value) ? value : undefined;
}
