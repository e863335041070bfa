import type { TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import type { Write } from '../domain/write.ts';
import { conditionExpression, createPlaceholders, updateExpression } from './expressions.ts';

export type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/**
 * One leg of a TransactWriteItems request. Asks for the old image when its condition fails. An update that changes nothing
 * becomes a check, so that it cannot create an empty item. Throws TypeError when a put's item lies under another key.
 */
export function toTransactItem(write: Write, tableName: string): TransactItem {
  const placeholders = createPlaceholders();
  const update = write.op === 'update' ? updateExpression(write, placeholders) : undefined;
  const isCheck = write.op === 'check' || (write.op === 'update' && update === undefined);
  const condition =
    isCheck || write.when.length > 0 ? { ConditionExpression: conditionExpression(write.when, placeholders) } : {};
  const leg = {
    TableName: tableName,
    ...condition,
    ...placeholders.declared(),
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  } as const;
  if (write.op === 'put') return { Put: { ...leg, Item: itemOf(write) } };
  const keyed = { ...leg, Key: { ...write.key } };
  if (write.op === 'delete') return { Delete: keyed };
  if (update !== undefined) return { Update: { ...keyed, UpdateExpression: update } };
  return { ConditionCheck: { ...keyed, ConditionExpression: condition.ConditionExpression } };
}

function itemOf(write: Write & { readonly op: 'put' }): Record<string, unknown> {
  const item: Record<string, unknown> = { ...write.item };
  if (item.pk !== write.key.pk || item.sk !== write.key.sk) {
    throw new TypeError(`the item put into ${write.table} lies under another key than the write names`);
  }
  return item;
}
