/**
 * SQS by fauxqs, in this process and without a port of its own: requests come through the embedded AWS, where roles are
 * enforced and failures can be planned, and go on to fauxqs as they are. A message that was received comes back by the
 * platform's clock; everything else that takes time there (delays, long polling) takes real time, and messages are kept
 * until they are deleted.
 */
import { buildApp } from 'fauxqs';
import type { MovableClock } from '../clock.ts';
import { AwsError, unknownOperation } from './aws-error.ts';
import { createFaults, type Fault } from './faults.ts';
import type { Guard } from './iam.ts';
import { requireString } from './input.ts';
import type { AwsRequest, AwsResponse, AwsService } from './server.ts';

/** How many messages a queue holds: to be received, received and not yet deleted, and not yet to be received. */
export interface QueueCounts {
  readonly waiting: number;
  readonly taken: number;
  readonly delayed: number;
}

export interface Sqs extends AwsService {
  /** Attributes by the names of CreateQueue. Rejects with `AwsError` for values SQS does not accept. */
  createQueue(name: string, attributes: Readonly<Record<string, string>>): Promise<void>;
  /** Called with the queue's name whenever a message was put on it. */
  onMessage(listener: (queueName: string) => void): void;
  countsOf(queueName: string): Promise<QueueCounts>;
  /** When the oldest message that is still there was put on this queue; undefined where none was, as on a dead-letter queue. */
  oldestAt(queueName: string): number | undefined;
  /** The last bodies that were put on queues, oldest first, whatever became of them. */
  sent(): readonly string[];
  failNext(fault: Fault): void;
  clearFaults(): void;
  stop(): Promise<void>;
}

interface SqsOptions {
  readonly guard: Guard;
  readonly clock: MovableClock;
  /** Default `us-east-1`. */
  readonly region?: string;
  /** Default `000000000000`. */
  readonly account?: string;
}

/** Operation → action of a policy. The batch forms have none of their own. */
const ACTIONS: Readonly<Record<string, string>> = {
  SendMessage: 'sqs:SendMessage',
  SendMessageBatch: 'sqs:SendMessage',
  ReceiveMessage: 'sqs:ReceiveMessage',
  DeleteMessage: 'sqs:DeleteMessage',
  DeleteMessageBatch: 'sqs:DeleteMessage',
  ChangeMessageVisibility: 'sqs:ChangeMessageVisibility',
  GetQueueAttributes: 'sqs:GetQueueAttributes',
};

const SENDS: ReadonlySet<string> = new Set(['SendMessage', 'SendMessageBatch']);

/** How many bodies are remembered. */
const KEEP = 1_000;

/** SQS's own default. */
const DEFAULT_VISIBILITY_SECONDS = '30';

/** A queue service without queues. */
export function createSqs(options: SqsOptions): Sqs {
  return new EmbeddedSqs(options);
}

/** A received message: of which queue, and until when nobody else gets it. */
interface Taken {
  readonly queueName: string;
  visibleAt: number;
}

class EmbeddedSqs implements Sqs {
  readonly scope = 'sqs';
  readonly #options: Required<SqsOptions>;
  readonly #app = buildApp({ logger: false });
  readonly #faults = createFaults();
  readonly #sent: string[] = [];
  readonly #listeners: ((queueName: string) => void)[] = [];
  readonly #visibilityMs = new Map<string, number>();
  /** By receipt handle. */
  readonly #taken = new Map<string, Taken>();
  /** By message id: what was put on a queue and not deleted from it. */
  readonly #held = new Map<string, { readonly queueName: string; readonly sentAt: number }>();
  /** By receipt handle: the message it was for. */
  readonly #messageIds = new Map<string, string>();
  readonly failNext = this.#faults.failNext;
  readonly clearFaults = this.#faults.clear;

  constructor(options: SqsOptions) {
    this.#options = { region: 'us-east-1', account: '000000000000', ...options };
  }

  handle(request: AwsRequest): Promise<AwsResponse> {
    return this.#faults.around(request, () => this.#answer(request));
  }

  async createQueue(name: string, attributes: Readonly<Record<string, string>>): Promise<void> {
    const { status, body } = await this.#forward('CreateQueue', { QueueName: name, Attributes: { ...attributes } });
    if (status !== 200) throw new AwsError('InvalidAttributeValue', `queue ${name} cannot be created: ${String(body)}`);
    const { VisibilityTimeout = DEFAULT_VISIBILITY_SECONDS } = attributes;
    this.#visibilityMs.set(name, Number(VisibilityTimeout) * 1000);
  }

  onMessage(listener: (queueName: string) => void): void {
    this.#listeners.push(listener);
  }

  async countsOf(queueName: string): Promise<QueueCounts> {
    await this.#release(queueName);
    const QueueUrl = this.#urlOf(queueName);
    const { body } = await this.#forward('GetQueueAttributes', { QueueUrl, AttributeNames: ['All'] });
    const { Attributes = {} } = parsed(body) as { Attributes?: Record<string, string> };
    const count = (state: string) => Number(Attributes[`ApproximateNumberOfMessages${state}`] ?? 0);
    return { waiting: count(''), taken: count('NotVisible'), delayed: count('Delayed') };
  }

  oldestAt(queueName: string): number | undefined {
    const own = [...this.#held.values()].filter((message) => message.queueName === queueName);
    return own.length === 0 ? undefined : Math.min(...own.map(({ sentAt }) => sentAt));
  }

  sent(): readonly string[] {
    return [...this.#sent];
  }

  async stop(): Promise<void> {
    await this.#app.close();
  }

  async #answer({ operation, input, principal }: AwsRequest): Promise<AwsResponse> {
    const action = ACTIONS[operation];
    if (action === undefined) throw unknownOperation('SQS', operation);
    const queueName = requireString(input, 'QueueUrl').split('/').at(-1) ?? '';
    const { guard, region, account } = this.#options;
    guard.authorize(principal, { action, resource: `arn:aws:sqs:${region}:${account}:${queueName}` });
    await this.#release(queueName);
    const response = await this.#forward(operation, { ...input, QueueUrl: this.#urlOf(queueName) });
    if (response.status === 200) this.#note(operation, { queueName, input, output: parsed(response.body) });
    return response;
  }

  /** fauxqs is asked by the name within the URL; the host in it is nobody's. */
  #urlOf(queueName: string): string {
    return `http://localhost/${this.#options.account}/${queueName}`;
  }

  async #forward(operation: string, input: object): Promise<AwsResponse> {
    const { statusCode, payload, headers } = await this.#app.inject({
      method: 'POST',
      url: '/',
      headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${operation}` },
      payload: JSON.stringify(input),
    });
    const code = headers['x-amzn-query-error'];
    return {
      status: statusCode,
      body: payload === '' ? '{}' : payload,
      ...(typeof code === 'string' ? { headers: { 'x-amzn-query-error': code } } : {}),
    };
  }

  /** Gives back what was received and is due by the platform's clock, which is never behind fauxqs's real one. */
  async #release(queueName: string): Promise<void> {
    const now = this.#options.clock.now();
    for (const [ReceiptHandle, taken] of this.#taken) {
      if (taken.queueName !== queueName || taken.visibleAt > now) continue;
      this.#taken.delete(ReceiptHandle);
      const QueueUrl = this.#urlOf(queueName);
      await this.#forward('ChangeMessageVisibility', { QueueUrl, ReceiptHandle, VisibilityTimeout: 0 });
    }
  }

  #noteSent({ queueName, input, output }: Exchange): void {
    this.#sent.push(...bodiesOf(input));
    if (this.#sent.length > KEEP) this.#sent.splice(0, this.#sent.length - KEEP);
    const sentAt = this.#options.clock.now();
    const made = output.Successful === undefined ? [output] : listOf(output.Successful);
    for (const { MessageId } of made) this.#held.set(String(MessageId), { queueName, sentAt });
    for (const listener of this.#listeners) listener(queueName);
  }

  #note(operation: string, exchange: Exchange): void {
    const { queueName, input, output } = exchange;
    if (SENDS.has(operation)) this.#noteSent(exchange);
    const seconds = typeof input.VisibilityTimeout === 'number' ? input.VisibilityTimeout : undefined;
    const visibleMs = seconds === undefined ? (this.#visibilityMs.get(queueName) ?? 0) : seconds * 1000;
    const visibleAt = this.#options.clock.now() + visibleMs;
    if (operation === 'ReceiveMessage') {
      for (const { ReceiptHandle, MessageId } of listOf(output.Messages)) {
        this.#taken.set(String(ReceiptHandle), { queueName, visibleAt });
        this.#messageIds.set(String(ReceiptHandle), String(MessageId));
      }
    }
    if (operation === 'ChangeMessageVisibility') this.#taken.set(String(input.ReceiptHandle), { queueName, visibleAt });
    if (operation === 'DeleteMessage') this.#forget(input);
    if (operation === 'DeleteMessageBatch') for (const entry of listOf(input.Entries)) this.#forget(entry);
  }

  #forget({ ReceiptHandle }: Record<string, unknown>): void {
    this.#held.delete(this.#messageIds.get(String(ReceiptHandle)) ?? '');
    this.#messageIds.delete(String(ReceiptHandle));
    this.#taken.delete(String(ReceiptHandle));
  }
}

/** A request that was carried out, with its answer. */
interface Exchange {
  readonly queueName: string;
  readonly input: Record<string, unknown>;
  readonly output: Record<string, unknown>;
}

function bodiesOf(input: Record<string, unknown>): readonly string[] {
  const messages = input.Entries === undefined ? [input] : listOf(input.Entries);
  return messages.map(({ MessageBody }) => String(MessageBody));
}

function parsed(body: AwsResponse['body']): Record<string, unknown> {
  return JSON.parse(String(body)) as Record<string, unknown>;
}

function listOf(value: unknown): readonly Record<string, unknown>[] {
  return Array.isArray(value) ? value : [];
}
