import { type Authorization, type BankDecision, decideBank } from '../domain/bank-decision.ts';
import { GrantkeeperError } from '../domain/errors.ts';
import type { Grant, Instant } from '../domain/grant.ts';
import { type EscrowPorts, storeOrRescue } from './escrow.ts';
import { type StorePorts, storeTokens } from './store-tokens.ts';

export interface BankPorts extends StorePorts {
  readonly newId: () => string;
}

/** What banking came to: current on its grant, held there under its own generation, or there already. */
export type BankEnd = Extract<BankDecision, { kind: 'write' }>['as'] | 'stored';

/**
 * Stores the tokens of a code exchange on their grant, trying to `deadlineAt` whatever the store does; what is not stored
 * within 2 s is put on the rescue queue as well. Throws `unavailable` when they are not in the store by then: they are on the
 * queue, or counted as `TokenAtRisk`.
 */
export async function bankTokens(
  ports: BankPorts & EscrowPorts,
  authorization: Authorization,
  deadlineAt: Instant,
): Promise<void> {
  const rescue = { message: { v: 1, kind: 'bank', authorization }, provider: authorization.provider } as const;
  const end = await storeOrRescue(ports, rescue, () => storeBank(ports, authorization, deadlineAt), deadlineAt);
  if (end === 'rescued' || end === 'at_risk') throw new GrantkeeperError('unavailable');
}

/** Write 10 on the grant as it is. Throws `unavailable` when the tokens could not be stored by the deadline. */
export function storeBank(ports: BankPorts, authorization: Authorization, deadlineAt: Instant): Promise<BankEnd> {
  const { grant, attemptId, access, generation, provider } = authorization;
  const storing = {
    ...{ grant, attemptId },
    startedAt: access.obtainedAt,
    events: ['grant.banked'],
    isPast: (image: Grant) => image.generation > generation,
    decide: (image: Grant | undefined) => {
      const options = { id: ports.newId(), now: ports.clock.now() };
      return decideBank(image, authorization, ports.policies(provider), options);
    },
  } as const;
  return storeTokens(ports, storing, { deadlineAt });
}
