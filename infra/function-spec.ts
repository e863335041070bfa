import type { FunctionName, TableName, VARIABLES } from '../lib/domain/names.ts';

/** What a table can be used for, by DynamoDB's own names; the legs of a transaction need the same actions. */
type TableAction =
  | 'GetItem'
  | 'BatchGetItem'
  | 'PutItem'
  | 'UpdateItem'
  | 'DeleteItem'
  | 'ConditionCheckItem'
  | 'Query'
  | 'Scan';

/** Purposes of the encryption context (design §4). */
export type Purpose = 'access' | 'refresh';

/** What the rescue queue can be used for; `counts` is of its dead-letter queue too. */
export type RescueUse = 'sends' | 'counts' | 'receives';

/** What one function is given. Its role and its environment follow from this and from nothing else. */
export interface FunctionSpec {
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  /** At most so many at once. Default: as many as the account allows. */
  readonly concurrency?: number;
  /** Whether an asynchronous invocation that failed, or waited a minute, is dropped. Default: Lambda's two retries and six hours. */
  readonly isAskedOnce?: true;
  /**
   * What brings back a request that failed: the sweep, which finds in the tables what is still to be done, or the queue, on
   * which the message stays. Default: whoever asked, who was told.
   */
  readonly isRepeatedBy?: 'sweep' | 'queue';
  /** Actions per table; each table also brings the variable with its name. */
  readonly tables: { readonly [T in TableName]?: readonly TableAction[] };
  /** Attributes an UpdateItem may mention, per table where that is all that may be updated. */
  readonly touches?: { readonly [T in TableName]?: readonly string[] };
  /** Whether the due index may be queried. */
  readonly queriesDue?: true;
  /** Purposes new ciphertexts may be made for. */
  readonly seals?: readonly Purpose[];
  /** Purposes ciphertexts may be opened for. */
  readonly opens?: readonly Purpose[];
  readonly readsClientSecrets?: true;
  readonly readsStateKeys?: true;
  /** Whether it tells on the bus what has happened; brings the variable with the bus's name. */
  readonly emits?: true;
  /** Whether it writes the fleet's gauges and looks whether our keys can be used; brings the variable with the table key's ARN. */
  readonly watchesFleet?: true;
  /** Brings the variables with the URLs that the use needs. */
  readonly rescues?: readonly RescueUse[];
  /** The function it may invoke, itself perhaps; brings the variable with that function's name. */
  readonly invokes?: 'refresh-grant' | 'finish-connect' | 'refresh-due';
  /** Further settings it reads; every function knows environment and log level. */
  readonly settings: readonly Setting[];
}

/** A setting of `VARIABLES` that comes from the configuration. */
export type Setting = Exclude<
  keyof typeof VARIABLES,
  | 'keyArn'
  | 'environment'
  | 'logLevel'
  | 'refreshGrantFunction'
  | 'finishConnectFunction'
  | 'refreshDueFunction'
  | 'rescueQueueUrl'
  | 'rescueDeadLetterUrl'
  | 'eventBus'
  | 'tableKeyArn'
>;

export type FunctionSpecs = Readonly<Record<FunctionName, FunctionSpec>>;
