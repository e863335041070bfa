import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Interrupted, Wire } from '../../../ops/probe-sandbox/wire.ts';

let requests = 0;
const server = createServer((_, response) => {
  requests += 1;
  response.end('{}');
});
let url: URL;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});
afterAll(() => {
  server.close();
});

/** A wire with a clock that only its pauses move. */
function createWire(maxRequests: number, signal = new AbortController().signal) {
  let now = 1_000;
  const pauses: number[] = [];
  const pause = async (ms: number, until?: AbortSignal) => {
    until?.throwIfAborted();
    pauses.push(ms);
    now += ms;
  };
  const wire = new Wire({ now: () => now, pause, signal }, maxRequests);
  return { wire, pauses, get: () => wire.send({ method: 'GET', url, headers: {} }) };
}

test('a second lies between two requests', async () => {
  const { get, pauses } = createWire(10);
  expect((await get()).seen.status).toBe(200);
  await get();
  await get();
  expect(pauses).toEqual([1_000, 1_000]);
});

test('there is an end to requests, but for those that give back', async () => {
  const { wire, get } = createWire(2);
  await get();
  await get();
  await expect(get()).rejects.toThrow('no more requests are allowed');
  expect(wire.sent).toBe(2);
  wire.end();
  for (let sent = 0; sent < 20; sent += 1) await get();
  await expect(get()).rejects.toThrow('no more requests are allowed');
});

test('nothing is sent after Ctrl-C, but for what gives back', async () => {
  const stop = new AbortController();
  const { wire, get } = createWire(10, stop.signal);
  stop.abort();
  const before = requests;
  await expect(get()).rejects.toBeInstanceOf(Interrupted);
  await expect(wire.wait(5)).rejects.toBeInstanceOf(Interrupted);
  expect(requests).toBe(before);
  wire.end();
  expect((await get()).seen.status).toBe(200);
  await get();
});
