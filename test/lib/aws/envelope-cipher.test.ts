import { DecryptCommand, GenerateDataKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, test } from 'vitest';
import { createEnvelopeCipher } from '../../../lib/aws/envelope-cipher.ts';
import { Secret } from '../../../lib/domain/secret.ts';
import { behaveAsKms } from '../../support/fake-kms.ts';

const KEY_ARN = 'arn:aws:kms:us-east-1:000000000000:key/1';
const CONTEXT = { provider: 'xero', grant: 'xero#user-1', purpose: 'access' } as const;
/** sha256 of `xero#user-1` and of `flow-1`. */
const GRANT_HASH = '228d8d835bf2d9712ee09dc935be3fd830059f4c397ef90ee64db19b6ecca297';
const SCOPE_HASH = 'e865168f04ce2eb66741c2d97d2e4909bc180ed2f785b1d0a5b3bc447d7812ab';

const client = new KMSClient({ region: 'us-east-1' });
const kms = mockClient(client);
const cipher = createEnvelopeCipher({ client, keyArn: KEY_ARN, environment: 'prod' });
let plaintexts: Uint8Array[];

beforeEach(() => {
  kms.reset();
  ({ plaintexts } = behaveAsKms(kms));
});

async function sealed() {
  return (await cipher.arm(CONTEXT)).seal(new Secret('token'), CONTEXT.grant, 'attempt-7');
}

describe('the envelope cipher', () => {
  test('asks for an AES-256 key under a context that names the grant only by its hash', async () => {
    await cipher.arm(CONTEXT);
    expect(kms.commandCalls(GenerateDataKeyCommand).map(({ args }) => args[0].input)).toEqual([
      {
        KeyId: KEY_ARN,
        KeySpec: 'AES_256',
        EncryptionContext: { app: 'grantkeeper', env: 'prod', grant: GRANT_HASH, provider: 'xero', purpose: 'access' },
      },
    ]);
  });

  test('opens under the context of the request, with our key only', async () => {
    const token = await sealed();
    await cipher.open(token, CONTEXT);
    expect(kms.commandCalls(DecryptCommand).map(({ args }) => args[0].input)).toEqual([
      {
        KeyId: KEY_ARN,
        CiphertextBlob: token.dataKey,
        EncryptionContext: { app: 'grantkeeper', env: 'prod', grant: GRANT_HASH, provider: 'xero', purpose: 'access' },
      },
    ]);
  });

  test('a scope stands for the grant in the KMS context, there and back', async () => {
    const sealer = await cipher.arm({ provider: 'xero', purpose: 'access', scope: 'flow-1' });
    await cipher.open(sealer.seal(new Secret('token'), CONTEXT.grant, 'attempt-7'), CONTEXT);
    const sent = [...kms.commandCalls(GenerateDataKeyCommand), ...kms.commandCalls(DecryptCommand)];
    expect(sent.map(({ args }) => args[0].input.EncryptionContext?.grant)).toEqual([SCOPE_HASH, SCOPE_HASH]);
  });

  test('sealing asks nobody', async () => {
    const sealer = await cipher.arm(CONTEXT);
    kms.onAnyCommand().rejects(new Error('no network'));
    sealer.seal(new Secret('token'), CONTEXT.grant, 'attempt-7');
    expect(kms.calls()).toHaveLength(1);
  });

  test('a ciphertext is IV, token and tag, no longer', async () => {
    expect((await sealed()).ciphertext).toHaveLength(12 + 'token'.length + 16);
  });

  test('wipes the data keys that KMS sent', async () => {
    await cipher.open(await sealed(), CONTEXT);
    expect(plaintexts).toEqual([new Uint8Array(32), new Uint8Array(32)]);
  });

  test('a token of another deployment does not open', async () => {
    const other = createEnvelopeCipher({ client, keyArn: KEY_ARN, environment: 'dev' });
    await expect(other.open(await sealed(), CONTEXT)).rejects.toMatchObject({ code: 'token_undecryptable' });
  });

  test('what is too short to be a token is told without asking KMS', async () => {
    const short = { ...(await sealed()), ciphertext: new Uint8Array(27) };
    await expect(cipher.open(short, CONTEXT)).rejects.toMatchObject({ code: 'token_undecryptable' });
    expect(kms.commandCalls(DecryptCommand)).toHaveLength(0);
  });

  test.for([
    ['InvalidCiphertextException', 'token_undecryptable'],
    ['IncorrectKeyException', 'token_undecryptable'],
    ['ThrottlingException', 'unavailable'],
    ['LimitExceededException', 'unavailable'],
    ['KMSInternalException', 'unavailable'],
    ['DependencyTimeoutException', 'unavailable'],
    ['KeyUnavailableException', 'unavailable'],
    ['KMSInvalidStateException', 'unavailable'],
    ['DisabledException', 'unavailable'],
    ['NotFoundException', 'unavailable'],
    ['AccessDeniedException', 'unavailable'],
    ['TimeoutError', 'unavailable'],
  ])('%s while opening is %s', async ([name, code]) => {
    const token = await sealed();
    kms.on(DecryptCommand).rejects(Object.assign(new Error('said by KMS'), { name }));
    await expect(cipher.open(token, CONTEXT)).rejects.toMatchObject({ code, cause: { name } });
  });

  test.for(['ThrottlingException', 'AccessDeniedException', 'TimeoutError'])(
    '%s while arming is unavailable',
    async (name) => {
      kms.on(GenerateDataKeyCommand).rejects(Object.assign(new Error('said by KMS'), { name }));
      await expect(cipher.arm(CONTEXT)).rejects.toMatchObject({ code: 'unavailable', cause: { name } });
    },
  );

  test('an answer without a key is unavailable', async () => {
    const token = await sealed();
    kms.reset();
    kms.onAnyCommand().resolves({});
    await expect(cipher.arm(CONTEXT)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(cipher.open(token, CONTEXT)).rejects.toMatchObject({ code: 'unavailable' });
  });
});
