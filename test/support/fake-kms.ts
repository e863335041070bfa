import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import {
  DecryptCommand,
  type DecryptCommandInput,
  GenerateDataKeyCommand,
  type GenerateDataKeyCommandInput,
  InvalidCiphertextException,
  type KMSClient,
} from '@aws-sdk/client-kms';
import type { AwsClientStub } from 'aws-sdk-client-mock';

/** Makes a mocked client answer as KMS does: a blob opens under its own key and encryption context only. */
export function behaveAsKms(kms: AwsClientStub<KMSClient>): { readonly plaintexts: Uint8Array[] } {
  const keys = new Map<string, Buffer>();
  const plaintexts: Uint8Array[] = [];
  const masterOf = (keyId: string | undefined) => {
    const id = keyId ?? '';
    const key = keys.get(id) ?? randomBytes(32);
    keys.set(id, key);
    return key;
  };
  const answer = (plaintext: Uint8Array) => {
    plaintexts.push(plaintext);
    return plaintext;
  };
  kms.on(GenerateDataKeyCommand).callsFake(async (input: GenerateDataKeyCommandInput) => {
    const key = randomBytes(32);
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', masterOf(input.KeyId), iv).setAAD(contextOf(input));
    const CiphertextBlob = Buffer.concat([iv, cipher.update(key), cipher.final(), cipher.getAuthTag()]);
    return { CiphertextBlob: Uint8Array.from(CiphertextBlob), Plaintext: answer(Uint8Array.from(key)) };
  });
  kms.on(DecryptCommand).callsFake(async (input: DecryptCommandInput) => {
    const blob = input.CiphertextBlob ?? new Uint8Array();
    try {
      const iv = blob.subarray(0, 12);
      const decipher = createDecipheriv('aes-256-gcm', masterOf(input.KeyId), iv, { authTagLength: 16 });
      decipher.setAAD(contextOf(input)).setAuthTag(blob.subarray(-16));
      const key = Buffer.concat([decipher.update(blob.subarray(12, -16)), decipher.final()]);
      return { Plaintext: answer(Uint8Array.from(key)) };
    } catch {
      throw new InvalidCiphertextException({ message: 'the blob does not open', $metadata: {} });
    }
  });
  return { plaintexts };
}

function contextOf({ EncryptionContext = {} }: { EncryptionContext?: Record<string, string> | undefined }): Buffer {
  return Buffer.from(JSON.stringify(Object.entries(EncryptionContext).toSorted()));
}
