/**
 * Envelope encryption (design §4). KMS makes a data key per armed purpose and binds it to an encryption context; the
 * token is sealed with it by AES-256-GCM in this process, so nothing can fail between a provider's answer and our write.
 *
 * The context comes from the authorised request and never from the row being opened. The additional data repeats it with
 * the grant the token belongs to and the attempt it was obtained under, so a ciphertext moved to another grant, purpose or
 * attempt does not open. Where the subject was unknown when the key was fetched, a scope stands for the grant in the KMS
 * context only.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { DecryptCommand, GenerateDataKeyCommand, type KMSClient } from '@aws-sdk/client-kms';
import { GrantkeeperError } from '../domain/errors.ts';
import { APP, type ProviderId } from '../domain/names.ts';
import { Secret } from '../domain/secret.ts';
import type { Cipher, Purpose, Sealer } from '../service/ports.ts';

const ALGORITHM = 'aes-256-gcm';
/** NIST SP 800-38D §8.2.2: a random 96-bit IV; a data key seals a handful of tokens, far below its bound of 2^32. */
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** What KMS says when blob, key or context do not fit; anything else says nothing about the token. */
const UNDECRYPTABLE = new Set(['InvalidCiphertextException', 'IncorrectKeyException']);

interface Options {
  readonly client: KMSClient;
  readonly keyArn: string;
  /** The deployment (`dev`, `prod`): part of the context, so tokens of one do not open in another. */
  readonly environment: string;
}

type EncryptionContext = Readonly<Record<'app' | 'env' | 'grant' | 'provider' | 'purpose', string>>;
type Arming = Parameters<Cipher['arm']>[0];

/** The cipher on KMS. One KMS request per `arm` and per `open`; ciphertext is IV ‖ encrypted token ‖ tag. */
export function createEnvelopeCipher(options: Options): Cipher {
  return {
    arm: (arming) => arm(options, arming),
    async open(sealed, context) {
      const parts = split(sealed.ciphertext, sealed.dataKey);
      const encryptionContext = contextOf(options.environment, context, sealed.scope ?? context.grant);
      const key = await decryptDataKey(options, sealed.dataKey, encryptionContext);
      const additionalData = additionalDataOf(contextOf(options.environment, context, context.grant), sealed.attemptId);
      return new Secret(decrypt(key, parts, additionalData));
    },
  };
}

async function arm(options: Options, arming: Arming): Promise<Sealer> {
  const scope = 'scope' in arming ? arming.scope : undefined;
  const owner = 'scope' in arming ? arming.scope : arming.grant;
  const { key, dataKey } = await generateDataKey(options, contextOf(options.environment, arming, owner));
  return {
    seal(plaintext, grant, attemptId) {
      // The data key is bound to what was armed: sealed for another grant, the token could never be opened again.
      if (scope === undefined && grant !== owner)
        throw new TypeError('a token is sealed only for the grant it was armed for');
      const additionalData = additionalDataOf(contextOf(options.environment, arming, grant), attemptId);
      const ciphertext = encrypt(key, plaintext, additionalData);
      return { attemptId, ciphertext, dataKey, ...(scope === undefined ? {} : { scope }) };
    },
  };
}

function contextOf(
  environment: string,
  { provider, purpose }: { readonly provider: ProviderId; readonly purpose: Purpose },
  owner: string,
): EncryptionContext {
  // Hashed, because an encryption context stands in CloudTrail in clear.
  return { app: APP, env: environment, grant: createHash('sha256').update(owner).digest('hex'), provider, purpose };
}

/** Canonical: the members in one fixed order, so that equal contexts give equal bytes. */
function additionalDataOf({ app, env, grant, provider, purpose }: EncryptionContext, attemptId: string): Buffer {
  return Buffer.from(JSON.stringify({ app, attemptId, env, grant, provider, purpose }));
}

async function generateDataKey({ client, keyArn }: Options, context: EncryptionContext) {
  const command = new GenerateDataKeyCommand({ KeyId: keyArn, KeySpec: 'AES_256', EncryptionContext: context });
  const { Plaintext, CiphertextBlob } = await client.send(command).catch((cause: unknown) => {
    throw new GrantkeeperError('unavailable', { cause });
  });
  if (Plaintext === undefined || CiphertextBlob === undefined) throw new GrantkeeperError('unavailable');
  return { key: toKey(Plaintext), dataKey: CiphertextBlob };
}

async function decryptDataKey({ client, keyArn }: Options, dataKey: Uint8Array, context: EncryptionContext) {
  const command = new DecryptCommand({ KeyId: keyArn, CiphertextBlob: dataKey, EncryptionContext: context });
  const { Plaintext } = await client.send(command).catch((cause: unknown) => {
    const isVerdict = cause instanceof Error && UNDECRYPTABLE.has(cause.name);
    throw new GrantkeeperError(isVerdict ? 'token_undecryptable' : 'unavailable', { cause });
  });
  if (Plaintext === undefined) throw new GrantkeeperError('unavailable');
  return toKey(Plaintext);
}

/** The key moves into a `KeyObject`, outside the JavaScript heap; the bytes it came in are wiped. */
function toKey(plaintext: Uint8Array): KeyObject {
  const key = createSecretKey(plaintext);
  plaintext.fill(0);
  return key;
}

function encrypt(key: KeyObject, plaintext: Secret, additionalData: Buffer): Uint8Array {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES }).setAAD(additionalData);
  const encrypted = [cipher.update(plaintext.open(), 'utf8'), cipher.final()];
  return Uint8Array.from(Buffer.concat([iv, ...encrypted, cipher.getAuthTag()]));
}

interface Parts {
  readonly iv: Uint8Array;
  readonly encrypted: Uint8Array;
  readonly tag: Uint8Array;
}

/** What cannot be one of ours is told without asking KMS. */
function split(ciphertext: Uint8Array, dataKey: Uint8Array): Parts {
  if (ciphertext.length < IV_BYTES + TAG_BYTES || dataKey.length === 0)
    throw new GrantkeeperError('token_undecryptable');
  return {
    iv: ciphertext.subarray(0, IV_BYTES),
    encrypted: ciphertext.subarray(IV_BYTES, -TAG_BYTES),
    tag: ciphertext.subarray(-TAG_BYTES),
  };
}

function decrypt(key: KeyObject, { iv, encrypted, tag }: Parts, additionalData: Buffer): string {
  const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES });
  decipher.setAAD(additionalData).setAuthTag(tag);
  try {
    return Buffer.concat([decipher.update(encrypted), decipher.final()]).toString('utf8');
  } catch (cause) {
    throw new GrantkeeperError('token_undecryptable', { cause });
  }
}
