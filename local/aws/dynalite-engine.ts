/**
 * dynalite in memory and in this process: the single-item semantics, expressions and indexes of DynamoDB, without its
 * HTTP server. One instance per front. It knows nothing of locks, principals or transactions.
 */
import { createRequire } from 'node:module';
import { AwsError } from './aws-error.ts';
import { refuseUnfaithful } from './dynalite-limits.ts';

/** An item or a key in DynamoDB JSON. */
export type Item = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
export type Input = Readonly<Record<string, unknown>>;

/** What dynalite 4.0.0 carries out faithfully enough to be passed on. */
export type EngineOperation =
  | 'BatchGetItem'
  | 'CreateTable'
  | 'DeleteItem'
  | 'DescribeTable'
  | 'GetItem'
  | 'ListTables'
  | 'PutItem'
  | 'Query'
  | 'Scan'
  | 'UpdateItem';

export interface Engine {
  /** The output of the operation; throws `AwsError` with DynamoDB's code. */
  run(operation: EngineOperation, input: Input): Promise<Record<string, unknown>>;
  /** Throws `AwsError` ValidationException or SerializationException; touches nothing. */
  validate(operation: EngineOperation, input: Input): void;
  /** Whether the condition of a delete-shaped input (Key, ConditionExpression, …) holds for this image. */
  conditionHolds(input: Input, image: Item | undefined): boolean;
  close(): Promise<void>;
}

/** The parts of dynalite 4.0.0, which has no types, that run an operation without its HTTP server. */
interface DynaliteStore {
  readonly tableDb: { awsAccountId: string; awsRegion: string };
  readonly db: { close(done: (error?: Error | null) => void): void };
}
interface DynaliteDb {
  create(options: { createTableMs: number }): DynaliteStore;
  /** An error when the condition of the validated input does not hold for the item. */
  checkConditional(validated: object, item: object | undefined): unknown;
}
interface DynaliteValidations {
  checkTypes(input: object, types: object): object;
  checkValidations(input: object, types: object, custom: unknown, store: DynaliteStore): void;
}
type Action = (store: DynaliteStore, input: object, done: (error: unknown, output: object) => void) => void;
interface Validation {
  readonly types: object;
  readonly custom: unknown;
}

const require = createRequire(import.meta.url);
const db: DynaliteDb = require('dynalite/db');
const validations: DynaliteValidations = require('dynalite/validations');

/** An empty engine; region and account appear in the ARNs of its tables. */
export function createEngine({ region, account }: { region: string; account: string }): Engine {
  const store = db.create({ createTableMs: 0 });
  store.tableDb.awsRegion = region;
  store.tableDb.awsAccountId = account;

  function parse(operation: EngineOperation, input: Input): object {
    const { types, custom } = load<Validation>('validations', operation);
    try {
      // A copy, because dynalite deletes what it does not know and adds what it has parsed.
      const checked = validations.checkTypes(structuredClone(input), types);
      validations.checkValidations(checked, types, custom, store);
      refuseUnfaithful(checked);
      return checked;
    } catch (error) {
      throw toAwsError(error);
    }
  }
  return {
    run(operation, input) {
      const parsed = parse(operation, input);
      const action = load<Action>('actions', operation);
      return new Promise((resolve, reject) => {
        action(store, parsed, (error, output) => {
          if (error) reject(toAwsError(error));
          // A copy, because dynalite goes on using what it answers with.
          else resolve(structuredClone(output) as Record<string, unknown>);
        });
      });
    },
    validate(operation, input) {
      parse(operation, input);
    },
    conditionHolds(input, image) {
      return !db.checkConditional(parse('DeleteItem', input), image);
    },
    close: () => new Promise((resolve, reject) => store.db.close((error) => (error ? reject(error) : resolve()))),
  };
}

function load<T>(folder: 'actions' | 'validations', operation: EngineOperation): T {
  return require(`dynalite/${folder}/${operation.charAt(0).toLowerCase()}${operation.slice(1)}.js`) as T;
}

function toAwsError(error: unknown): unknown {
  const { statusCode, body } = error as { statusCode?: number; body?: Record<string, string> };
  if (!statusCode || !body) return error;
  const code = body.__type?.split('#')[1] ?? 'InternalServerError';
  return new AwsError(code, body.message || body.Message || code, statusCode);
}
