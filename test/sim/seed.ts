import { endStory } from './calm.ts';
import type { Mutant } from './context.ts';
import { membersOf, plant } from './fleet.ts';
import { type Plot, plotOf } from './plot.ts';
import { tellStory } from './story.ts';
import { createWorld, type World } from './world.ts';

export interface SeedResult {
  readonly seed: number;
  readonly steps: number;
  readonly refreshes: number;
  /** What is wrong, with the last things that happened. */
  readonly problem?: string;
  readonly trace: readonly string[];
  readonly lost: ReturnType<World['lost']>;
  readonly situations: Readonly<Record<string, number>>;
}

/** Runs one seed: a small fleet, its trouble, and its end. The same seed gives the same run. */
export async function runSeed(seed: number, options: { readonly mutant?: Mutant } = {}): Promise<SeedResult> {
  const plot = plotOf(seed);
  const world = createWorld({ ...plot, ...options });
  const { context } = world;
  const chance = Math.random;
  Math.random = context.random.next;
  try {
    const members = membersOf(plot.providerId, plot.grants, plot.organizationsPerGrant);
    await plant(context, members);
    if (plot.skewMs > 0) context.situations.saw('clocks_apart');
    await tellStory(world, plot, members);
    await endStory(world, members);
  } catch (error) {
    context.fail(`the simulation failed: ${error instanceof Error ? error.stack : String(error)}`);
  } finally {
    Math.random = chance;
  }
  return resultOf(plot, world);
}

function resultOf({ seed }: Plot, world: World): SeedResult {
  const problem = world.problem();
  return {
    seed,
    steps: world.context.scheduler.steps(),
    refreshes: world.refreshes(),
    ...(problem === undefined ? {} : { problem }),
    trace: problem === undefined ? [] : world.trace.lines(),
    lost: world.lost(),
    situations: world.context.situations.counts() as Record<string, number>,
  };
}
