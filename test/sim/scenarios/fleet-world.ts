import type { GrantFields } from '../../../lib/domain/grant.ts';
import { MINUTE } from '../../support/grants.ts';
import type { Mutant } from '../context.ts';
import { type Member, membersOf, plant } from '../fleet.ts';
import type { Rotation } from '../provider.ts';
import { createWorld, type World } from '../world.ts';

/** A fleet whose tokens expire one after the other, swept each minute, in fair weather. */
export interface FleetWorld extends World {
  readonly members: readonly Member[];
  /** Lets so many minutes pass, with a sweep at the beginning of each and whatever `each` does in it. */
  pass(minutes: number, each?: (minute: number) => void): Promise<void>;
  /** Grants by status. */
  statuses(): Readonly<Record<string, number>>;
  /** Grants that have ever been given up. */
  givenUp(): number;
}

const SEED = 7;

/** Nobody is at fault for what these worlds do on purpose. */
export async function createFleetWorld(
  grants: number,
  rotation: Rotation = 'single',
  mutant?: Mutant,
): Promise<FleetWorld> {
  const world = createWorld({
    seed: SEED,
    providerId: 'quickbooks',
    rotation,
    isFleet: grants > 20,
    ...(mutant === undefined ? {} : { mutant }),
  });
  const { context, processes, watch } = world;
  const { scheduler, situations } = context;
  const members = membersOf('quickbooks', grants, 1);
  await plant(context, members, { spreadMs: 55 * MINUTE, isInUse: true });
  return {
    ...world,
    members,
    async pass(minutes, each) {
      for (let minute = 0; minute < minutes && world.problem() === undefined; minute += 1) {
        processes.sweep();
        each?.(minute);
        await scheduler.runUntil(scheduler.now() + MINUTE);
      }
    },
    statuses() {
      const counts: Record<string, number> = {};
      for (const { status } of watch.images().values()) counts[status] = (counts[status] ?? 0) + 1;
      return counts;
    },
    givenUp: () => situations.counts().write_9_needs_reauth ?? 0,
  };
}

/** Grants whose access token has run out although they are in use. */
export function expired({ watch, context }: FleetWorld): number {
  const now = context.scheduler.now();
  return [...watch.images().values()].filter(({ access }: GrantFields) => (access?.expiresAt ?? 0) <= now).length;
}
