import type { Grant } from '../../lib/domain/grant.ts';
import { MINUTE } from '../support/grants.ts';
import { dutyUnder } from './duty.ts';
import { intern } from './intern.ts';
import { commit } from './invariants.ts';
import { providerState } from './observer.ts';
import { doChore, idOfNext, planFor } from './plan.ts';
import type { Setting } from './setting.ts';
import { moved, type Program, step } from './steps.ts';
import { imageOf } from './store.ts';
import { grantOf, IDLE, type Lease, type State, spent, type World } from './world.ts';

/** How a refresher comes to its lease, await by await. */

/** A free process begins: a reader wants a refresh, or the sweep found the grant due. */
export const startRefresher: Program<'idle'> = (setting, world, index) => {
  const grant = grantOf(world, setting.grant);
  if (grant === undefined || world.left.attempts === 0) return [];
  return setting.starts.flatMap((wish) =>
    planFor(setting, grant, wish, world.now) === undefined
      ? []
      : [step(world, index, `reads the grant (${wish})`, moved(world, index, { at: 'read', grant, wish }))],
  );
};

/** Write 1, decided on the image read, which may be old by now; or a chore, which needs no lease. */
export const takeLease: Program<'read'> = (setting, world, index, { grant, wish }) => {
  const plan = planFor(setting, grant, wish, world.now);
  const quit = moved(world, index, IDLE);
  if (plan === undefined) return [step(world, index, 'has nothing to do', quit)];
  if ('chore' in plan) return doChore(setting, world, index, { grant, ...plan });
  if (world.left.attempts === 0) return [];
  const attemptId = idOfNext(grant);
  const decision = setting.rules.acquire(grant, { ...plan, attemptId, now: world.now });
  if (decision.kind === 'refused') return [step(world, index, 'may not take the lease', quit)];
  const transaction = intern(decision.transaction);
  const outcome = commit(setting, world, transaction);
  if (!outcome.committed) return [step(world, index, 'finds the lease taken', quit)];
  const attempt = intern(decision.attempt);
  const lease: Lease = { grant: intern(setting.rules.acquired(grant, attempt)), attempt };
  const taken = spent(outcome.world, 'attempts');
  const label = `takes the lease as ${attemptId} to ${plan.kind}`;
  const steps = [step(world, index, label, moved(taken, index, under(setting, world, lease)))];
  if (world.left.writes > 0) {
    const lost = moved(spent(taken, 'writes'), index, { at: 'taking', transaction, ...lease });
    steps.push(step(world, index, `${label}, and the answer is lost`, lost));
  }
  return steps;
};

/** The lease was written and nobody said so: the identical request shows the attempt as ours. */
export const takeAgain: Program<'taking'> = (setting, world, index, { transaction, grant, attempt }) => {
  const outcome = commit(setting, world, transaction);
  if (outcome.committed) {
    const again = under(setting, world, { grant, attempt });
    return [step(world, index, 'takes it again', moved(outcome.world, index, again))];
  }
  const image = imageOf(transaction, outcome.failed);
  if (image === undefined || !isOurs(setting, image, { grant, attempt })) {
    return [step(world, index, 'finds the lease taken over', moved(world, index, IDLE))];
  }
  const lease = under(setting, world, { grant: image, attempt });
  return [step(world, index, `finds ${attempt.id} written`, moved(world, index, lease))];
};

/** The attempt, and the grant that it was taken on: not one that was authorised anew since. */
function isOurs({ rules }: Setting, image: Grant, { grant, attempt }: Lease): boolean {
  if (image.attempt?.id !== attempt.id) return false;
  return !rules.looksAtNumber || (image.number === attempt.number && image.generation === grant.generation);
}

/** Where an attempt begins. A suspect's is judged by what was known of the provider before anything was sent. */
function under(setting: Setting, world: World, lease: Lease): State {
  if (lease.attempt.kind !== 'refresh') return dutyUnder(lease);
  const found = lease.grant.status === 'suspect' ? providerState(setting, world) : undefined;
  const proof = found === undefined ? {} : { proof: found };
  if (mayBePending(setting, lease.grant, world.now)) return { at: 'asking', isQueueEmpty: false, ...lease, ...proof };
  return { at: 'armed', tried: 0, ...lease, ...proof };
}

/** From the start of an attempt in doubt (lib/service/rescue-pending.ts). */
const PATIENCE_MS = 15 * MINUTE;

function mayBePending({ rules, policy }: Setting, { doubts }: Grant, now: number): boolean {
  if (!rules.asksRescueQueue || policy.graceSeconds > 0) return false;
  return Object.values(doubts).some((startedAt) => startedAt > now - PATIENCE_MS);
}

/** First the queue, then the grant: a message is deleted only after its tokens are stored. */
export const ask: Program<'asking'> = (setting, world, index, state) => {
  const { isQueueEmpty, at: _, ...lease } = state;
  const { grant, attempt } = lease;
  if (!isQueueEmpty && world.queue.length === 0) {
    return [step(world, index, 'finds the queue empty', moved(world, index, { ...state, isQueueEmpty: true }))];
  }
  const image = grantOf(world, setting.grant);
  const isSame = image?.tokenVersion === grant.tokenVersion && image.generation === grant.generation;
  if (isQueueEmpty && isSame) {
    return [step(world, index, 'finds the grant unchanged', moved(world, index, { at: 'armed', tried: 0, ...lease }))];
  }
  const reporting: State = { at: 'reporting', grant, attempt, outcome: 'NOT_SENT' };
  return [step(world, index, 'sends nothing, as a rescue is pending', moved(world, index, reporting))];
};
