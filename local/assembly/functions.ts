import { join } from 'node:path';
import type { PolicyStatement } from '../aws/iam.ts';
import type { Collection, Resource } from './collect.ts';
import { functionArnOf } from './identity.ts';
import type { FunctionResource, PermissionResource } from './model.ts';
import { readStatements } from './policies.ts';
import { AssemblyError, isRecord } from './template.ts';

/** Lambda's own defaults (CreateFunction reference). */
const DEFAULT_TIMEOUT_SECONDS = 3;
const DEFAULT_MEMORY_MB = 128;
const DEFAULT_EVENT_RETRIES = 2;

/** Settings that change what a function can do, and that have no counterpart on a laptop. */
const NOT_RUN_SETTINGS = ['Layers', 'VpcConfig', 'DeadLetterConfig', 'FileSystemConfigs'];

/**
 * The functions with the code, settings and policy statements they run with. A function whose code is not an asset
 * folder of JavaScript is reported as not run.
 */
export function readFunctions(collection: Collection): readonly FunctionResource[] {
  const functions: FunctionResource[] = [];
  for (const resource of collection.ofType('AWS::Lambda::Function')) {
    const obstacle = obstacleToRun(resource);
    if (obstacle === undefined) functions.push(readFunction(collection, resource));
    else collection.report(resource, obstacle);
  }
  return functions;
}

/** Which services may invoke which functions. */
export function readPermissions(collection: Collection): readonly PermissionResource[] {
  return collection.ofType('AWS::Lambda::Permission').map(({ properties }) => ({
    functionArn: functionArnOf(String(properties.FunctionName)),
    principal: String(properties.Principal),
    ...(properties.SourceArn === undefined ? {} : { sourceArn: String(properties.SourceArn) }),
  }));
}

function obstacleToRun({ properties, metadata }: Resource): string | undefined {
  if (!String(properties.Runtime).startsWith('nodejs')) return `its runtime is ${String(properties.Runtime)}`;
  const assetPath = metadata['aws:asset:path'];
  if (typeof assetPath !== 'string') return 'its code is not a CDK asset';
  return assetPath.endsWith('.zip') ? 'its code is an archive' : undefined;
}

function readFunction(collection: Collection, resource: Resource): FunctionResource {
  const { properties, identity } = resource;
  for (const setting of NOT_RUN_SETTINGS) {
    if (properties[setting] !== undefined) collection.report(resource, `${setting} is ignored`);
  }
  const role = collection.find(properties.Role, 'AWS::IAM::Role');
  return {
    name: identity.ref,
    arn: attributeOf(resource, 'Arn'),
    handler: String(properties.Handler),
    assetDir: join(resource.stack.dir, String(resource.metadata['aws:asset:path'])),
    timeoutSeconds: Number(properties.Timeout ?? DEFAULT_TIMEOUT_SECONDS),
    memoryMb: Number(properties.MemorySize ?? DEFAULT_MEMORY_MB),
    ...(properties.ReservedConcurrentExecutions === undefined
      ? {}
      : { reservedConcurrency: Number(properties.ReservedConcurrentExecutions) }),
    environment: readEnvironment(properties.Environment),
    logGroup: readLogGroup(properties.LoggingConfig) ?? `/aws/lambda/${identity.ref}`,
    roleArn: attributeOf(role, 'Arn'),
    statements: readStatements(collection, role) satisfies readonly PolicyStatement[],
    ...readQualifiers(collection, attributeOf(resource, 'Arn')),
  };
}

function attributeOf(resource: Resource, name: string): string {
  const value = resource.identity.attributes[name];
  if (value === undefined) throw new AssemblyError(`${resource.logicalId} (${resource.type}) has no ${name}`);
  return value;
}

function readEnvironment(environment: unknown): Record<string, string> {
  const variables = isRecord(environment) && isRecord(environment.Variables) ? environment.Variables : {};
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, String(value)]));
}

function readLogGroup(config: unknown): string | undefined {
  return isRecord(config) && config.LogGroup !== undefined ? String(config.LogGroup) : undefined;
}

function readQualifiers(collection: Collection, functionArn: string) {
  const ofFunction = (type: string) =>
    collection.ofType(type).filter(({ properties }) => functionArnOf(String(properties.FunctionName)) === functionArn);
  const retries = ofFunction('AWS::Lambda::EventInvokeConfig').map(({ properties }) => properties.MaximumRetryAttempts);
  const aliases = ofFunction('AWS::Lambda::Alias').map(({ properties }) => [
    properties.Name,
    properties.FunctionVersion,
  ]);
  return {
    maximumRetryAttempts: Number(retries.find((value) => value !== undefined) ?? DEFAULT_EVENT_RETRIES),
    aliases: Object.fromEntries(aliases.map(([name, version]) => [String(name), String(version)])),
    versions: ofFunction('AWS::Lambda::Version').map(({ identity }) => identity.attributes.Version ?? ''),
  };
}
