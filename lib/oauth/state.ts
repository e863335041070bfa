import { createHmac, timingSafeEqual } from 'node:crypto';
import { GrantkeeperError } from '../domain/errors.ts';
import type { Instant } from '../domain/grant.ts';
import { isProviderId, ORGANIZATION_ID_PATTERN } from '../domain/names.ts';
import type { StateKey, StateKeyRing, StatePayload } from '../service/ports.ts';
import { isJsonObject, jsonOf } from './json.ts';

/**
 * The `state` of RFC 6749 §10.12: `v1.<key id>.<payload>.<signature>`, payload and HMAC-SHA256 in base64url, the signature
 * over everything before it. It is not secret, only unforgeable; the flow it names makes it single-use.
 */

const VERSION = 'v1';
/** The longest payload comes to some 450 characters. */
const MAX_CHARS = 1_024;
const FORM = /^(v1\.([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]+))\.([A-Za-z0-9_-]{43})$/;
const KEY_ID = /^[A-Za-z0-9_-]{1,32}$/;
const MIN_KEY_BYTES = 32;
const FLOW_ID = /^[A-Za-z0-9_-]{1,64}$/;
const NONCE = /^[A-Za-z0-9_-]{1,64}$/;
const HASH = /^[0-9a-f]{64}$/;
const FIELDS = ['flowId', 'provider', 'organizationId', 'cookieHash', 'nonce', 'expiresAt'];

/**
 * Signs with the current key. Throws `secret_unavailable` when the key is too short or its id malformed, `internal_error`
 * for a payload that would not verify.
 */
export function signState(payload: StatePayload, ring: StateKeyRing): string {
  const { flowId, provider, organizationId, cookieHash, nonce, expiresAt } = payload;
  const said = { flowId, provider, organizationId, cookieHash, nonce, expiresAt };
  const signed = `${VERSION}.${ring.current.id}.${Buffer.from(JSON.stringify(said)).toString('base64url')}`;
  const state = `${signed}.${signatureOf(signed, ring.current)}`;
  if (payloadOf(said) === undefined || !isWellFormed(state)) throw new GrantkeeperError('internal_error');
  return state;
}

/**
 * The payload when a key of the ring signed exactly this text and it has not expired, otherwise undefined, whatever is
 * wrong. Throws `secret_unavailable` as `signState` does.
 */
export function verifyState(state: string, ring: StateKeyRing, now: Instant): StatePayload | undefined {
  const [, signed, keyId, encoded, signature] = (isWellFormed(state) && FORM.exec(state)) || [];
  if (signed === undefined || encoded === undefined || signature === undefined) return undefined;
  const key = [ring.current, ring.previous].find((each) => each?.id === keyId);
  // The texts are compared, not the bytes: base64url spells the last byte in more than one way.
  if (key === undefined || !isSame(signature, signatureOf(signed, key))) return undefined;
  const payload = payloadOf(jsonOf(Buffer.from(encoded, 'base64url')));
  return payload !== undefined && now < payload.expiresAt ? payload : undefined;
}

function isWellFormed(state: string): boolean {
  return state.length <= MAX_CHARS && FORM.test(state);
}

function signatureOf(signed: string, { id, key }: StateKey): string {
  if (key.length < MIN_KEY_BYTES || !KEY_ID.test(id)) {
    throw new GrantkeeperError('secret_unavailable', { field: 'state-keys' });
  }
  return createHmac('sha256', key).update(signed).digest('base64url');
}

function isSame(left: string, right: string): boolean {
  return left.length === right.length && timingSafeEqual(Buffer.from(left), Buffer.from(right));
}

/** Strict although signed: what an older or newer version of us would have signed must not pass half understood. */
function payloadOf(value: unknown): StatePayload | undefined {
  if (!isJsonObject(value)) return undefined;
  if (Object.keys(value).length !== FIELDS.length || !FIELDS.every((field) => Object.hasOwn(value, field))) {
    return undefined;
  }
  const { flowId, provider, organizationId, cookieHash, nonce, expiresAt } = value;
  if (!isText(flowId, FLOW_ID) || !isProviderId(provider) || !isText(organizationId, ORGANIZATION_ID_PATTERN)) {
    return undefined;
  }
  if (!isText(cookieHash, HASH) || !isText(nonce, NONCE) || !isInstant(expiresAt)) return undefined;
  return { flowId, provider, organizationId, cookieHash, nonce, expiresAt };
}

function isText(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value);
}

function isInstant(value: unknown): value is Instant {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}
