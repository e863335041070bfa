import { AwsError } from './aws-error.ts';

export interface Secret {
  readonly name: string;
  readonly arn: string;
  readonly description: string | undefined;
  readonly kmsKeyId: string | undefined;
  readonly createdAt: number;
  changedAt: number;
  /** Newest last. A version without stages is deprecated and goes away when the next one is stored. */
  readonly versions: Map<string, SecretVersion>;
}

interface SecretVersion {
  readonly value: SecretValue;
  readonly stages: Set<string>;
}

/** Exactly one of the two, as it stands on the wire. */
export type SecretValue = ({ readonly SecretString: string } | { readonly SecretBinary: string }) & {
  readonly createdAt: number;
};

/**
 * Stores a version and moves its stages to it; the version that was AWSCURRENT becomes AWSPREVIOUS. The same version
 * with the same value changes nothing; with another value: ResourceExistsException.
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
 */
export function storeVersion(
  secret: Secret,
  { versionId, value, stages }: { versionId: string; value: SecretValue; stages: readonly string[] },
): void {
  const existing = secret.versions.get(versionId);
  if (existing && contentOf(existing.value) !== contentOf(value)) {
    throw new AwsError(
      'ResourceExistsException',
      'You already have a version with this ClientRequestToken and another value.',
    );
  }
  if (existing) return;
  for (const stage of stages) moveStage(secret, stage);
  for (const [id, version] of secret.versions) if (version.stages.size === 0) secret.versions.delete(id);
  secret.versions.set(versionId, { value, stages: new Set(stages) });
}

/** Version id → its stages. */
export function stagesOf(secret: Secret): Record<string, string[]> {
  return Object.fromEntries([...secret.versions].map(([id, { stages }]) => [id, [...stages]]));
}

function moveStage(secret: Secret, stage: string): void {
  const holder = [...secret.versions.values()].find(({ stages }) => stages.has(stage));
  if (!holder) return;
  holder.stages.delete(stage);
  if (stage !== 'AWSCURRENT') return;
  for (const { stages } of secret.versions.values()) stages.delete('AWSPREVIOUS');
  holder.stages.add('AWSPREVIOUS');
}

function contentOf(value: SecretValue): string {
  return 'SecretString' in value ? `s${value.SecretString}` : `b${value.SecretBinary}`;
}
