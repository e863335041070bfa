import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterEach, describe, expect, test } from 'vitest';
import {
  createDynamoClient,
  createKmsClient,
  createLambdaClient,
  createSecretsClient,
  createSqsClient,
} from '../../../lib/aws/clients.ts';

const PLACE = {
  endpoint: 'http://127.0.0.1:9',
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
};

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

interface Configured {
  readonly config: {
    maxAttempts(): Promise<number>;
    readonly retryMode: string | (() => Promise<string>);
    readonly requestHandler: { httpHandlerConfigs(): object };
  };
}

describe('a client', () => {
  test.for([
    ['DynamoDB', createDynamoClient(PLACE), 2, 2_000, true],
    ['KMS', createKmsClient(PLACE), 3, 2_000, true],
    ['Secrets Manager', createSecretsClient(PLACE), 3, 3_000, true],
    ['SQS', createSqsClient(PLACE), 2, 2_000, true],
    ['Lambda', createLambdaClient(PLACE), 1, 28_000, false],
  ] as const)('for %s has its retries and time-outs spelt out', async ([, client, attempts, requestMs, keepsAlive]) => {
    const { config } = client as unknown as Configured;
    expect(await config.maxAttempts()).toBe(attempts);
    expect(typeof config.retryMode === 'function' ? await config.retryMode() : config.retryMode).toBe('standard');
    // The handler reads its options at the first request.
    await (client as unknown as SecretsManagerClient)
      .send(new GetSecretValueCommand({ SecretId: 'x' }))
      .catch(() => undefined);
    expect(config.requestHandler.httpHandlerConfigs()).toMatchObject({
      connectionTimeout: 1_000,
      requestTimeout: requestMs,
      throwOnRequestTimeout: true,
      httpsAgent: { keepAlive: keepsAlive, maxSockets: 100 },
      httpAgent: { keepAlive: keepsAlive, maxSockets: 100 },
    });
  });

  test('gives up on a server that never answers, after the time it was given', async () => {
    const server = createServer(() => undefined).listen(0, '127.0.0.1');
    cleanups.push(
      () => server.closeAllConnections(),
      () => server.close(),
    );
    await new Promise((resolve) => server.once('listening', resolve));
    const client = createSecretsClient({
      ...PLACE,
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    });
    cleanups.push(() => client.destroy());
    const request = client.send(new GetSecretValueCommand({ SecretId: 'x' }), { requestTimeout: 30 });
    await expect(request).rejects.toMatchObject({ name: 'TimeoutError', $metadata: { attempts: 3 } });
  });
});
