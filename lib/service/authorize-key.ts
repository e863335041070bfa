import type { ApiKey } from '../domain/api-key.ts';
import { isSecretOf, parseApiKey } from '../domain/api-key-format.ts';
import { GrantkeeperError } from '../domain/errors.ts';
import type { Instant } from '../domain/grant.ts';
import type { Scope } from '../domain/routes.ts';
import { absent, equals, present, type Transaction } from '../domain/write.ts';
import type { Clock, LogOutcome, Store } from './ports.ts';

/** How often `lastUsedAt` is written at most: it answers "is this key still in use", not "when exactly". */
const TOUCH_EVERY_MS = 3_600_000;
/** How long a caller waits at most for that write. */
const TOUCH_WAIT_MS = 300;

export interface AuthorizeKeyPorts {
  readonly store: Pick<Store, 'readApiKey' | 'commit'>;
  readonly clock: Clock;
  readonly log: LogOutcome;
  /** The environment whose keys are accepted. */
  readonly environment: string;
}

/** What a key's holder may do. */
export interface AuthorizedKey {
  readonly id: string;
  readonly scopes: readonly Scope[];
  readonly organizations: '*' | readonly string[];
}

/**
 * What the holder of the presented key may do. Every refusal is the same `unauthorized`: malformed, mistyped, of another
 * environment, unknown, wrong secret, revoked or expired. Only a well-formed key costs a read. A revoked key is refused
 * from the next call on (the gateway may remember an answer for 60 s). Throws `unavailable` when the store did not answer.
 */
export async function authorizeKey(ports: AuthorizeKeyPorts, presented: string | undefined): Promise<AuthorizedKey> {
  const parts = presented === undefined ? undefined : parseApiKey(presented);
  if (parts === undefined || parts.environment !== ports.environment) throw new GrantkeeperError('unauthorized');
  const record = await ports.store.readApiKey(parts.id);
  const now = ports.clock.now();
  if (!isSecretOf(record, parts.secret) || record === undefined || !isLive(record, now)) {
    throw new GrantkeeperError('unauthorized');
  }
  if (isTouchDue(record, now)) await touch(ports, record, now);
  return { id: record.pk, scopes: record.scopes, organizations: record.organizations };
}

function isLive(record: ApiKey, now: Instant): boolean {
  return record.revokedAt === undefined && (record.expiresAt === undefined || now < record.expiresAt);
}

function isTouchDue(record: ApiKey, now: Instant): boolean {
  return record.lastUsedAt === undefined || now - record.lastUsedAt >= TOUCH_EVERY_MS;
}

/** Bookkeeping: neither its failure nor its slowness reaches the caller; the log alone would show a role that forbids it. */
async function touch({ store, clock, log }: AuthorizeKeyPorts, record: ApiKey, now: Instant): Promise<void> {
  const written = store
    .commit(touchOf(record, now))
    .catch(() => log('warn', 'the use of a key could not be noted', { keyId: record.pk }));
  await Promise.race([written, clock.sleep(TOUCH_WAIT_MS)]);
}

/** Conditional on what was read, so that of many callers in the same second one writes. The role may mention no other attribute. */
function touchOf(record: ApiKey, now: Instant): Transaction {
  const unchanged = record.lastUsedAt === undefined ? absent('lastUsedAt') : equals(['lastUsedAt'], record.lastUsedAt);
  return {
    token: `touch-${record.pk}-${now}`,
    writes: [
      {
        table: 'apiKeys',
        key: { pk: record.pk },
        when: [present('pk'), unchanged],
        op: 'update',
        set: { lastUsedAt: now },
      },
    ],
  };
}
