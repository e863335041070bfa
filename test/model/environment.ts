import { DOUBT_MS } from '../../lib/domain/give-up-decision.ts';
import { MINUTE } from '../support/grants.ts';
import type { Item } from '../support/memory-items.ts';
import { comingFlow } from './authorization.ts';
import { intern } from './intern.ts';
import { handleRefresh, lose, revoked } from './provider.ts';
import type { Setting } from './setting.ts';
import { moved, step } from './steps.ts';
import { carriedBy, keptNames } from './tokens.ts';
import { IDLE, type State, type Step, spent, type World } from './world.ts';

/** What happens around the processes: time, the provider's weather, the user. */

/** Everything that may happen next without any process of ours doing something. */
export function environmentSteps(setting: Setting, world: World): Step[] {
  return [
    ...timeSteps(setting, world),
    ...ghostSteps(setting, world),
    ...weatherSteps(world),
    ...userSteps(setting, world),
  ];
}

/** A process dies; what it carried and nobody else has is lost. */
export function crash(world: World, index: number): Step[] {
  const state = world.workers[index]?.state;
  if (world.left.crashes === 0 || state === undefined || state.at === 'idle' || state.at === 'read') return [];
  const kept = keptNames(world);
  const lost = carriedBy(state).filter((name) => !kept.has(name));
  const after = { ...spent(world, 'crashes'), remote: lost.reduce(lose, world.remote) };
  return [step(world, index, `dies${lost.length > 0 ? ` with ${lost}` : ''}`, moved(after, index, IDLE))];
}

/**
 * A process that has a request under way is answered or dies before its lease ends (its budget of time and the limit
 * of its function see to that), so time stands still for it. Everything else may be as slow as it likes, and outlive
 * its lease.
 */
function timeSteps({ stepsMs, isPrompt }: Setting, world: World): Step[] {
  if (world.remote.ghosts.length > 0 || world.workers.some(({ state }) => IN_A_HURRY.has(state.at))) return [];
  if (isPrompt && world.workers.some(({ state }) => carriedBy(state).length > 0)) return [];
  const since = Math.min(...world.workers.map(({ state }) => heldSince(state)));
  return stepsMs.flatMap((lengthMs) => {
    if (world.now + lengthMs > since + DOUBT_MS) return [];
    const left = world.left.steps[lengthMs] ?? 0;
    if (left === 0) return [];
    const steps = { ...world.left.steps, [lengthMs]: left - 1 };
    const after = { ...world, now: world.now + lengthMs, left: intern({ ...world.left, steps }) };
    return [{ label: `${lengthMs / MINUTE} minutes pass`, world: after }];
  });
}

/** Since when a process has had the answer that it has not stored; it does not live longer than a doubt about it. */
function heldSince(state: State): number {
  return state.at === 'committing' ? state.issued.startedAt : Number.POSITIVE_INFINITY;
}

const IN_A_HURRY: ReadonlySet<string> = new Set([
  ...['taking', 'asking', 'armed', 'revoking', 'detaching'],
  // finish-connect has 90 seconds; what it could not bank in them is on the queue or lost.
  ...['arming', 'exchanging', 'banking'],
]);

/** A request that nobody waits for any more arrives late, or never. */
function ghostSteps(setting: Setting, world: World): Step[] {
  return world.remote.ghosts.flatMap((name, at) => {
    const ghosts = world.remote.ghosts.filter((_, each) => each !== at);
    const without = intern({ ...world.remote, ghosts });
    const arrived = handleRefresh(without, name, world.now, setting.kind).map(({ remote, answer, harm }) => {
      const isIssued = answer.kind === 'issued' && answer.isNew;
      const after = { ...world, remote: intern(isIssued ? lose(remote, answer.name) : remote) };
      const label = isIssued ? `is answered with ${answer.name}, to nobody` : 'changes nothing';
      return {
        label: `the request with ${name} arrives after all and ${label}`,
        world: { ...after, ...(harm ? { problem: harm } : {}) },
      };
    });
    return [...arrived, { label: `the request with ${name} never arrives`, world: { ...world, remote: without } }];
  });
}

function weatherSteps(world: World): Step[] {
  const { remote, left } = world;
  const steps: Step[] = [];
  if (remote.isOut) {
    steps.push({ label: 'the outage ends', world: { ...world, remote: intern({ ...remote, isOut: false }) } });
  } else if (left.outages > 0) {
    const after = { ...spent(world, 'outages'), remote: intern({ ...remote, isOut: true }) };
    steps.push({ label: 'an outage begins: invalid_grant to everything', world: after });
  }
  return steps;
}

/** The user takes the app off in the provider's own pages, or comes back from them with a code. */
function userSteps(setting: Setting, world: World): Step[] {
  const { remote, left } = world;
  const steps: Step[] = [];
  if (left.revocations > 0) {
    steps.push({
      label: 'the user takes the app off',
      world: { ...spent(world, 'revocations'), remote: revoked(remote) },
    });
  }
  const coming = setting.flows[setting.flows.length - left.flows];
  if (left.flows > 0 && coming !== undefined) {
    const connection = world.store[`connections/ORG#${coming.organizationId}/${setting.provider}`];
    const flow = comingFlow(setting, coming, (connection?.version as number | undefined) ?? 0);
    const store = intern({ ...world.store, [`flows/${flow.pk}`]: intern(flow as unknown as Item) });
    steps.push({
      label: `a user of ${coming.organizationId} comes with the code of ${flow.pk}`,
      world: { ...spent(world, 'flows'), store },
    });
  }
  return steps;
}
