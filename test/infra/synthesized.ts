import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll } from 'vitest';
import { buildGrantkeeper, type Grantkeeper } from '../../infra/grantkeeper.ts';

/** The context of cdk.json; its flags change what CDK makes. */
export const PROJECT_CONTEXT: Readonly<Record<string, unknown>> = JSON.parse(readFileSync('cdk.json', 'utf8')).context;

const outDirs: string[] = [];
afterAll(() => {
  for (const dir of outDirs) rmSync(dir, { recursive: true, force: true });
});

/** Whether CDK checks the templates against its own rules, which takes as long as making them. */
export const VALIDATES = '@aws-cdk/core:validateAgainstDefaultRules';

/** An app with the stacks of one environment, without bundles or validation; its assembly is gone after the test file. */
export function buildApp(context: Readonly<Record<string, unknown>> = {}): { app: App; outDir: string } & Grantkeeper {
  const outDir = mkdtempSync(join(tmpdir(), 'grantkeeper-infra-'));
  outDirs.push(outDir);
  const quick = { [VALIDATES]: false, 'aws:cdk:bundling-stacks': [] };
  const app = new App({ outdir: outDir, context: { ...PROJECT_CONTEXT, ...quick, ...context } });
  return { app, outDir, ...buildGrantkeeper(app) };
}

export interface Resource {
  readonly logicalId: string;
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: a template has no type, and every test compares whole values.
  readonly properties: Record<string, any>;
  readonly deletionPolicy: string | undefined;
}

/** All resources of one stack, with references as short names. */
export function resourcesOf(stack: Grantkeeper['stateful' | 'service' | 'edge' | 'watch']): readonly Resource[] {
  const { Resources } = Template.fromStack(stack).toJSON() as {
    Resources: Record<string, { Type: string; Properties?: unknown; DeletionPolicy?: string }>;
  };
  return Object.entries(Resources).map(([logicalId, { Type, Properties, DeletionPolicy }]) => ({
    logicalId,
    type: Type,
    properties: readable(Properties ?? {}) as Resource['properties'],
    deletionPolicy: DeletionPolicy,
  }));
}

/** Resources of one type. */
export function ofType(resources: readonly Resource[], type: string): readonly Resource[] {
  return resources.filter((resource) => resource.type === type);
}

/**
 * References as text: `Tablesgrants.Arn` for an attribute, own or imported, `Secretsxeroclient` for a Ref, joins joined.
 * Hashes in logical ids are left out.
 */
function readable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [[name, argument] = []] = entries;
  if (entries.length === 1) {
    if (name === 'Ref') return withoutHash(String(argument));
    if (name === 'Fn::GetAtt') return `${withoutHash(String(argument[0]))}.${String(argument[1])}`;
    if (name === 'Fn::ImportValue') return imported(String(argument));
    if (name === 'Fn::Join') return (readable(argument[1]) as unknown[]).join(String(argument[0]));
  }
  return Object.fromEntries(entries.map(([key, item]) => [key, readable(item)]));
}

function withoutHash(logicalId: string): string {
  return logicalId.replace(/[0-9A-F]{8}$/, '');
}

function imported(exportName: string): string {
  const [, kind, id = '', attribute = ''] =
    /ExportsOutput(FnGetAtt|Ref)(.+?)[0-9A-F]{8}([A-Za-z]*)[0-9A-F]{8}$/.exec(exportName) ?? [];
  return kind === 'Ref' ? id : `${id}.${attribute}`;
}
