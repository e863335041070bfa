import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createFrontDoor, type FrontDoorOptions } from '../../local/front-door.ts';

let now = 1_000;
const advanced: number[] = [];
const options: FrontDoorOptions = {
  gateway: {
    serves: (path) => path.startsWith('/api/'),
    handle: async (_, response) => {
      response.end('api');
    },
  },
  home: {
    handle: async ({ url }, response) => {
      if (url === '/') response.end('home');
      return url === '/';
    },
  },
  now: () => now,
  async advance(seconds) {
    advanced.push(seconds);
    now += seconds * 1000;
  },
  guardReport: () => ({ allowed: [], denied: [] }),
};
let door = createFrontDoor(options);
const server = createServer((request, response) => door(request, response));
let port = 0;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});
beforeEach(() => {
  now = 1_000;
  advanced.length = 0;
  door = createFrontDoor(options);
});

/** node:http, because fetch sets Host itself. */
function send(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body = '',
): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const sent = request({ port, host: '127.0.0.1', method, path, headers }, async (response) => {
      let text = '';
      for await (const chunk of response) text += String(chunk);
      resolve([response.statusCode ?? 0, text]);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

describe('the front door', () => {
  test('leads to the API, the pages and the report', async () => {
    expect(await send('GET', '/api/v1')).toEqual([200, 'api']);
    expect(await send('GET', '/')).toEqual([200, 'home']);
    expect(await send('GET', '/_local/iam')).toEqual([200, '{"allowed":[],"denied":[]}']);
    expect((await send('GET', '/nowhere'))[0]).toBe(404);
  });

  test('moves the clock and tells the new time', async () => {
    const answer = await send('POST', '/_local/clock', {}, '{"advanceSeconds":3600}');
    expect(answer).toEqual([200, '{"now":3601000,"advancedSeconds":3600}']);
    expect(advanced).toEqual([3600]);
  });

  test.for(['', '{', '{}', 'null', '{"advanceSeconds":-1}', '{"advanceSeconds":"60"}', '{"advanceSeconds":1e12}'])(
    'refuses %s as an advance',
    async (body) => {
      expect((await send('POST', '/_local/clock', {}, body))[0]).toBe(400);
      expect(advanced).toEqual([]);
    },
  );

  test('moves no clock that is fixed, and says why', async () => {
    door = createFrontDoor({ ...options, clockIsFixed: true });
    expect(await send('POST', '/_local/clock', {}, '{"advanceSeconds":3600}')).toEqual([
      409,
      '{"error":{"code":"clock_fixed","message":"the clock cannot be moved: the providers are real and live in real time"}}',
    ]);
    expect(advanced).toEqual([]);
  });

  test('serves only this machine’s own names, so that no other site’s name can be pointed here', async () => {
    expect((await send('GET', '/', { host: 'evil.example' }))[0]).toBe(403);
    expect((await send('GET', '/api/v1', { host: 'localhost.evil.example' }))[0]).toBe(403);
    expect((await send('GET', '/', { host: 'localhost:8080' }))[0]).toBe(200);
    expect((await send('GET', '/', { host: '[::1]:8080' }))[0]).toBe(200);
  });

  test('takes no forms that other sites’ pages send', async () => {
    const headers = { host: 'localhost:8080', origin: 'https://evil.example' };
    expect((await send('POST', '/_local/clock', headers, '{"advanceSeconds":1}'))[0]).toBe(403);
    const own = { host: 'localhost:8080', origin: 'http://localhost:8080' };
    expect((await send('POST', '/_local/clock', own, '{"advanceSeconds":1}'))[0]).toBe(200);
    expect(advanced).toEqual([1]);
  });
});
