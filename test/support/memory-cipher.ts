import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { GrantkeeperError } from '../../lib/domain/errors.ts';
import type { Sealed } from '../../lib/domain/grant.ts';
import { Secret } from '../../lib/domain/secret.ts';
import type { Cipher, SealContext } from '../../lib/service/ports.ts';

interface CipherFault {
  readonly operation: 'arm' | 'open';
  /** Default `unavailable`. */
  readonly code?: 'unavailable' | 'token_undecryptable';
  /** Default 1. */
  readonly times?: number;
}

export interface MemoryCipher extends Cipher {
  /** The next calls of the operation fail. */
  failNext(fault: CipherFault): void;
  /** How often it was asked for a data key, to open a token, and its sealers to seal one. */
  counts(): { readonly arms: number; readonly opens: number; readonly seals: number };
}

/**
 * A cipher without KMS, bound by the same rules: a data key opens only in the context it was armed for, a token only for
 * its grant, purpose and attempt. It really encrypts, so a dump of a store holds no plaintext.
 */
export function createMemoryCipher(): MemoryCipher {
  const master = randomBytes(32);
  const counted = { arms: 0, opens: 0, seals: 0 };
  let planned: (CipherFault & { left: number })[] = [];

  function fail(operation: CipherFault['operation']): void {
    const fault = planned.find((each) => each.operation === operation);
    if (fault === undefined) return;
    fault.left -= 1;
    planned = planned.filter(({ left }) => left > 0);
    throw new GrantkeeperError(fault.code ?? 'unavailable', { cause: new Error(`${operation} was to fail`) });
  }
  return {
    failNext(fault) {
      planned.push({ ...fault, left: fault.times ?? 1 });
    },
    counts: () => ({ ...counted }),
    async arm(arming) {
      counted.arms += 1;
      fail('arm');
      const owner = 'scope' in arming ? arming.scope : arming.grant;
      const key = randomBytes(32);
      const dataKey = lock(master, key, keyContext(arming, owner));
      return {
        seal(plaintext, grant, attemptId) {
          counted.seals += 1;
          if (!('scope' in arming) && grant !== owner) {
            throw new TypeError('a token is sealed only for the grant it was armed for');
          }
          const ciphertext = lock(key, Buffer.from(plaintext.open()), tokenContext({ ...arming, grant }, attemptId));
          // A copy each time: nobody may change a record through another one.
          const sealed = { attemptId, ciphertext, dataKey: Uint8Array.from(dataKey) };
          return 'scope' in arming ? { ...sealed, scope: arming.scope } : sealed;
        },
      };
    },
    async open(sealed, context) {
      counted.opens += 1;
      fail('open');
      return new Secret(openWith(master, sealed, context));
    },
  };
}

function openWith(master: Buffer, sealed: Sealed, context: SealContext): string {
  try {
    const key = unlock(master, sealed.dataKey, keyContext(context, sealed.scope ?? context.grant));
    return unlock(key, sealed.ciphertext, tokenContext(context, sealed.attemptId)).toString();
  } catch (cause) {
    throw new GrantkeeperError('token_undecryptable', { cause });
  }
}

type Bound = Pick<SealContext, 'provider' | 'purpose'>;

function keyContext({ provider, purpose }: Bound, owner: string): Buffer {
  return Buffer.from(JSON.stringify([provider, purpose, owner]));
}

function tokenContext({ provider, purpose, grant }: SealContext, attemptId: string): Buffer {
  return Buffer.from(JSON.stringify([provider, purpose, grant, attemptId]));
}

function lock(key: Buffer, plaintext: Buffer, bound: Buffer): Uint8Array {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(bound);
  const encrypted = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Uint8Array.from(Buffer.concat([iv, cipher.getAuthTag(), encrypted]));
}

function unlock(key: Buffer, locked: Uint8Array, bound: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, locked.subarray(0, 12), { authTagLength: 16 }).setAAD(bound);
  decipher.setAuthTag(locked.subarray(12, 28));
  return Buffer.concat([decipher.update(locked.subarray(28)), decipher.final()]);
}
