import { REGION } from './assembly/intrinsics.ts';
import type { EventSourceResource } from './assembly/model.ts';
import { AssemblyError, isRecord } from './assembly/template.ts';
import type { Principal } from './aws/iam.ts';
import type { Sqs } from './aws/sqs.ts';
import type { ResolvedFunction } from './lambda/names.ts';
import type { Invocation, LambdaRuntime } from './lambda/runtime.ts';

export interface EventSourcesOptions {
  readonly mappings: readonly EventSourceResource[];
  readonly runtime: Pick<LambdaRuntime, 'resolve' | 'invoke'>;
  readonly sqs: Pick<Sqs, 'handle' | 'onMessage'>;
  /** Lambda polls a queue with the role of the function it is for. */
  principalOf(resource: ResolvedFunction['resource']): Principal;
  /** Nothing is received for a function that is paused. Default: none is. */
  isPaused?(resource: ResolvedFunction['resource']): boolean;
}

/** Lambda's pollers: they bring a queue's messages to the function it is mapped to. */
export interface EventSources {
  /**
   * Brings every message that can be received now, and resolves when there is none left; what a function did not take
   * comes again when its visibility has ended. A message that is put on a queue is brought without asking.
   */
  drain(): Promise<void>;
}

/**
 * Pollers for the mappings that are enabled, one batch of each at a time. A message is deleted when the function answered
 * and did not name it in `batchItemFailures` (where the mapping asks for that).
 * Throws `AssemblyError` when a mapping's function is not in this assembly.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export function createEventSources(options: EventSourcesOptions): EventSources {
  const pollers = options.mappings.filter(({ enabled }) => enabled).map((mapping) => new Poller(mapping, options));
  options.sqs.onMessage((queueName) => {
    for (const poller of pollers) if (poller.queueName === queueName) void poller.drain();
  });
  return {
    async drain() {
      await Promise.all(pollers.map((poller) => poller.drain()));
    },
  };
}

interface Message {
  readonly MessageId: string;
  readonly ReceiptHandle: string;
  readonly Body: string;
  readonly MD5OfBody?: string;
  readonly Attributes?: Readonly<Record<string, string>>;
}

class Poller {
  readonly queueName: string;
  readonly #mapping: EventSourceResource;
  readonly #options: EventSourcesOptions;
  readonly #target: ResolvedFunction;
  #draining: Promise<void> | undefined;
  #hasLooked = false;

  constructor(mapping: EventSourceResource, options: EventSourcesOptions) {
    this.#mapping = mapping;
    this.#options = options;
    this.queueName = mapping.queueArn.split(':').at(-1) ?? '';
    const { found } = options.runtime.resolve(mapping.functionArn);
    if (found === undefined) throw new AssemblyError(`no function ${mapping.functionArn} for ${this.queueName}`);
    this.#target = found;
  }

  drain(): Promise<void> {
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined;
    });
    return this.#draining;
  }

  /** Lambda looks at a queue's attributes before it polls, and does not poll one it may not look at. */
  async #look(): Promise<void> {
    if (this.#hasLooked) return;
    await this.#ask('GetQueueAttributes', { AttributeNames: ['All'] });
    this.#hasLooked = true;
  }

  /** A request that is refused or cut is left to the next drain, as Lambda's pollers would try again. */
  async #drain(): Promise<void> {
    if (this.#options.isPaused?.(this.#target.resource)) return;
    try {
      await this.#look();
      for (let batch = await this.#receive(); batch.length > 0; batch = await this.#receive()) {
        const invocation = await this.#options.runtime.invoke(this.#target, JSON.stringify(this.#eventOf(batch)));
        await this.#delete(this.#done(batch, invocation));
      }
    } catch {
      // Refusals are in the guard's report.
    }
  }

  async #receive(): Promise<readonly Message[]> {
    const output = await this.#ask('ReceiveMessage', {
      MaxNumberOfMessages: this.#mapping.batchSize,
      MessageSystemAttributeNames: ['All'],
    });
    return (output.Messages ?? []) as readonly Message[];
  }

  async #delete(messages: readonly Message[]): Promise<void> {
    if (messages.length === 0) return;
    const Entries = messages.map(({ MessageId, ReceiptHandle }) => ({ Id: MessageId, ReceiptHandle }));
    await this.#ask('DeleteMessageBatch', { Entries });
  }

  async #ask(operation: string, input: Record<string, unknown>): Promise<Record<string, unknown>> {
    const { body } = await this.#options.sqs.handle({
      principal: this.#options.principalOf(this.#target.resource),
      operation,
      input: { ...input, QueueUrl: this.queueName },
      method: 'POST',
      path: '/',
      query: new URLSearchParams(),
      headers: {},
      body: Buffer.alloc(0),
    });
    return JSON.parse(String(body)) as Record<string, unknown>;
  }

  /** https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html; message attributes are not passed on, nobody here sends any. */
  #eventOf(batch: readonly Message[]): object {
    return {
      Records: batch.map(({ MessageId, ReceiptHandle, Body, MD5OfBody = '', Attributes = {} }) => ({
        messageId: MessageId,
        receiptHandle: ReceiptHandle,
        body: Body,
        attributes: Attributes,
        messageAttributes: {},
        md5OfBody: MD5OfBody,
        eventSource: 'aws:sqs',
        eventSourceARN: this.#mapping.queueArn,
        awsRegion: REGION,
      })),
    };
  }

  #done(batch: readonly Message[], invocation: Invocation): readonly Message[] {
    if (invocation.kind === 'failed') return [];
    if (!this.#mapping.reportsItemFailures) return batch;
    const failed = failuresIn(invocation.payload);
    const known = new Set(batch.map(({ MessageId }) => MessageId));
    // Lambda takes an answer it does not understand for the failure of the whole batch.
    if (failed === undefined || failed.some((id) => !known.has(id))) return [];
    return batch.filter(({ MessageId }) => !failed.includes(MessageId));
  }
}

/** Ids of the messages that were not taken; undefined when the answer does not have the form. */
function failuresIn(payload: string): readonly string[] | undefined {
  const answer: unknown = JSON.parse(payload);
  const failures = isRecord(answer) ? (answer.batchItemFailures ?? []) : [];
  if (!Array.isArray(failures)) return undefined;
  const ids = failures.map((failure) => (isRecord(failure) ? failure.itemIdentifier : undefined));
  return ids.every((id) => typeof id === 'string') ? ids : undefined;
}
