import type { SQSBatchResponse } from 'aws-lambda';
import * as z from 'zod/mini';
import { decodeRescue } from '../aws/rescue-queue.ts';
import { GrantkeeperError } from '../domain/errors.ts';
import type { Instant } from '../domain/grant.ts';
import type { RescueMessage } from '../domain/rescue-message.ts';
import { type InvokeContext, invokeHandler } from './invoke-handler.ts';

/** What this room reads of an SQS event; the rest is left aside. */
const EVENT = z.object({
  Records: z.array(
    z.object({
      messageId: z.string(),
      body: z.string(),
      attributes: z.optional(z.object({ ApproximateReceiveCount: z.optional(z.string()) })),
    }),
  ),
});
type SqsRecord = z.infer<typeof EVENT>['Records'][number];

/** Stores what one message holds, and answers as what. */
type Apply = (message: RescueMessage, deadlineAt: Instant) => Promise<string>;

/**
 * The Lambda handler of the rescue queue. Each message is worked on by itself, with a log line of its own, under its id as
 * correlation id; those that could not be stored, or that this release cannot read, are named to SQS and come again. Of a
 * message nothing is logged but ids and what it came to. Throws `invalid_request` when the event is not SQS's.
 */
export function rescueHandler(apply: Apply): (event: unknown, context: InvokeContext) => Promise<SQSBatchResponse> {
  const one = invokeHandler('rescue', async (event, { deadlineAt, note }) => {
    const { body, attributes } = event as SqsRecord;
    note({ retries: Number(attributes?.ApproximateReceiveCount ?? 1) - 1 });
    const message = decodeRescue(body);
    note(idsOf(message));
    note({ outcome: await apply(message, deadlineAt) });
    return { status: 'done' } as const;
  });
  return async (event, context) => {
    const parsed = EVENT.safeParse(event);
    if (!parsed.success) throw new GrantkeeperError('invalid_request');
    const ends = parsed.data.Records.map(async (record) => {
      const { status } = await one({ ...record, correlationId: record.messageId }, context);
      return { itemIdentifier: record.messageId, status };
    });
    const failed = (await Promise.all(ends)).filter(({ status }) => status === 'error');
    return { batchItemFailures: failed.map(({ itemIdentifier }) => ({ itemIdentifier })) };
  };
}

function idsOf(message: RescueMessage) {
  const { kind } = message;
  const { grant, attemptId } = message.kind === 'refresh' ? message.issued : message.authorization;
  return {
    kind,
    grant,
    attemptId,
    ...(message.kind === 'refresh' ? { number: message.issued.number } : {}),
  };
}
