import { grantKey } from '../../../lib/domain/grant.ts';
import type { Finding } from '../scenarios.ts';
import { createFleetWorld } from './fleet-world.ts';

/** From the moment an API refuses his token, a user who has revoked is known to have within this. */
const KNOWN_MINUTES = 20;

/** One user takes the app off while everybody else goes on. */
export async function oneRevokes(grants: number): Promise<Finding> {
  const world = await createFleetWorld(grants);
  const { context, processes, watch, members } = world;
  await world.pass(3);
  const [victim] = members;
  if (victim === undefined) throw new TypeError('a fleet has members');
  const key = grantKey('quickbooks', victim.subject);
  context.provider.revokeSubject(victim.subject);
  const tokenVersion = watch.images().get(key)?.tokenVersion ?? 0;
  processes.read(victim.organizationId, { rejected: { tokenVersion, reason: 'token' } });
  let minutes = 0;
  while (watch.images().get(key)?.status !== 'needs_reauth' && minutes < 2 * KNOWN_MINUTES) {
    await world.pass(1);
    minutes += 1;
  }
  const reason = watch.images().get(key)?.reauth?.reason;
  const othersAffected = grants - 1 - (world.statuses().active ?? 0);
  return {
    scenario: 'one user revokes',
    figures: { grants, needsReauthAfterMinutes: minutes, reason, othersAffected },
    isGood: minutes <= KNOWN_MINUTES && othersAffected === 0 && world.givenUp() === 1 && world.problem() === undefined,
    problem: world.problem(),
  };
}
