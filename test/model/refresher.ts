import type { Issued } from '../../lib/domain/commit-decision.ts';
import { type Grant, isLiving, type RefreshToken } from '../../lib/domain/grant.ts';
import type { Transaction } from '../../lib/domain/write.ts';
import { intern } from './intern.ts';
import { commit } from './invariants.ts';
import { type Answer, handleRefresh, lose } from './provider.ts';
import type { Setting } from './setting.ts';
import { type At, moved, type Program, step, twice } from './steps.ts';
import { imageOf } from './store.ts';
import { nameOf, sealed, wasStored } from './tokens.ts';
import { IDLE, isRunning, type Lease, type State, type Step, spent, type World } from './world.ts';

/** A refresh under its lease, await by await: send, store what came, or say that nothing came. */

const LIFE_MS = { quickbooks: 3_600_000, xero: 1_800_000 };

/** Sends one token, and whatever may come of it. */
export const send: Program<'armed'> = (setting, world, index, state) => {
  const { grant, tried } = state;
  const token = tokensToTry(setting, world, grant)[tried];
  if (token === undefined) return [step(world, index, 'has every token rejected', atRejected(world, index, state))];
  const name = nameOf(token);
  const steps = handleRefresh(world.remote, name, world.now, setting.kind).flatMap((handled) => {
    const after = { ...world, remote: intern(handled.remote), ...problemOf(handled.harm) };
    return [
      delivered(setting, after, index, { state, token, answer: handled.answer }),
      ...lostAnswers(setting, after, index, { state, name, answer: handled.answer }),
    ];
  });
  if (world.left.answers > 0) {
    const after = {
      ...spent(world, 'answers'),
      remote: intern({ ...world.remote, ghosts: [...world.remote.ghosts, name] }),
    };
    steps.push(
      step(world, index, `sends ${name}; it is cut off under way`, unanswered(setting, after, index, state, 'cut')),
    );
  }
  if (world.left.unsent > 0 && tried === 0) {
    const reporting = moved(spent(world, 'unsent'), index, { at: 'reporting', ...leaseOf(state), outcome: 'NOT_SENT' });
    steps.push(step(world, index, 'cannot decrypt and sends nothing', reporting));
  }
  return steps;
};

/** Writes 3 to 7, decided anew on each newer image, until the token is stored. */
export const store: Program<'committing'> = (setting, world, index, state) => {
  const { issued, image, repeat, queued } = state;
  const name = nameOf(issued.refresh);
  const done = (label: string, after: World) => step(world, index, label, moved(after, index, IDLE));
  const steps: Step[] = [];
  const decision = setting.rules.commit(image, issued, setting.policy, world.now);
  const isStored = decision.kind === 'stored' || wasStored(setting, world, image, issued);
  const transaction = repeat ?? (isStored ? undefined : intern(decision.transaction));
  if (transaction === undefined) steps.push(done(`finds ${name} stored`, world));
  else steps.push(...stored(setting, world, index, state, transaction));
  if (!setting.rules.repeatsWrites && world.left.writes > 0) {
    steps.push(done(`takes an error of the store for a no and drops ${name}`, spent(world, 'writes')));
  }
  if (world.left.rescues > 0 && !queued) {
    const message = intern({ v: 1, kind: 'refresh', issued } as const);
    const after = { ...spent(world, 'rescues'), queue: [...world.queue, message] };
    steps.push(step(world, index, `puts ${name} on the rescue queue`, moved(after, index, { ...state, queued: true })));
  }
  if (queued) steps.push(done(`leaves ${name} to the rescue`, world));
  return steps;
};

/** Write 2. */
export const report: Program<'reporting'> = (setting, world, index, state) => {
  const { grant, attempt, outcome, answer } = state;
  const told = {
    outcome,
    reason: outcome,
    now: world.now,
    random: 0,
    policy: setting.policy,
    ...(answer ? { answer } : {}),
  };
  const transaction = intern(setting.rules.report(grant, attempt, told));
  const written = commit(setting, world, transaction);
  if (!written.committed) {
    const image = imageOf(transaction, written.failed);
    const isOpen = isRunning(image, state);
    return isOpen
      ? [step(world, index, 'finds the grant changed', moved(world, index, { ...state, grant: image }))]
      : [step(world, index, 'has been overtaken', moved(world, index, IDLE))];
  }
  const label = `reports ${outcome}${answer ? ` (${answer})` : ''}`;
  return twice(world, index, label, moved(written.world, index, IDLE), moved(written.world, index, state));
};

/** What is sent under the lease: the current token, and each held one after the one before it was rejected. */
function tokensToTry(setting: Setting, world: World, grant: Grant): readonly RefreshToken[] {
  if (!isLiving(grant)) return [];
  return [grant.current, ...setting.rules.heldToTry(grant.held, setting.policy.graceSeconds, world.now)];
}

function delivered(
  setting: Setting,
  world: World,
  index: number,
  { state, token, answer }: { readonly state: At<'armed'>; readonly token: RefreshToken; readonly answer: Answer },
): Step {
  const name = nameOf(token);
  if (answer.kind === 'rejected') {
    const next = { ...state, tried: state.tried + 1 };
    const isLast = tokensToTry(setting, world, state.grant).length <= next.tried;
    const after = isLast ? atRejected(world, index, state) : moved(world, index, next);
    return step(world, index, `sends ${name}: rejected`, after);
  }
  const issued = issuedBy(setting, world, state, token, answer);
  const committing = { at: 'committing', issued, image: state.grant, queued: false } as const;
  const label = answer.isNew ? `sends ${name} and gets ${answer.name}` : `sends ${name}, which stays good`;
  return step(world, index, label, moved(world, index, committing));
}

function lostAnswers(
  setting: Setting,
  world: World,
  index: number,
  { state, name, answer }: { readonly state: At<'armed'>; readonly name: string; readonly answer: Answer },
): Step[] {
  if (world.left.answers === 0) return [];
  const isIssued = answer.kind === 'issued' && answer.isNew;
  const after = { ...spent(world, 'answers'), ...(isIssued ? { remote: lose(world.remote, answer.name) } : {}) };
  const label = `sends ${name}${isIssued ? ` for ${answer.name}` : ''};`;
  return [
    step(world, index, `${label} the answer is a 5xx`, unanswered(setting, after, index, state, 'complete')),
    ...(isIssued
      ? [step(world, index, `${label} the answer is cut`, unanswered(setting, after, index, state, 'cut'))]
      : []),
  ];
}

function unanswered(
  { rules }: Setting,
  world: World,
  index: number,
  state: At<'armed'>,
  answer: 'complete' | 'cut',
): World {
  if (!rules.sendsOnce) return moved(world, index, state);
  return moved(world, index, { at: 'reporting', ...leaseOf(state), outcome: 'UNKNOWN', answer });
}

function issuedBy(
  setting: Setting,
  { now }: World,
  { grant, attempt }: Lease,
  token: RefreshToken,
  answer: Extract<Answer, { kind: 'issued' }>,
): Issued {
  const { generation, tokenVersion } = grant;
  const owner = answer.isNew || setting.rules.sealsAnew ? attempt.id : token.attemptId;
  return intern({
    grant: grant.pk,
    generation,
    number: attempt.number,
    attemptId: attempt.id,
    startedAt: attempt.startedAt,
    tokenVersion,
    spentId: token.attemptId,
    seenHeld: Object.keys(grant.held).sort(),
    access: { ...sealed('access', attempt.id), obtainedAt: now, expiresAt: now + LIFE_MS[setting.provider] },
    refresh: { ...sealed(answer.name, owner), generation, version: attempt.number },
  });
}

function stored(
  setting: Setting,
  world: World,
  index: number,
  state: At<'committing'>,
  transaction: Transaction,
): Step[] {
  const { issued } = state;
  const name = nameOf(issued.refresh);
  const outcome = commit(setting, world, transaction);
  if (outcome.committed) {
    const unknown: State = setting.rules.repeatsWrites ? { ...state, repeat: transaction } : IDLE;
    return twice(
      world,
      index,
      `stores ${name}`,
      moved(outcome.world, index, IDLE),
      moved(outcome.world, index, unknown),
    );
  }
  const image = imageOf(transaction, outcome.failed);
  const isOvertaken = image?.attempt?.id !== issued.attemptId;
  if (image === undefined || (isOvertaken && !setting.rules.keepsTokensWithoutLease)) {
    return [step(world, index, `drops ${name}, as the lease is gone`, moved(world, index, IDLE))];
  }
  const { repeat: _, ...rest } = state;
  return [step(world, index, `finds the grant changed under ${name}`, moved(world, index, { ...rest, image }))];
}

function atRejected(world: World, index: number, state: At<'armed'>): World {
  const { proof } = state;
  return moved(world, index, { at: 'rejected', ...leaseOf(state), ...(proof === undefined ? {} : { proof }) });
}

function leaseOf({ grant, attempt }: Lease): Lease {
  return { grant, attempt };
}

function problemOf(harm: string | undefined) {
  return harm === undefined ? {} : { problem: harm };
}
