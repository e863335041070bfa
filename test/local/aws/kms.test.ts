import {
  DecryptCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  ListKeysCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Fixture, refusalOf, startFixture } from './fixture.ts';

const KEY_ID = '11111111-2222-4333-8444-555555555555';
const KEY_ARN = `arn:aws:kms:us-east-1:000000000000:key/${KEY_ID}`;
const CONTEXT = { app: 'grantkeeper', purpose: 'access' };

let fixture: Fixture;
let kms: Fixture['admin']['kms'];
let otherKey: string;

beforeAll(async () => {
  fixture = await startFixture();
  kms = fixture.admin.kms;
  fixture.kms.addKey({ keyId: KEY_ID, aliases: ['alias/tokens'], description: 'tokens' });
  otherKey = fixture.kms.addKey();
});
afterAll(() => fixture.stop());

const dataKey = (KeyId = KEY_ARN) =>
  kms.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256', EncryptionContext: CONTEXT }));
const decrypt = (CiphertextBlob: Uint8Array | undefined, EncryptionContext: Record<string, string> = CONTEXT) =>
  kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext }));

test('a data key has 32 random bytes, and its blob gives them back under the same context in any order', async () => {
  const first = await dataKey();
  const second = await dataKey();
  expect(first.KeyId).toBe(KEY_ARN);
  expect(first.Plaintext).toHaveLength(32);
  expect(second.Plaintext).not.toEqual(first.Plaintext);
  const opened = await decrypt(first.CiphertextBlob, { purpose: 'access', app: 'grantkeeper' });
  expect({ KeyId: opened.KeyId, Plaintext: opened.Plaintext }).toEqual({ KeyId: KEY_ARN, Plaintext: first.Plaintext });
  expect(Buffer.from(first.CiphertextBlob ?? []).includes(Buffer.from(first.Plaintext ?? []))).toBe(false);
});

test.for([
  ['another value', { app: 'grantkeeper', purpose: 'refresh' }],
  ['one pair more', { ...CONTEXT, more: 'x' }],
  ['one pair fewer', { app: 'grantkeeper' }],
  ['none', {}],
] as const)('another context does not decrypt: %s', async ([, context]) => {
  const { CiphertextBlob } = await dataKey();
  expect((await refusalOf(decrypt(CiphertextBlob, context))).name).toBe('InvalidCiphertextException');
});

test('one changed bit anywhere in the blob is refused', async () => {
  const { CiphertextBlob = new Uint8Array() } = await dataKey();
  const names = new Set<string>();
  for (let index = 0; index < CiphertextBlob.length; index += 1) {
    const tampered = Uint8Array.from(CiphertextBlob);
    tampered[index] = (tampered[index] ?? 0) ^ 1;
    names.add((await refusalOf(decrypt(tampered))).name);
  }
  expect([...names]).toEqual(['InvalidCiphertextException']);
});

test.for([
  ['empty', new Uint8Array(), 'ValidationException'],
  ['short', new Uint8Array([1, 2, 3]), 'InvalidCiphertextException'],
  ['foreign', new Uint8Array(200).fill(7), 'InvalidCiphertextException'],
  ['too long', new Uint8Array(6145), 'ValidationException'],
] as const)('what is no blob is refused: %s', async ([, blob, code]) => {
  expect((await refusalOf(decrypt(blob))).name).toBe(code);
});

test('a key answers to its ARN, its id and its alias', async () => {
  const names = [KEY_ARN, KEY_ID, 'alias/tokens', 'arn:aws:kms:us-east-1:000000000000:alias/tokens'];
  const arns = await Promise.all(names.map(async (name) => (await dataKey(name)).KeyId));
  expect(arns).toEqual([KEY_ARN, KEY_ARN, KEY_ARN, KEY_ARN]);
  expect((await refusalOf(dataKey('alias/none'))).name).toBe('NotFoundException');
});

test('encrypt takes 4096 bytes and no more', async () => {
  const encrypt = (bytes: number) =>
    kms.send(
      new EncryptCommand({ KeyId: KEY_ID, Plaintext: new Uint8Array(bytes).fill(3), EncryptionContext: CONTEXT }),
    );
  const { CiphertextBlob } = await encrypt(4096);
  expect((await decrypt(CiphertextBlob)).Plaintext).toEqual(new Uint8Array(4096).fill(3));
  expect((await refusalOf(encrypt(4097))).name).toBe('ValidationException');
});

test('a data key without plaintext is one only after decryption', async () => {
  const sealed = await kms.send(
    new GenerateDataKeyWithoutPlaintextCommand({ KeyId: KEY_ID, NumberOfBytes: 64, EncryptionContext: CONTEXT }),
  );
  expect('Plaintext' in sealed).toBe(false);
  expect((await decrypt(sealed.CiphertextBlob)).Plaintext).toHaveLength(64);
});

test('a data key needs either a spec or a number of bytes', async () => {
  const refused = await Promise.all([
    refusalOf(kms.send(new GenerateDataKeyCommand({ KeyId: KEY_ID }))),
    refusalOf(kms.send(new GenerateDataKeyCommand({ KeyId: KEY_ID, KeySpec: 'AES_256', NumberOfBytes: 32 }))),
    refusalOf(kms.send(new GenerateDataKeyCommand({ KeyId: KEY_ID, NumberOfBytes: 1025 }))),
  ]);
  expect(refused.map(({ name }) => name)).toEqual([
    'ValidationException',
    'ValidationException',
    'ValidationException',
  ]);
});

test('naming another key at decryption is refused', async () => {
  const { CiphertextBlob } = await dataKey();
  const command = new DecryptCommand({ CiphertextBlob, EncryptionContext: CONTEXT, KeyId: otherKey });
  expect((await refusalOf(kms.send(command))).name).toBe('IncorrectKeyException');
});

test('a disabled key works for nobody until it is enabled again', async () => {
  const { CiphertextBlob } = await dataKey();
  fixture.kms.setEnabled(KEY_ID, false);
  const refused = [await refusalOf(dataKey()), await refusalOf(decrypt(CiphertextBlob))];
  const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: KEY_ID }));
  fixture.kms.setEnabled(KEY_ID, true);
  expect(refused.map(({ name }) => name)).toEqual(['DisabledException', 'DisabledException']);
  expect({ state: KeyMetadata?.KeyState, arn: KeyMetadata?.Arn }).toEqual({ state: 'Disabled', arn: KEY_ARN });
  expect((await decrypt(CiphertextBlob)).KeyId).toBe(KEY_ARN);
});

test('a role whose statement names one purpose decrypts that purpose only', async () => {
  const { CiphertextBlob } = await dataKey();
  const purpose = (value: string) => ({
    Effect: 'Allow' as const,
    Action: 'kms:Decrypt',
    Resource: KEY_ARN,
    Condition: {
      StringEquals: { 'kms:EncryptionContext:purpose': value },
      'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': ['app', 'purpose'] },
    },
  });
  const command = new DecryptCommand({ CiphertextBlob, EncryptionContext: CONTEXT });
  const reader = fixture.asRole('reader', [purpose('access')]).kms;
  const refresher = fixture.asRole('refresher', [purpose('refresh')]).kms;
  expect((await reader.send(command)).KeyId).toBe(KEY_ARN);
  expect(await refusalOf(refresher.send(command))).toEqual({
    name: 'AccessDeniedException',
    message: `User: arn:aws:sts::000000000000:assumed-role/refresher/session is not authorized to perform: kms:Decrypt on resource: ${KEY_ARN} because no identity-based policy allows the kms:Decrypt action`,
  });
  const withoutContext = new DecryptCommand({ CiphertextBlob });
  expect((await refusalOf(reader.send(withoutContext))).name).toBe('AccessDeniedException');
  const more = new DecryptCommand({ CiphertextBlob, EncryptionContext: { ...CONTEXT, more: 'x' } });
  expect((await refusalOf(reader.send(more))).name).toBe('AccessDeniedException');
});

test('an operation that is not there says so, and a planned fault comes as asked', async () => {
  expect(await refusalOf(kms.send(new ListKeysCommand({})))).toEqual({
    name: 'UnknownOperationException',
    message: 'The embedded KMS does not implement ListKeys.',
  });
  fixture.kms.failNext({ operation: 'GenerateDataKey', code: 'KMSInternalException', status: 500 });
  expect((await refusalOf(dataKey())).name).toBe('KMSInternalException');
  expect((await dataKey()).KeyId).toBe(KEY_ARN);
});
