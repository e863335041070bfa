import { DeleteMessageCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { FunctionName } from '../../lib/domain/names.ts';
import type { World } from '../../local/demo/world.ts';
import { functionNamed } from '../../local/function-names.ts';
import { ask, begunSince, connectMany, inAlarm, minuteOf, organisation, pagesSince } from './alarm-log.ts';

const QUEUE = 'grantkeeper-local-rescue';
const MAX_RECEIVES = 288;
const FOR_EVER = Number.POSITIVE_INFINITY;

/** get-token's p99 that pages, as the platform has to be started with. */
export const SERVE_LATENCY_MS = 300;

/**
 * What makes the alarms on get-token, the schedule, the keys and the rescue queue page, and what does not. Has three
 * organisations of its own.
 */
export function describeCustodyAlarms(world: () => World): void {
  let since: number;
  beforeEach(() => {
    since = world().platform.clock.now();
  });
  beforeAll(() => connectMany(world(), [11, 12, 13]));
  afterAll(async () => {
    for (const number of [11, 12, 13]) await world().api.disconnect(organisation(number), 'quickbooks');
    await minutes(2);
  });
  afterEach(() => {
    const { dynamoDb, sqs } = world().platform.aws;
    dynamoDb.clearFaults();
    sqs.clearFaults();
  });

  const nameOf = (name: FunctionName) => functionNamed(world().platform.assembly, name).name;
  const arnOf = (name: FunctionName) => functionNamed(world().platform.assembly, name).arn;
  const minutes = (count: number) => world().platform.advance(count * 60);
  const until = (what: () => unknown, expected: unknown) =>
    vi.waitFor(async () => expect(await what()).toEqual(expected), { timeout: 30_000, interval: 50 });

  /** One page, and all is quiet again. */
  function expectOnePage(): void {
    const { platform } = world();
    expect([inAlarm(platform), pagesSince(platform, since)]).toEqual([[], ['page ALARM', 'page OK']]);
  }

  /** The writes by which these functions would store new tokens fail. */
  function refuseCommits(...names: readonly FunctionName[]): void {
    for (const name of names) {
      world().platform.aws.dynamoDb.failNext({
        operation: 'TransactWriteItems',
        code: 'InternalServerError',
        times: FOR_EVER,
        principal: nameOf(name),
        matches: (input) => JSON.stringify(input).includes('attempt.ok'),
      });
    }
  }

  /** A caller for whom a refresh is begun at once; he waits for it for ten seconds of the platform's clock. */
  async function beginRefresh(number: number): Promise<{ readonly reader: Promise<unknown> }> {
    const { platform, tokens } = world();
    const question = { organizationId: organisation(number), provider: 'quickbooks' } as const;
    const { tokenVersion } = await tokens.need(question);
    platform.clock.advance(60);
    return { reader: tokens.get({ ...question, rejected: { tokenVersion, reason: 'token' } }) };
  }

  describe('get-token', () => {
    /** Calls for one organisation, and for another whose records DynamoDB gives slowly or not at all. */
    async function call(
      { well, ill }: { readonly well: number; readonly ill: number },
      fault: { readonly code: string; readonly delayMs?: number } = { code: 'InternalServerError' },
    ): Promise<void> {
      const { clock, aws } = world().platform;
      // All within one minute, or they would fall into two windows of the alarm.
      await world().platform.advance(61 - ((clock.now() / 1000) % 60));
      const { dynamoDb } = aws;
      const matches = (input: object) => JSON.stringify(input).includes(organisation(12));
      dynamoDb.failNext({
        operation: 'BatchGetItem',
        principal: nameOf('get-token'),
        times: FOR_EVER,
        matches,
        ...fault,
      });
      await ask(world(), [...Array<string>(ill).fill(organisation(12)), ...Array<string>(well).fill(organisation(11))]);
      dynamoDb.clearFaults();
    }
    const SLOW = { code: 'delay', delayMs: SERVE_LATENCY_MS + 200 };

    test('that fails for one span of five minutes pages nobody, and for two it does', async () => {
      const { platform } = world();
      await call({ well: 10, ill: 4 });
      await minutes(4);
      await call({ well: 10, ill: 2 });
      await minutes(10);
      expect(begunSince(platform, since)).toEqual([]);
      const failingAt = platform.clock.now();
      await call({ well: 10, ill: 4 });
      await minutes(4);
      await call({ well: 10, ill: 4 });
      await minutes(2);
      expect(begunSince(platform, since)).toEqual(['get-token-errors', 'page']);
      expect(minuteOf(platform, failingAt, 'get-token-errors')).toBeGreaterThanOrEqual(5);
      await minutes(12);
      expectOnePage();
    });

    test('of which three calls in a hundred are slow for five minutes pages nobody, and for ten it does', async () => {
      const { platform } = world();
      await call({ well: 100, ill: 3 }, SLOW);
      await minutes(3);
      expect(begunSince(platform, since)).toEqual([]);
      await minutes(1);
      await call({ well: 100, ill: 3 }, SLOW);
      await minutes(2);
      expect(begunSince(platform, since)).toEqual(['get-token-latency', 'page']);
      expect(minuteOf(platform, since, 'get-token-latency')).toBeGreaterThanOrEqual(5);
      await minutes(12);
      expectOnePage();
    });
  });

  describe('the schedule', () => {
    const pause = () => world().platform.aws.concurrency.reserve(arnOf('refresh-due'), 0);
    const resume = () => world().platform.aws.concurrency.free(arnOf('refresh-due'));

    test('that does not run for four minutes pages nobody, and after six it does until it runs', async () => {
      const { platform } = world();
      pause();
      await minutes(4);
      resume();
      await minutes(3);
      expect(begunSince(platform, since)).toEqual([]);
      const pausedAt = platform.clock.now();
      pause();
      await minutes(9);
      expect(begunSince(platform, since)).toEqual(['sweep-heartbeat', 'page']);
      expect(minuteOf(platform, pausedAt, 'sweep-heartbeat')).toBeGreaterThanOrEqual(6);
      expect(minuteOf(platform, pausedAt, 'sweep-heartbeat')).toBeLessThanOrEqual(8);
      resume();
      await minutes(2);
      expectOnePage();
    });
  });

  describe('a key of ours', () => {
    test('that is disabled for one look pages nobody, and for two it does until it is not', async () => {
      const { platform } = world();
      const { kms } = platform.aws;
      kms.setEnabled('alias/grantkeeper/local/tokens', false);
      await minutes(1);
      kms.setEnabled('alias/grantkeeper/local/tokens', true);
      await minutes(4);
      expect(begunSince(platform, since)).toEqual([]);
      const disabledAt = platform.clock.now();
      kms.setEnabled('alias/grantkeeper/local/tables', false);
      await minutes(4);
      expect(begunSince(platform, since)).toEqual(['key-unusable', 'page']);
      expect(minuteOf(platform, disabledAt, 'key-unusable')).toBeLessThanOrEqual(3);
      kms.setEnabled('alias/grantkeeper/local/tables', true);
      await minutes(5);
      expectOnePage();
    });
  });

  describe('new tokens the store does not take', () => {
    const counts = () => world().platform.aws.sqs.countsOf(QUEUE);

    test('page nobody when the queue does and they are rescued at once', async () => {
      const { platform } = world();
      const sent = platform.aws.sqs.sent().length;
      refuseCommits('refresh-grant');
      const { reader } = await beginRefresh(11);
      await until(() => platform.aws.sqs.sent().length - sent, 1);
      await until(counts, { waiting: 0, taken: 0, delayed: 0 });
      platform.aws.dynamoDb.clearFaults();
      await minutes(8);
      await reader;
      expect(begunSince(platform, since)).toEqual([]);
    });

    test('page when they stay on the queue for five minutes', async () => {
      const { platform } = world();
      refuseCommits('refresh-grant', 'rescue');
      const { reader } = await beginRefresh(12);
      await until(async () => (await counts()).taken, 1);
      // Both die over it; SQS keeps the message from others for its five minutes.
      await platform.killFunction('refresh-grant');
      await platform.killFunction('rescue');
      platform.aws.dynamoDb.clearFaults();
      await minutes(8);
      await reader;
      expect(begunSince(platform, since)).toEqual(['rescue-queue-waiting', 'page']);
      expect(minuteOf(platform, since, 'rescue-queue-waiting')).toBeGreaterThanOrEqual(5);
      await minutes(10);
      expect(await counts()).toEqual({ waiting: 0, taken: 0, delayed: 0 });
      expectOnePage();
    });

    test('page within two minutes when the queue does not take them either', async () => {
      const { platform } = world();
      refuseCommits('refresh-grant');
      let puts = 0;
      platform.aws.sqs.failNext({
        operation: 'SendMessage',
        code: 'InternalError',
        status: 500,
        times: FOR_EVER,
        matches: () => {
          puts += 1;
          return true;
        },
      });
      const { reader } = await beginRefresh(13);
      await until(() => puts > 0, true);
      // The refresher's deadline comes.
      platform.clock.advance(60);
      platform.clock.advance(60);
      await reader;
      await until(() => platform.logs().some(({ line }) => line.includes('in no store and on no queue')), true);
      const lostAt = platform.clock.now();
      await minutes(2);
      expect(begunSince(platform, since)).toEqual(['token-at-risk', 'page']);
      expect(minuteOf(platform, lostAt, 'token-at-risk')).toBeLessThanOrEqual(2);
      platform.aws.dynamoDb.clearFaults();
      platform.aws.sqs.clearFaults();
      await minutes(18);
      expectOnePage();
    });
  });

  describe('a message that nobody could read for a day', () => {
    let client: SQSClient;
    let origin: string;
    const queue = (name: string) => ({ QueueUrl: `${origin}/000000000000/${name}` });
    beforeAll(() => {
      const { awsEndpointUrl: endpoint, region, credentials } = world().platform;
      origin = endpoint;
      client = new SQSClient({ endpoint, region, credentials: { ...credentials } });
      return () => client.destroy();
    });

    test('pages as soon as it is a dead letter, until it is dealt with', async () => {
      const { platform } = world();
      // Not by the function, which would take five minutes for each time.
      platform.aws.concurrency.reserve(arnOf('rescue'), 0);
      await client.send(new SendMessageCommand({ ...queue(QUEUE), MessageBody: 'not for us' }));
      for (let receives = 0; receives <= MAX_RECEIVES; receives += 1) {
        await client.send(new ReceiveMessageCommand({ ...queue(QUEUE), VisibilityTimeout: 0 }));
      }
      platform.aws.concurrency.free(arnOf('rescue'));
      await minutes(3);
      expect(begunSince(platform, since)).toEqual(['rescue-dead-letter', 'page']);
      const { Messages: [letter] = [] } = await client.send(new ReceiveMessageCommand(queue(`${QUEUE}-dead-letter`)));
      expect(letter?.Body).toBe('not for us');
      const { ReceiptHandle } = letter ?? {};
      await client.send(new DeleteMessageCommand({ ...queue(`${QUEUE}-dead-letter`), ReceiptHandle }));
      await minutes(8);
      expectOnePage();
    });
  });
}
