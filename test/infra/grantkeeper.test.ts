import { createRequire } from 'node:module';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { expect, test, vi } from 'vitest';
import { CHOSEN } from './settings.ts';
import { buildApp, PROJECT_CONTEXT, VALIDATES } from './synthesized.ts';

/** 6 s each on an idle machine; others may be at work on it. */
vi.setConfig({ testTimeout: 180_000 });

const RECOMMENDED = createRequire(import.meta.url)('aws-cdk-lib/recommended-feature-flags.json');

test('cdk.json sets every recommended flag, keeps references between stacks strong, and reports nothing to AWS', () => {
  const ours = { '@aws-cdk/core:defaultCrossStackReferences': 'strong', 'cli-telemetry': false };
  expect(PROJECT_CONTEXT).toEqual({ ...RECOMMENDED, ...ours });
});

test.for(['dev', 'staging', 'prod', 'local'])('%s synthesizes without a warning, so --strict passes', (env) => {
  const { stateful, service, edge, watch } = buildApp({ env, [VALIDATES]: true, ...(env === 'local' ? {} : CHOSEN) });
  const found = [stateful, service, edge, watch].flatMap((stack) => [
    ...Annotations.fromStack(stack).findWarning('*', Match.anyValue()),
    ...Annotations.fromStack(stack).findError('*', Match.anyValue()),
  ]);
  expect(found).toEqual([]);
});

test('each stack needs only those before it, and watching begins last', () => {
  const { app, stateful, service, edge, watch } = buildApp();
  app.synth();
  const needs = [stateful, service, edge, watch].map((stack) => stack.dependencies.map(({ stackName }) => stackName));
  expect(needs).toEqual([[], ['grantkeeper-dev-stateful'], ['grantkeeper-dev-service'], ['grantkeeper-dev-edge']]);
});

test('only the production stack that holds data is protected from deletion as a whole', () => {
  const protectedIn = (env: string) => buildApp({ env, ...CHOSEN }).stateful.terminationProtection;
  expect([protectedIn('dev'), protectedIn('prod')]).toEqual([false, true]);
});
