import { type CancellationReason, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { GrantkeeperError } from '../domain/errors.ts';
import type { FailedLeg, Transaction, Verdict } from '../domain/write.ts';
import { fromItem } from './attribute-values.ts';
import { toRecord } from './record.ts';

/**
 * What a failed TransactWriteItems means. A cancellation for failed conditions alone is a verdict, with the images.
 * Everything else (conflict, throttling, time-out, validation, a token used with other contents) is thrown as
 * `unavailable`: it says nothing about the items, or says it beside a conflict that may undo it.
 */
export function verdictOf(error: unknown, transaction: Transaction): Verdict {
  if (!(error instanceof TransactionCanceledException)) throw unavailable(error);
  const reasons = error.CancellationReasons ?? [];
  const isVerdict = reasons.some(hasFailed) && reasons.every((reason) => hasFailed(reason) || reason.Code === 'None');
  if (!isVerdict) throw unavailable(error);
  const failed = reasons.flatMap((reason, index) => (hasFailed(reason) ? [failedLeg(reason, index, transaction)] : []));
  return { committed: false, failed };
}

/** Whatever kept DynamoDB from answering, as the port's one error. */
export function unavailable(cause: unknown): GrantkeeperError {
  return cause instanceof GrantkeeperError ? cause : new GrantkeeperError('unavailable', { cause });
}

function hasFailed(reason: CancellationReason): boolean {
  return reason.Code === 'ConditionalCheckFailed';
}

function failedLeg(reason: CancellationReason, index: number, transaction: Transaction): FailedLeg {
  const write = transaction.writes[index];
  if (reason.Item === undefined || write === undefined) return { index };
  return { index, image: toRecord(write.table, fromItem(reason.Item)) };
}
