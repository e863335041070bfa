import { type AddressInfo, createServer, type Socket } from 'node:net';
import { getCACertificates, type SecureVersion, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { callOnce } from '../../../lib/oauth/https-call.ts';
import { type Behaviour, type FakeTokenEndpoint, startFakeTokenEndpoint } from '../../support/fake-token-endpoint.ts';
import { selfSigned } from './self-signed.ts';

const NOW = 1_795_176_000_000;
const LIMITS = { connectMs: 400, answerMs: 150, bodyBytes: 20 };
const TRUSTED = selfSigned();
const OK: Behaviour = { kind: 'answer', status: 200, body: 'hello' };
const before = getCACertificates('default');
const started: FakeTokenEndpoint[] = [];

beforeAll(() => setDefaultCACertificates([...before, TRUSTED.cert]));
afterAll(() => setDefaultCACertificates(before));
afterEach(async () => {
  await Promise.all(started.splice(0).map((fake) => fake.close()));
});

async function start(behaviour: Behaviour, tls?: Parameters<typeof startFakeTokenEndpoint>[1]) {
  const fake = await startFakeTokenEndpoint([behaviour], tls);
  started.push(fake);
  return fake;
}

function post(origin: string, limits: Partial<Parameters<typeof callOnce>[1]> = {}) {
  const call = { method: 'POST', url: new URL('/p?q=1', origin), headers: { 'x-a': 'b' }, body: 'grüße' } as const;
  return callOnce(call, { ...LIMITS, ...limits }, () => NOW);
}

describe('over TLS', () => {
  test('a request is answered by a host whose certificate is trusted', async () => {
    const fake = await start(OK, TRUSTED);
    expect(await post(fake.origin)).toEqual({
      kind: 'answered',
      sentAt: NOW,
      status: 200,
      headers: { 'content-type': 'text/html', 'content-length': '5' },
      body: Buffer.from('hello'),
    });
    expect(fake.requests).toEqual([
      {
        method: 'POST',
        path: '/p?q=1',
        headers: {
          'x-a': 'b',
          host: `localhost:${fake.port}`,
          'accept-encoding': 'identity',
          'content-length': '7',
          connection: 'close',
        },
        body: 'grüße',
      },
    ]);
  });

  test.for<[string, Parameters<typeof startFakeTokenEndpoint>[1], string]>([
    ['an untrusted certificate', selfSigned(), 'localhost'],
    ['a certificate for another name', TRUSTED, '127.0.0.1'],
    [
      'nothing newer than TLS 1.1',
      {
        ...TRUSTED,
        minVersion: 'TLSv1' satisfies SecureVersion,
        maxVersion: 'TLSv1.1' satisfies SecureVersion,
        ciphers: 'ALL@SECLEVEL=0',
      },
      'localhost',
    ],
  ])('a host with %s gets not one byte', async ([, tls, host]) => {
    const fake = await start(OK, tls);
    expect(await post(`https://${host}:${fake.port}`)).toEqual({ kind: 'not_sent', reason: 'tls_failed' });
    expect(fake.bytes()).toBe(0);
  });

  test('the environment cannot switch the check of certificates off', async () => {
    const fake = await start(OK, selfSigned());
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      expect(await post(fake.origin)).toEqual({ kind: 'not_sent', reason: 'tls_failed' });
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    }
    expect(fake.bytes()).toBe(0);
  });

  test('a reset after the request is cut, not unsent', async () => {
    const fake = await start({ kind: 'raw', text: '', next: 'end' }, TRUSTED);
    expect(await post(fake.origin)).toEqual({ kind: 'cut', reason: 'connection_reset' });
    expect(fake.requests.length).toBe(1);
  });
});

describe('before the request is written', () => {
  test('a connection that is reset before TLS stands is not_sent', async () => {
    const fake = await start({ kind: 'reset_on_connect' });
    expect((await post(`https://localhost:${fake.port}`)).kind).toBe('not_sent');
  });

  test.for<[string, (socket: Socket) => unknown, string]>([
    ['speaks no TLS', (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'), 'tls_failed'],
    ['hangs up', (socket) => socket.end(), 'tls_failed'],
    ['keeps silent', () => {}, 'connect_timeout'],
  ])('a host that %s', async ([, greet, reason]) => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => {}).resume());
      greet(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    expect(await post(`https://localhost:${port}`, { connectMs: 150 })).toEqual({ kind: 'not_sent', reason });
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  test('a name that cannot exist is dns_failed', async () => {
    // Longer than a label may be, so that no name server is asked.
    expect(await post(`https://${'a'.repeat(64)}.localhost`)).toEqual({ kind: 'not_sent', reason: 'dns_failed' });
  });

  test('a header that cannot be written is request_not_built, and nothing arrives', async () => {
    const fake = await start(OK);
    const call = { method: 'GET', url: new URL(fake.origin), headers: { authorization: 'Bearer a\r\nb' } } as const;
    expect(await callOnce(call, LIMITS, () => NOW)).toEqual({ kind: 'not_sent', reason: 'request_not_built' });
    expect(fake.bytes()).toBe(0);
  });
});

describe('limits', () => {
  test.for([
    [20, 'answered'],
    [19, 'cut'],
  ] as const)('a body of 20 bytes with a limit of %i is %s', async ([bodyBytes, kind]) => {
    const fake = await start({ kind: 'answer', status: 200, body: 'x'.repeat(20) });
    expect((await post(fake.origin, { bodyBytes })).kind).toBe(kind);
  });

  test('the total ends a request that its own time would let run', async () => {
    const fake = await start({ kind: 'raw', text: '', next: 'stall' });
    const startedMs = performance.now();
    expect(await post(fake.origin, { answerMs: 10_000, totalMs: 80 })).toEqual({
      kind: 'cut',
      reason: 'response_timeout',
    });
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });
});
