import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readAlarms } from './assembly/alarms.ts';
import { readApis } from './assembly/apis.ts';
import { isBusRule, readBuses, readBusRules } from './assembly/buses.ts';
import { type Collection, collectResources, type Resource } from './assembly/collect.ts';
import { readFunctions, readPermissions } from './assembly/functions.ts';
import type { Assembly, KeyResource, RuleResource, RuleTarget } from './assembly/model.ts';
import { readEventSources, readQueues } from './assembly/queues.ts';
import { parseRate } from './assembly/rate.ts';
import { AssemblyError, isRecord, type Stack, type Template } from './assembly/template.ts';

const PROJECT_DIR = dirname(dirname(fileURLToPath(import.meta.url)));

/** Bundling takes 2 s and synthesis as much again; ten times that means something is stuck. */
const SYNTH_TIMEOUT_MS = 60_000;

/** The CDK CLI sets these; without the first one, templates do not say where a function's code lies. */
const CLI_CONTEXT = {
  'aws:cdk:enable-asset-metadata': true,
  'aws:cdk:enable-path-metadata': true,
  'aws:cdk:version-reporting': false,
  'aws:cdk:bundling-stacks': ['**'],
};

/**
 * Runs the CDK app and leaves its cloud assembly in `outDir`, without the CDK CLI (which does the same with more
 * start-up time): context from cdk.json plus `context`, which wins. Throws `AssemblyError` with the app's own last
 * words when it fails.
 */
export async function synthesize(options: {
  readonly outDir: string;
  readonly context?: Readonly<Record<string, unknown>>;
  /** The module that is the CDK app; `infra/app.ts` of this project when absent. */
  readonly app?: string;
}): Promise<void> {
  const context = { ...projectContext(), ...CLI_CONTEXT, ...options.context };
  const run = promisify(execFile);
  const env = { ...process.env, CDK_OUTDIR: options.outDir, CDK_CONTEXT_JSON: JSON.stringify(context) };
  try {
    await run(process.execPath, [options.app ?? join(PROJECT_DIR, 'infra/app.ts')], {
      cwd: PROJECT_DIR,
      env,
      timeout: SYNTH_TIMEOUT_MS,
    });
  } catch (error) {
    const stderr = isRecord(error) && typeof error.stderr === 'string' ? error.stderr.trim() : String(error);
    throw new AssemblyError(`the CDK app failed:\n${stderr.split('\n').slice(-20).join('\n')}`, { cause: error });
  }
}

function projectContext(): Record<string, unknown> {
  try {
    const settings: unknown = JSON.parse(readFileSync(join(PROJECT_DIR, 'cdk.json'), 'utf8'));
    return isRecord(settings) && isRecord(settings.context) ? settings.context : {};
  } catch (error) {
    if (isRecord(error) && error.code === 'ENOENT') return {};
    throw error;
  }
}

/**
 * Everything of the cloud assembly in `dir` that the local platform runs, of all stacks (stages within it too), with
 * intrinsics resolved for region us-east-1 and account 000000000000. What it does not run is in `notRun`, each with a
 * reason. Throws `AssemblyError` for an intrinsic, reference or setting that it does not understand.
 */
export function readAssembly(dir: string): Assembly {
  const collection = collectResources(readStacks(dir));
  return {
    tables: collection.ofType('AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable').map((table) => ({
      type: table.type === 'AWS::DynamoDB::Table' ? table.type : 'AWS::DynamoDB::GlobalTable',
      name: table.identity.ref,
      arn: attribute(table, 'Arn'),
      properties: table.properties,
    })),
    keys: collection.ofType('AWS::KMS::Key').map((key) => readKey(collection, key)),
    secrets: collection.ofType('AWS::SecretsManager::Secret').map((secret) => ({
      name: String(secret.properties.Name ?? `${secret.stack.name}-${secret.logicalId}`),
      arn: secret.identity.ref,
      properties: secret.properties,
    })),
    functions: readFunctions(collection),
    apis: readApis(collection),
    rules: collection
      .ofType('AWS::Events::Rule')
      .filter((rule) => !isBusRule(rule))
      .map((rule) => readRule(collection, rule)),
    busRules: readBusRules(collection),
    buses: readBuses(collection),
    permissions: readPermissions(collection),
    queues: readQueues(collection),
    eventSources: readEventSources(collection),
    alarms: readAlarms(collection),
    topics: collection.ofType('AWS::SNS::Topic').map(({ identity }) => identity.ref),
    stacks: collection.stacks,
    notRun: collection.notRun,
  };
}

function readStacks(dir: string): readonly Stack[] {
  const manifest: unknown = JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8'));
  const artifacts = isRecord(manifest) && isRecord(manifest.artifacts) ? manifest.artifacts : {};
  return Object.entries(artifacts).flatMap(([id, artifact]) => {
    const { type, properties } = isRecord(artifact) ? artifact : {};
    if (!isRecord(properties)) return [];
    if (type === 'cdk:cloud-assembly') return readStacks(join(dir, String(properties.directoryName)));
    if (type !== 'aws:cloudformation:stack') return [];
    const template = JSON.parse(readFileSync(join(dir, String(properties.templateFile)), 'utf8')) as Template;
    return [{ name: String(properties.stackName ?? id), dir, template }];
  });
}

function attribute(resource: Resource, name: string): string {
  return resource.identity.attributes[name] ?? '';
}

function readKey(collection: Collection, key: Resource): KeyResource {
  const aliases = collection.ofType('AWS::KMS::Alias').filter(({ properties }) => {
    return properties.TargetKeyId === key.identity.ref || properties.TargetKeyId === key.identity.attributes.Arn;
  });
  return { keyId: key.identity.ref, arn: attribute(key, 'Arn'), aliases: aliases.map(({ identity }) => identity.ref) };
}

function readRule(collection: Collection, rule: Resource): RuleResource {
  const { properties, identity } = rule;
  const targets = Array.isArray(properties.Targets) ? properties.Targets.filter(isRecord) : [];
  for (const setting of ['DeadLetterConfig', 'InputTransformer', 'InputPath', 'RetryPolicy']) {
    if (targets.some((target) => target[setting] !== undefined)) collection.report(rule, `${setting} is ignored`);
  }
  const expression = properties.ScheduleExpression === undefined ? undefined : String(properties.ScheduleExpression);
  if (expression !== undefined && parseRate(expression) === undefined)
    collection.report(rule, `${expression} never fires`);
  return {
    name: identity.ref,
    arn: attribute(rule, 'Arn'),
    enabled: properties.State !== 'DISABLED',
    ...(expression === undefined ? {} : { scheduleExpression: expression }),
    targets: targets.map(readTarget),
  };
}

function readTarget(target: Record<string, unknown>): RuleTarget {
  return {
    id: String(target.Id),
    arn: String(target.Arn),
    ...(target.Input === undefined ? {} : { input: String(target.Input) }),
  };
}
