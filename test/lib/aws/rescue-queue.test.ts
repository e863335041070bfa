import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createSqsClient } from '../../../lib/aws/clients.ts';
import { createCountRescues, createRescueQueue, decodeRescue, encodeRescue } from '../../../lib/aws/rescue-queue.ts';
import type { RescueMessage } from '../../../lib/domain/rescue-message.ts';
import { NEXT_GENERATION, queuedAuthorization, queuedTokens } from '../../support/rescues.ts';

const QUEUE = 'https://sqs.us-east-1.amazonaws.com/000000000000/rescue';
const DEAD_LETTER = 'https://sqs.us-east-1.amazonaws.com/000000000000/rescue-dead-letter';
const REFRESH: RescueMessage = { v: 1, kind: 'refresh', issued: queuedTokens() };
const BANK: RescueMessage = { v: 1, kind: 'bank', authorization: queuedAuthorization() };

describe('on a mocked SQS', () => {
  const client = new SQSClient({ region: 'us-east-1' });
  const sqs = mockClient(client);
  beforeEach(() => {
    sqs.reset();
  });

  test('a message is sent whole, to the queue', async () => {
    sqs.on(SendMessageCommand).resolves({ MessageId: 'm-1' });
    await createRescueQueue({ client, queueUrl: QUEUE }).put(REFRESH);
    const [call, ...more] = sqs.commandCalls(SendMessageCommand);
    expect(more).toEqual([]);
    const { QueueUrl, MessageBody = '' } = call?.args[0].input ?? {};
    expect(QueueUrl).toBe(QUEUE);
    expect(decodeRescue(MessageBody)).toEqual(REFRESH);
  });

  test('a message that SQS does not take is unavailable', async () => {
    const cause = new Error('throttled');
    sqs.on(SendMessageCommand).rejects(cause);
    await expect(createRescueQueue({ client, queueUrl: QUEUE }).put(REFRESH)).rejects.toMatchObject({
      code: 'unavailable',
      cause,
    });
  });

  const countRescues = createCountRescues({ client, queueUrl: QUEUE, deadLetterUrl: DEAD_LETTER });
  const counts = (visible: string, inFlight: string, delayed: string) => ({
    Attributes: {
      ApproximateNumberOfMessages: visible,
      ApproximateNumberOfMessagesNotVisible: inFlight,
      ApproximateNumberOfMessagesDelayed: delayed,
    },
  });

  test('messages are counted on both queues: visible, in flight and delayed', async () => {
    sqs.on(GetQueueAttributesCommand, { QueueUrl: QUEUE }).resolves(counts('1', '20', '300'));
    sqs.on(GetQueueAttributesCommand, { QueueUrl: DEAD_LETTER }).resolves(counts('4000', '50000', '600000'));
    expect(await countRescues()).toBe(654_321);
    expect(sqs.commandCalls(GetQueueAttributesCommand)[0]?.args[0].input.AttributeNames).toEqual([
      'ApproximateNumberOfMessages',
      'ApproximateNumberOfMessagesNotVisible',
      'ApproximateNumberOfMessagesDelayed',
    ]);
  });

  test('two empty queues count nothing', async () => {
    sqs.on(GetQueueAttributesCommand).resolves(counts('0', '0', '0'));
    expect(await countRescues()).toBe(0);
  });

  const { ApproximateNumberOfMessagesDelayed: _, ...incomplete } = counts('0', '0', '0').Attributes;

  test.for([
    ['without attributes', {}],
    ['without one of the counts', { Attributes: incomplete }],
    ['with a count that is none', counts('0', '', '0')],
  ])('an answer %s is not taken for an empty queue', async ([, answer]) => {
    sqs.on(GetQueueAttributesCommand, { QueueUrl: QUEUE }).resolves(counts('0', '0', '0'));
    sqs.on(GetQueueAttributesCommand, { QueueUrl: DEAD_LETTER }).resolves(answer as object);
    await expect(countRescues()).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('a queue that does not answer is unavailable', async () => {
    sqs.on(GetQueueAttributesCommand, { QueueUrl: QUEUE }).resolves(counts('0', '0', '0'));
    sqs.on(GetQueueAttributesCommand, { QueueUrl: DEAD_LETTER }).rejects(new Error('AccessDenied'));
    await expect(countRescues()).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('a message', () => {
  test.for([REFRESH, BANK])('of kind $kind comes back as it was', (message) => {
    const body = encodeRescue(message);
    expect(decodeRescue(body)).toEqual(message);
    expect(body).not.toContain('"0":');
  });

  test('comes back without what it did not have', () => {
    const { refreshExpiresAt: _r, hardExpiresAt: _h, traceId: _t, ...issued } = queuedTokens();
    const message: RescueMessage = { v: 1, kind: 'refresh', issued };
    expect(decodeRescue(encodeRescue(message))).toEqual(message);
  });

  test('holds its bytes in base64, also those of a Buffer', () => {
    const sealed = { ...(REFRESH.kind === 'refresh' && REFRESH.issued.refresh) };
    const refresh = { ...queuedTokens().refresh, ...sealed, ciphertext: Buffer.from([0, 1, 254, 255]) };
    const body = encodeRescue({ v: 1, kind: 'refresh', issued: { ...queuedTokens(), refresh } });
    expect(JSON.parse(body).issued.refresh.ciphertext).toBe('AAH+/w==');
    const decoded = decodeRescue(body);
    expect(decoded.kind === 'refresh' && decoded.issued.refresh.ciphertext).toEqual(Uint8Array.of(0, 1, 254, 255));
  });

  test('with the longest tokens is far below what SQS takes', () => {
    const ciphertext = new Uint8Array(32_796);
    const access = { ...queuedTokens().access, ciphertext };
    const refresh = { ...queuedTokens().refresh, ciphertext };
    const body = encodeRescue({ v: 1, kind: 'refresh', issued: { ...queuedTokens(), access, refresh } });
    expect(body.length).toBeGreaterThan(80_000);
    expect(body.length).toBeLessThan(100_000);
  });
});

describe('a body is refused', () => {
  const bodyOf = (message: RescueMessage, changes: object = {}) =>
    JSON.stringify({ ...JSON.parse(encodeRescue(message)), ...changes });
  const issued = JSON.parse(encodeRescue(REFRESH)).issued;
  const issuedWith = (changes: object) => bodyOf(REFRESH, { issued: { ...issued, ...changes } });
  const refreshWith = (changes: object) => issuedWith({ refresh: { ...issued.refresh, ...changes } });

  const { authorization } = JSON.parse(encodeRescue(BANK));
  const bankWith = (changes: object) => bodyOf(BANK, { authorization: { ...authorization, ...changes } });

  test('only for a reason', () => {
    expect(decodeRescue(bankWith({}))).toEqual(BANK);
    expect(decodeRescue(refreshWith({}))).toEqual(REFRESH);
  });

  test.for([
    ['that is no JSON', 'secret-token {'],
    ['that is no object', '"secret-token"'],
    ['of another version', bodyOf(REFRESH, { v: 2 })],
    ['of another kind', bodyOf(REFRESH, { kind: 'revoke' })],
    ['whose kind does not fit its contents', bodyOf(REFRESH, { kind: 'bank' })],
    ['with an attribute more', bodyOf(BANK, { more: 1 })],
    ['with an attribute more inside', issuedWith({ more: 1 })],
    ['with an attribute less', issuedWith({ spentId: undefined })],
    ['for another provider', issuedWith({ grant: 'peachtree#1' })],
    ['for no grant', issuedWith({ grant: 1 })],
    ['with a number in letters', issuedWith({ number: '8' })],
    ['with a fraction', issuedWith({ number: 8.5 })],
    ['with an instant before 1970', issuedWith({ startedAt: -1 })],
    ['with an id that is none', issuedWith({ attemptId: 'a#b' })],
    ['of a generation that is no ULID', issuedWith({ generation: 'zzz' })],
    ['whose tokens are of another attempt', refreshWith({ attemptId: 'attempt-9' })],
    ['whose token is of another generation', refreshWith({ generation: NEXT_GENERATION })],
    ['whose token is of another version', refreshWith({ version: 9 })],
    ['that was obtained before it was asked for', issuedWith({ tokenVersion: 8 })],
    ['for the grant of somebody else', bankWith({ subject: '1' })],
    ['with bytes that are no base64', refreshWith({ ciphertext: 'secret-token!' })],
    ['without bytes', refreshWith({ ciphertext: '' })],
    ['with bytes as numbers', refreshWith({ ciphertext: [1, 2] })],
  ])('%s, and nothing of it is told', ([, body]) => {
    let thrown: unknown;
    try {
      decodeRescue(body as string);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ name: 'GrantkeeperError', code: 'internal_error' });
    expect(`${String(thrown)} ${String((thrown as Error).cause)}`).not.toMatch(/secret|attempt-8|peachtree/);
  });
});

describe('the client speaks to the host of the queue’s URL', () => {
  const cleanups: (() => void)[] = [];
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    for (const clean of cleanups.splice(0)) clean();
  });

  /** Takes what is sent to it and answers as SQS does. */
  async function listen(): Promise<{ readonly origin: string; readonly paths: string[] }> {
    const paths: string[] = [];
    const server = createServer((request, response) => {
      request.resume();
      request.on('end', () => {
        paths.push(`${request.method} ${request.url} ${request.headers['x-amz-target']}`);
        response.setHeader('content-type', 'application/x-amz-json-1.0');
        response.end(
          JSON.stringify({
            Attributes: {
              ApproximateNumberOfMessages: '2',
              ApproximateNumberOfMessagesNotVisible: '0',
              ApproximateNumberOfMessagesDelayed: '0',
            },
          }),
        );
      });
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    cleanups.push(
      () => server.closeAllConnections(),
      () => server.close(),
    );
    return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, paths };
  }

  test.for(['without an endpoint in the environment', 'with another endpoint in the environment'])(
    '%s',
    async (name) => {
      const [queue, other] = [await listen(), await listen()];
      vi.spyOn(console, 'warn').mockReturnValue();
      if (name.startsWith('with another')) vi.stubEnv('AWS_ENDPOINT_URL_SQS', other.origin);
      const client = createSqsClient({
        region: 'us-east-1',
        credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      });
      cleanups.push(() => client.destroy());
      const queueUrl = `${queue.origin}/000000000000/rescue`;
      expect(await createCountRescues({ client, queueUrl, deadLetterUrl: `${queueUrl}-dead-letter` })()).toBe(4);
      expect(queue.paths).toEqual(['POST / AmazonSQS.GetQueueAttributes', 'POST / AmazonSQS.GetQueueAttributes']);
      expect(other.paths).toEqual([]);
    },
  );
});
