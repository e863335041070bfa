import type { PolicyStatement } from '../aws/iam.ts';
import type { Collection, Resource } from './collect.ts';
import { AssemblyError, isRecord } from './template.ts';

/** Writing its own log is the one thing a function may do here without a statement: there is no CloudWatch Logs. */
const BASIC_EXECUTION = 'service-role/AWSLambdaBasicExecutionRole';

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
  for (const arn of listOf(role.properties.ManagedPolicyArns).map(String)) {
    if (arn.startsWith('arn:aws:iam::aws:') && !arn.endsWith(BASIC_EXECUTION)) {
      collection.report(role, `what ${arn} allows is denied locally`);
    }
  }
  if (role.properties.PermissionsBoundary !== undefined) collection.report(role, 'PermissionsBoundary is ignored');
  return [...inline, ...attached];
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
