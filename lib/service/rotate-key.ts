import type { ApiKey } from '../domain/api-key.ts';
import { newApiKey } from '../domain/api-key-format.ts';
import { GrantkeeperError } from '../domain/errors.ts';
import type { Instant } from '../domain/grant.ts';
import type { Secret } from '../domain/secret.ts';
import { absent, equals, type Transaction } from '../domain/write.ts';
import type { Clock, Store } from './ports.ts';

export interface RotateKeyPorts {
  readonly store: Pick<Store, 'readApiKey' | 'commit'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly environment: string;
}

/** What a rotation leads to; `key` is in no store and cannot be had again. */
export interface RotatedKey {
  readonly key: Secret;
  readonly record: ApiKey;
  /** When the key it replaces ends. */
  readonly previousEndsAt: Instant;
}

/**
 * A new key of the same name, scopes and organisations, valid as long as the one it replaces was meant to be; that one ends
 * after `overlapMs`, or before if it was to end before. Both in one transaction. Throws `not_found` when there is no such key,
 * `invalid_request` with field `id` when it has ended already, `unavailable` when the store did not answer (the new key then
 * must be taken as not issued).
 */
export async function rotateKey(
  { store, clock, environment }: RotateKeyPorts,
  { id, overlapMs }: { readonly id: string; readonly overlapMs: number },
): Promise<RotatedKey> {
  const now = clock.now();
  const previous = await store.readApiKey(id);
  if (previous === undefined) throw new GrantkeeperError('not_found');
  if (!isRotatable(previous, now)) throw new GrantkeeperError('invalid_request', { field: 'id' });
  const issued = newApiKey(environment);
  const record = successorOf(previous, { id: issued.id, secretHash: issued.secretHash, now });
  const previousEndsAt = Math.min(previous.expiresAt ?? Number.POSITIVE_INFINITY, now + overlapMs);
  const { committed } = await store.commit(rotation(previous, record, previousEndsAt));
  if (!committed) throw new GrantkeeperError('unavailable');
  return { key: issued.key, record, previousEndsAt };
}

/** Neither revoked nor expired. */
export function isRotatable({ revokedAt, expiresAt }: Pick<ApiKey, 'revokedAt' | 'expiresAt'>, now: Instant): boolean {
  return revokedAt === undefined && (expiresAt === undefined || expiresAt > now);
}

function successorOf(
  previous: ApiKey,
  { id, secretHash, now }: { readonly id: string; readonly secretHash: string; readonly now: Instant },
): ApiKey {
  const { name, scopes, organizations, createdAt, expiresAt } = previous;
  const life = expiresAt === undefined ? {} : { expiresAt: now + (expiresAt - createdAt) };
  return { v: 1, pk: id, secretHash, name, scopes, organizations, createdAt: now, ...life };
}

function rotation(previous: ApiKey, record: ApiKey, previousEndsAt: Instant): Transaction {
  const asRead = previous.expiresAt === undefined ? absent('expiresAt') : equals(['expiresAt'], previous.expiresAt);
  return {
    token: `rotate-${record.pk}`,
    writes: [
      { table: 'apiKeys', key: { pk: record.pk }, when: [absent('pk')], op: 'put', item: record },
      {
        table: 'apiKeys',
        key: { pk: previous.pk },
        when: [equals(['secretHash'], previous.secretHash), absent('revokedAt'), asRead],
        op: 'update',
        set: { expiresAt: previousEndsAt },
      },
    ],
  };
}
