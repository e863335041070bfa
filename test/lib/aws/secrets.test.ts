import { inspect } from 'node:util';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, test } from 'vitest';
import { createSecretReader, type SecretReader } from '../../../lib/aws/secrets.ts';
import type { CountMetric } from '../../../lib/service/ports.ts';

const client = new SecretsManagerClient({ region: 'us-east-1' });
const secrets = mockClient(client);
const CLIENT = { clientId: 'id-1', clientSecret: 's3cr3t' };
const KEY = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE';

let now: number;
let reader: SecretReader;

beforeEach(() => {
  secrets.reset();
  now = 1_000;
  reader = createSecretReader({ client, environment: 'prod', now: () => now });
});

function holds(value: unknown): void {
  secrets
    .on(GetSecretValueCommand)
    .resolves({ SecretString: typeof value === 'string' ? value : JSON.stringify(value) });
}

function reads(): number {
  return secrets.commandCalls(GetSecretValueCommand).length;
}

async function plain(options?: { readonly fresh?: boolean }) {
  const { clientId, clientSecret } = await reader.readClient('xero', 'sandbox', options);
  return { clientId, clientSecret: clientSecret.open() };
}

describe('the client of a provider', () => {
  test('is read from its own secret and shows nothing of it', async () => {
    holds(CLIENT);
    expect(await plain()).toEqual(CLIENT);
    expect(secrets.commandCalls(GetSecretValueCommand)[0]?.args[0].input).toEqual({
      SecretId: 'grantkeeper/prod/xero/sandbox/client',
    });
    expect(inspect(await reader.readClient('xero', 'sandbox'))).not.toContain('s3cr3t');
  });

  test('is read again after 5 minutes', async () => {
    holds(CLIENT);
    await plain();
    now += 299_999;
    await plain();
    expect(reads()).toBe(1);
    now += 1;
    holds({ ...CLIENT, clientId: 'id-2' });
    expect((await plain()).clientId).toBe('id-2');
    expect(reads()).toBe(2);
  });

  test('is read at once when asked afresh, and then kept', async () => {
    holds(CLIENT);
    await plain();
    holds({ ...CLIENT, clientSecret: 'rotated' });
    expect((await plain({ fresh: true })).clientSecret).toBe('rotated');
    expect((await plain()).clientSecret).toBe('rotated');
    expect(reads()).toBe(2);
  });

  test('is read once for all who ask at the same time, afresh or not', async () => {
    holds(CLIENT);
    await Promise.all([plain(), plain({ fresh: true }), plain()]);
    expect(reads()).toBe(1);
  });

  test('is kept apart by provider and side', async () => {
    holds(CLIENT);
    await reader.readClient('xero', 'sandbox');
    await reader.readClient('xero', 'production');
    await reader.readClient('quickbooks', 'sandbox');
    expect(reads()).toBe(3);
  });

  test('that could not be read is tried again', async () => {
    secrets.on(GetSecretValueCommand).rejectsOnce(Object.assign(new Error('x'), { name: 'ThrottlingException' }));
    await expect(plain()).rejects.toMatchObject({
      code: 'secret_unavailable',
      cause: { name: 'ThrottlingException' },
    });
    holds(CLIENT);
    expect(await plain()).toEqual(CLIENT);
  });

  test.for([
    ['no JSON', '{"clientId": "id-1", "clientSecret": s3cr3t}'],
    ['another form', ['s3cr3t']],
    ['a missing field', { clientSecret: 's3cr3t' }],
    ['an unknown field', { ...CLIENT, s3cr3t: 's3cr3t' }],
    ['an empty field', { ...CLIENT, clientId: '' }],
    ['a line end', { ...CLIENT, clientSecret: 's3cr3t\n' }],
    ['a number', { ...CLIENT, clientSecret: 53 }],
    ['nothing', ''],
  ] as const)('with %s is told by name, without a word of it', async ([, value]) => {
    holds(value);
    const error: unknown = await plain().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'secret_unavailable',
      cause: { message: 'the secret grantkeeper/prod/xero/sandbox/client is not the JSON object that it has to be' },
    });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('s3cr3t');
  });

  test('in binary is malformed', async () => {
    secrets.on(GetSecretValueCommand).resolves({ SecretBinary: Uint8Array.from([1]) });
    await expect(plain()).rejects.toMatchObject({ code: 'secret_unavailable' });
  });
});

describe('the state keys', () => {
  const current = { id: '2026-11', key: KEY };
  const bytes = Uint8Array.from({ length: 32 }, (_, index) => (index === 31 ? 1 : 0));

  test('are the ring of one or two keys', async () => {
    holds(current);
    expect(await reader.readStateKeys()).toEqual({ current: { id: '2026-11', key: bytes } });
    expect(secrets.commandCalls(GetSecretValueCommand)[0]?.args[0].input).toEqual({
      SecretId: 'grantkeeper/prod/state-keys',
    });
    now += 300_000;
    holds({ ...current, previous: { ...current, id: '2026-08' } });
    expect(await reader.readStateKeys()).toEqual({
      current: { id: '2026-11', key: bytes },
      previous: { id: '2026-08', key: bytes },
    });
  });

  test.for([
    ['a short key', { ...current, key: KEY.slice(1) }],
    ['padding', { ...current, key: `${KEY}=` }],
    ['an id that cannot stand in a state', { ...current, id: 'a.b' }],
    ['no current key', { previous: current }],
  ] as const)('with %s are refused', async ([, value]) => {
    holds(value);
    await expect(reader.readStateKeys()).rejects.toMatchObject({ code: 'secret_unavailable' });
  });
});

describe('a secret that was needed and could not be had', () => {
  const counted: unknown[] = [];
  beforeEach(() => {
    counted.length = 0;
    const count: CountMetric = (...counting) => counted.push(counting);
    reader = createSecretReader({ client, environment: 'prod', now: () => now, count });
  });

  test('is counted each time it is asked for, whatever is wrong with it', async () => {
    secrets.on(GetSecretValueCommand).rejects(new Error('AccessDenied'));
    await expect(plain()).rejects.toMatchObject({ code: 'secret_unavailable' });
    holds({ clientId: 'id-1' });
    await expect(plain()).rejects.toMatchObject({ code: 'secret_unavailable' });
    await expect(reader.readStateKeys()).rejects.toMatchObject({ code: 'secret_unavailable' });
    expect(counted).toEqual(Array(3).fill(['SecretErrors', 1]));
  });

  test('is not one that was read', async () => {
    holds(CLIENT);
    await plain({ fresh: true });
    expect(counted).toEqual([]);
  });
});
