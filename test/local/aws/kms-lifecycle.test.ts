import {
  CancelKeyDeletionCommand,
  DecryptCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  GenerateDataKeyCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { createGuard } from '../../../local/aws/iam.ts';
import { createKms } from '../../../local/aws/kms.ts';
import { T0 } from '../../support/grants.ts';
import { type Fixture, refusalOf, startFixture } from './fixture.ts';

const DAY_SECONDS = 86_400;
const fixture: Fixture = await startFixture();
const { kms } = fixture.admin;
let KeyId = '';
beforeEach(() => {
  KeyId = fixture.kms.addKey({ aliases: ['alias/one'] });
});
afterAll(() => fixture.stop());

const dataKey = () => kms.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256' }));
const stateOf = async () => {
  const { KeyMetadata: key } = await kms.send(new DescribeKeyCommand({ KeyId }));
  return [key?.KeyState, key?.Enabled, key?.DeletionDate !== undefined];
};

test('a disabled key is described and refuses everything else, until it is enabled', async () => {
  const { CiphertextBlob } = await dataKey();
  await kms.send(new DisableKeyCommand({ KeyId }));
  expect(await stateOf()).toEqual(['Disabled', false, false]);
  const refusal = { name: 'DisabledException', message: `${KeyId} is disabled.` };
  expect(await refusalOf(dataKey())).toEqual(refusal);
  expect(await refusalOf(kms.send(new DecryptCommand({ CiphertextBlob })))).toEqual(refusal);
  await kms.send(new EnableKeyCommand({ KeyId }));
  expect(await stateOf()).toEqual(['Enabled', true, false]);
  expect((await kms.send(new DecryptCommand({ CiphertextBlob }))).Plaintext).toHaveLength(32);
});

test('a key to be deleted refuses use, comes back disabled, and goes when its time is over', async () => {
  const { CiphertextBlob } = await dataKey();
  const { KeyState, DeletionDate, PendingWindowInDays } = await kms.send(
    new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }),
  );
  expect({ KeyState, PendingWindowInDays }).toEqual({ KeyState: 'PendingDeletion', PendingWindowInDays: 7 });
  expect((DeletionDate?.getTime() ?? 0) - fixture.clock.now()).toBeGreaterThan(6.9 * DAY_SECONDS * 1000);
  expect(await stateOf()).toEqual(['PendingDeletion', false, true]);
  const pending = { name: 'KMSInvalidStateException', message: `${KeyId} is pending deletion.` };
  for (const request of [
    dataKey(),
    kms.send(new EnableKeyCommand({ KeyId })),
    kms.send(new DisableKeyCommand({ KeyId })),
  ]) {
    expect(await refusalOf(request)).toEqual(pending);
  }
  await kms.send(new CancelKeyDeletionCommand({ KeyId }));
  expect(await stateOf()).toEqual(['Disabled', false, false]);
  expect((await refusalOf(kms.send(new CancelKeyDeletionCommand({ KeyId })))).name).toBe('KMSInvalidStateException');

  await kms.send(new EnableKeyCommand({ KeyId }));
  expect((await kms.send(new DecryptCommand({ CiphertextBlob }))).KeyId).toBe(KeyId);
});

test('a scheduled deletion comes by the platform’s clock', async () => {
  let now = T0;
  const service = createKms({ guard: createGuard(), clock: { now: () => now } });
  const arn = service.addKey();
  const ask = (operation: string, input: object) =>
    service.handle({
      principal: { name: 'admin', arn: 'arn:admin', statements: 'administrator' },
      operation,
      input: { KeyId: arn, ...input },
      method: 'POST',
      path: '/',
      query: new URLSearchParams(),
      headers: {},
      body: Buffer.alloc(0),
    });
  await ask('ScheduleKeyDeletion', { PendingWindowInDays: 7 });
  now += 7 * DAY_SECONDS * 1000 - 1;
  expect((await ask('DescribeKey', {})).status).toBe(200);
  now += 1;
  await expect(ask('DescribeKey', {})).rejects.toMatchObject({ code: 'NotFoundException' });
});

test('aliases and windows that AWS refuses are refused', async () => {
  const byAlias = kms.send(new DisableKeyCommand({ KeyId: 'alias/one' }));
  expect((await refusalOf(byAlias)).name).toBe('InvalidArnException');
  const short = kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 6 }));
  expect((await refusalOf(short)).name).toBe('ValidationException');
});
