import { RemovalPolicy } from 'aws-cdk-lib';
import {
  AttributeType,
  Billing,
  type GlobalSecondaryIndexPropsV2,
  ProjectionType,
  TableEncryptionV2,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { DUE_INDEX, TABLE_KEYS, type TableName, TTL_ATTRIBUTE } from '../lib/domain/names.ts';

/** Sparse: only grants that owe something carry these attributes. Keys only: the item is re-read before anything happens. */
const DUE: GlobalSecondaryIndexPropsV2 = {
  indexName: DUE_INDEX,
  partitionKey: { name: 'duePartition', type: AttributeType.STRING },
  sortKey: { name: 'dueAt', type: AttributeType.NUMBER },
  projectionType: ProjectionType.KEYS_ONLY,
};

/**
 * The five tables of design §3, on demand. All but flows have point-in-time recovery and deletion protection and stay
 * when the stack goes; flows are worth nothing after minutes.
 */
export class Tables extends Construct {
  readonly byName: Readonly<Record<TableName, TableV2>>;
  readonly #key: IKey;

  constructor(scope: Construct, id: string, { key }: { readonly key: IKey }) {
    super(scope, id);
    this.#key = key;
    this.byName = {
      grants: this.#add('grants', { globalSecondaryIndexes: [DUE] }),
      connections: this.#add('connections'),
      flows: this.#add('flows', { timeToLiveAttribute: TTL_ATTRIBUTE, isKept: false }),
      apiKeys: this.#add('apiKeys'),
      audit: this.#add('audit', { timeToLiveAttribute: TTL_ATTRIBUTE }),
    };
  }

  #add(name: TableName, options: TableOptions = {}): TableV2 {
    const { isKept = true, ...properties } = options;
    const [partitionKey, sortKey] = TABLE_KEYS[name];
    return new TableV2(this, name, {
      ...properties,
      partitionKey: { name: partitionKey, type: AttributeType.STRING },
      ...(sortKey === undefined ? {} : { sortKey: { name: sortKey, type: AttributeType.STRING } }),
      billing: Billing.onDemand(),
      encryption: TableEncryptionV2.customerManagedKey(this.#key),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: isKept },
      deletionProtection: isKept,
      removalPolicy: isKept ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
  }
}

interface TableOptions {
  readonly globalSecondaryIndexes?: GlobalSecondaryIndexPropsV2[];
  readonly timeToLiveAttribute?: string;
  /** Default true. */
  readonly isKept?: boolean;
}
