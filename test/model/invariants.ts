import { duePartition, type Grant, type GrantFields, isLiving } from '../../lib/domain/grant.ts';
import { nextDue } from '../../lib/domain/next-due.ts';
import type { Transaction } from '../../lib/domain/write.ts';
import { idOf } from './intern.ts';
import { acceptedOf } from './provider.ts';
import type { Setting } from './setting.ts';
import { type Outcome, storedBy, write } from './store.ts';
import { nameOf, safeNames, tokensOf } from './tokens.ts';
import { grantOf, type World } from './world.ts';

/** The invariants of design §5, held against every write and every state. I8 is the subject of recovery.ts. */

/** A write to the store, held against the invariants that speak of writes. */
export function commit(setting: Setting, world: World, transaction: Transaction): Outcome {
  const outcome = write(world, transaction);
  if (!outcome.committed || outcome.world.problem !== undefined) return outcome;
  const before = grantOf(world, setting.grant);
  const after = grantOf(outcome.world, setting.grant);
  if (after === undefined || after === before) return outcome;
  // What a closed grant is given once more serves nobody, and ends once more.
  const isAlive = before !== undefined && isLiving(before) && isLiving(after);
  const again = isAlive ? storedBy(transaction).find((id) => world.stored.includes(id)) : undefined;
  const problem =
    (again === undefined ? undefined : `I9: the answer to ${again} was stored twice`) ??
    problemOfWrite(setting, { before, after, transaction, now: world.now }) ??
    givenUpProblem(setting, world, after);
  return problem === undefined ? outcome : { committed: true, world: { ...outcome.world, problem } };
}

/** What is wrong with a state, if anything. */
export function problemOf(setting: Setting, world: World): string | undefined {
  return world.problem ?? twoUnderWay(world) ?? lostToken(setting, world) ?? servedAfterDisconnect(setting, world);
}

interface Change {
  readonly before: Grant | undefined;
  readonly after: Grant;
  readonly transaction: Transaction;
  readonly now: number;
}

const checked = new Map<string, string | undefined>();

/** The same change is looked at once. */
function problemOfWrite(setting: Setting, change: Change): string | undefined {
  const { before, after, transaction, now } = change;
  const from = before === undefined ? 0 : idOf(before);
  const key = [from, idOf(after), transaction.token, now, idOf(setting.policy)].join(';');
  if (checked.has(key)) return checked.get(key);
  const problem = wentBack(change) ?? unaudited(change) ?? undue(setting, change);
  checked.set(key, problem);
  return problem;
}

function wentBack({ before, after }: Change): string | undefined {
  if (before === undefined) return undefined;
  if (after.tokenVersion < before.tokenVersion) {
    return `I1: tokenVersion went from ${before.tokenVersion} to ${after.tokenVersion}`;
  }
  if (isLiving(before) && after.generation < before.generation) return 'I5: the grant went back to an older generation';
  const [old, current] = [currentOf(before), currentOf(after)];
  if (current === undefined || current.attemptId === old?.attemptId || !isLiving(after)) return undefined;
  const isOlder = isLiving(before) && current.generation < before.current.generation;
  return isOlder || current.generation !== after.generation
    ? `I5: ${nameOf(current)} became current, which is of another generation`
    : undefined;
}

function unaudited({ before, after, transaction }: Change): string | undefined {
  const rows = transaction.writes.flatMap((leg) =>
    leg.table === 'audit' && leg.op === 'put' && leg.item.pk.startsWith('GRANT#') ? [leg.item] : [],
  );
  const isOwed = after.auditOwed !== undefined && before?.auditOwed === undefined;
  if (isTransition(before, after) && rows.length + (isOwed ? 1 : 0) !== 1) {
    return `I9: a transition with ${rows.length} audit rows`;
  }
  return undefined;
}

function isTransition(before: Grant | undefined, after: Grant): boolean {
  const { attempt } = after;
  const isReport = attempt?.outcome !== undefined && attempt.outcome !== before?.attempt?.outcome;
  return (
    before?.status !== after.status ||
    before.generation !== after.generation ||
    before.tokenVersion !== after.tokenVersion ||
    (isReport && attempt.outcome !== 'OK')
  );
}

/**
 * I11: the index finds it when there is something to do; and what a report puts off is not found in vain until then.
 */
function undue({ policy }: Setting, { before, after, now }: Change): string | undefined {
  const due = nextDue(after as GrantFields, policy, now);
  if (due === undefined) return after.dueAt === undefined ? undefined : 'I11: a closed grant is due';
  if (after.dueAt === undefined) return 'I11: nothing says when it is due';
  const partition = duePartition(after as GrantFields);
  if (after.duePartition !== partition) {
    return `I11: it is in ${after.duePartition} and not in ${partition}`;
  }
  if (after.dueAt > Math.max(due, now)) return `I11: due ${(after.dueAt - Math.max(due, now)) / 1000} s too late`;
  const startsAt = Math.max(after.attempt?.until ?? 0, after.notBefore ?? 0);
  const outcome = before?.attempt?.outcome === undefined ? after.attempt?.outcome : undefined;
  return outcome !== undefined && PUTS_OFF.has(outcome) && after.dueAt < startsAt
    ? `I11: due ${(startsAt - after.dueAt) / 1000} s before it may be worked on`
    : undefined;
}

const PUTS_OFF: ReadonlySet<string> = new Set(['NOT_SENT', 'UNKNOWN', 'THROTTLED', 'CONFIG']);

/** I3: nothing that the provider would accept is in the store, on the queue or in the hands of a process. */
function givenUpProblem(setting: Setting, world: World, after: Grant): string | undefined {
  const before = grantOf(world, setting.grant);
  if (after.status !== 'needs_reauth' || before?.status === 'needs_reauth') return undefined;
  const safe = safeNames(world);
  const good = acceptedOf(world.remote, world.now, setting.kind).find((name) => safe.has(name));
  return good === undefined ? undefined : `I3: given up while ${good} is good`;
}

/** I4: from before the send until the answer a request counts as under way. */
function twoUnderWay({ workers, remote }: World): string | undefined {
  const senders = workers.filter(({ state }) => isSending(state));
  return senders.length + remote.ghosts.length > 1
    ? `I4: ${[...senders.map(({ name }) => `process ${name}`), ...remote.ghosts].join(' and ')} send at the same time`
    : undefined;
}

function isSending(state: World['workers'][number]['state']): boolean {
  return state.at === 'armed' || state.at === 'revoking' || (state.at === 'detaching' && state.stage === 'send');
}

/** I2: of what the provider would accept, somebody has a token, unless nobody could help losing it. */
function lostToken(setting: Setting, world: World): string | undefined {
  const grant = grantOf(world, setting.grant);
  if (grant === undefined || (setting.policy.detaches && !isLiving(grant))) return undefined;
  const accepted = acceptedOf(world.remote, world.now, setting.kind);
  const dropped = accepted.find((name) => world.remote.tokens[name]?.lost !== true);
  if (dropped === undefined) return undefined;
  const safe = safeNames(world);
  if (accepted.some((name) => safe.has(name))) return undefined;
  return `${isLiving(grant) ? 'I2' : 'I6'}: ${dropped} is good and nobody has it any more`;
}

/** I6: an organisation that is not connected is not served. */
function servedAfterDisconnect({ grant: key, provider }: Setting, { store }: World): string | undefined {
  const grant = store[`grants/${key}`] as GrantFields | undefined;
  if (grant === undefined) return undefined;
  for (const organizationId of grant.orgs ?? []) {
    const connection = store[`connections/ORG#${organizationId}/${provider}`];
    if (connection?.status === 'disconnected') return `I6: ${organizationId} is served after its disconnect`;
  }
  const isServing = grant.access !== undefined || grant.orgs !== undefined;
  return isServing && (grant.status === 'closing' || grant.status === 'closed')
    ? `I6: a ${grant.status} grant has an access token or serves somebody`
    : undefined;
}

function currentOf(grant: Grant) {
  return 'current' in grant ? tokensOf(grant)[0] : undefined;
}
