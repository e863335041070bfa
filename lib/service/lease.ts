import { type AcquireInput, acquired, decideAcquire } from '../domain/acquire-decision.ts';
import type { Attempt, Grant, Instant } from '../domain/grant.ts';
import { METRICS } from '../domain/names.ts';
import { decideReport, type Report } from '../domain/report-decision.ts';
import type { FailedLeg, Transaction } from '../domain/write.ts';
import { type PersistPorts, persist } from './persist.ts';
import type { Policies } from './policies.ts';
import type {
  Cipher,
  CountRescues,
  EmitEvent,
  LogOutcome,
  ReadClient,
  RescueQueue,
  Store,
  TenantDirectory,
  TokenEndpoint,
} from './ports.ts';
import type { HealthMemory } from './provider-health.ts';
import type { SingleFlight } from './single-flight.ts';

/** Everything a refresher touches. */
export interface RefreshPorts extends PersistPorts {
  readonly store: Store;
  readonly cipher: Cipher;
  readonly endpoint: TokenEndpoint;
  readonly tenants: TenantDirectory;
  readonly readClient: ReadClient;
  readonly policies: Policies;
  readonly rescueQueue: RescueQueue;
  readonly countRescues: CountRescues;
  /** What this process has read of the providers' state. */
  readonly health: HealthMemory;
  readonly log: LogOutcome;
  readonly emit: EmitEvent;
  /** Two callers in one process make one attempt; across processes the lease sees to it. */
  readonly singleFlight: SingleFlight;
  /** A new ULID. */
  readonly newId: () => string;
  /** In [0, 1). */
  readonly random: () => number;
}

/** The grant as it stands under our attempt. */
export interface Lease {
  readonly grant: Grant;
  readonly attempt: Attempt;
  /** Every write of this attempt is tried until then. */
  readonly deadlineAt: Instant;
}

export type LeaseAnswer =
  | ({ readonly kind: 'taken' } & Lease)
  | { readonly kind: 'refused'; readonly why: 'leased' | 'backing_off' | 'not_allowed'; readonly until?: Instant };

export interface LeasePorts extends PersistPorts {
  readonly store: Pick<Store, 'readGrant' | 'commit'>;
  readonly policies: Policies;
}

/** A lease that cannot be written this fast is not worth having: nothing has been sent yet. */
const ACQUIRE_MS = 5_000;
/** What may change beside a running attempt, without overtaking it, changes once. */
const MAX_REPORTS = 3;

/** Takes the lease on the grant as read (write 1). Never works without one; throws `unavailable` when it cannot be known. */
export async function takeLease(
  ports: LeasePorts,
  grant: Grant,
  options: Omit<AcquireInput, 'now' | 'leaseMs'> & { readonly deadlineAt: Instant },
): Promise<LeaseAnswer> {
  const now = ports.clock.now();
  const decision = decideAcquire(grant, { ...options, now, leaseMs: ports.policies(grant.provider).leaseMs });
  if (decision.kind === 'refused') {
    if (decision.why === 'leased') countContention(ports, grant);
    return decision;
  }
  const { attempt, transaction } = decision;
  const taken = { kind: 'taken', attempt, deadlineAt: options.deadlineAt } as const;
  try {
    const verdict = await persist(ports, transaction, Math.min(now + ACQUIRE_MS, options.deadlineAt));
    if (verdict.committed) return { ...taken, grant: acquired(grant, attempt) };
    const image = grantImage(transaction, verdict.failed);
    // The answer to an earlier try was lost: the lease is ours.
    if (image !== undefined && isTakenOn(image, grant, attempt)) return { ...taken, grant: image };
    countContention(ports, grant);
    return { kind: 'refused', why: 'leased', ...(image?.attempt === undefined ? {} : { until: image.attempt.until }) };
  } catch (error) {
    // Written all the same, it would keep everybody off until it ran out.
    const image = await ports.store.readGrant(grant.pk).catch(() => undefined);
    if (image === undefined || !isTakenOn(image, grant, attempt)) throw error;
    return { ...taken, grant: image };
  }
}

/** One that has the grant, or was quicker to take it, kept this attempt off. */
export function countContention({ count }: Pick<LeasePorts, 'count'>, { provider }: Pick<Grant, 'provider'>): void {
  count(METRICS.leaseContention, 1, { provider });
}

/**
 * The attempt stands on the grant it was taken on. One that was authorised anew or closed since bears it only to keep others
 * off, and its tokens are newer than the attempt's number.
 */
function isTakenOn(image: Grant, { generation }: Grant, { id, number }: Attempt): boolean {
  return image.attempt?.id === id && image.number === number && image.generation === generation;
}

/**
 * Says how an attempt without tokens ended (write 2), again when the grant has changed beside it. A report that cannot be
 * written is left to the lease's end; one of an attempt that was overtaken, or authorised anew beside, is not wanted.
 */
export async function report(
  ports: RefreshPorts,
  lease: Lease,
  what: Omit<Report, 'now' | 'random' | 'policy'>,
): Promise<void> {
  const { grant, attempt, deadlineAt } = lease;
  const policy = ports.policies(grant.provider);
  let image: Grant | undefined = grant;
  try {
    for (let decided = 0; image !== undefined && decided < MAX_REPORTS; decided += 1) {
      const told = { ...what, policy, now: ports.clock.now(), random: ports.random() };
      const transaction = decideReport(image, attempt, told);
      const verdict = await persist(ports, transaction, deadlineAt);
      image = verdict.committed ? undefined : runningImage(lease, transaction, verdict.failed);
    }
  } catch {
    ports.log('warn', 'attempt could not be reported', {
      grant: grant.pk,
      attemptId: attempt.id,
      outcome: what.outcome,
    });
  }
}

/** The grant as a failed condition showed it, while our attempt still runs on the authorisation it was made for. */
export function runningImage(
  { grant, attempt }: Lease,
  transaction: Transaction,
  failed: readonly FailedLeg[],
): Grant | undefined {
  const image = grantImage(transaction, failed);
  const isRunning = image?.attempt?.id === attempt.id && image.attempt.outcome === undefined;
  return isRunning && image.generation === grant.generation ? image : undefined;
}

/** The grant as a failed leg of a transaction showed it. */
export function grantImage(transaction: Transaction, failed: readonly FailedLeg[]): Grant | undefined {
  const leg = failed.find(({ index }) => transaction.writes[index]?.table === 'grants');
  return leg?.image as Grant | undefined;
}
