import type { PolicyStatement } from '../aws/iam.ts';
import type { Collection, Resource } from './collect.ts';
import { AssemblyError, isRecord } from './template.ts';

/** The one policy of AWS's own that is known here, and what it says. */
const BASIC_EXECUTION = 'service-role/AWSLambdaBasicExecutionRole';
const BASIC_STATEMENT: PolicyStatement = {
  Sid: 'AWSLambdaBasicExecutionRole',
  Effect: 'Allow',
  Action: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
  Resource: '*',
};

/**
 * What the identity policies of a role say: inline, attached, and managed ones of the assembly. AWS's own managed
 * policies other than basic execution are reported as not run, so what they allow is denied here.
 */
export function readStatements(collection: Collection, role: Resource): readonly PolicyStatement[] {
  const inline = listOf(role.properties.Policies).flatMap((policy) => statementsOf(policy));
  const attached = collection
    .ofType('AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy')
    .filter((policy) => isAttached(policy, role))
    .flatMap((policy) => statementsOf(policy.properties));
  const ofAws = listOf(role.properties.ManagedPolicyArns)
    .map(String)
    .filter((arn) => arn.startsWith('arn:aws:iam::aws:'));
  const isBasic = (arn: string) => arn.endsWith(BASIC_EXECUTION);
  for (const arn of ofAws.filter((one) => !isBasic(one))) {
    collection.report(role, `what ${arn} allows is denied locally`);
  }
  if (role.properties.PermissionsBoundary !== undefined) collection.report(role, 'PermissionsBoundary is ignored');
  return [...inline, ...attached, ...(ofAws.some(isBasic) ? [BASIC_STATEMENT] : [])];
}

function isAttached(policy: Resource, role: Resource): boolean {
  return (
    listOf(policy.properties.Roles).includes(role.identity.ref) ||
    listOf(role.properties.ManagedPolicyArns).includes(policy.identity.ref)
  );
}

function statementsOf(policy: unknown): readonly PolicyStatement[] {
  const document = isRecord(policy) ? policy.PolicyDocument : undefined;
  const statements = isRecord(document) ? document.Statement : undefined;
  return (Array.isArray(statements) ? statements : [statements]).map(readStatement);
}

function readStatement(statement: unknown): PolicyStatement {
  if (!isRecord(statement) || (statement.Effect !== 'Allow' && statement.Effect !== 'Deny')) {
    throw new AssemblyError('a policy statement has no Effect');
  }
  return statement as unknown as PolicyStatement;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
