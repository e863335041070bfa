import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, expect, test } from 'vitest';
import { createEventBridgeClient } from '../../../lib/aws/clients.ts';
import { createPutEvents } from '../../../lib/aws/events.ts';
import type { LifecycleEvent } from '../../../lib/domain/lifecycle-event.ts';
import { T0 } from '../../support/grants.ts';

const client = new EventBridgeClient({ region: 'us-east-1' });
const bus = mockClient(client);
const put = createPutEvents({ client, busName: 'grantkeeper-dev', environment: 'dev' });
beforeEach(() => void bus.reset());

const refreshed = (tokenVersion: number): LifecycleEvent => ({
  type: 'Token Refreshed',
  at: T0,
  provider: 'xero',
  grant: 'xero#user-1',
  organizationIds: ['acme'],
  attemptId: 'attempt-8',
  tokenVersion,
});
const many = (count: number) => Array.from({ length: count }, (_, index) => refreshed(index));
/** Token versions of each request. */
const sent = () =>
  bus
    .commandCalls(PutEventsCommand)
    .map(({ args }) => (args[0].input.Entries ?? []).map(({ Detail = '' }) => JSON.parse(Detail).tokenVersion));
const taken = { EventId: 'e' };

test('an event is put on the bus with its type, its time and its detail', async () => {
  bus.on(PutEventsCommand).resolves({ FailedEntryCount: 0, Entries: [taken] });
  expect(await put([refreshed(8)])).toEqual({ dropped: 0 });
  expect(bus.commandCalls(PutEventsCommand)[0]?.args[0].input).toEqual({
    Entries: [
      {
        EventBusName: 'grantkeeper-dev',
        Source: 'grantkeeper',
        DetailType: 'Token Refreshed',
        Time: new Date('2026-11-20T12:00:00.000Z'),
        Detail:
          '{"version":1,"environment":"dev","occurredAt":"2026-11-20T12:00:00.000Z","provider":"xero","grant":"xero#user-1",' +
          '"attemptId":"attempt-8","tokenVersion":8,"organizationIds":["acme"]}',
      },
    ],
  });
});

test('one request takes ten', async () => {
  bus.on(PutEventsCommand).resolves({});
  expect(await put(many(21))).toEqual({ dropped: 0 });
  expect(sent().map(({ length }) => length)).toEqual([10, 10, 1]);
});

test('one request takes 256 KiB', async () => {
  bus.on(PutEventsCommand).resolves({});
  // 66 kB each.
  const organizationIds = Array.from({ length: 1_000 }, (_, index) => `${index}`.padStart(63, 'o'));
  await put(many(5).map((event) => ({ ...event, organizationIds })));
  expect(sent()).toEqual([
    [0, 1, 2],
    [3, 4],
  ]);
});

test('what fails alone is put once more, alone', async () => {
  const throttled = { ErrorCode: 'ThrottlingException', ErrorMessage: 'slow down' };
  bus
    .on(PutEventsCommand)
    .resolvesOnce({ FailedEntryCount: 2, Entries: [taken, throttled, taken, throttled] })
    .resolvesOnce({ FailedEntryCount: 1, Entries: [taken, throttled] });
  expect(await put(many(4))).toEqual({ dropped: 1, reason: 'ThrottlingException' });
  expect(sent()).toEqual([
    [0, 1, 2, 3],
    [1, 3],
  ]);
});

test('a request that fails drops its own events, and says what failed but not with what words', async () => {
  const denied = Object.assign(new Error('User arn:… is not authorized'), { name: 'AccessDeniedException' });
  bus.on(PutEventsCommand).rejectsOnce(denied).resolves({});
  expect(await put(many(13))).toEqual({ dropped: 10, reason: 'AccessDeniedException' });
  expect(sent().map(({ length }) => length)).toEqual([10, 3]);
});

test('when the second try fails as a whole only what was left is dropped', async () => {
  bus
    .on(PutEventsCommand)
    .resolvesOnce({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'InternalFailure' }, taken] })
    .rejectsOnce(Object.assign(new Error('cut'), { name: 'TimeoutError' }));
  expect(await put(many(2))).toEqual({ dropped: 1, reason: 'TimeoutError' });
});

test('a call that is aborted is given up at once, though nobody answers it', async () => {
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const silent = createEventBridgeClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'LOCAL', secretAccessKey: 'unchecked' },
  });
  const abort = new AbortController();
  const startedMs = performance.now();
  const ended = createPutEvents({ client: silent, busName: 'b', environment: 'dev' })(many(1), abort.signal);
  server.once('request', () => abort.abort());
  expect(await ended).toEqual({ dropped: 1, reason: 'AbortError' });
  expect(performance.now() - startedMs).toBeLessThan(1_500);
  silent.destroy();
  server.closeAllConnections();
  server.close();
});
