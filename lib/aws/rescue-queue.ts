import { GetQueueAttributesCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod/mini';
import { GrantkeeperError } from '../domain/errors.ts';
import { type GrantKey, grantKey } from '../domain/grant.ts';
import { PROVIDER_ENVIRONMENTS, PROVIDER_IDS } from '../domain/names.ts';
import type { RescueMessage } from '../domain/rescue-message.ts';
import type { CountRescues, RescueQueue } from '../service/ports.ts';

interface Target {
  /** From `createSqsClient`. */
  readonly client: SQSClient;
  readonly queueUrl: string;
}

/** The rescue queue on SQS. `put` returns once SQS has the message on several machines. Throws `unavailable`. */
export function createRescueQueue({ client, queueUrl }: Target): RescueQueue {
  return {
    async put(message) {
      const command = new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: encodeRescue(message) });
      await client.send(command).catch(unavailable);
    },
  };
}

/** What SQS tells of a queue, all three approximate: a message it has taken shows within a minute. */
const COUNTS = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
] as const;

/**
 * Counts what waits on queue and dead-letter queue: visible, in flight and delayed. Throws `unavailable`, also when an answer
 * lacks a count: what is not known must not pass for empty.
 */
export function createCountRescues({
  client,
  queueUrl,
  deadLetterUrl,
}: Target & { readonly deadLetterUrl: string }): CountRescues {
  return async () => {
    const counts = await Promise.all([queueUrl, deadLetterUrl].map((url) => countOn(client, url)));
    return counts.reduce((sum, count) => sum + count, 0);
  };
}

async function countOn(client: SQSClient, url: string): Promise<number> {
  const command = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: [...COUNTS] });
  const { Attributes } = await client.send(command).catch(unavailable);
  const counts = COUNTS.map((name) => Attributes?.[name] ?? '');
  if (!counts.every((count) => /^\d+$/.test(count))) unavailable(new Error('SQS did not answer with all counts'));
  return counts.reduce((sum, count) => sum + Number(count), 0);
}

function unavailable(cause: unknown): never {
  throw new GrantkeeperError('unavailable', { cause });
}

/**
 * The body of a message: JSON, bytes in base64. A few kB, 100 kB with the longest tokens that are taken; SQS takes 1 MiB.
 * Nothing is checked here, because a message that is not sent is a token lost.
 */
export function encodeRescue(message: RescueMessage): string {
  return JSON.stringify(message, function bytesAsBase64(this: Record<string, unknown>, name, value: unknown) {
    // `value` of a Buffer is what its own toJSON made of it.
    const raw = this[name];
    return raw instanceof Uint8Array ? Buffer.from(raw).toString('base64') : value;
  });
}

const ID = z.string().check(z.regex(/^[\w.-]{1,64}$/));
/** https://github.com/ulid/spec; anything else would be greater or smaller than every authorisation to come. */
const GENERATION = z.string().check(z.regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/));
/** The provider's or the operator's words; whatever they are, they must not keep a token on the queue. */
const TEXT = z.string();
const INSTANT = z.int().check(z.nonnegative());
const NUMBER = z.int().check(z.nonnegative());
const GRANT = z.custom<GrantKey>(
  (key) => typeof key === 'string' && PROVIDER_IDS.some((provider) => key.startsWith(`${provider}#`)),
);
const BYTES = z.pipe(
  z.base64().check(z.minLength(1)),
  z.transform((text) => Uint8Array.from(Buffer.from(text, 'base64'))),
);
const SEALED = z.strictObject({ attemptId: ID, ciphertext: BYTES, dataKey: BYTES, scope: z.exactOptional(TEXT) });
const ACCESS = z.extend(SEALED, { obtainedAt: INSTANT, expiresAt: INSTANT });

const ISSUED = z.strictObject({
  grant: GRANT,
  generation: GENERATION,
  number: NUMBER,
  attemptId: ID,
  startedAt: INSTANT,
  tokenVersion: NUMBER,
  spentId: ID,
  seenHeld: z.array(ID),
  access: ACCESS,
  refresh: z.extend(SEALED, { generation: GENERATION, version: NUMBER }),
  refreshExpiresAt: z.exactOptional(INSTANT),
  hardExpiresAt: z.exactOptional(INSTANT),
  traceId: z.exactOptional(TEXT),
});

const AUTHORIZATION = z.strictObject({
  provider: z.enum(PROVIDER_IDS),
  subject: TEXT,
  grant: GRANT,
  generation: GENERATION,
  attemptId: ID,
  clientId: TEXT,
  environment: z.enum(PROVIDER_ENVIRONMENTS),
  scopes: z.array(TEXT),
  access: ACCESS,
  refresh: SEALED,
  refreshExpiresAt: INSTANT,
  hardExpiresAt: z.exactOptional(INSTANT),
  organizationId: TEXT,
  traceId: z.exactOptional(TEXT),
});

const MESSAGE: z.ZodMiniType<RescueMessage> = z
  .discriminatedUnion('kind', [
    z.strictObject({ v: z.literal(1), kind: z.literal('refresh'), issued: ISSUED }),
    z.strictObject({ v: z.literal(1), kind: z.literal('bank'), authorization: AUTHORIZATION }),
  ])
  .check(z.refine(isOneStory));

/** What a message says twice, it says alike; ours always does. */
function isOneStory(message: RescueMessage): boolean {
  const { attemptId, access, refresh } = message.kind === 'refresh' ? message.issued : message.authorization;
  if (access.attemptId !== attemptId || refresh.attemptId !== attemptId) return false;
  if (message.kind === 'bank') {
    const { grant, provider, subject } = message.authorization;
    return grant === grantKey(provider, subject);
  }
  const { generation, number, tokenVersion } = message.issued;
  const { refresh: token } = message.issued;
  return token.generation === generation && token.version === number && tokenVersion < number;
}

/**
 * The message of a body. Throws `internal_error` for anything that is not exactly of the form this release writes, also for a
 * version that it does not know: it stays on the queue for a release that does. The error holds nothing of the body.
 */
export function decodeRescue(body: string): RescueMessage {
  const parsed = MESSAGE.safeParse(jsonOf(body));
  if (parsed.success) return parsed.data;
  throw new GrantkeeperError('internal_error', {
    cause: new Error('a message of the rescue queue is not of the form this release knows'),
  });
}

/** Undefined for what is not JSON: the parser's own error would quote the text. */
function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
