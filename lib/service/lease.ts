import { type AcquireInput, acquired, decideAcquire } from '../domain/acquire-decision.ts';
import type { Attempt, Grant, Instant } from '../domain/grant.ts';
import { decideReport, type Report } from '../domain/report-decision.ts';
import type { FailedLeg, Transaction } from '../domain/write.ts';
import { type PersistPorts, persist } from './persist.ts';
import type { Policies } from './policies.ts';
import type { Cipher, LogOutcome, ReadClient, Store, TenantDirectory, TokenEndpoint } from './ports.ts';
import type { SingleFlight } from './single-flight.ts';

/** Everything a refresher touches. */
export interface RefreshPorts extends PersistPorts {
  readonly store: Store;
  readonly cipher: Cipher;
  readonly endpoint: TokenEndpoint;
  readonly tenants: TenantDirectory;
  readonly readClient: ReadClient;
  readonly policies: Policies;
  readonly log: LogOutcome;
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

/** A lease that cannot be written this fast is not worth having: nothing has been sent yet. */
const ACQUIRE_MS = 5_000;

/** Takes the lease on the grant as read (write 1). Never works without one; throws `unavailable` when it cannot be known. */
export async function takeLease(
  ports: PersistPorts,
  grant: Grant,
  options: Omit<AcquireInput, 'now'> & { readonly deadlineAt: Instant },
): Promise<LeaseAnswer> {
  const now = ports.clock.now();
  const decision = decideAcquire(grant, { ...options, now });
  if (decision.kind === 'refused') return decision;
  const { attempt, transaction } = decision;
  const verdict = await persist(ports, transaction, Math.min(now + ACQUIRE_MS, options.deadlineAt));
  const taken = { kind: 'taken', attempt, deadlineAt: options.deadlineAt } as const;
  if (verdict.committed) return { ...taken, grant: acquired(grant, attempt) };
  const image = grantImage(transaction, verdict.failed);
  // The answer to an earlier try was lost: the lease is ours.
  if (image?.attempt?.id === attempt.id) return { ...taken, grant: image };
  return { kind: 'refused', why: 'leased', ...(image?.attempt === undefined ? {} : { until: image.attempt.until }) };
}

/** Says how an attempt without tokens ended (write 2). A report that cannot be written is left to the lease's end. */
export async function report(ports: RefreshPorts, lease: Lease, what: Omit<Report, 'now' | 'random'>): Promise<void> {
  const { grant, attempt, deadlineAt } = lease;
  const transaction = decideReport(grant, attempt, { ...what, now: ports.clock.now(), random: ports.random() });
  try {
    await persist(ports, transaction, deadlineAt);
  } catch {
    ports.log('warn', 'attempt could not be reported', {
      grant: grant.pk,
      attemptId: attempt.id,
      outcome: what.outcome,
    });
  }
}

/** The grant as a failed leg of a transaction showed it. */
export function grantImage(transaction: Transaction, failed: readonly FailedLeg[]): Grant | undefined {
  const leg = failed.find(({ index }) => transaction.writes[index]?.table === 'grants');
  return leg?.image as Grant | undefined;
}
