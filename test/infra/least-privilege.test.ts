import { beforeAll, describe, expect, test } from 'vitest';
import { FUNCTIONS, type FunctionName } from '../../lib/domain/names.ts';
import { createGuard, type PolicyStatement } from '../../local/aws/iam.ts';
import { COMPLETE } from './settings.ts';
import { buildApp, ofType, type Resource, resourcesOf } from './synthesized.ts';

const KEY = 'arn:aws:kms:us-east-1:000000000000:key/tokens';

let dev: readonly Resource[];
let prod: readonly Resource[];
beforeAll(() => {
  dev = allOf(buildApp());
  prod = allOf(buildApp(COMPLETE));
});

function allOf({ stateful, service, edge, watch }: ReturnType<typeof buildApp>): readonly Resource[] {
  return [stateful, service, edge, watch].flatMap((stack) => resourcesOf(stack));
}

interface Found extends PolicyStatement {
  readonly of: string;
}

/** Every statement of every identity policy. */
function statementsIn(resources: readonly Resource[]): readonly Found[] {
  const documents = [
    ...ofType(resources, 'AWS::IAM::Policy'),
    ...ofType(resources, 'AWS::IAM::ManagedPolicy'),
    ...ofType(resources, 'AWS::IAM::Role').flatMap(({ logicalId, properties }) =>
      (properties.Policies ?? []).map((policy: Resource['properties']) => ({ logicalId, properties: policy })),
    ),
  ] as readonly Resource[];
  return documents.flatMap(({ logicalId, properties }) =>
    properties.PolicyDocument.Statement.map((statement: PolicyStatement) => ({ ...statement, of: logicalId })),
  );
}

const list = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T]);

describe.for(['dev', 'prod'])('in %s', (environment) => {
  const resources = () => (environment === 'dev' ? dev : prod);

  test('every statement allows, and no action has a wildcard', () => {
    const statements = statementsIn(resources());
    expect(statements.length).toBeGreaterThan(50);
    expect(statements.filter(({ Effect }) => Effect !== 'Allow')).toEqual([]);
    expect(statements.flatMap(({ Action }) => list(Action)).filter((action) => /[*?]/.test(action))).toEqual([]);
  });

  test('no resource has a wildcard but that of the gauges, whose action knows no resources', () => {
    const wide = statementsIn(resources()).filter(({ Resource }) => list(Resource).some((arn) => /[*?]/.test(arn)));
    expect(wide).toEqual([
      {
        of: expect.stringMatching(/^refreshdueRoleDefaultPolicy/),
        Sid: 'PublishGauges',
        Effect: 'Allow',
        Action: 'cloudwatch:PutMetricData',
        Resource: '*',
        Condition: { StringEquals: { 'cloudwatch:namespace': `Grantkeeper/${environment}` } },
      },
    ]);
  });

  test('no role has a managed policy but API Gateway’s for its logs', () => {
    const managed = ofType(resources(), 'AWS::IAM::Role').flatMap(
      ({ properties }) => properties.ManagedPolicyArns ?? [],
    );
    expect(managed).toEqual(['arn:AWS::Partition:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs']);
  });
});

type Action = 'Decrypt' | 'GenerateDataKey';

/** Whether the role of the function may do that with the token key, for a token of this context. */
function may(name: FunctionName, action: Action, context: Readonly<Record<string, string>>): boolean {
  const role = `${name.replaceAll('-', '')}Role`;
  const policies = ofType(dev, 'AWS::IAM::Policy').filter(({ properties }) => properties.Roles.includes(role));
  const statements: PolicyStatement[] = policies
    .flatMap(({ properties }) => properties.PolicyDocument.Statement as readonly PolicyStatement[])
    .map((statement) => ({ ...statement, Resource: list(statement.Resource).map(inKms) }));
  const principal = { name, arn: `arn:aws:sts::000000000000:assumed-role/${role}/x`, statements };
  const entries = Object.entries(context).map(([key, value]) => [`kms:EncryptionContext:${key}`, value]);
  try {
    createGuard().authorize(principal, {
      action: `kms:${action}`,
      resource: KEY,
      context: Object.fromEntries(entries),
    });
    return true;
  } catch {
    return false;
  }
}

function inKms(resource: string): string {
  return resource === 'TokenKey.Arn' ? KEY : `arn:aws:other:us-east-1:000000000000:${resource}`;
}

const TOKEN = { app: 'grantkeeper', env: 'dev', grant: 'f00d', provider: 'xero' };

const NOTHING = { opens: [], seals: [] } as const;
const EVERYTHING = { opens: ['access', 'refresh'], seals: ['access', 'refresh'] } as const;

const PURPOSES: Readonly<Record<FunctionName, { opens: readonly string[]; seals: readonly string[] }>> = {
  authorizer: NOTHING,
  'create-connect-session': NOTHING,
  'connect-session-status': NOTHING,
  connect: NOTHING,
  callback: NOTHING,
  choose: NOTHING,
  'finish-connect': { opens: [], seals: ['access', 'refresh'] },
  status: NOTHING,
  disconnect: NOTHING,
  'get-token': { opens: ['access'], seals: [] },
  'refresh-grant': EVERYTHING,
  'refresh-due': EVERYTHING,
  rescue: NOTHING,
};

describe('the token key', () => {
  test.for(FUNCTIONS)('%s may use for the purposes of its work alone', (name) => {
    const allowed = (action: Action) =>
      ['access', 'refresh', 'other'].filter((purpose) => may(name, action, { ...TOKEN, purpose }));
    expect({ opens: allowed('Decrypt'), seals: allowed('GenerateDataKey') }).toEqual(PURPOSES[name]);
  });

  test.for([
    ['of another environment', { ...TOKEN, env: 'prod', purpose: 'access' }],
    ['of another application', { ...TOKEN, app: 'other', purpose: 'access' }],
    ['without a purpose', TOKEN],
    ['without a context', {}],
  ] as const)('nobody may use for a token %s', ([, context]) => {
    const users = FUNCTIONS.filter((name) => may(name, 'Decrypt', context) || may(name, 'GenerateDataKey', context));
    expect(users).toEqual([]);
  });
});
