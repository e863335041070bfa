import { isLiving } from '../../lib/domain/grant.ts';
import { owesRetry } from '../../lib/domain/next-due.ts';
import { MINUTE } from '../support/grants.ts';
import { idOf, intern } from './intern.ts';
import { commit } from './invariants.ts';
import { acceptedOf, GRACE_MS, isAccepted } from './provider.ts';
import { type Check, type Counterexample, ownSteps } from './search.ts';
import type { Setting } from './setting.ts';
import { keptNames, nameOf, tokensOf } from './tokens.ts';
import { grantOf, IDLE, type World } from './world.ts';

/**
 * I8 and the end of I6: when faults stop, the sweep alone brings every grant to where it belongs. Tried from every
 * state of the search in which no process is at work; from any other the processes come to such a state by
 * themselves.
 */

/** The sweep comes once in so long: as late as that after a grant is due. */
const SWEEP_EVERY_MS = MINUTE;
/** A token that is good for less is not sure to be sent in time: a lease may have to run out first. */
const SURE_MS = 5 * MINUTE;
const MAX_ROUNDS = 40;
const MAX_STEPS = 60;
/** Of a recovery that leads nowhere so many steps are told. */
const MAX_TOLD = 12;

/** A check for the search. Each state of the records and the provider is tried once. */
export function createRecovery(setting: Setting): Check {
  const tried = new Set<string>();
  return (world) => {
    if (world.workers.some(({ state }) => state !== IDLE) || world.remote.ghosts.length > 0) return undefined;
    const { now, store, remote, queue, stored } = world;
    const key = [now, idOf(store), idOf(remote), queue.map(idOf), queue.length > 0 ? stored : ''].join(';');
    if (tried.has(key)) return undefined;
    tried.add(key);
    return recover({ ...setting, starts: ['due'] }, calmed(world));
  };
}

function recover(setting: Setting, start: World): Counterexample | undefined {
  const kept = keptNames(start);
  const sureMs = setting.kind.hasSiblings ? GRACE_MS + SURE_MS : SURE_MS;
  const good = acceptedOf(start.remote, start.now + sureMs, setting.kind).filter((name) => kept.has(name));
  const steps = ['(no more faults, only the sweep)'];
  let world = start;
  for (let round = 0; round < MAX_ROUNDS && !isSettled(setting, world); round += 1) {
    world = world.queue.length > 0 ? runOne(setting, world, steps) : swept(setting, world, steps);
    if (world.problem !== undefined) return { what: world.problem, steps };
  }
  if (isSettled(setting, world)) return undefined;
  const grant = grantOf(world, setting.grant);
  if (grant === undefined || (isLiving(grant) && good.length === 0)) return undefined;
  const minutes = Math.round((world.now - start.now) / MINUTE);
  const what = `I8: ${good.join() || 'it'} was good, and after ${minutes} minutes without faults the grant is ${grant.status}`;
  return { what, steps: [...steps.slice(0, MAX_TOLD), ...(steps.length > MAX_TOLD ? ['and so on'] : [])] };
}

/** Active with a token the provider accepts, or closed with none. */
function isSettled(setting: Setting, world: World): boolean {
  const grant = grantOf(world, setting.grant);
  if (grant === undefined || world.queue.length > 0) return false;
  if (grant.status === 'closed') {
    const left = acceptedOf(world.remote, world.now, setting.kind);
    return setting.policy.detaches === true || left.every((name) => world.remote.tokens[name]?.lost);
  }
  if (grant.status !== 'active' || owesRetry(grant) || Object.keys(grant.detach).length > 0) return false;
  const [current] = tokensOf(grant);
  return current !== undefined && isAccepted(world.remote, nameOf(current), world.now, setting.kind);
}

/** The sweep finds the grant when it is due, and does what is due, or puts the date right. */
function swept(setting: Setting, world: World, steps: string[]): World {
  const grant = grantOf(world, setting.grant);
  if (grant?.dueAt === undefined) return world;
  const later = { ...world, now: Math.max(world.now, grant.dueAt) + SWEEP_EVERY_MS };
  steps.push(`${Math.round((later.now - world.now) / MINUTE)} minutes later it is due`);
  const after = runOne(setting, later, steps);
  if (after !== later) return after;
  const repair = setting.rules.repair(grant, setting.policy, later.now);
  const outcome = repair && commit(setting, later, repair);
  return outcome?.committed ? outcome.world : later;
}

/** One process, alone, from its start to its end. */
function runOne(setting: Setting, world: World, steps: string[]): World {
  let after = world;
  for (let taken = 0; taken < MAX_STEPS && after.problem === undefined; taken += 1) {
    const [first] = ownSteps(setting, after, 0);
    if (first === undefined) return after;
    steps.push(first.label);
    after = first.world;
    if (after.workers[0]?.state === IDLE) return after;
  }
  return after;
}

/** No more faults, and one process that only ever does what is due. */
function calmed(world: World): World {
  const left = intern({
    ...Object.fromEntries(Object.keys(world.left).map((name) => [name, 0])),
    attempts: 1_000,
    steps: {},
  }) as World['left'];
  const remote = intern({ ...world.remote, isOut: false });
  return { ...world, left, remote, workers: [{ name: 'R', state: IDLE }] };
}
