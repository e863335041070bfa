import type { Transaction, Write } from '../../../lib/domain/write.ts';
import type { Mutant } from '../context.ts';
import type { Finding } from '../scenarios.ts';
import { createFleetWorld } from './fleet-world.ts';

/**
 * The provider answers invalid_grant to a tenth of a fleet for an hour, while all others succeed: everything a single verdict
 * asks for is there, and only the guard over the fleet knows better. Without it users would be asked to reconnect, which is
 * run too, because a check that cannot fail proves nothing.
 */

const GRANTS = 300;
const DENIED = 30;
const MINUTES = 60;
const RECOVERED_MINUTES = 10;

export async function partlyDenied(): Promise<Finding> {
  const guarded = await denied();
  const unguarded = await denied(UNGUARDED);
  const { falseNeedsReauth, activeAfterMinutes, problem } = guarded;
  const withoutGuard = unguarded.falseNeedsReauth;
  return {
    scenario: 'a tenth is denied',
    figures: { grants: GRANTS, denied: DENIED, minutes: MINUTES, falseNeedsReauth, activeAfterMinutes, withoutGuard },
    isGood:
      falseNeedsReauth === 0 && activeAfterMinutes <= RECOVERED_MINUTES && withoutGuard > 0 && problem === undefined,
    problem,
  };
}

async function denied(mutant?: Mutant) {
  const world = await createFleetWorld(GRANTS, 'single', mutant);
  const { provider } = world.context;
  await world.pass(3);
  const subjects = world.members.slice(0, DENIED).map(({ subject }) => subject);
  for (const subject of subjects) provider.suspend(subject);
  await world.pass(MINUTES);
  const falseNeedsReauth = world.givenUp();
  for (const subject of subjects) provider.lift(subject);
  let activeAfterMinutes = 0;
  while ((world.statuses().active ?? 0) < GRANTS && activeAfterMinutes <= RECOVERED_MINUTES) {
    await world.pass(1);
    activeAfterMinutes += 1;
  }
  return { falseNeedsReauth, activeAfterMinutes, problem: world.problem() };
}

/** Whatever the sweep observes, it says that verdicts may be given. */
const UNGUARDED: Mutant = {
  transaction: (transaction: Transaction): Transaction => ({ ...transaction, writes: transaction.writes.map(thawed) }),
};

function thawed(leg: Write): Write {
  const isObservation = leg.table === 'grants' && leg.op === 'update' && leg.set !== undefined && 'frozen' in leg.set;
  return isObservation ? ({ ...leg, set: { ...leg.set, frozen: false } } as Write) : leg;
}
