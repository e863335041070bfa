import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { createDynamoStore } from '../lib/aws/dynamo-store.ts';
import { APP, type FunctionName, TABLE_VARIABLES, type TableName } from '../lib/domain/names.ts';
import { readConfig } from '../lib/runtime/config.ts';
import { createPolicies, type Policies, type PolicySettings } from '../lib/service/policies.ts';
import type { Clock, Store } from '../lib/service/ports.ts';
import { environmentIn, matching, Refused, UsageError } from './arguments.ts';
import type { Session } from './command.ts';

/** What an environment consists of, as far as a command asked for it. */
export interface Place<T extends TableName = TableName> {
  readonly environment: string;
  /** Physical names. */
  readonly tables: Readonly<Record<T, string>>;
  readonly store: Store;
  /** AWS's clock: a laptop's may be wrong, and the local platform's is moved about. */
  readonly clock: Clock;
}

/** URLs of the queue for tokens that no table took, and of what could not be worked off. */
export interface RescueQueues {
  readonly queueUrl: string;
  readonly deadLetterUrl: string;
}

const TABLE_OUTPUTS = {
  grants: 'GrantsTable',
  connections: 'ConnectionsTable',
  audit: 'AuditTable',
  apiKeys: 'ApiKeysTable',
  flows: 'FlowsTable',
} as const satisfies Record<TableName, string>;

/** As DynamoDB has it. */
const TABLE_NAME = /^[\w.-]{3,255}$/;

/** A second of the header's own, and what a request takes: less is no difference. */
const CLOCKS_AGREE_MS = 3_000;

/**
 * The tables of an environment: named by their variable (`GK_TABLE_…`, as after a restore under another name) or else by
 * the outputs of its stateful stack. Throws `UsageError` when a name is no table's, `Refused` when the environment does not exist here.
 */
export async function findPlace<const T extends TableName>(
  session: Session,
  environment: string,
  wanted: readonly T[],
): Promise<Place<T>> {
  const named = wanted.map((table) => [table, namedTable(session, environment, table)] as const);
  const missing = named.filter(([, name]) => name === undefined).map(([table]) => table);
  const { outputs, clock } =
    missing.length === 0 ? { outputs: {}, clock: session.clock } : await findOutputs(session, environment);
  const tables = Object.fromEntries(
    named.map(([table, name]) => [table, name ?? outputOf(outputs, environment, TABLE_OUTPUTS[table])]),
  ) as Record<T, string>;
  return { environment, tables, clock, store: createDynamoStore({ client: session.clients.dynamoDb, tables }) };
}

/** The rescue queues of an environment, by the outputs of its stateful stack. */
export async function findRescueQueues(session: Session, environment: string): Promise<RescueQueues> {
  const { outputs } = await findOutputs(session, environment);
  return {
    queueUrl: outputOf(outputs, environment, 'RescueQueueUrl'),
    deadLetterUrl: outputOf(outputs, environment, 'RescueDeadLetterUrl'),
  };
}

/** AWS's clock. Throws `Refused` when the environment does not exist here. */
export async function findClock(session: Session, environment: string): Promise<Clock> {
  return (await findOutputs(session, environment)).clock;
}

/** What a function of ours is called. */
export function functionNameOf(environment: string, name: FunctionName): string {
  return `${APP}-${environment}-${name}`;
}

/** The policies that the deployed functions decide by: the settings of the environment, as its sweep is given them. */
export async function readPolicies({ clients }: Session, environment: string): Promise<Policies> {
  const FunctionName = functionNameOf(environment, 'refresh-due');
  const { Environment } = await clients.lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  const settings = readConfig(
    [
      ...(['refreshAheadSeconds', 'onDemandSeconds', 'keepAliveDays', 'leaseSeconds'] as const),
      ...(['backoffBaseMs', 'backoffCapSeconds', 'circuitFailures', 'circuitResetSeconds'] as const),
    ],
    Environment?.Variables ?? {},
  );
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  return createPolicies(Object.fromEntries(given) as PolicySettings);
}

function namedTable({ variables }: Session, environment: string, table: TableName): string | undefined {
  const variable = TABLE_VARIABLES[table];
  const given = variables[variable];
  if (given === undefined || given === '') return undefined;
  const name = matching(given, TABLE_NAME, `${variable} does not name a table`);
  const named = environmentIn(name);
  if (named === undefined || named === environment) return name;
  throw new UsageError(`--env is ${environment}, but ${variable} names a table of ${named}`);
}

type Outputs = Readonly<Record<string, string>>;

async function findOutputs(
  { clients, clock }: Session,
  environment: string,
): Promise<{ readonly outputs: Outputs; readonly clock: Clock }> {
  const StackName = `${APP}-${environment}-stateful`;
  const command = new DescribeStacksCommand({ StackName });
  let aheadMs = 0;
  command.middlewareStack.add(
    (next) => async (args) => {
      const sentAt = clock.now();
      const result = await next(args);
      aheadMs = aheadOf(result.response, { sentAt, receivedAt: clock.now() });
      return result;
    },
    { step: 'deserialize', name: 'noteDate' },
  );
  try {
    const { Stacks = [] } = await clients.cloudFormation.send(command);
    const outputs = (Stacks[0]?.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]);
    const now = () => clock.now() + aheadMs;
    return { outputs: Object.fromEntries(outputs), clock: { now, sleep: clock.sleep } };
  } catch (error) {
    if (!(error instanceof Error && /does not exist/.test(error.message))) throw error;
    throw new Refused(
      `no environment "${environment}" here (there is no stack ${StackName}): check --env, AWS_PROFILE and AWS_REGION`,
    );
  }
}

/** By how much AWS's clock is ahead of ours, by the `Date` of an answer. */
function aheadOf(response: unknown, { sentAt, receivedAt }: { sentAt: number; receivedAt: number }): number {
  const { headers } = response as { readonly headers?: Readonly<Record<string, string>> };
  const date = Date.parse(headers?.date ?? '');
  const aheadMs = date + 500 - (sentAt + receivedAt) / 2;
  return Number.isNaN(aheadMs) || Math.abs(aheadMs) < CLOCKS_AGREE_MS ? 0 : Math.round(aheadMs);
}

function outputOf(outputs: Outputs, environment: string, output: string): string {
  const value = outputs[output];
  if (value !== undefined && value !== '') return value;
  throw new Refused(`the stack ${APP}-${environment}-stateful has no output ${output}: deploy this release first`);
}
