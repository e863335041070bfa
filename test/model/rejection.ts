import type { ProviderState } from '../../lib/domain/provider-state.ts';
import { intern } from './intern.ts';
import { commit } from './invariants.ts';
import type { Setting } from './setting.ts';
import { type At, moved, step, twice } from './steps.ts';
import { imageOf } from './store.ts';
import { IDLE, isRunning, type State, type Step, type World } from './world.ts';

/** What becomes of a grant all of whose tokens were rejected (writes 8 and 9). */

/** A verdict where the evidence is complete, otherwise a suspicion. */
export function judge(setting: Setting, world: World, index: number, state: At<'rejected'>): Step[] {
  const { grant, proof } = state;
  const facts = { graceSeconds: setting.policy.graceSeconds, now: world.now };
  return proof !== undefined && setting.rules.mayGiveUp(grant, proof, facts)
    ? giveUp(setting, world, index, { state, proof })
    : suspect(setting, world, index, state);
}

/** Write 9; the bogus-code probe with the grant's own client was good. */
function giveUp(
  setting: Setting,
  world: World,
  index: number,
  { state, proof }: { readonly state: At<'rejected'>; readonly proof: ProviderState },
): Step[] {
  const { rules } = setting;
  const verdict = { reason: rules.reasonOf(state.grant, proof, world.now), state: proof, now: world.now };
  const transaction = intern(rules.needsReauth(state.grant, state.attempt, verdict));
  const outcome = commit(setting, world, transaction);
  if (outcome.committed) {
    const after = moved(outcome.world, index, IDLE);
    return twice(world, index, 'gives the grant up', after, moved(outcome.world, index, state));
  }
  const { proof: _, ...rest } = state;
  return [step(world, index, 'cannot give the grant up', moved(world, index, rest))];
}

/**
 * Write 8. When its condition fails a token has arrived: the attempt ends as if nothing had been sent, and it is
 * tried next.
 */
function suspect(setting: Setting, world: World, index: number, state: At<'rejected'>): Step[] {
  const { grant, attempt } = state;
  const rejection = { reason: 'invalid_grant', now: world.now, policy: setting.policy };
  const transaction = intern(setting.rules.suspect(grant, attempt, rejection));
  const outcome = commit(setting, world, transaction);
  if (outcome.committed) {
    const label = 'notes that all tokens are rejected';
    return twice(world, index, label, moved(outcome.world, index, IDLE), moved(outcome.world, index, state));
  }
  const image = imageOf(transaction, outcome.failed);
  if (!isRunning(image, state)) return [step(world, index, 'has been overtaken', moved(world, index, IDLE))];
  const reporting: State = { at: 'reporting', grant: image, attempt, outcome: 'NOT_SENT' };
  return [step(world, index, 'finds that a token has arrived', moved(world, index, reporting))];
}
