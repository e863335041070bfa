/**
 * Secrets Manager: versioned values with staging labels. Rotation, deletion, replication and resource policies are not
 * modelled, and a secret's own KMS key asks nothing of the caller here (on AWS he needs kms:Decrypt on it).
 */
import { randomUUID } from 'node:crypto';
import type { MovableClock } from '../clock.ts';
import { AwsError, unknownOperation } from './aws-error.ts';
import { createFaults, type Fault } from './faults.ts';
import type { Guard } from './iam.ts';
import { optionalBytes, optionalString, requireString } from './input.ts';
import { createSecretCatalog, newArn, type SecretDefinition } from './secret-catalog.ts';
import { type Secret, type SecretValue, stagesOf, storeVersion } from './secret-versions.ts';
import type { AwsRequest, AwsService } from './server.ts';

export interface SecretsManager extends AwsService {
  /** Creates a secret, without a value unless one is given, and answers its ARN with the random suffix. */
  addSecret(definition: SecretDefinition): string;
  failNext(fault: Fault): void;
  clearFaults(): void;
}

interface SecretsManagerOptions {
  readonly guard: Guard;
  readonly clock: MovableClock;
  /** Default `us-east-1`. */
  readonly region?: string;
  /** Default `000000000000`. */
  readonly account?: string;
}

type Input = Readonly<Record<string, unknown>>;

const MAX_SECRET_BYTES = 65_536;

/** A Secrets Manager without secrets. */
export function createSecretsManager(options: SecretsManagerOptions): SecretsManager {
  const { guard, clock, region = 'us-east-1', account = '000000000000' } = options;
  const arnPrefix = `arn:aws:secretsmanager:${region}:${account}:secret:`;
  const catalog = createSecretCatalog({ arnPrefix, clock });
  const faults = createFaults();

  /** As AWS does, a secret that does not exist is authorised first, under the ARN it would have without a suffix. */
  function authorizedSecret({ principal, operation, input }: AwsRequest): Secret {
    const id = requireString(input, 'SecretId');
    const secret = catalog.find(id);
    const stage = optionalString(input, 'VersionStage');
    guard.authorize(principal, {
      action: `secretsmanager:${operation}`,
      resource: secret?.arn ?? (id.startsWith('arn:') ? id : arnPrefix + id),
      context: {
        'secretsmanager:SecretId': secret?.arn ?? id,
        ...(operation === 'GetSecretValue' ? { 'secretsmanager:VersionStage': stage ?? 'AWSCURRENT' } : {}),
      },
    });
    if (secret) return secret;
    throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  }
  function create({ principal, operation, input }: AwsRequest): object {
    const name = requireString(input, 'Name');
    const arn = newArn(name, arnPrefix);
    guard.authorize(principal, {
      action: `secretsmanager:${operation}`,
      resource: arn,
      context: { 'secretsmanager:Name': name },
    });
    const description = optionalString(input, 'Description');
    const kmsKeyId = optionalString(input, 'KmsKeyId');
    const value = parseValue(input, clock.now());
    const secret = catalog.add({
      name,
      arn,
      ...(description ? { description } : {}),
      ...(kmsKeyId ? { kmsKeyId } : {}),
    });
    if (!value) return { ARN: secret.arn, Name: name };
    const versionId = optionalString(input, 'ClientRequestToken') ?? randomUUID();
    storeVersion(secret, { versionId, value, stages: ['AWSCURRENT'] });
    return { ARN: secret.arn, Name: name, VersionId: versionId };
  }
  function list({ principal, operation, input }: AwsRequest): object {
    guard.authorize(principal, { action: `secretsmanager:${operation}`, resource: '*' });
    if (input.Filters) throw new AwsError('InvalidParameterException', 'Filters are not supported locally.');
    return { SecretList: catalog.list().map(describe) };
  }
  const handlers: Readonly<Record<string, (request: AwsRequest) => object>> = {
    GetSecretValue: (request) => getValue(authorizedSecret(request), request.input),
    PutSecretValue: (request) => putValue(authorizedSecret(request), request.input, clock.now()),
    DescribeSecret: (request) => describe(authorizedSecret(request)),
    CreateSecret: create,
    ListSecrets: list,
  };
  return {
    scope: 'secretsmanager',
    handle: (request) =>
      faults.around(request, async () => {
        const handler = handlers[request.operation];
        if (!handler) throw unknownOperation('Secrets Manager', request.operation);
        return { status: 200, body: handler(request) };
      }),
    addSecret(definition) {
      const secret = catalog.add(definition);
      if (definition.secretString !== undefined) {
        const value = { SecretString: definition.secretString, createdAt: clock.now() };
        storeVersion(secret, { versionId: randomUUID(), value, stages: ['AWSCURRENT'] });
      }
      return secret.arn;
    },
    failNext: faults.failNext,
    clearFaults: faults.clear,
  };
}

function getValue(secret: Secret, input: Input): object {
  const wantedId = optionalString(input, 'VersionId');
  const wantedStage = optionalString(input, 'VersionStage') ?? (wantedId ? undefined : 'AWSCURRENT');
  for (const [versionId, { value, stages }] of secret.versions) {
    if (wantedId !== undefined && wantedId !== versionId) continue;
    if (wantedStage !== undefined && !stages.has(wantedStage)) continue;
    const { createdAt, ...content } = value;
    return {
      ARN: secret.arn,
      Name: secret.name,
      VersionId: versionId,
      VersionStages: [...stages],
      CreatedDate: createdAt / 1000,
      ...content,
    };
  }
  const what = wantedId ? `VersionId: ${wantedId}` : `staging label: ${wantedStage}`;
  throw new AwsError('ResourceNotFoundException', `Secrets Manager can't find the specified secret value for ${what}`);
}

function putValue(secret: Secret, input: Input, now: number): object {
  const value = parseValue(input, now);
  if (!value) throw new AwsError('InvalidRequestException', 'You must provide either SecretString or SecretBinary.');
  const stages = (input.VersionStages ?? ['AWSCURRENT']) as string[];
  const versionId = optionalString(input, 'ClientRequestToken') ?? randomUUID();
  storeVersion(secret, { versionId, value, stages });
  secret.changedAt = now;
  const kept = secret.versions.get(versionId)?.stages ?? [];
  return { ARN: secret.arn, Name: secret.name, VersionId: versionId, VersionStages: [...kept] };
}

function describe(secret: Secret): object {
  return {
    ARN: secret.arn,
    Name: secret.name,
    ...(secret.description ? { Description: secret.description } : {}),
    ...(secret.kmsKeyId ? { KmsKeyId: secret.kmsKeyId } : {}),
    CreatedDate: secret.createdAt / 1000,
    LastChangedDate: secret.changedAt / 1000,
    VersionIdsToStages: stagesOf(secret),
  };
}

function parseValue(input: Input, createdAt: number): SecretValue | undefined {
  const text = optionalString(input, 'SecretString');
  const bytes = optionalBytes(input, 'SecretBinary');
  if (text !== undefined && bytes !== undefined) {
    throw new AwsError('InvalidParameterException', 'You must provide either SecretString or SecretBinary, not both.');
  }
  if ((text === undefined ? (bytes?.length ?? 0) : Buffer.byteLength(text)) > MAX_SECRET_BYTES) {
    throw new AwsError('InvalidParameterException', `A secret value has at most ${MAX_SECRET_BYTES} bytes.`);
  }
  if (text !== undefined) return { SecretString: text, createdAt };
  return bytes && { SecretBinary: bytes.toString('base64'), createdAt };
}
