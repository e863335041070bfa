import type { ApiKey } from '../domain/api-key.ts';
import { newApiKey } from '../domain/api-key-format.ts';
import { GrantkeeperError } from '../domain/errors.ts';
import { ORGANIZATION_ID_PATTERN } from '../domain/names.ts';
import type { Scope } from '../domain/routes.ts';
import type { Secret } from '../domain/secret.ts';
import { absent, present } from '../domain/write.ts';
import type { Clock, Store } from './ports.ts';

/** The gateway hands the list to every handler as a header-sized context value; a key for more organisations takes `*`. */
const MAX_ORGANIZATIONS = 50;
const MAX_NAME_LENGTH = 100;
const DAY_MS = 24 * 3600 * 1000;

export interface IssueKeyPorts {
  readonly store: Pick<Store, 'commit'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly environment: string;
}

export interface KeyRequest {
  /** For people: whose key it is. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly organizations: '*' | readonly string[];
  /** Absent: the key does not expire. */
  readonly expiresInDays?: number;
}

/**
 * A new key and its record. `key` is in no store and cannot be had again. Throws `invalid_request` naming the field,
 * `unavailable` when the store did not answer (the key then must be taken as not issued).
 */
export async function issueKey(
  ports: IssueKeyPorts,
  request: KeyRequest,
): Promise<{ readonly key: Secret; readonly record: ApiKey }> {
  refuseBadRequest(request);
  const { id, key, secretHash } = newApiKey(ports.environment);
  const createdAt = ports.clock.now();
  const record: ApiKey = {
    v: 1,
    pk: id,
    secretHash,
    name: request.name,
    scopes: request.scopes,
    organizations: request.organizations,
    createdAt,
    ...(request.expiresInDays === undefined ? {} : { expiresAt: createdAt + request.expiresInDays * DAY_MS }),
  };
  const verdict = await ports.store.commit({
    token: `issue-${id}`,
    writes: [{ table: 'apiKeys', key: { pk: id }, when: [absent('pk')], op: 'put', item: record }],
  });
  if (!verdict.committed) throw new GrantkeeperError('unavailable');
  return { key, record };
}

/**
 * Ends a key; ending it again changes nothing. The gateway may honour it for up to 60 s more. Throws `not_found` when
 * there is no such key.
 */
export async function revokeKey(ports: Omit<IssueKeyPorts, 'environment'>, id: string): Promise<void> {
  const revokedAt = ports.clock.now();
  const verdict = await ports.store.commit({
    token: `end-${id}-${revokedAt}`,
    writes: [
      {
        table: 'apiKeys',
        key: { pk: id },
        when: [present('pk'), absent('revokedAt')],
        op: 'update',
        set: { revokedAt },
      },
    ],
  });
  const isUnknown = !verdict.committed && verdict.failed.some((leg) => leg.image === undefined);
  if (isUnknown) throw new GrantkeeperError('not_found');
}

function refuseBadRequest(request: KeyRequest): void {
  const field = badFieldOf(request);
  if (field !== undefined) throw new GrantkeeperError('invalid_request', { field });
}

function badFieldOf({ name, scopes, organizations, expiresInDays }: KeyRequest): keyof KeyRequest | undefined {
  if (name.trim() === '' || name.length > MAX_NAME_LENGTH) return 'name';
  if (scopes.length === 0 || new Set(scopes).size !== scopes.length) return 'scopes';
  if (organizations !== '*' && !isOrganizationList(organizations)) return 'organizations';
  const hasBadExpiry = expiresInDays !== undefined && !(Number.isInteger(expiresInDays) && expiresInDays > 0);
  return hasBadExpiry ? 'expiresInDays' : undefined;
}

function isOrganizationList(ids: readonly string[]): boolean {
  return ids.length > 0 && ids.length <= MAX_ORGANIZATIONS && ids.every((id) => ORGANIZATION_ID_PATTERN.test(id));
}
