import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** Makes every secret a simulator hands out, and remembers each of them for the leak scan. */
export interface Mint {
  /** `length` characters of base64url after `prefix`. */
  random(prefix: string, length: number): string;
  /** A five-part token that looks like Intuit's encrypted ones, `length` characters in all. */
  opaque(length: number): string;
  /** A JWT, RS256, verifiable with `jwks()`. */
  signed(claims: Readonly<Record<string, unknown>>): string;
  jwks(): { keys: readonly object[] };
  /** Remembers a secret that came from outside (a client secret). */
  remember(secret: string): void;
  /** All of them since the start; a reset of the simulator does not forget any. */
  issued(): string[];
}

const KEY_ID = 'simulator-1';
const JWE_HEADER = Buffer.from('{"enc":"A128CBC-HS256","alg":"dir"}').toString('base64url');

/** A mint with its own memory; the signing key is made at the first need and shared by the process. */
export function createMint(): Mint {
  const secrets = new Set<string>();
  const remember = (secret: string): string => {
    secrets.add(secret);
    return secret;
  };
  return {
    random: (prefix, length) => remember(prefix + characters(length)),
    opaque(length) {
      const frame = `${JWE_HEADER}..${characters(22)}.`;
      return remember(`${frame}${characters(Math.max(1, length - frame.length - 23))}.${characters(22)}`);
    },
    signed: (claims) => remember(signJwt(claims)),
    jwks: () => ({
      keys: [
        {
          ...createPublicKey(signingKey()).export({ format: 'jwk' }),
          kid: KEY_ID,
          use: 'sig',
          alg: 'RS256',
        },
      ],
    }),
    remember(secret) {
      secrets.add(secret);
    },
    issued: () => [...secrets],
  };
}

/** Enough of a hash to see in the ledger that two requests carried the same token, and no more. */
export function fingerprint(secret: string): string {
  return createHash('sha256').update(secret).digest('hex').slice(0, 12);
}

function characters(length: number): string {
  return randomBytes(length).toString('base64url').slice(0, length);
}

let cachedKey: KeyObject | undefined;

function signingKey(): KeyObject {
  cachedKey ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  return cachedKey;
}

function signJwt(claims: Readonly<Record<string, unknown>>): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const input = `${encode({ alg: 'RS256', kid: KEY_ID, typ: 'JWT' })}.${encode(claims)}`;
  return `${input}.${sign('RSA-SHA256', Buffer.from(input), signingKey()).toString('base64url')}`;
}
