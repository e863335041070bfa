import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  DescribeStacksCommand,
  GetTemplateCommand,
  paginateListStackResources,
  type StackResourceSummary,
} from '@aws-sdk/client-cloudformation';
import { GetSecretValueCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { APP, clientSecretName, PROVIDER_IDS, stateKeysSecretName } from '../../lib/domain/names.ts';
import { LOCAL_ENVIRONMENT } from '../../local/seed.ts';
import { assemblyOf, bootstrap, type Context, deployAll, type Outputs, runNode } from './cdk.ts';
import type { Checks } from './checks.ts';
import { EVENT_TARGETS, openInbox, openPager } from './company.ts';
import type { LetPass } from './emulator.ts';
import type { Stage } from './stage.ts';

export const STACKS = ['stateful', 'service', 'edge', 'watch'] as const;

/** The consumers of the run: one that may ask for everything, one that may not. */
const CONSUMERS = JSON.stringify({
  default: { organisations: '*', providers: ['quickbooks', 'xero'] },
  invoicing: { organisations: ['acme'], providers: ['quickbooks'] },
});

/** What is deployed, and a key to its API. */
export interface Deployed {
  readonly outputs: Outputs;
  readonly apiKey: string;
}

/** From the empty account to the first API key, as the README has it. */
export async function deploy(checks: Checks, stage: Stage): Promise<Deployed> {
  const { deployer, aws } = stage;
  await checks.that('cdk bootstrap prepares the account', () => bootstrap(deployer));
  await checks.that('the company has a topic for our events', () => openInbox(aws));
  const { outputs } = await checks.that('cdk deploy --all deploys the four stacks', () =>
    deployAll(deployer, contextOf(stage)),
  );
  await checks.that('each template there is byte for byte the synthesized one', () => compareTemplates(stage));
  const resources = await checks.that('every resource of them is complete', () => listResources(stage));
  tellLetPass(resources, stage.emulator.letPass());
  leadFront(stage, resources);
  await checks.that('the topics of the alarms can be subscribed to', () => subscribePager(stage, outputs));
  await checks.that('client ids and secrets are put as secret values', () => putClients(stage));
  await mendStateKey(stage);
  const apiKey = await checks.that('npm run ops -- keys create gives an API key', () => createKey(stage));
  return { outputs, apiKey };
}

/** What `-c` says in every command of the run. */
export function contextOf({ front, providers }: Stage): Context {
  return {
    env: LOCAL_ENVIRONMENT,
    publicOrigin: front.origin,
    providerOrigins: JSON.stringify({ quickbooks: providers.quickbooks.origin, xero: providers.xero.origin }),
    consumers: CONSUMERS,
    eventTargets: EVENT_TARGETS,
    // The two grants at QuickBooks are enough to open its circuit.
    circuitFailures: '2',
  };
}

/** An output of a stack; throws when there is none. */
export function outputOf(outputs: Outputs, stack: (typeof STACKS)[number], name: string): string {
  const value = outputs[stackName(stack)]?.[name];
  assert.ok(value, `the stack ${stack} has no output ${name}`);
  return value;
}

/** The ARN by which a consumer invokes get-token, from the outputs. */
export function aliasOf(outputs: Outputs, consumer: string): string {
  const arns = Object.values(outputs[stackName('service')] ?? {});
  const arn = arns.find((value) => value.endsWith(`-get-token:${consumer}`));
  assert.ok(arn, `no output is the alias of ${consumer}`);
  return arn;
}

function stackName(stack: (typeof STACKS)[number]): string {
  return `${APP}-${LOCAL_ENVIRONMENT}-${stack}`;
}

async function compareTemplates({ aws, deployer }: Stage): Promise<void> {
  for (const stack of STACKS) {
    const command = new GetTemplateCommand({ StackName: stackName(stack), TemplateStage: 'Original' });
    const { TemplateBody } = await aws.cloudFormation.send(command);
    const synthesized = readFileSync(path.join(assemblyOf(deployer.folder), `${stack}.template.json`), 'utf8');
    assert.ok(TemplateBody === synthesized, `the template of ${stack} is another one`);
  }
}

async function listResources({ aws, deployer }: Stage): Promise<readonly StackResourceSummary[]> {
  const all: StackResourceSummary[] = [];
  for (const stack of STACKS) {
    const { Stacks } = await aws.cloudFormation.send(new DescribeStacksCommand({ StackName: stackName(stack) }));
    assert.equal(Stacks?.[0]?.StackStatus, 'CREATE_COMPLETE', stack);
    const pages = paginateListStackResources({ client: aws.cloudFormation }, { StackName: stackName(stack) });
    const found: StackResourceSummary[] = [];
    for await (const { StackResourceSummaries = [] } of pages) found.push(...StackResourceSummaries);
    const template = readFileSync(path.join(assemblyOf(deployer.folder), `${stack}.template.json`), 'utf8');
    const wanted = Object.keys((JSON.parse(template) as { Resources: object }).Resources).toSorted();
    const complete = found.filter(({ ResourceStatus }) => ResourceStatus === 'CREATE_COMPLETE');
    assert.deepEqual(complete.map(({ LogicalResourceId }) => LogicalResourceId).toSorted(), wanted, stack);
    all.push(...found);
  }
  return all;
}

/** Says how much of the templates the emulator took by itself, and each resource that it did not. */
function tellLetPass(resources: readonly StackResourceSummary[], letPass: readonly LetPass[]): void {
  const count = resources.length - letPass.length;
  console.log(
    `  ${count} of ${resources.length} resources were made by ministack’s CloudFormation by itself; of the others`,
  );
  const byApi = letPass.filter(({ how }) => how === 'by-api');
  for (const { type, name } of byApi) console.log(`  - no such type there; made through its API: ${type} ${name}`);
  const dead = letPass.filter(({ how }) => how === 'not-evaluated').map(({ name }) => name);
  if (dead.length === 0) return;
  console.log(`  - alarms over metric maths, kept with actions and state, but never evaluated (${dead.length}):`);
  console.log(`    ${dead.map((name) => name.replace(`${APP}-${LOCAL_ENVIRONMENT}-`, '')).join(' ')}`);
}

function leadFront({ front, emulator }: Stage, resources: readonly StackResourceSummary[]): void {
  const api = resources.find(({ ResourceType }) => ResourceType === 'AWS::ApiGateway::RestApi')?.PhysicalResourceId;
  assert.ok(api, 'no REST API was made');
  front.leadTo(emulator.endpoint, api);
}

async function subscribePager({ aws }: Stage, outputs: Outputs): Promise<void> {
  await openPager(aws, [outputOf(outputs, 'watch', 'PageTopic'), outputOf(outputs, 'watch', 'TicketTopic')]);
}

async function putClients({ aws, clients }: Stage): Promise<void> {
  for (const provider of PROVIDER_IDS) {
    const SecretId = clientSecretName(LOCAL_ENVIRONMENT, provider, 'sandbox');
    const SecretString = JSON.stringify(clients[provider].sandbox);
    await aws.secrets.send(new PutSecretValueCommand({ SecretId, SecretString }));
  }
}

/** ministack makes the password of `GenerateSecretString` with punctuation, which the template excludes; Secrets Manager does not. */
async function mendStateKey({ aws }: Stage): Promise<void> {
  const SecretId = stateKeysSecretName(LOCAL_ENVIRONMENT);
  const { SecretString = '{}' } = await aws.secrets.send(new GetSecretValueCommand({ SecretId }));
  const ring = JSON.parse(SecretString) as { readonly id: string; readonly key: string };
  if (/^[A-Za-z0-9]+$/.test(ring.key)) return;
  const { length } = ring.key;
  const key = randomBytes(2 * length)
    .toString('hex')
    .slice(0, length);
  await aws.secrets.send(new PutSecretValueCommand({ SecretId, SecretString: JSON.stringify({ ...ring, key }) }));
  console.log(
    '  - it ignored ExcludePunctuation of the state key’s GenerateSecretString: put one as the template wants it',
  );
}

async function createKey({ deployer }: Stage): Promise<string> {
  const scopes = ['--scopes', 'connections:read,connections:write', '--organizations', '*'];
  const args = ['ops/main.ts', 'keys', 'create', '--env', LOCAL_ENVIRONMENT, '--name', 'deploy', ...scopes];
  const key = /\bgk_[a-z0-9-]+_\w+/.exec(await runNode(args, deployer.shell))?.[0];
  assert.ok(key, 'no key was printed');
  return key;
}
