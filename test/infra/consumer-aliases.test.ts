import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { readConsumerMap } from '../../lib/domain/consumer.ts';
import { createGuard, type PolicyStatement } from '../../local/aws/iam.ts';
import { buildApp, ofType, type Resource, resourcesOf } from './synthesized.ts';

const CONSUMERS = {
  invoicing: {
    organisations: '*',
    providers: ['quickbooks', 'xero'],
    principals: ['arn:aws:iam::210987654321:role/invoicing', 'arn:aws:iam::310987654321:root'],
  },
  'payroll-sync': { organisations: ['acme'], providers: ['xero'] },
};

let resources: readonly Resource[];
let outputs: Readonly<Record<string, unknown>>;
let outDir: string;
beforeAll(() => {
  const built = buildApp({ consumers: CONSUMERS });
  outDir = built.outDir;
  resources = resourcesOf(built.service);
  outputs = Template.fromStack(built.service).toJSON().Outputs;
});

function policyOf(consumer: string): Resource['properties'] {
  const policies = ofType(resources, 'AWS::IAM::ManagedPolicy').map(({ properties }) => properties);
  return policies.find((each) => each.ManagedPolicyName === `grantkeeper-dev-get-token-${consumer}`) ?? {};
}

test('each consumer has an alias of get-token, and no other is made', () => {
  const aliases = ofType(resources, 'AWS::Lambda::Alias').map(({ properties }) => properties);
  expect(aliases.map(({ FunctionName, Name }) => [FunctionName, Name])).toEqual([
    ['gettokenFunction', 'invoicing'],
    ['gettokenFunction', 'payroll-sync'],
  ]);
});

test('what each may ask for lies beside the handler, and not who may be it', () => {
  const map: unknown = JSON.parse(readFileSync(join(outDir, 'functions', 'get-token', 'consumers.json'), 'utf8'));
  expect(map).toEqual({
    invoicing: { organisations: '*', providers: ['quickbooks', 'xero'] },
    'payroll-sync': { organisations: ['acme'], providers: ['xero'] },
  });
  expect(readConsumerMap(map)).toEqual({ map });
});

describe('the policy of a consumer', () => {
  test.for([
    ['invoicing', 'Consumersinvoicing'],
    ['payroll-sync', 'Consumerspayrollsync'],
  ] as const)('lets the holder of that of %s invoke its alias and nothing else', ([consumer, alias]) => {
    const { PolicyDocument, Roles, Users, Groups } = policyOf(consumer);
    expect({ PolicyDocument, Roles, Users, Groups }).toEqual({
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [{ Sid: 'AskForTokens', Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: alias }],
      },
    });
    expect(ofType(resources, 'AWS::IAM::ManagedPolicy')).toHaveLength(2);
  });

  const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:grantkeeper-dev-get-token';

  test.for([
    [`${FUNCTION}:payroll-sync`, true],
    [`${FUNCTION}:invoicing`, false],
    [`${FUNCTION}:payroll-sync2`, false],
    [`${FUNCTION}:7`, false],
    [`${FUNCTION}:$LATEST`, false],
    [FUNCTION, false],
  ] as const)('that of payroll-sync, asked for %s: %j', ([resource, isAllowed]) => {
    const [statement] = policyOf('payroll-sync').PolicyDocument.Statement as readonly PolicyStatement[];
    const statements = statement === undefined ? [] : [{ ...statement, Resource: `${FUNCTION}:payroll-sync` }];
    const principal = { name: 'payroll', arn: 'arn:aws:sts::000000000000:assumed-role/payroll/x', statements };
    const ask = () => createGuard().authorize(principal, { action: 'lambda:InvokeFunction', resource });
    if (isAllowed) expect(ask).not.toThrow();
    else expect(ask).toThrow('is not authorized to perform: lambda:InvokeFunction');
  });
});

test('principals elsewhere may invoke the alias they were named for, and no part of the function', () => {
  const permissions = ofType(resources, 'AWS::Lambda::Permission').map(({ properties }) => properties);
  expect(permissions.filter(({ Principal }) => Principal !== 'events.amazonaws.com')).toEqual([
    {
      Action: 'lambda:InvokeFunction',
      FunctionName: 'Consumersinvoicing',
      Principal: 'arn:aws:iam::210987654321:role/invoicing',
    },
    {
      Action: 'lambda:InvokeFunction',
      FunctionName: 'Consumersinvoicing',
      Principal: 'arn:aws:iam::310987654321:root',
    },
  ]);
});

test('consumers may be called like what belongs to another', () => {
  const everything = { organisations: '*', providers: ['xero'] };
  const consumers = { a: everything, 'a-policy': everything, 'a-arn': everything, 'a-policy-arn': everything };
  expect(ofType(resourcesOf(buildApp({ consumers }).service), 'AWS::Lambda::Alias')).toHaveLength(4);
});

test('the ARNs of alias and policy are told', () => {
  const told = Object.values(outputs)
    .map((output) => (output as { Description?: string }).Description)
    .filter((description) => description !== undefined);
  expect(told).toEqual([
    'get-token for invoicing',
    'To be attached to the role of invoicing',
    'get-token for payroll-sync',
    'To be attached to the role of payroll-sync',
  ]);
});
