import { beforeAll, describe, expect, test } from 'vitest';
import { FUNCTIONS, type FunctionName } from '../../lib/domain/names.ts';
import { buildApp, ofType, type Resource, resourcesOf } from './synthesized.ts';

interface Statement {
  readonly Sid: string;
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, unknown>>;
}

let resources: readonly Resource[];
beforeAll(() => {
  resources = resourcesOf(buildApp().service);
});

/** Statements of the function's role, except that for its own log. */
function statementsOf(name: FunctionName, among = resources): readonly Statement[] {
  const role = `${name.replaceAll('-', '')}Role`;
  const policies = ofType(among, 'AWS::IAM::Policy').filter(({ properties }) => properties.Roles.includes(role));
  const statements: Statement[] = policies.flatMap(({ properties }) => properties.PolicyDocument.Statement);
  return statements.filter(({ Sid }) => Sid !== 'WriteOwnLogs');
}

/** `action resource` for each pair a role is allowed. */
function grantsOf(name: FunctionName, among = resources): readonly string[] {
  const list = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T]);
  return statementsOf(name, among)
    .flatMap(({ Action, Resource }) => list(Action).flatMap((action) => list(Resource).map((at) => `${action} ${at}`)))
    .map((grant) => grant.replace(/^dynamodb:(\w+) Tables(\w+)\.Arn/, '$2 $1'))
    .sort();
}

const CLIENT_SECRETS = [
  'secretsmanager:GetSecretValue Secretsquickbooksclient',
  'secretsmanager:GetSecretValue Secretsxeroclient',
];
const STATE_KEYS = 'secretsmanager:GetSecretValue Secretsstatekeys';
const SEAL = 'kms:GenerateDataKey TokenKey.Arn';
const OPEN = 'kms:Decrypt TokenKey.Arn';
const INVOKE_REFRESH = 'lambda:InvokeFunction refreshgrantFunction.Arn';
const INVOKE_FINISH = 'lambda:InvokeFunction finishconnectFunction.Arn';
const TELL = 'events:PutEvents arn:aws:events:us-east-1:AWS::AccountId:event-bus/grantkeeper-dev';
const SEND_RESCUES = 'sqs:SendMessage RescueQueue.Arn';
const REFRESHER = [
  'audit PutItem',
  'audit Query',
  'connections GetItem',
  'connections UpdateItem',
  'grants ConditionCheckItem',
  'grants GetItem',
  'grants UpdateItem',
  OPEN,
  SEAL,
  SEND_RESCUES,
  TELL,
  ...CLIENT_SECRETS,
  'sqs:GetQueueAttributes RescueDeadLetter.Arn',
  'sqs:GetQueueAttributes RescueQueue.Arn',
];

const ALLOWED: Readonly<Record<FunctionName, readonly string[]>> = {
  authorizer: ['apiKeys GetItem', 'apiKeys UpdateItem'],
  'create-connect-session': ['audit PutItem', 'connections GetItem', 'flows PutItem'],
  'connect-session-status': ['flows GetItem'],
  connect: ['flows GetItem', ...CLIENT_SECRETS, STATE_KEYS],
  callback: ['audit PutItem', 'connections GetItem', 'flows GetItem', 'flows UpdateItem', INVOKE_FINISH, STATE_KEYS],
  choose: ['flows GetItem', INVOKE_FINISH],
  'finish-connect': [
    'audit PutItem',
    'audit Query',
    'connections GetItem',
    'connections PutItem',
    'flows GetItem',
    'flows UpdateItem',
    'grants GetItem',
    'grants PutItem',
    'grants UpdateItem',
    SEAL,
    SEND_RESCUES,
    TELL,
    ...CLIENT_SECRETS,
  ],
  status: ['connections GetItem', 'grants GetItem'],
  disconnect: [
    'audit PutItem',
    'connections DeleteItem',
    'connections GetItem',
    'connections UpdateItem',
    'grants GetItem',
    'grants UpdateItem',
    INVOKE_REFRESH,
    TELL,
  ],
  'get-token': [
    'connections BatchGetItem',
    'connections GetItem',
    'grants BatchGetItem',
    'grants GetItem',
    'grants UpdateItem',
    OPEN,
    INVOKE_REFRESH,
  ],
  'refresh-grant': REFRESHER,
  'refresh-due': [
    ...REFRESHER,
    'grants Query/index/due',
    'grants Scan',
    'cloudwatch:PutMetricData *',
    'kms:DescribeKey TableKey.Arn',
    'kms:DescribeKey TokenKey.Arn',
    'lambda:InvokeFunction arn:aws:lambda:us-east-1:AWS::AccountId:function:grantkeeper-dev-refresh-due',
  ],
  // No key and no secret: what it stores stays closed to it.
  rescue: [
    'audit PutItem',
    'audit Query',
    'grants GetItem',
    'grants PutItem',
    'grants UpdateItem',
    'sqs:DeleteMessage RescueQueue.Arn',
    'sqs:GetQueueAttributes RescueQueue.Arn',
    'sqs:ReceiveMessage RescueQueue.Arn',
    TELL,
  ],
};

test.for(FUNCTIONS)('%s may do what it is listed for and nothing else', (name) => {
  const grants = grantsOf(name).map((grant) => grant.replace(/^dynamodb:Query Tablesgrants\.Arn\//, 'grants Query/'));
  expect(grants.sort()).toEqual([...ALLOWED[name]].sort());
});

test('connect may begin a flow only where no session is required', () => {
  const open = resourcesOf(buildApp({ connectAccess: 'open' }).service);
  const records = grantsOf('connect', open).filter((grant) => /^(flows|connections|audit) /.test(grant));
  expect(records).toEqual(['audit PutItem', 'connections GetItem', 'flows GetItem', 'flows PutItem']);
});

function context(...purposes: readonly string[]) {
  return {
    StringEquals: {
      'kms:EncryptionContext:app': 'grantkeeper',
      'kms:EncryptionContext:env': 'dev',
      'kms:EncryptionContext:purpose': purposes,
    },
  };
}

const useOf = (table: string, Action: string | readonly string[]) => ({
  Sid: `Use${table.charAt(0).toUpperCase()}${table.slice(1)}`,
  Effect: 'Allow',
  Action,
  Resource: `Tables${table}.Arn`,
});
const readClientSecrets = {
  Sid: 'ReadClientSecrets',
  Effect: 'Allow',
  Action: 'secretsmanager:GetSecretValue',
  Resource: ['Secretsquickbooksclient', 'Secretsxeroclient'],
};
const sendRescues = {
  Sid: 'SendRescues',
  Effect: 'Allow',
  Action: 'sqs:SendMessage',
  Resource: 'RescueQueue.Arn',
};
const countRescues = {
  Sid: 'CountRescues',
  Effect: 'Allow',
  Action: 'sqs:GetQueueAttributes',
  Resource: ['RescueDeadLetter.Arn', 'RescueQueue.Arn'],
};
const tellEvents = {
  Sid: 'TellEvents',
  Effect: 'Allow',
  Action: 'events:PutEvents',
  Resource: 'arn:aws:events:us-east-1:AWS::AccountId:event-bus/grantkeeper-dev',
  Condition: { StringEquals: { 'events:source': 'grantkeeper' } },
};
const invokeRefreshGrant = {
  Sid: 'Invoke',
  Effect: 'Allow',
  Action: 'lambda:InvokeFunction',
  Resource: 'refreshgrantFunction.Arn',
};
const tokens = (Sid: string, Action: string, ...purposes: readonly string[]) => ({
  Sid,
  Effect: 'Allow',
  Action,
  Resource: 'TokenKey.Arn',
  Condition: context(...purposes),
});

describe('whole policies', () => {
  test('get-token opens access tokens and changes nothing but when a grant was last used', () => {
    expect(statementsOf('get-token')).toEqual([
      useOf('grants', ['dynamodb:BatchGetItem', 'dynamodb:GetItem']),
      {
        Sid: 'TouchGrants',
        Effect: 'Allow',
        Action: 'dynamodb:UpdateItem',
        Resource: 'Tablesgrants.Arn',
        Condition: {
          'ForAllValues:StringEquals': {
            'dynamodb:Attributes': ['pk', 'generation', 'tokenVersion', 'status', 'attempt', 'lastUsedAt', 'dueAt'],
          },
          StringEqualsIfExists: { 'dynamodb:ReturnValues': 'NONE' },
          Null: { 'dynamodb:Attributes': 'false' },
        },
      },
      useOf('connections', ['dynamodb:BatchGetItem', 'dynamodb:GetItem']),
      tokens('OpenTokens', 'kms:Decrypt', 'access'),
      invokeRefreshGrant,
    ]);
  });

  test('refresh-grant opens and seals tokens of both purposes', () => {
    expect(statementsOf('refresh-grant')).toEqual([
      useOf('grants', ['dynamodb:ConditionCheckItem', 'dynamodb:GetItem', 'dynamodb:UpdateItem']),
      useOf('connections', ['dynamodb:GetItem', 'dynamodb:UpdateItem']),
      useOf('audit', ['dynamodb:PutItem', 'dynamodb:Query']),
      tokens('SealTokens', 'kms:GenerateDataKey', 'access', 'refresh'),
      tokens('OpenTokens', 'kms:Decrypt', 'access', 'refresh'),
      readClientSecrets,
      sendRescues,
      countRescues,
      tellEvents,
    ]);
  });

  test('finish-connect seals both purposes and opens nothing', () => {
    expect(statementsOf('finish-connect')).toEqual([
      useOf('grants', ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem']),
      useOf('connections', ['dynamodb:GetItem', 'dynamodb:PutItem']),
      useOf('flows', ['dynamodb:GetItem', 'dynamodb:UpdateItem']),
      useOf('audit', ['dynamodb:PutItem', 'dynamodb:Query']),
      tokens('SealTokens', 'kms:GenerateDataKey', 'access', 'refresh'),
      readClientSecrets,
      sendRescues,
      tellEvents,
    ]);
  });

  test('the authorizer writes nothing but when a key was last used', () => {
    expect(statementsOf('authorizer')[1]).toEqual({
      Sid: 'TouchApiKeys',
      Effect: 'Allow',
      Action: 'dynamodb:UpdateItem',
      Resource: 'TablesapiKeys.Arn',
      Condition: {
        'ForAllValues:StringEquals': { 'dynamodb:Attributes': ['pk', 'lastUsedAt'] },
        StringEqualsIfExists: { 'dynamodb:ReturnValues': 'NONE' },
        Null: { 'dynamodb:Attributes': 'false' },
      },
    });
  });
});

test('every function has a role of its own, which writes to its own log and has no managed policy', () => {
  const roles = ofType(resources, 'AWS::Lambda::Function').map(({ properties }) => properties.Role);
  expect([...new Set(roles)]).toHaveLength(FUNCTIONS.length);
  expect(ofType(resources, 'AWS::IAM::Role').map(({ properties }) => properties.ManagedPolicyArns)).toEqual(
    FUNCTIONS.map(() => undefined),
  );
  const logStatements = ofType(resources, 'AWS::IAM::Policy').flatMap(({ properties }) =>
    properties.PolicyDocument.Statement.filter(({ Sid }: Statement) => Sid === 'WriteOwnLogs').map(
      ({ Action, Resource }: Statement) => [properties.Roles, Action, Resource],
    ),
  );
  expect(logStatements).toEqual(
    FUNCTIONS.map((name) => {
      const id = name.replaceAll('-', '');
      return [[`${id}Role`], ['logs:CreateLogStream', 'logs:PutLogEvents'], `${id}Logs.Arn`];
    }),
  );
});
