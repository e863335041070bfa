import { createHash, randomBytes } from 'node:crypto';
import { GetSecretValueCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { GrantkeeperError } from '../lib/domain/errors.ts';
import type { Instant } from '../lib/domain/grant.ts';
import { stateKeysSecretName } from '../lib/domain/names.ts';
import { Secret } from '../lib/domain/secret.ts';
import type { Session } from './command.ts';

/** A key that signs states. Nothing here ever shows more of it than its id. */
export interface StateKey {
  readonly id: string;
  readonly key: Secret;
}

/** The secret as it lies there: `current` signs, `previous` only verifies. */
export interface StateKeyRing {
  readonly current: StateKey;
  readonly previous?: StateKey;
  /** Of the secret's value: what a put is based on. */
  readonly versionId: string;
  readonly putAt: Instant;
}

/** Ids made here tell when, so that of two keys the newer one is known. The first one, made by CloudFormation, has `1`. */
const OUR_ID = /^\d{8}T\d{6}Z$/;
const ID = /^[\w-]{1,32}$/;
/** 32 bytes in base64url. */
const KEY = /^[\w-]{43}$/;

/** The ring of an environment. Throws `secret_unavailable` when it is not what it has to be. */
export async function readRing({ clients }: Pick<Session, 'clients'>, environment: string): Promise<StateKeyRing> {
  const name = stateKeysSecretName(environment);
  const { SecretString, VersionId, CreatedDate } = await clients.secrets.send(
    new GetSecretValueCommand({ SecretId: name }),
  );
  const value = parse(SecretString);
  const current = keyOf(value);
  const previous = value?.previous === undefined ? undefined : keyOf(value.previous);
  const isBad = current === undefined || (value?.previous !== undefined && previous === undefined);
  if (isBad || VersionId === undefined || CreatedDate === undefined) {
    throw new GrantkeeperError('secret_unavailable', {
      cause: new Error(`the secret ${name} is no ring of state keys`),
    });
  }
  const ring = { current, versionId: VersionId, putAt: CreatedDate.getTime() };
  return previous === undefined ? ring : { ...ring, previous };
}

/**
 * Puts a ring in the place of the one it is based on. Of two operators who put at the same time the second is refused
 * (ResourceExistsException): the request's token follows from the version both have read.
 */
export async function putRing(
  { clients }: Pick<Session, 'clients'>,
  environment: string,
  { ring, basedOn }: { readonly ring: Pick<StateKeyRing, 'current' | 'previous'>; readonly basedOn: StateKeyRing },
): Promise<void> {
  const { current, previous } = ring;
  const open = ({ id, key }: StateKey) => ({ id, key: key.open() });
  await clients.secrets.send(
    new PutSecretValueCommand({
      SecretId: stateKeysSecretName(environment),
      SecretString: JSON.stringify({
        ...open(current),
        ...(previous === undefined ? {} : { previous: open(previous) }),
      }),
      ClientRequestToken: createHash('sha256').update(`ring after ${basedOn.versionId}`).digest('hex'),
    }),
  );
}

/** 32 random bytes, and an id that tells when they were drawn. */
export function newStateKey(now: Instant): StateKey {
  const id = `${new Date(now).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
  return { id, key: new Secret(randomBytes(32).toString('base64url')) };
}

/** Whether `previous` is the key to come and not the one that was: the first of the two puts has been made. */
export function isHalfTurned({ current, previous }: Pick<StateKeyRing, 'current' | 'previous'>): boolean {
  if (previous === undefined || !OUR_ID.test(previous.id)) return false;
  return !OUR_ID.test(current.id) || previous.id > current.id;
}

function keyOf(value: Readonly<Record<string, unknown>> | undefined): StateKey | undefined {
  const { id, key } = value ?? {};
  if (typeof id !== 'string' || typeof key !== 'string' || !ID.test(id) || !KEY.test(key)) return undefined;
  return { id, key: new Secret(key) };
}

/** Undefined for what is no JSON object: the parser's own error would quote the text. */
function parse(
  text: string | undefined,
): (Readonly<Record<string, unknown>> & { readonly previous?: Readonly<Record<string, unknown>> }) | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null ? (value as Record<string, never>) : undefined;
  } catch {
    return undefined;
  }
}
