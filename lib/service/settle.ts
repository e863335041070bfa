import { type CommitDecision, decideCommit, type Issued } from '../domain/commit-decision.ts';
import { GrantkeeperError } from '../domain/errors.ts';
import type { Grant, Instant } from '../domain/grant.ts';
import { transactionToken } from '../domain/write.ts';
import { storeOrRescue } from './escrow.ts';
import type { RefreshPorts } from './lease.ts';
import { type StoreDecision, type StorePorts, storeTokens } from './store-tokens.ts';

export type SettlePorts = Pick<RefreshPorts, 'store' | 'clock' | 'count' | 'log' | 'policies' | 'rescueQueue'>;

/** What storing came to: which of writes 3 to 6 was made. */
export type IssuedEnd = Extract<CommitDecision, { kind: 'write' }>['as'] | 'stored';

/** `rescued`: on the rescue queue, not in the store. `at_risk`: in neither. */
export type Settled = IssuedEnd | 'rescued' | 'at_risk';

/**
 * Stores issued tokens, whatever has happened to the grant meanwhile (writes 3-7); what is not stored within 2 s is put on the
 * rescue queue as well. Tries to `deadlineAt` and never throws.
 */
export function settle(ports: SettlePorts, image: Grant, issued: Issued, deadlineAt: Instant): Promise<Settled> {
  const rescue = { message: { v: 1, kind: 'refresh', issued }, provider: image.provider } as const;
  return storeOrRescue(ports, rescue, () => storeIssued(ports, issued, { image, deadlineAt }), deadlineAt);
}

/**
 * Writes 3-7 on the grant as it is, `image` being how the caller knows it. `applier` tells the requests of a second applier of
 * the same tokens from those of the first. Throws `unavailable` when they could not be stored by the deadline, `not_found`
 * when there is no such grant.
 */
export function storeIssued(
  ports: StorePorts,
  issued: Issued,
  options: { readonly image?: Grant; readonly deadlineAt: Instant; readonly applier?: string },
): Promise<IssuedEnd> {
  const { grant, attemptId, startedAt, generation, number } = issued;
  const storing = {
    ...{ grant, attemptId, startedAt },
    events: ['attempt.ok', 'attempt.superseded', 'attempt.late'],
    isPast: (image: Grant) =>
      image.generation === generation ? image.tokenVersion > number : image.generation > generation,
    decide: (image: Grant | undefined) => decide(ports, issued, image, options.applier),
  } as const;
  return storeTokens(ports, storing, options);
}

function decide(
  ports: StorePorts,
  issued: Issued,
  image: Grant | undefined,
  applier: string | undefined,
): StoreDecision<Exclude<IssuedEnd, 'stored'>> {
  if (image === undefined) throw new GrantkeeperError('not_found');
  const decision = decideCommit(image, issued, ports.policies(image.provider), ports.clock.now());
  if (decision.kind === 'stored' || applier === undefined) return decision;
  const { transaction } = decision;
  return { ...decision, transaction: { ...transaction, token: transactionToken(transaction.token, applier) } };
}
