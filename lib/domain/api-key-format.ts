import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { ApiKey } from './api-key.ts';
import { Secret } from './secret.ts';

/**
 * An API key reads `gk_<environment>_<id>_<secret>`. The id (80 random bits) finds the record; the secret is 256 random
 * bits followed by a checksum of everything before it, so that the authorizer refuses a typo and a scanner of leaked
 * credentials recognises a key, both without asking anybody.
 */

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** Crockford's alphabet: no i, l, o, u to be misread when an operator types an id. */
const BASE32 = '0123456789abcdefghjkmnpqrstvwxyz';
const ID_BYTES = 10;
const ID_LENGTH = 16;
const SECRET_BYTES = 32;
/** 62^43 > 2^256. */
const SECRET_LENGTH = 43;
/** 62^6 > 2^32. */
const CHECKSUM_LENGTH = 6;
const KEY_PATTERN = /^gk_([a-z][a-z0-9-]{0,15})_([0-9a-hjkmnp-tv-z]{16})_([0-9A-Za-z]{49})$/;

/** What an environment is called: it is part of every key, so it has no underscore. */
export const ENVIRONMENT_PATTERN = /^[a-z][a-z0-9-]{0,15}$/;

/** What a key id looks like. */
export const KEY_ID_PATTERN = /^[0-9a-hjkmnp-tv-z]{16}$/;

/** The parts of a presented key. `secret` holds the random part and its checksum. */
export interface ApiKeyParts {
  readonly environment: string;
  readonly id: string;
  readonly secret: Secret;
}

/** A new key for an environment: `key` is what its holder sends and is kept nowhere, `secretHash` is what the record keeps. */
export function newApiKey(environment: string): {
  readonly id: string;
  readonly key: Secret;
  readonly secretHash: string;
} {
  if (!ENVIRONMENT_PATTERN.test(environment)) throw new TypeError('an environment is 1 to 16 of a-z, 0-9 and "-"');
  const id = inBase(randomBytes(ID_BYTES), BASE32, ID_LENGTH);
  const random = inBase(randomBytes(SECRET_BYTES), BASE62, SECRET_LENGTH);
  const unchecked = `gk_${environment}_${id}_${random}`;
  const key = unchecked + checksumOf(unchecked);
  return { id, key: new Secret(key), secretHash: hashOf(key.slice(-(SECRET_LENGTH + CHECKSUM_LENGTH))) };
}

/** The parts of a well-formed key whose checksum fits, otherwise undefined. */
export function parseApiKey(presented: string): ApiKeyParts | undefined {
  const [, environment, id, secret] = KEY_PATTERN.exec(presented) ?? [];
  if (environment === undefined || id === undefined || secret === undefined) return undefined;
  if (checksumOf(presented.slice(0, -CHECKSUM_LENGTH)) !== presented.slice(-CHECKSUM_LENGTH)) return undefined;
  return { environment, id, secret: new Secret(secret) };
}

/**
 * Whether the secret is the record's. Takes the same time for every secret and also without a record, so that neither
 * the hash nor the existence of a key id can be read from a clock.
 */
export function isSecretOf(record: Pick<ApiKey, 'secretHash'> | undefined, secret: Secret): boolean {
  const presented = createHash('sha256').update(secret.open()).digest();
  const kept = Buffer.from(record?.secretHash ?? '', 'hex');
  const comparable = kept.length === presented.length ? kept : Buffer.alloc(presented.length);
  return timingSafeEqual(presented, comparable) && comparable === kept;
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

function checksumOf(text: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(text));
  return inBase(bytes, BASE62, CHECKSUM_LENGTH);
}

function inBase(bytes: Uint8Array, alphabet: string, length: number): string {
  let rest = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  const base = BigInt(alphabet.length);
  let digits = '';
  for (let place = 0; place < length; place++) {
    digits = `${alphabet[Number(rest % base)]}${digits}`;
    rest /= base;
  }
  return digits;
}
