import { beforeAll, expect, test } from 'vitest';
import { COMPLETE } from './settings.ts';
import { buildApp, ofType, type Resource, resourcesOf } from './synthesized.ts';

let resources: readonly Resource[];
beforeAll(() => {
  const { stateful, service, edge, watch } = buildApp(COMPLETE);
  resources = [stateful, service, edge, watch].flatMap((stack) => resourcesOf(stack));
});

/** What the resources of a type are called, with what encrypts them. */
function encrypted(type: string, by: (properties: Resource['properties']) => unknown) {
  return Object.fromEntries(
    ofType(resources, type).map(({ logicalId, properties }) => [logicalId.replace(/[0-9A-F]{8}$/, ''), by(properties)]),
  );
}

test('tables are under the table key, in every replica', () => {
  const key = { SSEEnabled: true, SSEType: 'KMS', keys: ['TableKey.Arn'] };
  const found = encrypted('AWS::DynamoDB::GlobalTable', ({ SSESpecification, Replicas }) => ({
    ...SSESpecification,
    keys: Replicas.map((replica: Resource['properties']) => replica.SSESpecification.KMSMasterKeyId),
  }));
  expect(found).toEqual({
    Tablesgrants: key,
    Tablesconnections: key,
    Tablesflows: key,
    TablesapiKeys: key,
    Tablesaudit: key,
  });
});

test('queues are under SQS’s own key: what is on them is ciphertext of the token key, or news', () => {
  expect(encrypted('AWS::SQS::Queue', ({ SqsManagedSseEnabled }) => SqsManagedSseEnabled)).toEqual({
    RescueDeadLetter: true,
    RescueQueue: true,
    EventsDeadLetter: true,
  });
});

test('secrets are under the account’s key for Secrets Manager', () => {
  expect(encrypted('AWS::SecretsManager::Secret', ({ KmsKeyId }) => KmsKeyId ?? 'aws/secretsmanager')).toEqual({
    Secretsquickbooksclient: 'aws/secretsmanager',
    Secretsxeroclient: 'aws/secretsmanager',
    Secretsstatekeys: 'aws/secretsmanager',
  });
});

test('logs are under CloudWatch’s own key: no line holds anything secret', () => {
  const keys = encrypted('AWS::Logs::LogGroup', ({ KmsKeyId }) => KmsKeyId ?? 'CloudWatch Logs');
  expect(new Set(Object.values(keys))).toEqual(new Set(['CloudWatch Logs']));
});

test('every topic has a key', () => {
  const keys = Object.values(encrypted('AWS::SNS::Topic', ({ KmsMasterKeyId }) => KmsMasterKeyId));
  expect(keys.length).toBeGreaterThan(0);
  expect(keys).not.toContain(undefined);
});
