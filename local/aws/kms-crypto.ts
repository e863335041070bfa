/**
 * Ciphertext blobs: real AES-256-GCM with the encryption context as additional data.
 * Layout: version (1 byte) | length of the key id (1) | key id | nonce (12) | tag (16) | ciphertext.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { AwsError } from './aws-error.ts';

export type EncryptionContext = Readonly<Record<string, string>>;

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface Sealing {
  readonly keyId: string;
  readonly material: Buffer;
  readonly context: EncryptionContext;
}

/** A blob that opens only with the same key and context. */
export function sealBlob(plaintext: Buffer, { keyId, material, context }: Sealing): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const header = headerOf(keyId);
  const cipher = createCipheriv('aes-256-gcm', material, nonce).setAAD(additionalData(header, context));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([header, nonce, cipher.getAuthTag(), ciphertext]);
}

/** The plaintext; throws InvalidCiphertextException for another key or context, or one changed bit. */
export function openBlob(blob: Buffer, { keyId, material, context }: Sealing): Buffer {
  const header = headerOf(keyId);
  const tagAt = header.length + NONCE_BYTES;
  const nonce = blob.subarray(header.length, tagAt);
  const tag = blob.subarray(tagAt, tagAt + TAG_BYTES);
  try {
    const decipher = createDecipheriv('aes-256-gcm', material, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(additionalData(header, context)).setAuthTag(tag);
    return Buffer.concat([decipher.update(blob.subarray(tagAt + TAG_BYTES)), decipher.final()]);
  } catch {
    throw invalidCiphertext();
  }
}

/** Which key a blob claims to be sealed with; throws InvalidCiphertextException for what is not a blob. */
export function keyIdOfBlob(blob: Buffer): string {
  const [version, length = 0] = blob;
  if (version !== VERSION || blob.length < 2 + length + NONCE_BYTES + TAG_BYTES) throw invalidCiphertext();
  return blob.subarray(2, 2 + length).toString();
}

/** KMS gives no reason, so that nobody learns which part was wrong. */
export function invalidCiphertext(): AwsError {
  return new AwsError('InvalidCiphertextException', 'The ciphertext is invalid.');
}

function headerOf(keyId: string): Buffer {
  const id = Buffer.from(keyId);
  return Buffer.concat([Buffer.from([VERSION, id.length]), id]);
}

function additionalData(header: Buffer, context: EncryptionContext): Buffer {
  const pairs = Object.entries(context).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.concat([header, Buffer.from(JSON.stringify(pairs))]);
}
