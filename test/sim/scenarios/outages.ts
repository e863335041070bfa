import { MINUTE } from '../../support/grants.ts';
import type { Finding } from '../scenarios.ts';
import { createFleetWorld, expired } from './fleet-world.ts';

/**
 * The provider answers invalid_grant to everybody, or refuses our client: nobody is given up, and all are well soon
 * after.
 */

/** After the end of an outage everybody is active again within this. */
const RECOVERED_MINUTES = 10;
const BEFORE_MINUTES = 3;

/** Everybody's tokens are refused for so many minutes. */
export async function everybodyDenied(grants: number, minutes: number): Promise<Finding> {
  const world = await createFleetWorld(grants);
  const { weather, scheduler } = world.context;
  await world.pass(BEFORE_MINUTES);
  weather.begin('provider_denies', minutes * MINUTE);
  world.watch.denied(scheduler.now() + minutes * MINUTE);
  let mostSuspects = 0;
  await world.pass(minutes, () => {
    mostSuspects = Math.max(mostSuspects, world.statuses().suspect ?? 0);
  });
  const activeAfter = await minutesUntil(world, () => world.statuses().active === grants);
  const falseNeedsReauth = world.givenUp();
  return {
    scenario: 'everybody is denied',
    figures: { grants, minutes, mostSuspects, falseNeedsReauth, activeAfterMinutes: activeAfter },
    isGood: falseNeedsReauth === 0 && activeAfter <= RECOVERED_MINUTES && world.problem() === undefined,
    problem: world.problem(),
  };
}

/** Our client secret is wrong for an hour: ours to fix, and no grant's fault. */
export async function secretWrong(grants: number): Promise<Finding> {
  const world = await createFleetWorld(grants);
  const { client, situations, network } = world.context;
  await world.pass(BEFORE_MINUTES);
  client.rotate();
  const sentBefore = network.sends();
  await world.pass(60);
  const sendsMeanwhile = network.sends() - sentBefore;
  const changed = (situations.counts().active_to_suspect ?? 0) + world.givenUp();
  client.store();
  const healthyAfter = await minutesUntil(world, () => world.statuses().active === grants && expired(world) === 0);
  return {
    scenario: 'wrong client secret for an hour',
    figures: { grants, statusesChanged: changed, sendsMeanwhile, healthyAfterMinutes: healthyAfter },
    isGood: changed === 0 && healthyAfter <= RECOVERED_MINUTES && world.problem() === undefined,
    problem: world.problem(),
  };
}

async function minutesUntil(world: Awaited<ReturnType<typeof createFleetWorld>>, isSo: () => boolean): Promise<number> {
  for (let minute = 0; minute <= RECOVERED_MINUTES; minute += 1) {
    if (isSo()) return minute;
    await world.pass(1);
  }
  return Number.POSITIVE_INFINITY;
}
