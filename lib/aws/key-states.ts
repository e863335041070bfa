import { DescribeKeyCommand, type KMSClient } from '@aws-sdk/client-kms';
import { GrantkeeperError } from '../domain/errors.ts';
import type { CountUnusableKeys } from '../service/ports.ts';

interface Target {
  readonly client: KMSClient;
  readonly keyArns: readonly string[];
}

/**
 * Asks KMS for the state of each key; any but `Enabled` counts. Throws `unavailable` when one could not be asked for and none
 * of the others counts: one that cannot be used is told, whatever is unknown of the other. Leaves no request under way.
 */
export function createCountUnusableKeys({ client, keyArns }: Target): CountUnusableKeys {
  return async () => {
    const answers = await Promise.allSettled(keyArns.map((KeyId) => client.send(new DescribeKeyCommand({ KeyId }))));
    const known = answers.filter((answer) => answer.status === 'fulfilled');
    const unusable = known.filter(({ value }) => value.KeyMetadata?.KeyState !== 'Enabled').length;
    const failed = answers.find((answer) => answer.status === 'rejected');
    if (unusable === 0 && failed !== undefined) throw new GrantkeeperError('unavailable', { cause: failed.reason });
    return unusable;
  };
}
