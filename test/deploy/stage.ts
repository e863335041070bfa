import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import type { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import type { KMSClient } from '@aws-sdk/client-kms';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import {
  createCloudWatchClient,
  createDynamoClient,
  createKmsClient,
  createSecretsClient,
  createSqsClient,
} from '../../lib/aws/clients.ts';
import type { ProviderId } from '../../lib/domain/names.ts';
import { createClock } from '../../local/clock.ts';
import { ProviderDesk } from '../../local/demo/provider-desk.ts';
import { createClients, type LocalClients, simulatorCredentials } from '../../local/seed.ts';
import { startSimulators } from '../../local/simulators/server.ts';
import { type Deployer, REGION, shellOf } from './cdk.ts';
import { type Emulator, startEmulator } from './emulator.ts';
import { type GatewayFront, openGatewayFront } from './gateway-front.ts';

/** Everything there is before something is deployed: an empty emulator, the providers, and the address of the API. */
export interface Stage extends AsyncDisposable {
  readonly emulator: Emulator;
  readonly front: GatewayFront;
  readonly deployer: Deployer;
  /** The client ids and secrets the providers know us by. */
  readonly clients: LocalClients;
  readonly providers: Readonly<Record<ProviderId, ProviderDesk>>;
  readonly aws: {
    readonly dynamoDb: DynamoDBDocumentClient;
    readonly cloudFormation: CloudFormationClient;
    readonly cloudWatch: CloudWatchClient;
    readonly kms: KMSClient;
    readonly secrets: SecretsManagerClient;
    readonly sqs: SQSClient;
  };
}

/** Where and as whom the emulator is spoken to. */
export function placeOf({ endpoint }: Pick<Emulator, 'endpoint'>) {
  return { endpoint, region: REGION, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
}

/** Opens it. Disposing of it ends every process and removes every file it made. */
export async function openStage(python: string): Promise<Stage> {
  await using opened = new AsyncDisposableStack();
  const folder = mkdtempSync(path.join(tmpdir(), 'grantkeeper-deploy-'));
  const clear = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  opened.defer(clear);
  const emulator = opened.adopt(await startEmulator(python, path.join(folder, 'emulator')), (one) => one.stop());
  // After the one that ends the emulator.
  process.once('exit', clear);
  const front = opened.adopt(await openGatewayFront(), (one) => one.stop());
  const clients = createClients();
  const credentials = simulatorCredentials(clients, 'sandbox');
  // Real time: the emulator knows no other.
  const simulators = opened.adopt(await startSimulators({ clock: createClock(), credentials }), (one) => one.stop());
  const { quickbooks, xero } = simulators.origins;
  const place = () => placeOf(emulator);
  const aws = {
    cloudFormation: opened.adopt(new CloudFormationClient(place()), (client) => client.destroy()),
    dynamoDb: opened.adopt(createDynamoClient(place()), (client) => client.destroy()),
    cloudWatch: opened.adopt(createCloudWatchClient(place()), (client) => client.destroy()),
    kms: opened.adopt(createKmsClient(place()), (client) => client.destroy()),
    secrets: opened.adopt(createSecretsClient(place()), (client) => client.destroy()),
    sqs: opened.adopt(createSqsClient(place()), (client) => client.destroy()),
  };
  const all = opened.move();
  return {
    emulator,
    front,
    clients,
    aws,
    deployer: { shell: shellOf(emulator.endpoint, folder), folder },
    providers: { quickbooks: new ProviderDesk('quickbooks', quickbooks), xero: new ProviderDesk('xero', xero) },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
