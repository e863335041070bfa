import { ulid } from 'ulid';
import { decideBank } from '../../lib/domain/bank-decision.ts';
import { connectionKey } from '../../lib/domain/connection.ts';
import { type GrantFields, grantKey, type Instant } from '../../lib/domain/grant.ts';
import type { ProviderId } from '../../lib/domain/names.ts';
import { nextDue } from '../../lib/domain/next-due.ts';
import { Secret } from '../../lib/domain/secret.ts';
import type { Policies } from '../../lib/service/policies.ts';
import type { Cipher, Store } from '../../lib/service/ports.ts';

/** An authorisation as its provider issued it, and the organisation it is to serve. */
export interface Seed {
  readonly provider: ProviderId;
  readonly subject: string;
  readonly organizationId: string;
  readonly clientId: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly obtainedAt: Instant;
  readonly expiresAt: Instant;
  readonly refreshExpiresAt: Instant;
}

interface SeedPorts {
  readonly store: Store;
  readonly cipher: Cipher;
  readonly policies: Policies;
}

/** Stores it as finish-connect and its link would: a banked, active grant in use, and the connection it serves. */
export async function seedGrant(ports: SeedPorts, seed: Seed): Promise<void> {
  const { provider, subject, organizationId } = seed;
  const grant = grantKey(provider, subject);
  const now = seed.obtainedAt;
  const attemptId = ulid();
  const seal = async (purpose: 'access' | 'refresh', token: string) =>
    (await ports.cipher.arm({ provider, grant, purpose })).seal(new Secret(token), grant, attemptId);
  const [access, refresh] = await Promise.all([seal('access', seed.accessToken), seal('refresh', seed.refreshToken)]);
  const banked = decideBank(
    undefined,
    {
      ...{ provider, subject, grant, organizationId, attemptId, refresh },
      generation: ulid(),
      clientId: seed.clientId,
      environment: 'sandbox',
      scopes: [],
      access: { ...access, obtainedAt: seed.obtainedAt, expiresAt: seed.expiresAt },
      refreshExpiresAt: seed.refreshExpiresAt,
    },
    ports.policies(provider),
    { id: ulid(), now },
  );
  if (banked.kind !== 'write') throw new Error('a new authorisation is always written');
  const writes = banked.transaction.writes.map((write) =>
    write.table === 'grants' && write.op === 'put'
      ? { ...write, item: inUse(ports, write.item as GrantFields, organizationId, now) }
      : write,
  );
  const key = connectionKey(organizationId, provider);
  const connection = {
    ...{ v: 1, ...key, organizationId, provider, status: 'connected', version: 1, linkId: ulid(), grant },
    ...{ tenantId: subject, companyName: organizationId, connectedAt: now },
  } as const;
  const linked = { table: 'connections', key, when: [], op: 'put', item: connection } as const;
  const verdict = await ports.store.commit({ token: ulid(), writes: [...writes, linked] as never });
  if (!verdict.committed) throw new Error(`${grant} exists already`);
}

function inUse({ policies }: SeedPorts, banked: GrantFields, organizationId: string, now: Instant): GrantFields {
  const { unservedSince: _, ...rest } = banked;
  const grant: GrantFields = { ...rest, orgs: new Set([organizationId]), lastUsedAt: now };
  const dueAt = nextDue(grant, policies(grant.provider), now);
  return { ...grant, ...(dueAt === undefined ? {} : { dueAt }) };
}

/** Runs `work` for each, at most `width` at once. */
export async function forEachOf<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const line = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: width }, line));
}
