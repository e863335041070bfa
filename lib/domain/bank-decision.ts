import { type AuditRow, auditRow } from './audit.ts';
import type { CommitPolicy } from './commit-decision.ts';
import { drawnAfterMs } from './generation.ts';
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
import {
  after,
  attemptAsRead,
  generationIs,
  heldCountIs,
  isFreeNow,
  statusIs,
  updateGrant,
  without,
} from './grant-conditions.ts';
import { evicted, evictedBy, held } from './held.ts';
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

/** More than the clocks of two machines are apart. */
const CLOCKS_APART_MS = 5_000;

export type BankDecision =
  /** `other_generation`: an authorisation that the grant has gone past is held, never made current. */
  | { readonly kind: 'write'; readonly as: 'banked' | 'other_generation'; readonly transaction: Transaction }
  /** It is on the grant, or was and has been refreshed since: a repeat, nothing to write. */
  | { readonly kind: 'stored' };

export interface BankOptions {
  /** Token of the transaction; new for each decision. */
  readonly id: string;
  readonly now: Instant;
}

/**
 * The write that stores `authorization` on the grant as read. Decide again on the new image whenever its condition fails.
 * Generations are ULIDs: a greater one on the grant is a later authorisation, or a later closing.
 */
export function decideBank(
  image: Grant | undefined,
  authorization: Authorization,
  policy: CommitPolicy,
  options: BankOptions,
): BankDecision {
  if (image !== undefined && isStored(image, authorization)) return { kind: 'stored' };
  const isPast = image !== undefined && hasGonePast(image, authorization);
  const number = isPast ? image.number : (image?.number ?? 0) + 1;
  const row = bankedRow(authorization, { number, now: options.now, isPast });
  const leg = isPast
    ? holdOlder(image, authorization, policy, options.now)
    : image === undefined
      ? putNew(authorization, policy, options.now)
      : putOver(image, authorization, policy, options.now);
  return {
    kind: 'write',
    as: isPast ? 'other_generation' : 'banked',
    transaction: { token: options.id, writes: [leg, appendAudit(row)] },
  };
}

/**
 * A later generation, and not only by another machine's clock: an authorisation that seems to come just before a close is
 * that of a user who connects again, and what he gave is not to be revoked. If nobody wants it, it closes by itself.
 */
function hasGonePast(image: Grant, { generation }: Authorization): boolean {
  if (image.generation <= generation) return false;
  return isLiving(image) || !(drawnAfterMs(image.generation, generation) <= CLOCKS_APART_MS);
}

function isStored(image: Grant, { attemptId, generation }: Authorization): boolean {
  const current = 'current' in image ? image.current : undefined;
  return image.generation === generation || current?.attemptId === attemptId || image.held[attemptId] !== undefined;
}

/**
 * As write 6 does with a refresh token of another generation: a living grant keeps it to try, on a closing or closed one it
 * becomes something to revoke. It took no number of this grant; held under the newest, it is the first to be tried.
 */
function holdOlder(image: Grant, authorization: Authorization, policy: CommitPolicy, now: Instant): WriteOn<'grants'> {
  const { attemptId, generation } = authorization;
  const token: RefreshToken = { ...authorization.refresh, attemptId, generation, version: image.number };
  const reopened = {
    status: 'closing',
    dueAt: Math.max(now, image.attempt?.until ?? 0),
    duePartition: duePartition(after(image, { status: 'closing' })),
  } as const satisfies Partial<GrantFields>;
  const seen = [generationIs(image.generation), statusIs(image.status), heldCountIs(image)];
  return updateGrant(image, isLiving(image) ? seen : [...seen, ...attemptAsRead(image)], {
    ...(isLiving(image) ? {} : { set: reopened }),
    setEntries: { held: { [attemptId]: held(token, 'late', now) } },
    removeEntries: { held: evictedBy(image, attemptId, policy.graceSeconds, now) },
  });
}

function putNew(authorization: Authorization, policy: CommitPolicy, now: Instant): WriteOn<'grants'> {
  const { grant: pk, provider, subject } = authorization;
  const item = {
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
  } as const satisfies GrantFields;
  const dueAt = nextDue(item, policy, now);
  return {
    table: 'grants',
    key: { pk },
    when: [absent('pk')],
    op: 'put',
    item: { ...item, duePartition: duePartition(item), ...(dueAt === undefined ? {} : { dueAt }) },
  };
}

function putOver(image: Grant, authorization: Authorization, policy: CommitPolicy, now: Instant): WriteOn<'grants'> {
  const keep = displaced(image, now);
  const set = {
    ...authorized(authorization, image.number + 1, now),
    doubts: {},
    ...(image.orgs === undefined ? { unservedSince: now } : {}),
    ...(isHeldBy(authorization, image) ? { attempt: { ...image.attempt, outcome: 'OK', until: now } } : {}),
  } as const satisfies Partial<GrantFields>;
  const forgotten = forgottenBy(authorization, image, now);
  const banked = without(after(image, set), forgotten);
  const dueAt = nextDue(banked, policy, now);
  return updateGrant(image, [...unchanged(image), heldCountIs(image)], {
    set: { ...set, duePartition: duePartition(banked), ...(dueAt === undefined ? {} : { dueAt }) },
    remove: forgotten,
    setEntries: { held: keep },
    removeEntries: { held: evicted(image.held, Object.keys(keep), policy.graceSeconds, now) },
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

/**
 * Also what waited to be revoked: two authorisations may reach us in another order than they were given, and then it is the
 * good one. It is tried when the new one is rejected, and revoked with it in the end.
 */
function displaced(image: Grant, now: Instant): Record<string, HeldToken> {
  const current = 'current' in image ? image.current : undefined;
  return current === undefined ? {} : { [current.attemptId]: held(current, 'displaced', now) };
}

/** What was found out about the authorisation that ends here. */
const FINDINGS = ['rejections', 'notBefore', 'failure', 'unansweredSince', 'reauth', 'warned'] as const;

type Forgotten = (typeof FINDINGS)[number] | 'hardExpiresAt' | 'attempt';

/**
 * A running attempt stays: it keeps others off while its answer may still come. One that died without a report would be
 * a doubt, and doubts about the old tokens end here.
 */
function forgottenBy(authorization: Authorization, image: Grant, now: Instant): Forgotten[] {
  const died = image.attempt?.outcome === undefined && isFreeNow(image, now) && !isHeldBy(authorization, image);
  return [
    ...FINDINGS,
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

function bankedRow(
  authorization: Authorization,
  { number, now, isPast }: { readonly number: number; readonly now: Instant; readonly isPast: boolean },
): AuditRow {
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
    ...(isPast ? { reason: 'older_authorization' } : {}),
    ...(authorization.traceId === undefined ? {} : { providerTraceId: authorization.traceId }),
  });
}
