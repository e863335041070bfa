import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Fixture, refusalOf, startFixture } from './fixture.ts';

let fixture: Fixture;
let queues = 0;
let name: string;
let QueueUrl: string;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.stop());
beforeEach(async () => {
  queues += 1;
  name = `orders-${queues}`;
  QueueUrl = `${fixture.server.endpointUrl}/000000000000/${name}`;
  await fixture.sqs.createQueue(name, {
    VisibilityTimeout: '300',
    RedrivePolicy: JSON.stringify({
      deadLetterTargetArn: `arn:aws:sqs:us-east-1:000000000000:${name}-failed`,
      maxReceiveCount: 2,
    }),
  });
  await fixture.sqs.createQueue(`${name}-failed`, {});
});
afterEach(() => {
  fixture.sqs.clearFaults();
  vi.restoreAllMocks();
});

async function send(MessageBody: string): Promise<void> {
  await fixture.admin.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
}

async function receive(url = QueueUrl): Promise<{ body: string | undefined; handle: string }[]> {
  const { Messages = [] } = await fixture.admin.sqs.send(
    new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10 }),
  );
  return Messages.map(({ Body: body, ReceiptHandle: handle = '' }) => ({ body, handle }));
}

const bodies = (messages: Awaited<ReturnType<typeof receive>>) => messages.map(({ body }) => body);

describe('a queue', () => {
  test('gives a message to one receiver until it is deleted', async () => {
    await send('one');
    const [message] = await receive();
    expect(message?.body).toBe('one');
    expect(await receive()).toEqual([]);
    await fixture.admin.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.handle }));
    fixture.clock.advance(301);
    expect(await receive()).toEqual([]);
  });

  test('gives it again when its visibility has ended by the platform’s clock', async () => {
    await send('one');
    await receive();
    fixture.clock.advance(299);
    expect(await receive()).toEqual([]);
    fixture.clock.advance(1.5);
    expect(bodies(await receive())).toEqual(['one']);
  });

  test('does as a receiver says who changes the visibility', async () => {
    await send('one');
    const [message] = await receive();
    const change = { QueueUrl, ReceiptHandle: message?.handle, VisibilityTimeout: 600 };
    await fixture.admin.sqs.send(new ChangeMessageVisibilityCommand(change));
    fixture.clock.advance(500);
    expect(await receive()).toEqual([]);
    fixture.clock.advance(101);
    expect(bodies(await receive())).toEqual(['one']);
  });

  test('passes what was received too often to the dead-letter queue', async () => {
    await send('poison');
    for (let tries = 0; tries < 2; tries += 1) {
      expect(bodies(await receive())).toEqual(['poison']);
      fixture.clock.advance(301);
    }
    expect(await receive()).toEqual([]);
    expect(bodies(await receive(`${QueueUrl}-failed`))).toEqual(['poison']);
  });

  test('counts what waits and what is taken, to its users and to the platform alike', async () => {
    await send('one');
    await send('two');
    const [message] = await receive();
    await send('three');
    const AttributeNames = ['ApproximateNumberOfMessages' as const, 'ApproximateNumberOfMessagesNotVisible' as const];
    const { Attributes } = await fixture.admin.sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }));
    expect(Attributes).toEqual({ ApproximateNumberOfMessages: '1', ApproximateNumberOfMessagesNotVisible: '2' });
    expect(await fixture.sqs.countsOf(name)).toEqual({ waiting: 1, taken: 2, delayed: 0 });
    const Entries = [{ Id: '1', ReceiptHandle: message?.handle }];
    await fixture.admin.sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    fixture.clock.advance(301);
    expect(await fixture.sqs.countsOf(name)).toEqual({ waiting: 2, taken: 0, delayed: 0 });
  });

  test('tells the platform of each message that was put on it', async () => {
    const told: string[] = [];
    fixture.sqs.onMessage((queueName) => told.push(queueName));
    await send('one');
    await receive();
    expect(told).toEqual([name]);
    expect(fixture.sqs.sent().at(-1)).toBe('one');
  });
});

test('the SDK without an endpoint of its own goes where the URL of the queue leads, which is here', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const credentials = { accessKeyId: 'ADMIN', secretAccessKey: 'unchecked' };
  const client = new SQSClient({ region: 'us-east-1', credentials, maxAttempts: 1 });
  await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'one' }));
  expect(warn.mock.calls.flat().join()).toContain('using QueueUrl host as endpoint');
  expect(bodies(await receive())).toEqual(['one']);
});

describe('refusals', () => {
  test('a role sends only where its policy allows it', async () => {
    const statements = [
      { Effect: 'Allow' as const, Action: 'sqs:SendMessage', Resource: `arn:aws:sqs:us-east-1:000000000000:${name}` },
    ];
    const sender = fixture.asRole(`sender-${queues}`, statements).sqs;
    await sender.send(new SendMessageCommand({ QueueUrl, MessageBody: 'one' }));
    const elsewhere = new SendMessageCommand({ QueueUrl: `${QueueUrl}-failed`, MessageBody: 'one' });
    expect((await refusalOf(sender.send(elsewhere))).name).toBe('AccessDeniedException');
    const receiving = await refusalOf(sender.send(new ReceiveMessageCommand({ QueueUrl })));
    expect(receiving.message).toContain(
      `is not authorized to perform: sqs:ReceiveMessage on resource: arn:aws:sqs:us-east-1:000000000000:${name}`,
    );
  });

  test('a queue that does not exist is named as AWS names it', async () => {
    const nowhere = new SendMessageCommand({ QueueUrl: `${QueueUrl}-nowhere`, MessageBody: 'one' });
    expect((await refusalOf(fixture.admin.sqs.send(nowhere))).name).toBe('QueueDoesNotExist');
  });

  test('what the platform does not carry out is refused, not pretended', async () => {
    const purge = await refusalOf(fixture.admin.sqs.send(new PurgeQueueCommand({ QueueUrl })));
    expect(purge.message).toBe('The embedded SQS does not implement PurgeQueue.');
  });

  test('a queue with a value that SQS does not know is not created', async () => {
    await expect(fixture.sqs.createQueue('bad', { VisibilityTimeout: '43201' })).rejects.toThrow(
      'Invalid value for the parameter VisibilityTimeout',
    );
  });
});

describe('planned failures', () => {
  test('a message is refused, and the next one taken', async () => {
    fixture.sqs.failNext({ operation: 'SendMessage', code: 'ServiceUnavailable', status: 503 });
    expect((await refusalOf(send('one'))).name).toBe('ServiceUnavailable');
    await send('two');
    expect(bodies(await receive())).toEqual(['two']);
  });

  test('an answer is lost after the message was taken', async () => {
    fixture.sqs.failNext({ operation: 'SendMessage', code: 'drop', when: 'after' });
    expect((await refusalOf(send('one'))).name).not.toBe('none');
    expect(bodies(await receive())).toEqual(['one']);
  });
});

test('the oldest message is the one that was put first and not deleted, whoever has it', async () => {
  const { sqs, clock } = fixture;
  expect(sqs.oldestAt(name)).toBeUndefined();
  const firstAt = clock.now();
  await send('first');
  clock.advance(60);
  await send('second');
  const [first, second] = await receive();
  clock.advance(301);
  await receive();
  expect(Math.floor(((sqs.oldestAt(name) ?? 0) - firstAt) / 1000)).toBe(0);
  // With a receipt from before it came back.
  await fixture.admin.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: first?.handle ?? '' }));
  expect(Math.floor(((sqs.oldestAt(name) ?? 0) - firstAt) / 1000)).toBe(60);
  const Entries = [{ Id: 'second', ReceiptHandle: second?.handle ?? '' }];
  await fixture.admin.sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  expect(sqs.oldestAt(name)).toBeUndefined();
});
