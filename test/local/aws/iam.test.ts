import { describe, expect, test } from 'vitest';
import { AwsError } from '../../../local/aws/aws-error.ts';
import { type Access, createGuard, type PolicyStatement, type Principal } from '../../../local/aws/iam.ts';

const TABLE = 'arn:aws:dynamodb:us-east-1:000000000000:table/Grants';

const role = (...statements: unknown[]): Principal => ({
  name: 'get-token',
  arn: 'arn:aws:sts::000000000000:assumed-role/get-token/local',
  statements: statements as PolicyStatement[],
});
const allow = (more: object = {}) => ({ Effect: 'Allow', Action: 'dynamodb:*', Resource: '*', ...more });

/** 'allowed', or what the refusal says after the ARN of the resource. */
function answer(principal: Principal, access: Partial<Access> = {}): string {
  const asked = { action: 'dynamodb:GetItem', resource: TABLE, ...access };
  try {
    createGuard().authorize(principal, asked);
    return 'allowed';
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    return error.message.split(`on resource: ${asked.resource} `)[1] ?? error.message;
  }
}
const NOTHING_ALLOWS = 'because no identity-based policy allows the dynamodb:GetItem action';

test('a refusal has the code and the wording of AWS', () => {
  expect(() => createGuard().authorize(role(), { action: 'dynamodb:GetItem', resource: TABLE })).toThrow(
    expect.objectContaining({
      code: 'AccessDeniedException',
      status: 400,
      message:
        'User: arn:aws:sts::000000000000:assumed-role/get-token/local is not authorized to perform: dynamodb:GetItem on resource: arn:aws:dynamodb:us-east-1:000000000000:table/Grants because no identity-based policy allows the dynamodb:GetItem action',
    }),
  );
});

test('the administrator may do everything and is not recorded', () => {
  const guard = createGuard();
  guard.authorize({ name: 'admin', arn: 'arn', statements: 'administrator' }, { action: 'kms:Decrypt', resource: '*' });
  expect([guard.allowed(), guard.denied()]).toEqual([[], []]);
});

test.for<[string, unknown, string]>([
  ['the exact action and ARN', allow({ Action: 'dynamodb:GetItem', Resource: TABLE }), 'allowed'],
  ['actions in any letter case', allow({ Action: 'DynamoDB:getitem' }), 'allowed'],
  ['a wildcard in the action', allow({ Action: ['dynamodb:Put*', 'dynamodb:Get*'] }), 'allowed'],
  ['a question mark in the action', allow({ Action: 'dynamodb:GetIte?' }), 'allowed'],
  ['all actions', allow({ Action: '*' }), 'allowed'],
  ['a wildcard in the ARN', allow({ Resource: 'arn:aws:dynamodb:*:*:table/Gr*' }), 'allowed'],
  ['question marks in the ARN', allow({ Resource: `${TABLE.slice(0, -6)}??????` }), 'allowed'],
  ['one of several ARNs', allow({ Resource: [`${TABLE}/index/*`, TABLE] }), 'allowed'],
  ['another action', allow({ Action: 'dynamodb:PutItem' }), NOTHING_ALLOWS],
  ['another table', allow({ Resource: `${TABLE}2` }), NOTHING_ALLOWS],
  ['the ARN in other letter case', allow({ Resource: TABLE.replace('Grants', 'grants') }), NOTHING_ALLOWS],
  ['only the indexes', allow({ Resource: `${TABLE}/index/*` }), NOTHING_ALLOWS],
  ['too few question marks', allow({ Resource: `${TABLE.slice(0, -6)}?????` }), NOTHING_ALLOWS],
  [
    'a wildcard that would have to cross a colon',
    allow({ Resource: 'arn:aws:dynamodb:*:table/Grants' }),
    NOTHING_ALLOWS,
  ],
  ['a dot is no wildcard', allow({ Resource: TABLE.replace('Grants', 'Grant.') }), NOTHING_ALLOWS],
])('matching: %s', ([, statement, expected]) => {
  expect(answer(role(statement))).toBe(expected);
});

test('an explicit deny wins over any allow, wherever it stands', () => {
  const deny = { Effect: 'Deny', Action: 'dynamodb:*', Resource: TABLE };
  const expected = 'with an explicit deny in an identity-based policy';
  expect([answer(role(allow(), deny)), answer(role(deny, allow()))]).toEqual([expected, expected]);
});

describe('conditions', () => {
  const context = {
    'dynamodb:Attributes': ['pk', 'lastUsedAt'],
    'dynamodb:ReturnValues': 'NONE',
    'kms:EncryptionContext:purpose': 'access',
    'lambda:FunctionArn': 'arn:aws:lambda:us-east-1:000000000000:function:refresh-grant',
    'dynamodb:FullTableScan': true,
  };
  const cases: [operator: string, key: string, value: unknown, holds: boolean][] = [
    ['StringEquals', 'kms:EncryptionContext:purpose', 'access', true],
    ['StringEquals', 'kms:EncryptionContext:purpose', ['refresh', 'access'], true],
    ['StringEquals', 'kms:EncryptionContext:purpose', 'refresh', false],
    ['StringEquals', 'kms:EncryptionContext:purpose', 'Access', false],
    ['StringEquals', 'KMS:encryptionContext:PURPOSE', 'access', true],
    ['StringEquals', 'kms:EncryptionContext:purpose', 'acc*', false],
    ['StringEquals', 'kms:EncryptionContext:absent', 'x', false],
    ['StringEqualsIfExists', 'kms:EncryptionContext:absent', 'x', true],
    ['StringEqualsIfExists', 'kms:EncryptionContext:purpose', 'x', false],
    ['StringNotEquals', 'kms:EncryptionContext:purpose', 'refresh', true],
    ['StringNotEquals', 'kms:EncryptionContext:purpose', 'access', false],
    ['StringNotEquals', 'kms:EncryptionContext:absent', 'x', true],
    ['StringLike', 'kms:EncryptionContext:purpose', 'acc*', true],
    ['StringLike', 'kms:EncryptionContext:purpose', 'acc?', false],
    ['StringNotLike', 'kms:EncryptionContext:purpose', 'acc*', false],
    ['ArnLike', 'lambda:FunctionArn', 'arn:aws:lambda:*:*:function:refresh-*', true],
    ['ArnLike', 'lambda:FunctionArn', 'arn:aws:lambda:*:function:refresh-*', false],
    ['ArnEquals', 'lambda:FunctionArn', 'arn:aws:lambda:us-east-1:000000000000:function:refresh-grant', true],
    ['ArnNotEquals', 'lambda:FunctionArn', 'arn:aws:lambda:*:*:function:refresh-*', false],
    ['Bool', 'dynamodb:FullTableScan', 'true', true],
    ['Bool', 'dynamodb:FullTableScan', false, false],
    ['Null', 'kms:EncryptionContext:absent', 'true', true],
    ['Null', 'kms:EncryptionContext:purpose', 'true', false],
    ['Null', 'kms:EncryptionContext:purpose', false, true],
    ['ForAllValues:StringEquals', 'dynamodb:Attributes', ['pk', 'lastUsedAt', 'dueAt'], true],
    ['ForAllValues:StringEquals', 'dynamodb:Attributes', ['pk'], false],
    ['ForAllValues:StringLike', 'dynamodb:Attributes', ['pk', 'last*'], true],
    ['ForAllValues:StringEquals', 'dynamodb:LeadingKeys', ['a'], true],
    ['ForAnyValue:StringEquals', 'dynamodb:Attributes', ['pk', 'other'], true],
    ['ForAnyValue:StringEquals', 'dynamodb:Attributes', ['other'], false],
    ['ForAnyValue:StringEquals', 'dynamodb:LeadingKeys', ['a'], false],
    ['ForAllValues:StringNotEquals', 'dynamodb:Attributes', ['current'], true],
    ['ForAllValues:StringNotEquals', 'dynamodb:Attributes', ['pk'], false],
  ];
  test.for(cases)('%s %s %j → %s', ([operator, key, value, holds]) => {
    const statement = allow({ Condition: { [operator]: { [key]: value } } });
    expect(answer(role(statement), { context })).toBe(holds ? 'allowed' : NOTHING_ALLOWS);
  });

  test('all operators and all keys must hold', () => {
    const Condition = {
      StringEquals: { 'kms:EncryptionContext:purpose': 'access', 'dynamodb:ReturnValues': 'ALL_OLD' },
      Null: { 'dynamodb:Attributes': 'false' },
    };
    expect(answer(role(allow({ Condition })), { context })).toBe(NOTHING_ALLOWS);
  });

  test.for<[string, object, string]>([
    [
      'operator',
      { Condition: { NumericLessThan: { 'dynamodb:Select': 1 } } },
      'condition operator NumericLessThan is unknown',
    ],
    ['key', { Condition: { StringEquals: { 'aws:SourceVpc': 'vpc-1' } } }, 'condition key aws:SourceVpc is unknown'],
    [
      'list without a quantifier',
      { Condition: { StringEquals: { 'dynamodb:Attributes': 'pk' } } },
      'dynamodb:Attributes has many values and needs ForAllValues or ForAnyValue',
    ],
    [
      'policy variable',
      { Condition: { StringEquals: { 'dynamodb:Select': `\${aws:username}` } } },
      'policy variables are not supported (dynamodb:Select)',
    ],
    ['NotAction', { NotAction: 'dynamodb:PutItem' }, 'NotAction is not supported'],
    ['unresolved resource', { Resource: { 'Fn::GetAtt': ['Grants', 'Arn'] } }, 'its Resource was not resolved to ARNs'],
  ])('what cannot be evaluated refuses and says so, even beside an allow: unknown %s', ([, more, why]) => {
    const principal = role(allow(), allow({ Sid: 'Odd', ...more }));
    expect(answer(principal, { context })).toBe(`because the local platform cannot evaluate statement Odd: ${why}`);
  });
});

test('the guard tells which statements allowed something and what was refused', () => {
  const guard = createGuard();
  const principal = role(
    allow({ Action: 'dynamodb:GetItem', Resource: TABLE }),
    allow({ Sid: 'Everything', Resource: TABLE }),
    allow({ Sid: 'Unused', Action: 'kms:Decrypt' }),
  );
  guard.authorize(principal, { action: 'dynamodb:GetItem', resource: TABLE });
  guard.authorize(principal, { action: 'dynamodb:GetItem', resource: TABLE });
  guard.authorize(principal, { action: 'dynamodb:PutItem', resource: TABLE });
  expect(() => guard.authorize(principal, { action: 'dynamodb:Scan', resource: `${TABLE}2` })).toThrow(AwsError);
  expect(guard.allowed()).toEqual([
    { principal: 'get-token', statement: 0, action: 'dynamodb:GetItem', count: 2 },
    { principal: 'get-token', statement: 'Everything', action: 'dynamodb:GetItem', count: 2 },
    { principal: 'get-token', statement: 'Everything', action: 'dynamodb:PutItem', count: 1 },
  ]);
  expect(guard.denied()).toEqual([
    {
      principal: 'get-token',
      action: 'dynamodb:Scan',
      resource: `${TABLE}2`,
      reason: 'because no identity-based policy allows the dynamodb:Scan action',
      count: 1,
    },
  ]);
});
