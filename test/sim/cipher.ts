import { GrantkeeperError } from '../../lib/domain/errors.ts';
import type { Sealed } from '../../lib/domain/grant.ts';
import { Secret } from '../../lib/domain/secret.ts';
import type { Cipher, Purpose, SealContext } from '../../lib/service/ports.ts';

/**
 * A cipher that costs next to nothing and is bound by the same rules as the real one: a data key opens only in the
 * context it was armed for, a token only for its grant, purpose and attempt. What it hands out are numbers of entries
 * in its vault, so no record can hold a plaintext that the service did not put there itself.
 */
export interface SimCipher extends Cipher {
  /** The plaintext, for the checks alone. Undefined when it is none of ours. */
  peek(sealed: Pick<Sealed, 'ciphertext'>): string | undefined;
}

interface Entry {
  readonly plaintext: string;
  readonly key: number;
  readonly bound: string;
}

export function createSimCipher(): SimCipher {
  const vault: Entry[] = [];
  const keys: string[] = [];
  return {
    async arm(arming) {
      const owner = 'scope' in arming ? arming.scope : arming.grant;
      const key = keys.push(keyContext(arming, owner)) - 1;
      return {
        seal(plaintext, grant, attemptId) {
          if (!('scope' in arming) && grant !== owner) {
            throw new TypeError('a token is sealed only for the grant it was armed for');
          }
          const bound = tokenContext({ ...arming, grant }, attemptId);
          const entry = vault.push({ plaintext: plaintext.open(), key, bound }) - 1;
          const sealed = { attemptId, ciphertext: bytesOf(entry), dataKey: bytesOf(key) };
          return 'scope' in arming ? { ...sealed, scope: arming.scope } : sealed;
        },
      };
    },
    async open(sealed, context) {
      const key = numberIn(sealed.dataKey);
      const entry = vault[numberIn(sealed.ciphertext)];
      const isOurs =
        entry !== undefined &&
        entry.key === key &&
        keys[key] === keyContext(context, sealed.scope ?? context.grant) &&
        entry.bound === tokenContext(context, sealed.attemptId);
      if (!isOurs) throw new GrantkeeperError('token_undecryptable');
      return new Secret(entry.plaintext);
    },
    peek: (sealed) => vault[numberIn(sealed.ciphertext)]?.plaintext,
  };
}

function keyContext({ provider, purpose }: { provider: string; purpose: Purpose }, owner: string): string {
  return `${provider} ${purpose} ${owner}`;
}

function tokenContext({ provider, purpose, grant }: SealContext, attemptId: string): string {
  return `${provider} ${purpose} ${grant} ${attemptId}`;
}

function bytesOf(number: number): Uint8Array {
  return Uint8Array.of(number >> 24, number >> 16, number >> 8, number);
}

function numberIn(bytes: Uint8Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  return (a << 24) | (b << 16) | (c << 8) | d;
}
