import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, Validations } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Code, Function as LambdaFunction, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { expect, test, vi } from 'vitest';
import { acknowledge } from '../../infra/acknowledge.ts';
import { addChecks } from '../../infra/checks.ts';
import { CHOSEN, COMPLETE } from './settings.ts';
import { buildApp } from './synthesized.ts';

/** Seconds each on an idle machine; others may be at work on it. */
vi.setConfig({ testTimeout: 180_000 });

interface Suppressed {
  readonly acknowledgedAt: string;
  readonly acknowledgedId: string;
}

function built(context: Readonly<Record<string, unknown>>) {
  const { app, service, outDir } = buildApp(context);
  addChecks(app);
  return { app, service, outDir };
}

test.for([
  ['dev as it comes', { env: 'dev' }],
  ['dev without sessions', { env: 'dev', connectAccess: 'open' }],
  ['staging', { ...CHOSEN, env: 'staging' }],
  ['prod with everything', COMPLETE],
] as const)('in %s cdk-nag finds nothing that is not acknowledged', ([, context]) => {
  expect(() => built(context).app.synth()).not.toThrow();
});

test('a finding fails synthesis and is named with its rule', () => {
  const { app, service } = built({});
  new Queue(service, 'Extra');
  expect(() => app.synth()).toThrow(/does not require requests to use SSL[\s\S]*AwsSolutions::AwsSolutions-SQS4/);
});

test('what a pack calls a warning fails it too', () => {
  const { app, service } = built({});
  const lambda = new LambdaFunction(service, 'Extra', {
    runtime: Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code: Code.fromInline('//'),
    memorySize: 128,
    timeout: Duration.seconds(3),
    tracing: Tracing.DISABLED,
    role: new Role(service, 'ExtraRole', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') }),
  });
  acknowledge(lambda, { 'Serverless-LambdaDLQ': 'of no interest here' });
  expect(() => app.synth()).toThrow('Serverless::Serverless-LambdaTracing');
});

test('nothing is acknowledged that is not found, and each with a reason of its own words', () => {
  const { app, outDir } = built(COMPLETE);
  app.synth();
  const found = suppressedIn(outDir).map(({ acknowledgedAt, acknowledgedId }) => `${acknowledgedAt} ${acknowledgedId}`);
  const said = app.node
    .findAll()
    .flatMap(({ node }) =>
      node.metadata
        .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
        .flatMap(({ data }) =>
          Object.entries<string>(data).map(([id, reason]) => ({ at: `${node.path} ${id}`, reason })),
        ),
    );
  const ours = said.filter(({ at }) => / (AwsSolutions|Serverless)::/.test(at));
  expect([...new Set(ours.map(({ at }) => at))].sort()).toEqual([...new Set(found)].sort());
  expect(ours.filter(({ reason }) => reason.split(' ').length < 6)).toEqual([]);
});

function suppressedIn(outDir: string): readonly Suppressed[] {
  const { pluginReports } = JSON.parse(readFileSync(join(outDir, 'validation-report.json'), 'utf8')) as {
    pluginReports: readonly { pluginName: string; suppressedViolations?: readonly Suppressed[] }[];
  };
  return pluginReports
    .filter(({ pluginName }) => pluginName === 'AwsSolutions' || pluginName === 'Serverless')
    .flatMap(({ suppressedViolations = [] }) => suppressedViolations);
}
