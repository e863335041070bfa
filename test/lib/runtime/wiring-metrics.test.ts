import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Secret } from '../../../lib/domain/secret.ts';
import { flushMetrics } from '../../../lib/runtime/metrics.ts';
import { finishConnectPorts, sweepPorts } from '../../../lib/runtime/wiring.ts';
import { startFakeTokenEndpoint } from '../../support/fake-token-endpoint.ts';
import { captureOutput } from './captured-output.ts';

/** The deployed functions count what their adapters see: an AWS that throttles and refuses, and a provider that is down. */

const output = captureOutput();
const KEY = 'arn:aws:kms:us-east-1:000000000000:key';
const QUEUE = 'http://localhost:1/queue';
const SETTINGS = {
  GK_ENVIRONMENT: 'local',
  GK_PROVIDER_ENVIRONMENT: 'sandbox',
  GK_KEY_ARN: `${KEY}/1`,
  GK_TABLE_KEY_ARN: `${KEY}/2`,
  GK_RESCUE_QUEUE_URL: QUEUE,
  GK_RESCUE_DEAD_LETTER_URL: QUEUE,
  GK_REFRESH_DUE_FUNCTION: 'refresh-due',
  GK_EVENT_BUS: 'bus',
  GK_TABLE_GRANTS: 'grants',
  GK_TABLE_CONNECTIONS: 'connections',
  GK_TABLE_FLOWS: 'flows',
  GK_TABLE_AUDIT: 'audit',
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
};
const stops: (() => unknown)[] = [];
afterAll(async () => {
  vi.unstubAllEnvs();
  for (const stop of stops) await stop();
});

beforeAll(async () => {
  const asTheyCome: RequestListener = (request, response) => {
    const isKms = String(request.headers['x-amz-target']).startsWith('TrentService');
    const type = isKms ? 'ThrottlingException' : 'AccessDeniedException';
    response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify({ __type: type }));
  };
  const aws = createServer(asTheyCome).listen(0, '127.0.0.1');
  await new Promise((resolve) => aws.once('listening', resolve));
  const provider = await startFakeTokenEndpoint([{ kind: 'answer', status: 503 }]);
  stops.push(
    () => aws.closeAllConnections(),
    () => aws.close(),
    () => provider.close(),
  );
  const endpoint = `http://127.0.0.1:${(aws.address() as AddressInfo).port}`;
  const origins = JSON.stringify({ xero: provider.origin });
  const all = { ...SETTINGS, AWS_ENDPOINT_URL: endpoint, GK_PROVIDER_ORIGINS: origins };
  for (const [name, value] of Object.entries(all)) vi.stubEnv(name, value);
});

const counted = () => {
  flushMetrics();
  return output.metrics().flatMap(({ dimensions, values }) => Object.keys(values).map((name) => [name, dimensions]));
};

test('requests that KMS throttles', async () => {
  await expect(sweepPorts().countUnusableKeys()).rejects.toMatchObject({ code: 'unavailable' });
  expect(counted()).toEqual([['AwsThrottled Count', [{ outcome: 'kms' }]]]);
});

test.for([
  ['the refreshers', sweepPorts],
  ['finish-connect', finishConnectPorts],
] as const)('a secret that %s cannot read', async ([, ports]) => {
  await expect(ports().readClient('xero', 'sandbox')).rejects.toMatchObject({ code: 'secret_unavailable' });
  expect(counted()).toEqual([['SecretErrors Count', [{}]]]);
});

test('how a provider answers to requests for tokens and for companies', async () => {
  const { endpoint, tenants } = sweepPorts();
  const secret = new Secret('s3cr3t');
  await endpoint.probe({ provider: 'xero', client: { clientId: 'client-1', clientSecret: secret } });
  await tenants.list({ provider: 'xero', environment: 'sandbox', accessToken: secret });
  expect(counted()).toEqual([
    ['ProviderLatency Milliseconds', [{ provider: 'xero', outcome: 'probe' }]],
    ['ProviderAnswer Count', [{ provider: 'xero', outcome: '5xx' }]],
    ['ProviderLatency Milliseconds', [{ provider: 'xero', outcome: 'tenants' }]],
  ]);
  expect(output.text()).not.toContain('s3cr3t');
});
