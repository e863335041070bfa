import { duePartition, type Grant, type GrantFields } from './grant.ts';
import { type DuePolicy, nextDue } from './next-due.ts';
import type { Instant } from './terms.ts';
import { decideRepair } from './upkeep-decision.ts';
import type { Transaction } from './write.ts';

/**
 * The daily scan came by the grant (protocol.md, write 19). I11 is about being found: what is alive or owes something must be
 * in the index, in the partition where it is looked for, and no later than it is needed. One that is due too early is not
 * touched: the sweep finds it and puts it right. Undefined: it will be found.
 */
export function decideScanned(grant: Grant, policy: DuePolicy, now: Instant): Transaction | undefined {
  const neededAt = nextDue(grant as GrantFields, policy, now);
  const isFound =
    neededAt === undefined ||
    (grant.dueAt !== undefined && grant.dueAt <= neededAt && grant.duePartition === duePartition(grant));
  return isFound ? undefined : decideRepair(grant, policy, now);
}
