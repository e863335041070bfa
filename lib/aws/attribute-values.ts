import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/**
 * An item as the document client would give it: string sets as `Set`, binary as `Uint8Array`. Needed because that client
 * leaves the images inside a cancelled transaction as they came.
 */
export function fromItem(item: Readonly<Record<string, AttributeValue>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, fromAttribute(value)]));
}

function fromAttribute(value: AttributeValue): unknown {
  if (value.M !== undefined) return fromItem(value.M);
  if (value.L !== undefined) return value.L.map(fromAttribute);
  if (value.N !== undefined) return Number(value.N);
  if (value.SS !== undefined) return new Set(value.SS);
  if (value.NULL !== undefined) return null;
  const plain = value.S ?? value.B ?? value.BOOL;
  if (plain === undefined) throw new TypeError('a DynamoDB type that no record of ours has');
  return plain;
}
