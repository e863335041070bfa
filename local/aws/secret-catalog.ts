import { randomInt } from 'node:crypto';
import type { MovableClock } from '../clock.ts';
import { AwsError } from './aws-error.ts';
import type { Secret } from './secret-versions.ts';

/** A secret to be; its ARN ends in a hyphen and six random characters unless given. */
export interface SecretDefinition {
  readonly name: string;
  readonly arn?: string;
  readonly secretString?: string;
  readonly description?: string;
  readonly kmsKeyId?: string;
}

export interface SecretCatalog {
  /** By name, full ARN, or ARN without its suffix, which AWS accepts too. */
  find(id: string): Secret | undefined;
  /** A new secret without a version. Throws ValidationException for its name, ResourceExistsException if it is taken. */
  add(definition: SecretDefinition): Secret;
  list(): Secret[];
}

const NAME = /^[\w/+=.@-]{1,512}$/;
const SUFFIX_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** An empty catalog; `arnPrefix` ends with `:secret:`. */
export function createSecretCatalog({ arnPrefix, clock }: { arnPrefix: string; clock: MovableClock }): SecretCatalog {
  const secrets = new Map<string, Secret>();
  return {
    find(id) {
      if (!id.startsWith('arn:')) return secrets.get(id);
      return [...secrets.values()].find(({ arn, name }) => arn === id || arnPrefix + name === id);
    },
    add({ name, arn = newArn(name, arnPrefix), description, kmsKeyId }) {
      if (!NAME.test(name)) throw new AwsError('ValidationException', 'Invalid name. Must be a valid name.');
      if (secrets.has(name)) {
        throw new AwsError(
          'ResourceExistsException',
          `The operation failed because the secret ${name} already exists.`,
        );
      }
      const now = clock.now();
      const secret: Secret = { name, arn, description, kmsKeyId, createdAt: now, changedAt: now, versions: new Map() };
      secrets.set(name, secret);
      return secret;
    },
    list: () => [...secrets.values()],
  };
}

/** An ARN as Secrets Manager makes them: with six random characters, so that it never comes back for another secret. */
export function newArn(name: string, arnPrefix: string): string {
  const suffix = Array.from({ length: 6 }, () => SUFFIX_CHARACTERS.charAt(randomInt(SUFFIX_CHARACTERS.length)));
  return `${arnPrefix}${name}-${suffix.join('')}`;
}
