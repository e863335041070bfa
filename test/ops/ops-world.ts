import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createDynamoStore } from '../../lib/aws/dynamo-store.ts';
import type { TableName } from '../../lib/domain/names.ts';
import type { Write } from '../../lib/domain/write.ts';
import type { Store } from '../../lib/service/ports.ts';
import type { AlarmDefinition } from '../../local/alarms/model.ts';
import type { Assembly, FunctionResource } from '../../local/assembly/model.ts';
import { type EmbeddedAws, startEmbeddedAws } from '../../local/embedded-aws.ts';
import { type Clients, createClients } from '../../ops/clients.ts';
import { understand } from '../../ops/registry.ts';
import { T0 } from '../support/grants.ts';
import { createTables } from '../support/tables.ts';

const ACCOUNT = '000000000000';
const ECHO = fileURLToPath(new URL('../local/mini/functions/echo/index.mjs', import.meta.url));
const REFRESHERS = ['refresh-grant', 'refresh-due', 'finish-connect', 'rescue'];
/** 43 characters of base64url, told apart by their first. */
export const FIRST_KEY = 'A'.repeat(43);

/** How a command ended that ran in this process. */
export interface RunEnd {
  readonly text: string;
  readonly told: unknown;
  readonly exitCode: number;
  /** What was said on the way, and asked. */
  readonly said: readonly string[];
}

/** An environment called `dev` on the embedded AWS, with a clock that stands still unless somebody waits. */
export interface OpsWorld {
  readonly aws: EmbeddedAws;
  readonly clients: Clients;
  readonly store: Store;
  readonly tables: Readonly<Record<TableName, string>>;
  readonly clock: { now(): number; advance(seconds: number): void };
  readonly variables: Record<string, string>;
  put(...writes: Write[]): Promise<void>;
  /** Runs a command; with `typed` there is somebody at the terminal, who types that. */
  run(line: string, typed?: string): Promise<RunEnd>;
  /** What the command is refused with. */
  refusal(line: string, typed?: string): Promise<Error>;
  stop(): Promise<void>;
}

/** Starts it at T0. */
export async function startOpsWorld(alarms: readonly AlarmDefinition[] = []): Promise<OpsWorld> {
  let now = T0;
  const advance = (seconds: number) => {
    now += seconds * 1000;
  };
  const clock = { now: () => now, advance, offset: new SharedArrayBuffer(8) };
  const outputs: Record<string, { value: string }> = {};
  const secret = JSON.stringify({ id: '1', key: FIRST_KEY });
  const name = 'grantkeeper/dev/state-keys';
  const assembly = assemblyOf({ alarms, outputs, secret: name });
  const aws = await startEmbeddedAws({ assembly, clock, secretValues: new Map([[name, secret]]) });
  const clients = createClients({
    endpoint: aws.endpointUrl,
    region: aws.region,
    credentials: { ...aws.administrator },
  });
  const tables = await createTables(clients.dynamoDb, 'dev');
  Object.assign(outputs, outputsOf(tables, aws.endpointUrl));
  const store = createDynamoStore({ client: clients.dynamoDb, tables });
  const sleep = async (ms: number) => advance(ms / 1000);
  const variables: Record<string, string> = {};
  let puts = 0;

  async function run(line: string, typed?: string): Promise<RunEnd> {
    const said: string[] = [];
    const tell = (text: string) => void said.push(text);
    const ask = async (question: string) => {
      said.push(question);
      return typed ?? '';
    };
    const terminal = { isInteractive: typed !== undefined, tell, ask };
    const prepared = understand(line.split(' '), variables);
    const {
      text,
      told,
      exitCode = 0,
    } = await prepared.run({ clients, clock: { now: clock.now, sleep }, terminal, variables });
    return { text, told: JSON.parse(JSON.stringify(told)), exitCode, said };
  }
  return {
    ...{ aws, clients, store, tables, clock, variables, run },
    async put(...writes) {
      for (const write of writes) await store.commit({ token: `given-${++puts}`, writes: [write] });
    },
    async refusal(line, typed) {
      const end = await run(line, typed).catch((error: unknown) => error as Error);
      if (end instanceof Error) return end;
      throw new Error(`it was not refused: ${end.text}`);
    },
    async stop() {
      for (const client of Object.values(clients)) client.destroy();
      await aws.stop();
    },
  };
}

function outputsOf(tables: Readonly<Record<TableName, string>>, endpointUrl: string) {
  const queue = (queueName: string) => ({ value: `${endpointUrl}/${ACCOUNT}/${queueName}` });
  return {
    GrantsTable: { value: tables.grants },
    ConnectionsTable: { value: tables.connections },
    AuditTable: { value: tables.audit },
    FlowsTable: { value: tables.flows },
    ApiKeysTable: { value: tables.apiKeys },
    RescueQueueUrl: queue('grantkeeper-dev-rescue'),
    RescueDeadLetterUrl: queue('grantkeeper-dev-rescue-dead-letter'),
  };
}

function assemblyOf(parts: {
  readonly alarms: readonly AlarmDefinition[];
  readonly outputs: Record<string, { value: string }>;
  readonly secret: string;
}): Assembly {
  const queue = (name: string) => ({ name, arn: `arn:aws:sqs:us-east-1:${ACCOUNT}:${name}`, attributes: {} });
  return {
    tables: [],
    keys: [],
    secrets: [
      {
        name: parts.secret,
        arn: `arn:aws:secretsmanager:us-east-1:${ACCOUNT}:secret:${parts.secret}-abcdef`,
        properties: {},
      },
    ],
    functions: REFRESHERS.map(functionOf),
    apis: [],
    rules: [],
    buses: [{ name: 'grantkeeper-dev', arn: `arn:aws:events:us-east-1:${ACCOUNT}:event-bus/grantkeeper-dev` }],
    busRules: [],
    permissions: [],
    queues: [queue('grantkeeper-dev-rescue'), queue('grantkeeper-dev-rescue-dead-letter')],
    eventSources: [],
    alarms: parts.alarms,
    topics: ['page', 'ticket'].map((name) => `arn:aws:sns:us-east-1:${ACCOUNT}:grantkeeper-dev-${name}`),
    stacks: [{ name: 'grantkeeper-dev-stateful', outputs: parts.outputs }],
    notRun: [],
  };
}

/** Nobody invokes it; its settings are read, and how many may run. */
function functionOf(name: string): FunctionResource {
  const full = `grantkeeper-dev-${name}`;
  return {
    name: full,
    arn: `arn:aws:lambda:us-east-1:${ACCOUNT}:function:${full}`,
    handler: 'index.handler',
    assetDir: dirname(ECHO),
    timeoutSeconds: 80,
    memoryMb: 512,
    ...(name === 'refresh-due' ? { reservedConcurrency: 8 } : {}),
    environment: { GK_KEEP_ALIVE_DAYS: '10' },
    roleArn: `arn:aws:iam::${ACCOUNT}:role/${full}`,
    statements: [],
    maximumRetryAttempts: 0,
    aliases: {},
    versions: [],
    logGroup: `/aws/lambda/${full}`,
  };
}
