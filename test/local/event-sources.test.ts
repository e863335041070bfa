import { beforeEach, describe, expect, test } from 'vitest';
import type { EventSourceResource } from '../../local/assembly/model.ts';
import { createGuard, type Principal } from '../../local/aws/iam.ts';
import { createSqs } from '../../local/aws/sqs.ts';
import { createClock } from '../../local/clock.ts';
import { createEventSources } from '../../local/event-sources.ts';
import type { Invocation } from '../../local/lambda/runtime.ts';
import { ECHO_ARN, echoFunction } from './lambda/support.ts';

const QUEUE_ARN = 'arn:aws:sqs:us-east-1:000000000000:orders';
const MAPPING: EventSourceResource = {
  functionArn: ECHO_ARN,
  queueArn: QUEUE_ARN,
  batchSize: 2,
  reportsItemFailures: true,
  enabled: true,
};
const administrator: Principal = { name: 'admin', arn: 'admin', statements: 'administrator' };

interface Received {
  readonly Records: readonly { readonly messageId: string; readonly body: string }[];
}

const clock = createClock();
let guard: ReturnType<typeof createGuard>;
let sqs: ReturnType<typeof createSqs>;
let batches: string[][];
/** What the function does with a batch. */
let answer: (event: Received) => unknown;

beforeEach(async () => {
  guard = createGuard();
  sqs = createSqs({ guard, clock });
  await sqs.createQueue('orders', { VisibilityTimeout: '60' });
  batches = [];
  answer = () => ({ batchItemFailures: [] });
});

function start(mapping: Partial<EventSourceResource> = {}, principal = administrator, isPaused = () => false) {
  const resource = echoFunction();
  return createEventSources({
    mappings: [{ ...MAPPING, ...mapping }],
    sqs,
    principalOf: () => principal,
    isPaused,
    runtime: {
      resolve: (arn) => ({
        arn,
        found: arn === ECHO_ARN ? { resource, invokedArn: arn, version: '$LATEST' } : undefined,
      }),
      invoke: async (_found, payload): Promise<Invocation> => {
        const event = JSON.parse(payload) as Received;
        batches.push(event.Records.map(({ body }) => body));
        try {
          return { kind: 'answered', requestId: 'r', payload: JSON.stringify(answer(event)) ?? 'null' };
        } catch (error) {
          return { kind: 'failed', requestId: 'r', failure: { errorType: 'Error', errorMessage: String(error) } };
        }
      },
    },
  });
}

async function send(...texts: readonly string[]): Promise<void> {
  for (const MessageBody of texts) {
    await sqs.handle({
      principal: administrator,
      operation: 'SendMessage',
      input: { QueueUrl: 'orders', MessageBody },
      method: 'POST',
      path: '/',
      query: new URLSearchParams(),
      headers: {},
      body: Buffer.alloc(0),
    });
  }
}

describe('messages', () => {
  test('come in batches until none is left, and are gone when the function took them', async () => {
    await send('one', 'two', 'three');
    await start().drain();
    expect(batches).toEqual([['one', 'two'], ['three']]);
    expect(await sqs.countsOf('orders')).toEqual({ waiting: 0, taken: 0, delayed: 0 });
  });

  test('have the form Lambda gives them', async () => {
    const events: unknown[] = [];
    answer = (event) => void events.push(event);
    await send('one');
    await start().drain();
    expect(events).toEqual([
      {
        Records: [
          {
            messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
            receiptHandle: expect.any(String),
            body: 'one',
            attributes: expect.objectContaining({ ApproximateReceiveCount: '1' }),
            messageAttributes: {},
            md5OfBody: 'f97c5d29941bfb1b2fdab0874906ab82',
            eventSource: 'aws:sqs',
            eventSourceARN: QUEUE_ARN,
            awsRegion: 'us-east-1',
          },
        ],
      },
    ]);
  });

  test('come by themselves when they are put on the queue', async () => {
    const sources = start();
    await send('one');
    await sources.drain();
    expect(batches).toEqual([['one']]);
  });

  test('that the function names stay, and come again when their visibility has ended', async () => {
    answer = ({ Records }) => ({
      batchItemFailures: Records.filter(({ body }) => body === 'bad').map(({ messageId }) => ({
        itemIdentifier: messageId,
      })),
    });
    await send('good', 'bad');
    const sources = start();
    await sources.drain();
    clock.advance(59);
    await sources.drain();
    expect(batches).toEqual([['good', 'bad']]);
    clock.advance(2);
    answer = () => null;
    await sources.drain();
    expect(batches).toEqual([['good', 'bad'], ['bad']]);
    expect(await sqs.countsOf('orders')).toEqual({ waiting: 0, taken: 0, delayed: 0 });
  });
});

describe('a batch', () => {
  test.for<[string, (event: Received) => unknown, number]>([
    [
      'a function that fails takes nothing',
      () => {
        throw new Error('asked to fail');
      },
      2,
    ],
    ['no answer is a success', () => undefined, 0],
    ['an empty list is a success', () => ({ batchItemFailures: [] }), 0],
    ['no list is a success', () => ({}), 0],
    ['an id nobody sent is a failure of all', () => ({ batchItemFailures: [{ itemIdentifier: 'x' }] }), 2],
    ['a list of something else is a failure of all', () => ({ batchItemFailures: ['x'] }), 2],
    ['something else than a list is a failure of all', () => ({ batchItemFailures: 'x' }), 2],
  ])('%s', async ([, does, left]) => {
    answer = does;
    await send('one', 'two');
    await start().drain();
    expect(batches).toEqual([['one', 'two']]);
    expect(await sqs.countsOf('orders')).toEqual({ waiting: 0, taken: left, delayed: 0 });
  });

  test('is taken as a whole where failures are not asked for', async () => {
    answer = ({ Records }) => ({ batchItemFailures: [{ itemIdentifier: Records[0]?.messageId }] });
    await send('one', 'two');
    await start({ reportsItemFailures: false }).drain();
    expect(await sqs.countsOf('orders')).toEqual({ waiting: 0, taken: 0, delayed: 0 });
  });
});

describe('a mapping', () => {
  test('polls as its function’s role, which must be allowed to', async () => {
    const allow = (...Action: string[]) => ({
      name: 'echo',
      arn: 'echo',
      statements: [{ Effect: 'Allow' as const, Action, Resource: QUEUE_ARN }],
    });
    await send('one');
    await start({}, allow('sqs:ReceiveMessage', 'sqs:DeleteMessage')).drain();
    await start({}, allow('sqs:GetQueueAttributes', 'sqs:DeleteMessage')).drain();
    const denied = guard.denied().map(({ action }) => action);
    expect([batches, denied]).toEqual([[], ['sqs:GetQueueAttributes', 'sqs:ReceiveMessage']]);
    await start({}, allow('sqs:GetQueueAttributes', 'sqs:ReceiveMessage', 'sqs:DeleteMessage')).drain();
    expect(batches).toEqual([['one']]);
  });

  test('looks at its queue once, when it begins', async () => {
    const statements = [{ Effect: 'Allow' as const, Action: 'sqs:*', Resource: QUEUE_ARN }];
    const sources = start({}, { name: 'echo', arn: 'echo', statements });
    await sources.drain();
    await sources.drain();
    const looks = guard.allowed().filter(({ action }) => action === 'sqs:GetQueueAttributes');
    expect(looks).toEqual([{ principal: 'echo', statement: 0, action: 'sqs:GetQueueAttributes', count: 1 }]);
  });

  test('brings nothing to a function that is paused, and all of it afterwards', async () => {
    let isPaused = true;
    const sources = start({}, administrator, () => isPaused);
    await send('one');
    await sources.drain();
    expect([batches, await sqs.countsOf('orders')]).toEqual([[], { waiting: 1, taken: 0, delayed: 0 }]);
    isPaused = false;
    await sources.drain();
    expect(batches).toEqual([['one']]);
  });

  test('that is switched off brings nothing', async () => {
    await send('one');
    await start({ enabled: false }).drain();
    expect(batches).toEqual([]);
  });

  test('of a function that is not there is refused', () => {
    expect(() => start({ functionArn: `${ECHO_ARN}-2` })).toThrow(`no function ${ECHO_ARN}-2 for orders`);
  });
});
