import type { Instant } from '../domain/grant.ts';
import type { IssuedTokens } from '../domain/outcome.ts';
import { Secret } from '../domain/secret.ts';
import type { ProviderDescriptor } from '../providers/descriptor.ts';
import { isJsonObject, type JsonObject } from './json.ts';

/** Why a 2xx is no success. The provider may have rotated all the same. */
export type UnusableAnswer = 'unreadable_answer' | 'error_in_ok' | 'incomplete_answer';

/** Intuit announces up to 4,096 characters; a longer one is issued all the same and not ours to throw away. Space and controls cannot travel in a header. */
const TOKEN = /^[\x21-\x7e]{1,32768}$/;
const TOKEN_TYPE = /^[A-Za-z0-9_-]{1,32}$/;
/** RFC 6749 §3.3. */
const SCOPE_LIST = /^[\x20\x21\x23-\x5b\x5d-\x7e]{1,8192}$/;
/** Nothing lives longer; a larger number is a mistake and would leave the range of dates. */
const MAX_SECONDS = 10 * 365 * 86_400;

/**
 * The tokens of a 2xx answer (RFC 6749 §5.1), or why there are none. Lifetimes come as numbers or numeric strings
 * (providers.md §1.4). One that is missing or no positive number counts as not told, and the access token's is then the
 * provider's published one: throwing a rotated token away for it could end the connection.
 */
export function tokensOf(
  descriptor: ProviderDescriptor,
  body: unknown,
  sentAt: Instant,
): IssuedTokens | UnusableAnswer {
  if (!isJsonObject(body)) return 'unreadable_answer';
  if (body.error !== undefined && body.error !== null) return 'error_in_ok';
  const accessToken = tokenOf(body.access_token);
  const refreshToken = tokenOf(body.refresh_token);
  if (typeof accessToken === 'string' || typeof refreshToken === 'string' || accessToken === undefined) {
    return 'incomplete_answer';
  }
  const { refreshExpiresIn, hardExpiresIn } = descriptor.tokenResponse;
  return {
    accessToken,
    ...(refreshToken === undefined ? {} : { refreshToken }),
    tokenType: typeof body.token_type === 'string' && TOKEN_TYPE.test(body.token_type) ? body.token_type : 'Bearer',
    expiresInSeconds: secondsOf(body.expires_in) ?? descriptor.lifetimes.accessSeconds,
    ...told('refreshExpiresInSeconds', secondsField(body, refreshExpiresIn)),
    ...told('hardExpiresInSeconds', secondsField(body, hardExpiresIn)),
    ...told('scopes', scopesOf(body.scope)),
    sentAt,
  };
}

/** Absent, null and empty are the same; anything else must be a token. */
function tokenOf(value: unknown): Secret | 'malformed' | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  return typeof value === 'string' && TOKEN.test(value) ? new Secret(value) : 'malformed';
}

function secondsField(body: JsonObject, field: string | undefined): number | undefined {
  return field === undefined ? undefined : secondsOf(body[field]);
}

function secondsOf(value: unknown): number | undefined {
  const isNumeric =
    typeof value === 'number' || (typeof value === 'string' && /^\s*\d{1,15}(\.\d{1,9})?\s*$/.test(value));
  const seconds = isNumeric ? Number(value) : Number.NaN;
  return seconds > 0 && seconds <= MAX_SECONDS ? seconds : undefined;
}

function scopesOf(value: unknown): readonly string[] | undefined {
  if (typeof value !== 'string' || !SCOPE_LIST.test(value)) return undefined;
  const scopes = value.split(' ').filter((scope) => scope !== '');
  return scopes.length === 0 ? undefined : scopes;
}

function told<K extends string, V>(name: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { [P in K]?: V });
}
