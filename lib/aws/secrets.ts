import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod/mini';
import { GrantkeeperError } from '../domain/errors.ts';
import type { Instant } from '../domain/grant.ts';
import { clientSecretName, METRICS, stateKeysSecretName } from '../domain/names.ts';
import { Secret } from '../domain/secret.ts';
import type { CountMetric, ReadClient, StateKey, StateKeyRing } from '../service/ports.ts';

const CACHED_MS = 5 * 60_000;

/** A pasted blank or line end would be refused by the provider as a wrong secret; here it is told apart. */
const FILLED = z.string().check(z.regex(/^\S+$/));
const CLIENT = z.strictObject({ clientId: FILLED, clientSecret: FILLED });
/** The id stands in every state; the key is 32 bytes in base64url, without padding. */
const KEY = z.strictObject({
  id: z.string().check(z.regex(/^[\w-]{1,32}$/)),
  key: z.string().check(z.regex(/^[\w-]{43}$/)),
});
/** Flat, because Secrets Manager generates a top-level field only. */
const RING = z.extend(KEY, { previous: z.optional(KEY) });

export interface SecretReader {
  readonly readClient: ReadClient;
  /** Cached 5 minutes. Throws `secret_unavailable`. */
  readStateKeys(): Promise<StateKeyRing>;
}

interface Options {
  readonly client: SecretsManagerClient;
  readonly environment: string;
  now(): Instant;
  /** Counts each time a secret was needed and could not be had. */
  readonly count?: CountMetric;
}

/**
 * The secrets of the deployment. Each is read once for all who ask at the same time and then kept for 5 minutes; a failed
 * read is not kept. Every failure is `secret_unavailable`, whose cause names the secret and never holds any of its text.
 */
export function createSecretReader({ client, environment, now, count }: Options): SecretReader {
  const texts = createTextCache((name) => readText(client, name), now);
  async function read<T extends z.ZodMiniType>(name: string, schema: T, fresh = false): Promise<z.output<T>> {
    try {
      return parse(name, await texts.read(name, fresh), schema);
    } catch (error) {
      count?.(METRICS.secretErrors, 1);
      throw error;
    }
  }
  return {
    async readClient(provider, side, options) {
      const name = clientSecretName(environment, provider, side);
      const { clientId, clientSecret } = await read(name, CLIENT, options?.fresh);
      return { clientId, clientSecret: new Secret(clientSecret) };
    },
    async readStateKeys() {
      const { previous, ...current } = await read(stateKeysSecretName(environment), RING);
      return { current: toKey(current), ...(previous === undefined ? {} : { previous: toKey(previous) }) };
    },
  };
}

interface CachedText {
  readonly text: Promise<Secret>;
  until: Instant;
  isSettled: boolean;
}

/** `fresh` joins a read that is under way, because that one reads the value of now as well. */
function createTextCache(readNow: (name: string) => Promise<Secret>, now: () => Instant) {
  const cached = new Map<string, CachedText>();
  function start(name: string): Promise<Secret> {
    const entry: CachedText = { text: readNow(name), until: now() + CACHED_MS, isSettled: false };
    cached.set(name, entry);
    entry.text.then(
      () => {
        entry.isSettled = true;
      },
      () => {
        if (cached.get(name) === entry) cached.delete(name);
      },
    );
    return entry.text;
  }
  return {
    read(name: string, fresh: boolean): Promise<Secret> {
      const entry = cached.get(name);
      const isGood = entry !== undefined && (!entry.isSettled || (!fresh && entry.until > now()));
      return isGood ? entry.text : start(name);
    },
  };
}

async function readText(client: SecretsManagerClient, name: string): Promise<Secret> {
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: name })).catch((cause: unknown) => {
    throw new GrantkeeperError('secret_unavailable', { cause });
  });
  if (SecretString === undefined) throw malformed(name);
  return new Secret(SecretString);
}

function parse<T extends z.ZodMiniType>(name: string, text: Secret, schema: T): z.output<T> {
  const parsed = schema.safeParse(jsonOf(text));
  if (!parsed.success) throw malformed(name);
  return parsed.data;
}

/** Undefined for what is not JSON: the parser's own error would quote the text. */
function jsonOf(text: Secret): unknown {
  try {
    return JSON.parse(text.open());
  } catch {
    return undefined;
  }
}

function malformed(name: string): GrantkeeperError {
  return new GrantkeeperError('secret_unavailable', {
    cause: new Error(`the secret ${name} is not the JSON object that it has to be`),
  });
}

function toKey({ id, key }: z.output<typeof KEY>): StateKey {
  return { id, key: Uint8Array.from(Buffer.from(key, 'base64url')) };
}
