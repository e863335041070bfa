import { randomBytes } from 'node:crypto';
import { createTables } from '../support/tables.ts';
import type { AwsHandlers } from './aws-process.ts';
import { type Child, startChild } from './children.ts';
import { type Place, storeClient } from './place.ts';
import type { StoreHandlers, StoreStarted } from './store-process.ts';

/** The services that workers stand on, each in a process of its own. */
export interface World {
  readonly store: Child<StoreHandlers>;
  readonly storeKind: StoreStarted['kind'];
  readonly client: { readonly clientId: string; readonly clientSecret: string };
  /** Without the providers. */
  readonly place: Omit<Place, 'origins'>;
  stop(): Promise<void>;
}

/** Starts store, KMS, secrets and queues, with empty tables. Says loudly when the store is not AWS's own. */
export async function startWorld({ visibilitySeconds = 300 } = {}): Promise<World> {
  const store = startChild<StoreHandlers>(new URL('./store-process.ts', import.meta.url));
  const aws = startChild<AwsHandlers>(new URL('./aws-process.ts', import.meta.url));
  const client = { clientId: 'client-1', clientSecret: randomBytes(24).toString('hex') };
  const [started, awsPlace] = await Promise.all([
    store.call('start', undefined),
    aws.call('start', { environment: 'proof', client, visibilitySeconds }),
  ]);
  announce(started);
  const dynamo = storeClient(started.url);
  const tables = await createTables(dynamo, 'proof');
  dynamo.destroy();
  return {
    store,
    storeKind: started.kind,
    client,
    place: { ...awsPlace, storeUrl: started.url, tables },
    async stop() {
      await Promise.all([store.stop(), aws.stop()]);
    },
  };
}

function announce({ kind, reason }: StoreStarted): void {
  if (kind === 'DynamoDB Local') console.log('store: AWS’s DynamoDB Local');
  else console.log(`!!! NOT AGAINST AWS’S DYNAMODB LOCAL (${reason}): the embedded front stands in for it !!!`);
}
