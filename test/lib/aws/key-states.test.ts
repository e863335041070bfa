import { DescribeKeyCommand, type KeyState, KMSClient } from '@aws-sdk/client-kms';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, expect, test } from 'vitest';
import { createCountUnusableKeys } from '../../../lib/aws/key-states.ts';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';

const TOKEN_KEY = 'arn:aws:kms:us-east-1:000000000000:key/token';
const TABLE_KEY = 'arn:aws:kms:us-east-1:000000000000:key/table';
const mock = mockClient(KMSClient);
const countUnusable = createCountUnusableKeys({
  client: mock as unknown as KMSClient,
  keyArns: [TOKEN_KEY, TABLE_KEY],
});
beforeEach(() => mock.reset());

function givenKey(arn: string, state: KeyState | undefined): void {
  const metadata = state === undefined ? {} : { KeyMetadata: { KeyId: arn, KeyState: state } };
  mock.on(DescribeKeyCommand, { KeyId: arn }).resolves(metadata);
}

test.for<[number, KeyState | undefined, KeyState | undefined]>([
  [0, 'Enabled', 'Enabled'],
  [1, 'Disabled', 'Enabled'],
  [1, 'Enabled', 'PendingDeletion'],
  [2, 'Disabled', 'PendingDeletion'],
  [1, 'Unavailable', 'Enabled'],
  [1, undefined, 'Enabled'],
])('%i keys cannot be used when one is %s and the other %s', async ([unusable, tokenKey, tableKey]) => {
  givenKey(TOKEN_KEY, tokenKey);
  givenKey(TABLE_KEY, tableKey);
  expect(await countUnusable()).toBe(unusable);
  expect(mock.calls().map(({ args }) => args[0].input)).toEqual([{ KeyId: TOKEN_KEY }, { KeyId: TABLE_KEY }]);
});

const cause = new Error('ThrottlingException');

test('one that cannot be asked for makes the count unknown, not smaller', async () => {
  givenKey(TOKEN_KEY, 'Enabled');
  mock.on(DescribeKeyCommand, { KeyId: TABLE_KEY }).rejects(cause);
  await expect(countUnusable()).rejects.toEqual(new GrantkeeperError('unavailable', { cause }));
});

test('one that cannot be used is told although the other could not be asked for', async () => {
  mock.on(DescribeKeyCommand, { KeyId: TOKEN_KEY }).rejects(cause);
  givenKey(TABLE_KEY, 'PendingDeletion');
  expect(await countUnusable()).toBe(1);
});

test('a failure is told when all have been answered, so that no request is left under way', async () => {
  let isAnswered = false;
  mock.on(DescribeKeyCommand, { KeyId: TOKEN_KEY }).rejects(cause);
  mock.on(DescribeKeyCommand, { KeyId: TABLE_KEY }).callsFake(async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    isAnswered = true;
    return { KeyMetadata: { KeyState: 'Enabled' } };
  });
  await expect(countUnusable()).rejects.toMatchObject({ code: 'unavailable' });
  expect(isAnswered).toBe(true);
});
