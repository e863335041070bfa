import { KMSClient } from '@aws-sdk/client-kms';
import { mockClient } from 'aws-sdk-client-mock';
import { createEnvelopeCipher } from '../../lib/aws/envelope-cipher.ts';
import { createRememberingCipher } from '../../lib/aws/remembering-cipher.ts';
import { cipherContract } from '../support/cipher-contract.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { behaveAsKms } from '../support/fake-kms.ts';
import { createMemoryCipher } from '../support/memory-cipher.ts';

/** On a KMS of its own. */
function createEnvelope() {
  const client = new KMSClient({ region: 'us-east-1' });
  behaveAsKms(mockClient(client));
  const keyArn = 'arn:aws:kms:us-east-1:000000000000:key/1';
  return createEnvelopeCipher({ client, keyArn, environment: 'test' });
}

cipherContract('in-memory', createMemoryCipher);
cipherContract('envelope', createEnvelope);
cipherContract('remembering envelope', () =>
  createRememberingCipher(createEnvelope(), createFakeClock({ startAt: 0 })),
);
