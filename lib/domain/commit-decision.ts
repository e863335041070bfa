import { type AuditEvent, type AuditRow, auditRow } from './audit.ts';
import {
  type AccessToken,
  duePartition,
  type Grant,
  type GrantFields,
  type GrantKey,
  type HeldToken,
  type Instant,
  type RefreshToken,
} from './grant.ts';
import {
  after,
  attemptAsRead,
  attemptIs,
  dueAtIs,
  generationIs,
  heldCountIs,
  imageId,
  owesAsRead,
  statusIs,
  tokenVersionIs,
  updateGrant,
  without,
} from './grant-conditions.ts';
import { evicted, evictedBy, held } from './held.ts';
import { type DuePolicy, nextDue } from './next-due.ts';
import { appendAudit, type Condition, type Transaction, transactionToken } from './write.ts';

/**
 * Writes 3 to 7 of protocol.md: what to do with tokens a provider has issued, whatever has become of the grant meanwhile.
 * An issued refresh token is never dropped: it becomes current, or it is held.
 */

/** Tokens from one successful attempt, sealed, with what the attempt had seen. Complete: `rescue` needs nothing else. */
export interface Issued {
  readonly grant: GrantKey;
  readonly generation: string;
  readonly number: number;
  readonly attemptId: string;
  readonly startedAt: Instant;
  /** tokenVersion when the lease was taken. */
  readonly tokenVersion: number;
  /** attemptId of the refresh token that was sent. */
  readonly spentId: string;
  /** Ids of the tokens held when the attempt started; a success clears them. */
  readonly seenHeld: readonly string[];
  readonly access: AccessToken;
  readonly refresh: RefreshToken;
  readonly refreshExpiresAt?: Instant;
  readonly hardExpiresAt?: Instant;
  readonly traceId?: string;
}

export interface CommitPolicy extends DuePolicy {
  readonly graceSeconds: number;
}

export type CommitDecision =
  | {
      readonly kind: 'write';
      readonly as: 'commit' | 'displace' | 'superseded' | 'other_generation';
      readonly transaction: Transaction;
    }
  /** Stored already: a repeat, nothing to write (7). */
  | { readonly kind: 'stored' };

/** The write that stores `issued` on the grant as it is now. Decide again on the new image whenever its condition fails. */
export function decideCommit(image: Grant, issued: Issued, policy: CommitPolicy, now: Instant): CommitDecision {
  if (isStored(image, issued)) return { kind: 'stored' };
  if (image.generation !== issued.generation) {
    return { kind: 'write', as: 'other_generation', transaction: holdForeign(image, issued, policy, now) };
  }
  if (image.tokenVersion > issued.number) {
    return { kind: 'write', as: 'superseded', transaction: holdLate(image, issued, policy, now) };
  }
  const untouched = image.attempt?.id === issued.attemptId && image.tokenVersion === issued.tokenVersion;
  return {
    kind: 'write',
    as: untouched ? 'commit' : 'displace',
    transaction: makeCurrent(image, issued, policy, now),
  };
}

function isStored(image: Grant, issued: Issued): boolean {
  const current = 'current' in image ? image.current : undefined;
  return current?.attemptId === issued.attemptId || image.held[issued.attemptId] !== undefined;
}

/** Writes 3 and 4. They differ in what the image says: 4 also meets a current token that others obtained meanwhile. */
function makeCurrent(image: Grant, issued: Issued, policy: CommitPolicy, now: Instant): Transaction {
  const mine = image.attempt?.id === issued.attemptId;
  const keep = keptOnCommit(image, issued, policy, now);
  const dropped = issued.seenHeld.filter((id) => keep[id] === undefined && image.held[id] !== undefined);
  const remaining = Object.fromEntries(Object.entries(image.held).filter(([id]) => !dropped.includes(id)));
  const removed = [...dropped, ...evicted(remaining, Object.keys(keep), policy.graceSeconds, now)];
  const set = {
    access: issued.access,
    current: issued.refresh,
    tokenVersion: issued.number,
    status: 'active',
    doubts: {},
    ...(mine && image.attempt !== undefined ? { attempt: { ...image.attempt, outcome: 'OK', until: now } } : {}),
    ...(issued.refreshExpiresAt === undefined ? {} : { refreshExpiresAt: issued.refreshExpiresAt }),
    ...(issued.hardExpiresAt === undefined ? {} : { hardExpiresAt: issued.hardExpiresAt }),
    lastRefreshedAt: now,
    refreshCount: image.refreshCount + 1,
  } as const satisfies Partial<GrantFields>;
  const kept = {
    ...unansweredAfter(image, issued),
    // How near a hard end is does not change with a refresh.
    ...(image.warned?.hard === undefined ? {} : { warned: { hard: image.warned.hard } }),
  };
  const forgotten = (['rejections', 'notBefore', 'failure', 'reauth', 'unansweredSince', 'warned'] as const).filter(
    (name) => !(name in kept),
  );
  const committed = { ...without(after(image, set), forgotten), ...kept };
  const dueAt = nextDue(committed, policy, now);
  return {
    token: transactionToken(issued.attemptId, 'commit', imageId(image), now),
    writes: [
      updateGrant(
        image,
        [
          generationIs(image.generation),
          tokenVersionIs(image.tokenVersion),
          // Another's attempt that ends meanwhile moves the date.
          ...(mine ? [attemptIs(issued.attemptId)] : [dueAtIs(image), ...attemptAsRead(image)]),
          heldCountIs(image),
          ...owesAsRead(image),
        ],
        {
          set: {
            ...set,
            ...kept,
            duePartition: duePartition(committed),
            ...(dueAt === undefined ? {} : { dueAt }),
          },
          setEntries: { held: keep },
          remove: forgotten,
          removeEntries: { held: removed },
        },
      ),
      appendAudit(issuedRow(issued, image, 'attempt.ok', now)),
    ],
  };
}

/** The refresh that runs now, or ended last, may have lost an answer to a token this one knows nothing of. */
function unansweredAfter({ attempt }: Grant, { number }: Issued): Pick<GrantFields, 'unansweredSince'> {
  const isLost = attempt?.kind === 'refresh' && attempt.outcome === 'UNKNOWN' && attempt.number > number;
  return isLost ? { unansweredSince: attempt.startedAt } : {};
}

/**
 * What a commit keeps of the tokens it replaces: the spent one as `previous` where the provider has a grace, and a current
 * one that was not spent by this attempt, as it may be the only valid one.
 */
function keptOnCommit(image: Grant, issued: Issued, policy: CommitPolicy, now: Instant): Record<string, HeldToken> {
  const current = 'current' in image ? image.current : undefined;
  const spent = current?.attemptId === issued.spentId ? current : image.held[issued.spentId];
  const keep: Record<string, HeldToken> = {};
  if (spent !== undefined && policy.graceSeconds > 0) keep[spent.attemptId] = held(spent, 'previous', now);
  if (current !== undefined && current.attemptId !== issued.spentId) {
    keep[current.attemptId] = held(current, 'displaced', now);
  }
  return keep;
}

/** Write 5: a newer version is current already; the late token is kept beside it. */
function holdLate(image: Grant, issued: Issued, policy: CommitPolicy, now: Instant): Transaction {
  return holdIssued(image, issued, {
    event: 'attempt.superseded',
    when: [tokenVersionIs(image.tokenVersion)],
    doubts: [String(issued.number)],
    policy,
    now,
  });
}

/**
 * Write 6: the grant was authorised anew or closed meanwhile. A living grant keeps the token with its own generation; on a
 * closing or closed one it becomes something to revoke.
 */
function holdForeign(image: Grant, issued: Issued, policy: CommitPolicy, now: Instant): Transaction {
  return holdIssued(image, issued, { event: 'attempt.late', when: [], doubts: [], policy, now });
}

function holdIssued(
  image: Grant,
  issued: Issued,
  holding: {
    readonly event: AuditEvent;
    readonly when: readonly Condition[];
    readonly doubts: readonly string[];
    readonly policy: CommitPolicy;
    readonly now: Instant;
  },
): Transaction {
  const { event, when, doubts, policy, now } = holding;
  const reopened = reopenedAs(image);
  const set =
    reopened === undefined
      ? {}
      : {
          status: reopened,
          dueAt: Math.max(now, image.attempt?.until ?? 0),
          duePartition: duePartition({ ...image, status: reopened }),
        };
  return {
    token: transactionToken(issued.attemptId, event, imageId(image), now),
    writes: [
      updateGrant(image, [...asRead(image), ...when, ...(reopened === undefined ? [] : attemptAsRead(image))], {
        ...(reopened === undefined ? {} : { set }),
        setEntries: { held: { [issued.attemptId]: held(issued.refresh, 'late', now) } },
        remove: reopened === 'suspect' ? ['rejections', 'notBefore', 'reauth'] : [],
        removeEntries: { doubts, held: evictedBy(image, issued.attemptId, policy.graceSeconds, now) },
      }),
      appendAudit(issuedRow(issued, image, event, now)),
    ],
  };
}

function asRead(image: Grant): readonly Condition[] {
  return [generationIs(image.generation), statusIs(image.status), heldCountIs(image)];
}

/**
 * A token that was never tried casts doubt on rejections counted without it, and on a verdict that came of them: the grant is
 * a suspect from the start again, due at once. One that is closing or closed has something to revoke.
 */
function reopenedAs({ status }: Grant): 'suspect' | 'closing' | undefined {
  if (status === 'suspect' || status === 'needs_reauth') return 'suspect';
  return status === 'active' ? undefined : 'closing';
}

function issuedRow(issued: Issued, image: Grant, event: AuditEvent, now: Instant): AuditRow {
  return auditRow({
    pk: `GRANT#${issued.grant}`,
    id: issued.attemptId,
    event,
    provider: image.provider,
    at: now,
    startedAt: issued.startedAt,
    number: issued.number,
    outcome: 'OK',
    retry: image.failure?.consecutive ?? 0,
    ...(issued.traceId === undefined ? {} : { providerTraceId: issued.traceId }),
  });
}
