import { type AuditRow, auditRow } from './audit.ts';
import type { CommitPolicy } from './commit-decision.ts';
import {
  type AccessToken,
  duePartition,
  type Grant,
  type GrantFields,
  type GrantKey,
  type HeldToken,
  type Instant,
  isLiving,
  type RefreshToken,
  type Sealed,
} from './grant.ts';
import { after, heldCountIs, isFreeNow, updateGrant } from './grant-conditions.ts';
import { evicted, held } from './held.ts';
import type { ProviderEnvironment, ProviderId } from './names.ts';
import { nextDue } from './next-due.ts';
import { unchanged } from './unchanged.ts';
import { absent, appendAudit, type Transaction, type WriteOn } from './write.ts';

/**
 * Write 10 of protocol.md: the tokens of a new authorisation are stored on the subject's grant before anything is decided
 * about company or claim. What was current there is held, never dropped: another organisation may live on it.
 */

/** The tokens of one code exchange, sealed. Complete: a repeat on a newer image needs nothing else. */
export interface Authorization {
  readonly provider: ProviderId;
  readonly subject: string;
  readonly grant: GrantKey;
  /** ULID chosen before the exchange. */
  readonly generation: string;
  /** Under which the tokens are sealed: the flow's id, as a flow exchanges one code. */
  readonly attemptId: string;
  readonly clientId: string;
  readonly environment: ProviderEnvironment;
  readonly scopes: readonly string[];
  readonly access: AccessToken;
  readonly refresh: Sealed;
  readonly refreshExpiresAt: Instant;
  readonly hardExpiresAt?: Instant;
  readonly organizationId: string;
  readonly traceId?: string;
}

export type BankDecision =
  | { readonly kind: 'write'; readonly transaction: Transaction }
  /** Stored by an earlier try whose answer was lost. */
  | { readonly kind: 'stored' };

export interface BankOptions {
  /** Token of the transaction; new for each decision. */
  readonly id: string;
  readonly now: Instant;
  /** The audit table does not answer: the row is owed instead, because the tokens come first. */
  readonly owed?: boolean;
}

/** The write that stores `authorization` on the grant as read. Decide again on the new image whenever its condition fails. */
export function decideBank(
  image: Grant | undefined,
  authorization: Authorization,
  policy: CommitPolicy,
  options: BankOptions,
): BankDecision {
  if (image !== undefined && isStored(image, authorization)) return { kind: 'stored' };
  const number = (image?.number ?? 0) + 1;
  const row = bankedRow(authorization, number, options.now);
  const owed = options.owed ? { auditOwed: row } : {};
  const leg =
    image === undefined
      ? putNew(authorization, policy, options.now, owed)
      : putOver(image, authorization, policy, options.now, owed);
  return {
    kind: 'write',
    transaction: { token: options.id, writes: options.owed ? [leg] : [leg, appendAudit(row)] },
  };
}

function isStored(image: Grant, { attemptId }: Authorization): boolean {
  const current = 'current' in image ? image.current : undefined;
  return current?.attemptId === attemptId || image.held[attemptId] !== undefined;
}

type Owed = { readonly auditOwed?: AuditRow };

function putNew(authorization: Authorization, policy: CommitPolicy, now: Instant, owed: Owed): WriteOn<'grants'> {
  const { grant: pk, provider, subject } = authorization;
  const item: GrantFields = {
    v: 1,
    pk,
    provider,
    subject,
    ...authorized(authorization, 1, now),
    doubts: {},
    held: {},
    detach: {},
    unservedSince: now,
    refreshCount: 0,
    failedRefreshCount: 0,
    duePartition: duePartition({ pk, provider }, 'active'),
    ...owed,
  };
  const dueAt = nextDue(item, policy, now);
  return {
    table: 'grants',
    key: { pk },
    when: [absent('pk')],
    op: 'put',
    item: { ...item, ...(dueAt === undefined ? {} : { dueAt }) },
  };
}

function putOver(
  image: Grant,
  authorization: Authorization,
  policy: CommitPolicy,
  now: Instant,
  owed: Owed,
): WriteOn<'grants'> {
  const keep = displaced(image, now);
  const set = {
    ...authorized(authorization, image.number + 1, now),
    doubts: {},
    // What waited to be revoked is of an authorisation that ended; the new one cancels the revocation.
    ...(isLiving(image) ? {} : { held: {} }),
    ...(image.orgs === undefined ? { unservedSince: now } : {}),
    ...(isHeldBy(authorization, image) ? { attempt: { ...image.attempt, outcome: 'OK', until: now } } : {}),
    ...owed,
  } as const satisfies Partial<GrantFields>;
  const forgotten = forgottenBy(authorization, image, now);
  const dueAt = nextDue(without(after(image, set), forgotten), policy, now);
  return updateGrant(image, [...unchanged(image), heldCountIs(image)], {
    set: { ...set, duePartition: duePartition(image, 'active'), ...(dueAt === undefined ? {} : { dueAt }) },
    remove: forgotten,
    ...(isLiving(image)
      ? {
          setEntries: { held: keep },
          removeEntries: { held: evicted(image.held, Object.keys(keep), policy.graceSeconds, now) },
        }
      : {}),
  });
}

function authorized(authorization: Authorization, number: number, now: Instant) {
  const { generation, clientId, environment, scopes, attemptId, access, refresh } = authorization;
  const current: RefreshToken = { ...refresh, attemptId, generation, version: number };
  return {
    generation,
    status: 'active',
    clientId,
    environment,
    scopes,
    number,
    tokenVersion: number,
    access,
    current,
    refreshExpiresAt: authorization.refreshExpiresAt,
    ...(authorization.hardExpiresAt === undefined ? {} : { hardExpiresAt: authorization.hardExpiresAt }),
    lastRefreshedAt: now,
  } as const satisfies Partial<GrantFields>;
}

function displaced(image: Grant, now: Instant): Record<string, HeldToken> {
  return isLiving(image) ? { [image.current.attemptId]: held(image.current, 'displaced', now) } : {};
}

type Forgotten = 'rejections' | 'notBefore' | 'failure' | 'hardExpiresAt' | 'attempt';

/**
 * A running attempt stays: it keeps others off while its answer may still come. One that died without a report would be
 * a doubt, and doubts about the old tokens end here.
 */
function forgottenBy(authorization: Authorization, image: Grant, now: Instant): Forgotten[] {
  const died = image.attempt?.outcome === undefined && isFreeNow(image, now) && !isHeldBy(authorization, image);
  return [
    'rejections',
    'notBefore',
    'failure',
    ...(authorization.hardExpiresAt === undefined ? (['hardExpiresAt'] as const) : []),
    ...(died ? (['attempt'] as const) : []),
  ];
}

/** The lease by which this very exchange held off the revocation of a closing grant; it ends with the bank. */
function isHeldBy(
  { attemptId }: Authorization,
  image: Grant,
): image is Grant & { readonly attempt: NonNullable<Grant['attempt']> } {
  return image.attempt?.id === attemptId;
}

function without(grant: GrantFields, names: readonly Forgotten[]): GrantFields {
  return Object.fromEntries(
    Object.entries(grant).filter(([name]) => !names.some((each) => each === name)),
  ) as unknown as GrantFields;
}

function bankedRow(authorization: Authorization, number: number, now: Instant): AuditRow {
  return auditRow({
    pk: `GRANT#${authorization.grant}`,
    id: authorization.attemptId,
    event: 'grant.banked',
    provider: authorization.provider,
    at: now,
    startedAt: authorization.access.obtainedAt,
    number,
    outcome: 'OK',
    organizationId: authorization.organizationId,
    ...(authorization.traceId === undefined ? {} : { providerTraceId: authorization.traceId }),
  });
}
