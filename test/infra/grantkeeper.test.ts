import { createRequire } from 'node:module';
import { Validations } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, test, vi } from 'vitest';
import { buildApp, PROJECT_CONTEXT, VALIDATES } from './synthesized.ts';

/** 6 s each on an idle machine; others may be at work on it. */
vi.setConfig({ testTimeout: 60_000 });

const RECOMMENDED = createRequire(import.meta.url)('aws-cdk-lib/recommended-feature-flags.json');

test('cdk.json sets every recommended flag, and keeps references between stacks strong', () => {
  expect(PROJECT_CONTEXT).toEqual({ ...RECOMMENDED, '@aws-cdk/core:defaultCrossStackReferences': 'strong' });
});

test('cdk-nag finds nothing that is not acknowledged with a reason', () => {
  const { app } = buildApp();
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  expect(() => app.synth()).not.toThrow();
});

test.for(['dev', 'staging', 'prod', 'local'])('%s synthesizes without a warning, so --strict passes', (env) => {
  const chosen = { frontendUrl: 'https://app.example.com', partnerName: 'Example', connectBinding: 'interstitial' };
  const { stateful, service, edge, watch } = buildApp({ env, [VALIDATES]: true, ...(env === 'local' ? {} : chosen) });
  const found = [stateful, service, edge, watch].flatMap((stack) => [
    ...Annotations.fromStack(stack).findWarning('*', Match.anyValue()),
    ...Annotations.fromStack(stack).findError('*', Match.anyValue()),
  ]);
  expect(found).toEqual([]);
});

test('each stack needs only those before it', () => {
  const { app, stateful, service, edge, watch } = buildApp();
  app.synth();
  const needs = [stateful, service, edge, watch].map((stack) => stack.dependencies.map(({ stackName }) => stackName));
  expect(needs).toEqual([[], ['grantkeeper-dev-stateful'], ['grantkeeper-dev-service'], []]);
});

test('only the production stack that holds data is protected from deletion as a whole', () => {
  const chosen = { frontendUrl: 'https://app.example.com', partnerName: 'Example', connectBinding: 'interstitial' };
  const protectedIn = (env: string) => buildApp({ env, ...chosen }).stateful.terminationProtection;
  expect([protectedIn('dev'), protectedIn('prod')]).toEqual([false, true]);
});
