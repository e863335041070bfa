import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { ApiKey } from '../../../lib/domain/api-key.ts';
import type { Claim } from '../../../lib/domain/connection.ts';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import type { Flow } from '../../../lib/domain/flow.ts';
import type { GrantKey, LivingGrant } from '../../../lib/domain/grant.ts';
import type { Change, Condition, Records, Transaction, Verdict, Write } from '../../../lib/domain/write.ts';
import type { Store } from '../../../lib/service/ports.ts';
import { quickbooksConnection, quickbooksGrant, T0 } from '../grants.ts';

export const COMMITTED: Verdict = { committed: true };

/** A commit carried to its verdict: a store may answer `unavailable` while others write the same item. */
export async function settled(store: Store, transaction: Transaction): Promise<Verdict> {
  for (let tries = 0; tries < 100; tries += 1) {
    try {
      return await store.commit(transaction);
    } catch (error) {
      if (!(error instanceof GrantkeeperError) || error.code !== 'unavailable') throw error;
      await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 20));
    }
  }
  throw new Error('no verdict after 100 tries');
}

/** What a request came to: its answer, or the code of what it threw. */
export function outcomeOf<T>(request: Promise<T>): Promise<T | string> {
  return request.catch((error: unknown) => {
    if (error instanceof GrantkeeperError) return error.code;
    throw error;
  });
}

export type GetStore = () => Store;

export function newKey(): GrantKey {
  return `quickbooks#${randomUUID()}`;
}

export function newGrant(changes: Partial<LivingGrant> = {}): LivingGrant {
  return quickbooksGrant({ pk: newKey(), duePartition: `quickbooks#${randomUUID()}`, ...changes });
}

export function transactionOf(...writes: readonly Write[]): Transaction {
  return { token: randomUUID(), writes };
}

export function putGrant(grant: LivingGrant, ...when: readonly Condition[]): Write {
  return { table: 'grants', key: { pk: grant.pk }, when, op: 'put', item: grant };
}

export function updateGrant(pk: GrantKey, change: Change<Records['grants']>, ...when: readonly Condition[]): Write {
  return { table: 'grants', key: { pk }, when, op: 'update', ...change };
}

export function checkGrant(pk: GrantKey, ...when: readonly Condition[]): Write {
  return { table: 'grants', key: { pk }, when, op: 'check' };
}

export async function stored(store: Store, grant: LivingGrant = newGrant()): Promise<LivingGrant> {
  expect(await store.commit(transactionOf(putGrant(grant)))).toEqual(COMMITTED);
  return grant;
}

export function records() {
  const organizationId = randomUUID();
  const connection = quickbooksConnection({ pk: `ORG#${organizationId}`, organizationId });
  const claim: Claim = {
    v: 1,
    pk: `CLAIM#quickbooks#${organizationId}`,
    sk: 'claim',
    organizationId,
    linkId: 'link-1',
  };
  const flow: Flow = {
    v: 1,
    pk: randomUUID(),
    stage: 'choosing',
    organizationId,
    provider: 'xero',
    pinnedVersion: 0,
    redirectUri: 'https://api.example.com/callback',
    tenants: [{ tenantId: 't-1', name: 'Acme' }, { tenantId: 't-2' }],
    createdAt: T0,
    expiresAt: T0 + 600_000,
    ttl: 1_795_180_000,
  };
  const apiKey: ApiKey = {
    v: 1,
    pk: randomUUID(),
    secretHash: 'ab12',
    name: 'backend',
    scopes: ['connections:read'],
    organizations: ['acme'],
    createdAt: T0,
  };
  return { organizationId, connection, claim, flow, apiKey };
}
