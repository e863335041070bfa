import {
  type Act,
  close,
  closeDetached,
  connectAgain,
  connectFirst,
  detach,
  disconnect,
  refresh,
  rescueBank,
  rescueRefresh,
  revoke,
} from './acts.ts';
import { endStory } from './calm.ts';
import type { Mutant } from './context.ts';
import { membersOf, plant } from './fleet.ts';
import { type Blow, interruptAt, LEASE_TAKEN_MS, runWhole } from './interrupt.ts';
import type { Process } from './process.ts';
import type { Rotation } from './provider.ts';
import { createWorld, type World, type WorldOptions } from './world.ts';

/** Every point at which a process may die, be overtaken, or not learn that its write was made: one run for each. */

interface Scene {
  readonly rotation: Rotation;
  readonly providerId: 'quickbooks' | 'xero';
}

/** One world, and what happens in it. */
interface Case {
  readonly scene: Scene;
  readonly act: Act;
  /** Runs whole while the act is stopped. */
  readonly other?: Act;
}

interface Point {
  readonly name: string;
  readonly at: number;
  readonly run: () => Promise<string | undefined>;
}

const SCENES: readonly Scene[] = (['reusable', 'grace', 'single', 'family'] as const).flatMap((rotation) =>
  (['quickbooks', 'xero'] as const).map((providerId) => ({ rotation, providerId })),
);
const ALONE: readonly Act[] = [
  refresh,
  connectAgain,
  connectFirst,
  disconnect,
  revoke,
  detach,
  close,
  closeDetached,
  rescueRefresh,
  rescueBank,
];
const PAIRED: readonly Act[] = [refresh, disconnect, connectAgain, rescueRefresh];
const SEED = 1;
const MOST_TOLD = 10;

/** Runs them all and prints how many went well. False when one did not. */
export async function runCrashPoints(mutant: Mutant = {}): Promise<boolean> {
  const tallies = new Map<string, { well: number; all: number }>();
  const failed: string[] = [];
  for (const scene of SCENES) {
    for await (const { kind, name, problem } of pointsOf(scene, mutant)) {
      const tally = tallies.get(kind) ?? { well: 0, all: 0 };
      tallies.set(kind, { well: tally.well + (problem === undefined ? 1 : 0), all: tally.all + 1 });
      if (problem !== undefined) failed.push(`${kind} ${name} (${scene.rotation}, ${scene.providerId}): ${problem}`);
    }
  }
  for (const line of failed.slice(0, MOST_TOLD)) console.log(line);
  let [well, all] = [0, 0];
  for (const [kind, tally] of tallies) {
    console.log(`${kind}: ${tally.well}/${tally.all}`);
    well += tally.well;
    all += tally.all;
  }
  console.log(`crash points ${well}/${all}`);
  return well === all;
}

interface Finding {
  readonly kind: string;
  readonly name: string;
  readonly problem: string | undefined;
}

async function* pointsOf(scene: Scene, mutant: Mutant): AsyncIterable<Finding> {
  const isFor = ({ only }: Act) => only === undefined || only === scene.providerId;
  for (const act of ALONE.filter(isFor)) {
    for (const point of await pointsAlone({ scene, act }, mutant)) yield await found(act.name, point);
  }
  for (const other of PAIRED) {
    const kind = `refresh x ${other.name}`;
    for (const point of await pointsTogether({ scene, act: refresh, other }, mutant)) yield await found(kind, point);
    if (other === refresh) continue;
    const turned = { scene, act: other, other: refresh };
    for (const point of await pointsTogether(turned, mutant)) yield await found(kind, point);
  }
}

async function found(kind: string, { name, at, run }: Point): Promise<Finding> {
  return { kind, name: `${name} ${at}`, problem: await run() };
}

async function pointsAlone(about: Case, mutant: Mutant): Promise<Point[]> {
  const { gates, writes } = await countOf(about, mutant);
  const kills = numbers(gates).map((at) => ({
    name: 'killed at await',
    at,
    run: () => struck(about, 'kill', at, mutant),
  }));
  const losses = numbers(writes).map((at) => ({
    name: 'answer lost to write',
    at,
    run: () => unanswered(about, at, mutant),
  }));
  return [...kills, ...losses];
}

async function pointsTogether(about: Case, mutant: Mutant): Promise<Point[]> {
  const { gates } = await countOf(about, mutant);
  const blows: readonly Blow[] = ['overtake', 'overtake_and_kill'];
  return numbers(gates).flatMap((at) =>
    blows.map((blow) => ({
      name: `${about.act.name}: ${blow} by ${about.other?.name} at await`,
      at,
      run: () => struck(about, blow, at, mutant),
    })),
  );
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** How many awaits and writes the act has when nothing befalls it. */
async function countOf(about: Case, mutant: Mutant): Promise<Pick<Process, 'gates' | 'writes'>> {
  const counted = { gates: 0, writes: 0 };
  await inWorld(about, { mutant }, async (world, start) => {
    Object.assign(counted, await runWhole(world.context, start));
    return undefined;
  });
  return counted;
}

function struck(about: Case, blow: Blow, at: number, mutant: Mutant): Promise<string | undefined> {
  const mayLose = blow !== 'overtake';
  return inWorld(about, { mutant, mayLose }, async (world, start, members) => {
    const meanwhile = () => about.other?.start(world, members);
    const isReached = await interruptAt(world.context, start, { at, blow, meanwhile });
    return isReached ? undefined : 'the await was not reached';
  });
}

function unanswered(about: Case, at: number, mutant: Mutant): Promise<string | undefined> {
  let target: Process | undefined;
  const losesAnswer = (process: Process) => process === target && process.writes === at;
  return inWorld(about, { mutant, losesAnswer }, async (world, start) => {
    const begin = () => {
      target = start();
      return target;
    };
    const { writes } = await runWhole(world.context, begin);
    return writes >= at ? undefined : 'the write was not reached';
  });
}

type Run = (world: World, start: () => Process, members: ReturnType<typeof membersOf>) => Promise<string | undefined>;

/** A new world, the act, and the end of all trouble; what is wrong then. */
async function inWorld(
  { scene, act, other }: Case,
  { mayLose = false, ...options }: Pick<WorldOptions, 'mutant' | 'losesAnswer'> & { readonly mayLose?: boolean },
  run: Run,
): Promise<string | undefined> {
  const world = createWorld({ seed: SEED, ...scene, ...options });
  const { context } = world;
  const chance = Math.random;
  Math.random = context.random.next;
  try {
    const members = membersOf(scene.providerId, 1, 2);
    await plant(context, members);
    await prepare(world, members, [act, ...(other === undefined ? [] : [other])]);
    const problem = await run(world, () => act.start(world, members), members);
    if (problem !== undefined) return problem;
    context.scheduler.onGate(() => undefined);
    await endStory(world, members);
  } finally {
    Math.random = chance;
  }
  return world.problem() ?? (mayLose && hasNoOther(scene, act) ? undefined : lossOf(world));
}

async function prepare(world: World, members: ReturnType<typeof membersOf>, acts: readonly Act[]): Promise<void> {
  const { scheduler } = world.context;
  if (!acts.includes(rescueRefresh)) {
    for (const each of acts) await each.prepare?.(world, members);
    return;
  }
  await rescueRefresh.prepare?.(world, members);
  // The message is late: the lease of whoever sent it has run out.
  if (acts.includes(refresh)) await scheduler.runUntil(scheduler.now() + LEASE_TAKEN_MS);
}

/** What the provider has issued is all there is: it keeps no earlier token alive. */
function hasNoOther({ rotation }: Scene, act: Act): boolean {
  return rotation === 'single' || rotation === 'family' || act === connectAgain || act === connectFirst;
}

/** Nothing may be lost but to a death before anything was safe. */
function lossOf(world: World): string | undefined {
  const causes = Object.keys(world.lost());
  return causes.length === 0 ? undefined : `lost: ${causes.join(', ')}`;
}
