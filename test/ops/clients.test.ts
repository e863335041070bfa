import { expect, test } from 'vitest';
import { createClients } from '../../ops/clients.ts';

const PLACE = {
  endpoint: 'http://127.0.0.1:9',
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
};

interface Configured {
  readonly config: {
    maxAttempts(): Promise<number>;
    readonly retryMode: string | (() => Promise<string>);
    readonly requestHandler: { httpHandlerConfigs(): object };
  };
  destroy(): void;
}

test.for([
  ['cloudFormation', 3, 10_000],
  ['dynamoDb', 5, 10_000],
  ['lambda', 4, 10_000],
  ['cloudWatch', 4, 10_000],
  ['secrets', 3, 10_000],
  ['sqs', 3, 10_000],
  ['events', 2, 5_000],
] as const)('the client %s has its retries and time-outs spelt out', async ([name, attempts, requestMs]) => {
  const clients = createClients(PLACE);
  const client = clients[name] as unknown as Configured;
  const { config } = client;
  // The handler tells what it was made with once it has been asked for a request.
  const { connectionTimeout, requestTimeout, throwOnRequestTimeout } = {
    ...(config.requestHandler.httpHandlerConfigs() as Record<string, unknown>),
    ...((await (config.requestHandler as unknown as { configProvider: Promise<Record<string, unknown>> })
      .configProvider) ?? {}),
  } as Record<string, unknown>;
  const mode = typeof config.retryMode === 'string' ? config.retryMode : await config.retryMode();
  expect([await config.maxAttempts(), mode, connectionTimeout, requestTimeout, throwOnRequestTimeout]).toEqual([
    attempts,
    'standard',
    3_000,
    requestMs,
    true,
  ]);
  expect(clients[name]).toBe(client);
  client.destroy();
});
