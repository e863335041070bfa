import { arm, bank, exchange, hold, link, startConnect, writeLink } from './connecter.ts';
import { disconnect, startDisconnect } from './disconnecter.ts';
import { close, detach, finish, release, revoke } from './duty.ts';
import { crash, environmentSteps } from './environment.ts';
import { problemOf } from './invariants.ts';
import { ask, startRefresher, takeAgain, takeLease } from './lease.ts';
import { look, noteSuccess, startLook, startSuccess } from './observer.ts';
import { report, send, store } from './refresher.ts';
import { judge } from './rejection.ts';
import { rescue, startRescue } from './rescuer.ts';
import type { Setting } from './setting.ts';
import { keyOf, type State, type Step, type World } from './world.ts';

/** Breadth first through all interleavings, so that the first counterexample is a shortest one. */

export interface Found {
  readonly states: number;
  readonly transitions: number;
  /** Steps from the start to the farthest state. */
  readonly depth: number;
  /** All states within the bounds were visited. */
  readonly isComplete: boolean;
  readonly problem?: Counterexample;
}

export interface Counterexample {
  readonly what: string;
  readonly steps: readonly string[];
}

/** Looks at one state; what is wrong with it, if anything, and after which further steps. */
export type Check = (world: World) => Counterexample | undefined;

/**
 * Every state that can be reached from `start`, until one violates an invariant or `check`, or `limit` states were
 * seen.
 */
export function search(setting: Setting, start: World, limit: number, check: Check = () => undefined): Found {
  const seen = new Set([keyOf(start)]);
  const came: Origins = { parents: [0], choices: [0] };
  let frontier: Reached[] = [{ world: start, number: 0 }];
  let transitions = 0;
  let depth = 0;
  while (frontier.length > 0) {
    const next: Reached[] = [];
    for (const { world, number } of frontier) {
      for (const [choice, step] of stepsFrom(setting, world).entries()) {
        transitions += 1;
        const key = keyOf(step.world);
        if (seen.has(key) && step.world.problem === undefined) continue;
        seen.add(key);
        const reached = came.parents.push(number) - 1;
        came.choices.push(choice);
        const what = problemOf(setting, step.world);
        const found = what === undefined ? check(step.world) : { what, steps: [] };
        if (found !== undefined) {
          const problem = { ...found, steps: [...retold(setting, start, came, reached), ...found.steps] };
          return { states: seen.size, transitions, depth: depth + 1, isComplete: false, problem };
        }
        next.push({ world: step.world, number: reached });
      }
      if (seen.size >= limit) return { states: seen.size, transitions, depth: depth + 1, isComplete: false };
    }
    if (next.length > 0) depth += 1;
    frontier = next;
  }
  return { states: seen.size, transitions, depth, isComplete: true };
}

/** All that may happen next. Of processes at the same point one stands for all. */
export function stepsFrom(setting: Setting, world: World): Step[] {
  const own = world.workers.flatMap(({ state }, index) => {
    const isFirst = world.workers.findIndex((other) => other.state === state) === index;
    return isFirst ? [...ownSteps(setting, world, index), ...crash(world, index)] : [];
  });
  return [...own, ...environmentSteps(setting, world)];
}

/** What one process may do next, faults of the world included; dying not. */
export function ownSteps(setting: Setting, world: World, index: number): Step[] {
  const state = world.workers[index]?.state;
  return state === undefined ? [] : stepsAt(setting, world, index, state);
}

function stepsAt(setting: Setting, world: World, index: number, state: State): Step[] {
  switch (state.at) {
    case 'idle':
      return [
        ...startRescue(setting, world, index, state),
        ...startRefresher(setting, world, index, state),
        ...startLook(setting, world, index),
        ...startSuccess(world, index),
        ...startConnect(setting, world, index, state),
        ...startDisconnect(setting, world, index, state),
      ];
    case 'looking':
      return look(setting, world, index, state);
    case 'noting':
      return noteSuccess(setting, world, index, state);
    case 'read':
      return takeLease(setting, world, index, state);
    case 'taking':
      return takeAgain(setting, world, index, state);
    case 'asking':
      return ask(setting, world, index, state);
    case 'armed':
      return send(setting, world, index, state);
    case 'committing':
      return store(setting, world, index, state);
    case 'reporting':
      return report(setting, world, index, state);
    case 'rejected':
      return judge(setting, world, index, state);
    case 'revoking':
      return revoke(setting, world, index, state);
    case 'closing':
      return close(setting, world, index, state);
    case 'detaching':
      return detach(setting, world, index, state);
    case 'finishing':
      return finish(setting, world, index, state);
    case 'releasing':
      return release(setting, world, index, state);
    case 'rescuing':
      return rescue(setting, world, index, state);
    case 'holding':
      return hold(setting, world, index, state);
    case 'arming':
      return arm(setting, world, index, state);
    case 'exchanging':
      return exchange(setting, world, index, state);
    case 'banking':
      return bank(setting, world, index, state);
    case 'banked':
      return link(setting, world, index, state);
    case 'linking':
      return writeLink(setting, world, index, state);
    case 'disconnecting':
      return disconnect(setting, world, index, state);
  }
}

interface Reached {
  readonly world: World;
  readonly number: number;
}

/** How each state was first reached: from which one, and by which of its steps. */
interface Origins {
  readonly parents: number[];
  readonly choices: number[];
}

function retold(setting: Setting, start: World, came: Origins, reached: number): string[] {
  const choices: number[] = [];
  for (let number = reached; number !== 0; number = came.parents[number] ?? 0)
    choices.unshift(came.choices[number] ?? 0);
  let world = start;
  return choices.map((choice) => {
    const step = stepsFrom(setting, world)[choice];
    if (step === undefined) throw new Error('a state cannot be reached again');
    world = step.world;
    return step.label;
  });
}
