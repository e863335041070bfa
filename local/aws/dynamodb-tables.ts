import type { Input } from './dynalite-engine.ts';

interface KeyElement {
  readonly AttributeName: string;
  readonly KeyType: string;
}

interface IndexDefinition {
  readonly IndexName: string;
  readonly KeySchema: readonly KeyElement[];
  readonly Projection: { readonly ProjectionType?: string; readonly NonKeyAttributes?: readonly string[] };
}

/**
 * The properties of an `AWS::DynamoDB::GlobalTable` or `AWS::DynamoDB::Table` that matter here, intrinsic functions
 * resolved. Capacity, encryption, streams, replicas and protection are accepted and have no effect.
 */
export interface TableDefinition {
  readonly TableName: string;
  readonly KeySchema: readonly KeyElement[];
  readonly AttributeDefinitions: readonly { readonly AttributeName: string; readonly AttributeType: string }[];
  readonly GlobalSecondaryIndexes?: readonly IndexDefinition[];
  readonly LocalSecondaryIndexes?: readonly IndexDefinition[];
  readonly TimeToLiveSpecification?: { readonly AttributeName?: string; readonly Enabled: boolean };
}

/** The CreateTable request of a table definition: on demand, with keys and indexes as defined. */
export function toCreateTable(definition: TableDefinition): Input {
  const { TableName, KeySchema, AttributeDefinitions } = definition;
  return {
    TableName,
    KeySchema,
    AttributeDefinitions,
    BillingMode: 'PAY_PER_REQUEST',
    ...indexes('GlobalSecondaryIndexes', definition.GlobalSecondaryIndexes),
    ...indexes('LocalSecondaryIndexes', definition.LocalSecondaryIndexes),
  };
}

function indexes(member: string, definitions: readonly IndexDefinition[] | undefined): Input {
  if (!definitions?.length) return {};
  // A fresh object, because a template's index also has settings that CreateTable does not know.
  return {
    [member]: definitions.map(({ IndexName, KeySchema, Projection }) => ({ IndexName, KeySchema, Projection })),
  };
}
