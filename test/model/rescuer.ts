import type { RescueMessage } from '../../lib/domain/rescue-message.ts';
import { intern } from './intern.ts';
import { commit } from './invariants.ts';
import type { Setting } from './setting.ts';
import { type At, moved, type Program, step } from './steps.ts';
import { imageOf } from './store.ts';
import { wasStored } from './tokens.ts';
import { grantOf, IDLE, idOfMessage, type Step, spent, type World } from './world.ts';

/** The rescue of a token from the queue, await by await (write 17). The message is deleted after success only. */

/** A free process is handed a message; a second time while another works on it only as a repeat. */
export const startRescue: Program<'idle'> = (setting, world, index) => {
  const messages = [...new Set(world.queue)];
  return messages.flatMap((message) => {
    const isTaken = world.workers.some(({ state }) => state.at === 'rescuing' && state.message === message);
    if (isTaken && world.left.repeats === 0) return [];
    const after = isTaken ? spent(world, 'repeats') : world;
    const image = grantOf(world, setting.grant);
    const label = `is handed the message of ${idOfMessage(message)} and reads the grant`;
    return [step(world, index, label, moved(after, index, { at: 'rescuing', message, image }))];
  });
};

/** Writes 3 to 7 and 10, by the image. */
export const rescue: Program<'rescuing'> = (setting, world, index, { message, image }) => {
  const transaction = decide(setting, world, message, image);
  const id = `the message of ${idOfMessage(message)}`;
  if (transaction === 'stored') return deleted(world, index, message, `finds ${id} stored`);
  if (transaction === undefined) return [step(world, index, `cannot apply ${id}`, moved(world, index, IDLE))];
  const outcome = commit(setting, world, transaction);
  if (outcome.committed) return deleted(outcome.world, index, message, `rescues ${id}`);
  const newer = imageOf(transaction, outcome.failed);
  return [
    step(
      world,
      index,
      `finds the grant changed under ${id}`,
      moved(world, index, { at: 'rescuing', message, image: newer }),
    ),
  ];
};

function decide(setting: Setting, world: World, message: RescueMessage, image: At<'rescuing'>['image']) {
  const { rules, policy } = setting;
  const { now } = world;
  const decision =
    message.kind === 'bank'
      ? rules.bank(image, message.authorization, policy, { id: `b${message.authorization.attemptId}`, now })
      : image && rules.commit(image, message.issued, policy, now);
  if (decision?.kind !== 'write') return decision?.kind;
  const tokens = message.kind === 'bank' ? message.authorization : message.issued;
  if (image !== undefined && wasStored(setting, world, image, tokens)) return 'stored';
  return intern(rules.rescuesByImage ? decision.transaction : unconditional(decision.transaction));
}

function unconditional(transaction: Extract<ReturnType<Setting['rules']['commit']>, { kind: 'write' }>['transaction']) {
  return { ...transaction, writes: transaction.writes.map((leg) => ({ ...leg, when: [] })) };
}

function deleted(world: World, index: number, message: RescueMessage, label: string): Step[] {
  const at = world.queue.indexOf(message);
  const queue = world.queue.filter((_, each) => each !== at);
  const steps = [step(world, index, label, moved({ ...world, queue }, index, IDLE))];
  if (world.left.repeats > 0) {
    const kept = moved(spent(world, 'repeats'), index, IDLE);
    steps.push(step(world, index, `${label}; the message is not deleted`, kept));
  }
  return steps;
}
