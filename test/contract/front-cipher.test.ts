import { afterAll } from 'vitest';
import { createKmsClient } from '../../lib/aws/clients.ts';
import { createEnvelopeCipher } from '../../lib/aws/envelope-cipher.ts';
import { createGuard } from '../../local/aws/iam.ts';
import { createKms } from '../../local/aws/kms.ts';
import { startAwsServer } from '../../local/aws/server.ts';
import { cipherContract } from '../support/cipher-contract.ts';

const kms = createKms({ guard: createGuard() });
const server = await startAwsServer({
  services: [kms],
  principalOf: (name) => ({ name, arn: `arn:aws:iam::000000000000:user/${name}`, statements: 'administrator' }),
});
const client = createKmsClient({
  endpoint: server.endpointUrl,
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
});

afterAll(async () => {
  client.destroy();
  await server.stop();
});

cipherContract('envelope on the embedded KMS', () =>
  createEnvelopeCipher({ client, keyArn: kms.addKey(), environment: 'test' }),
);
