/** A process of its own: DynamoDB Local (or, without Java, the embedded front) behind a proxy that can misbehave. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createDynamoDb } from '../../local/aws/dynamodb.ts';
import { createGuard } from '../../local/aws/iam.ts';
import { startAwsServer } from '../../local/aws/server.ts';
import { createClock } from '../../local/clock.ts';
import { type DynamoDbServer, NoDynamoDbLocal, startDynamoDbLocal } from '../support/dynamodb-local-server.ts';
import { serve } from './children.ts';
import { type FaultyProxy, type Spell, startFaultyProxy } from './faulty-proxy.ts';

/** What can be asked of the store's process. */
export type StoreHandlers = typeof handlers;

/** `stopped`: the server itself gets SIGSTOP, and SIGCONT afterwards. */
export type StoreSpell = Spell | 'stopped';

export interface StoreStarted {
  readonly url: string;
  readonly kind: 'DynamoDB Local' | 'embedded front';
  /** Why it is not AWS's own. */
  readonly reason?: string;
}

let server: DynamoDbServer | undefined;
let proxy: FaultyProxy | undefined;

const handlers = {
  async start(_: undefined): Promise<StoreStarted> {
    const { port, ...told } = await open();
    proxy = await startFaultyProxy(port);
    return { url: `http://127.0.0.1:${proxy.port}`, ...told };
  },
  /** Resolves when the spell is over. */
  async misbehave({ spell, ms }: { readonly spell: StoreSpell; readonly ms: number }): Promise<void> {
    const isStopped = spell === 'stopped' && server !== undefined;
    if (isStopped) server?.process.kill('SIGSTOP');
    else proxy?.set(spell === 'stopped' ? 'stalled' : spell);
    await sleep(ms);
    if (isStopped) server?.process.kill('SIGCONT');
    else proxy?.set(undefined);
  },
};

async function open(): Promise<{ port: number; kind: StoreStarted['kind']; reason?: string }> {
  try {
    server = await startDynamoDbLocal();
    return { port: server.port, kind: 'DynamoDB Local' };
  } catch (error) {
    if (!(error instanceof NoDynamoDbLocal)) throw error;
    return { port: await openFront(), kind: 'embedded front', reason: error.message };
  }
}

async function openFront(): Promise<number> {
  const { endpointUrl } = await startAwsServer({
    services: [createDynamoDb({ guard: createGuard(), clock: createClock() })],
    principalOf: (name) => ({ name, arn: `arn:aws:iam::000000000000:user/${name}`, statements: 'administrator' }),
  });
  return Number(new URL(endpointUrl).port);
}

process.once('SIGTERM', () => process.exit(0));
serve(handlers);
