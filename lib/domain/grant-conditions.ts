import type { Grant, GrantFields, Instant } from './grant.ts';
import {
  absent,
  allOf,
  anyOf,
  atMost,
  below,
  type Condition,
  equals,
  hasSize,
  present,
  type WriteOn,
} from './write.ts';

/** The clauses of protocol.md, each under one name, and the frame of a write on a grant. */

/**
 * How far another machine's clock may be behind ours before we take over its unfinished attempt. The lease itself already
 * has ten seconds of slack; this is for the taker's side.
 */
const SKEW_MS = 2_000;

export const generationIs = (generation: string): Condition => equals(['generation'], generation);
export const tokenVersionIs = (version: number): Condition => equals(['tokenVersion'], version);
export const numberIs = (number: number): Condition => equals(['number'], number);
export const attemptIs = (id: string): Condition => equals(['attempt', 'id'], id);
export const statusIs = (status: Grant['status']): Condition => equals(['status'], status);
export const servesNobody: Condition = absent('orgs');
export const heldCountIs = (grant: Pick<Grant, 'held'>): Condition => hasSize(['held'], Object.keys(grant.held).length);
/** Exactly the held tokens that were read: one may have arrived and taken another's place. */
export const heldAre = (grant: Pick<Grant, 'held'>): readonly Condition[] => [
  heldCountIs(grant),
  ...Object.keys(grant.held).map((id) => present('held', id)),
];
/** The attempt stands as it was read: another may have been taken since, or this one reported, which moves the due date. */
export function attemptAsRead({ attempt }: Pick<Grant, 'attempt'>): readonly Condition[] {
  if (attempt === undefined) return [absent('attempt')];
  const { id, until, outcome } = attempt;
  const reported = outcome === undefined ? isUnreported : equals(['attempt', 'outcome'], outcome);
  return [attemptIs(id), equals(['attempt', 'until'], until), reported];
}
/** Nothing has been said of the attempt yet. */
export const isUnreported: Condition = absent('attempt', 'outcome');
export const noDuties: Condition = hasSize(['detach'], 0);
export const dueAtIs = (grant: Pick<Grant, 'dueAt'>): Condition => instantIs('dueAt', grant.dueAt);
/**
 * What a disconnect, a link or a reader may change beside an attempt, and `dueAt` need not show: during a lease it is the
 * lease's end before and after. Who lets go of a lease must have seen it, or it would be forgotten until the next keep-alive.
 */
export const owesAsRead = (
  grant: Pick<Grant, 'orgs' | 'detach' | 'tenantCheckAt' | 'lastUsedAt'>,
): readonly Condition[] => [
  grant.orgs === undefined ? absent('orgs') : hasSize(['orgs'], grant.orgs.size),
  hasSize(['detach'], Object.keys(grant.detach).length),
  instantIs('tenantCheckAt', grant.tenantCheckAt),
  instantIs('lastUsedAt', grant.lastUsedAt),
];
export const mayStart = (now: Instant): Condition => anyOf(absent('notBefore'), atMost(['notBefore'], now));

/** Nobody works on it: no attempt, one that reported and let go, or one whose lease has run out. */
export const isFree = (now: Instant): Condition =>
  anyOf(
    absent('attempt'),
    allOf(present('attempt', 'outcome'), atMost(['attempt', 'until'], now)),
    below(['attempt', 'until'], now - SKEW_MS),
  );

/** `isFree` for an item in memory. */
export function isFreeNow(grant: Pick<Grant, 'attempt'>, now: Instant): boolean {
  const { attempt } = grant;
  if (attempt === undefined) return true;
  return attempt.outcome === undefined ? attempt.until < now - SKEW_MS : attempt.until <= now;
}

function instantIs(name: 'dueAt' | 'tenantCheckAt' | 'lastUsedAt', at: Instant | undefined): Condition {
  return at === undefined ? absent(name) : equals([name], at);
}

/** Tells images of a grant apart, for tokens of transactions that are decided again on a newer one. */
export function imageId({
  generation,
  status,
  number,
  tokenVersion,
  attempt,
  held,
  detach,
  orgs,
  dueAt,
  tenantCheckAt,
  lastUsedAt,
}: Grant): string {
  const counts = [Object.keys(held).sort(), Object.keys(detach).sort(), orgs?.size, dueAt, tenantCheckAt, lastUsedAt];
  const run = [attempt?.id, attempt?.until, attempt?.outcome];
  return JSON.stringify([generation, status, number, tokenVersion, ...run, ...counts]);
}

/** An update of a grant under conditions. */
export function updateGrant(
  grant: Pick<Grant, 'pk'>,
  when: readonly Condition[],
  change: Omit<Extract<WriteOn<'grants'>, { op: 'update' }>, 'table' | 'key' | 'when' | 'op'>,
): WriteOn<'grants'> {
  return { table: 'grants', key: { pk: grant.pk }, when, op: 'update', ...change };
}

/** The grant without the attributes a change removes. */
export function without<K extends keyof GrantFields>(grant: GrantFields, names: readonly K[]): Omit<GrantFields, K> {
  const rest: Partial<GrantFields> = { ...grant };
  for (const name of names) delete rest[name];
  return rest as Omit<GrantFields, K>;
}

/** The grant as it is after a change, for what follows from it (when it is due, what comes next). */
export function after<G extends Partial<GrantFields>>(grant: Grant, changes: G): GrantFields {
  return { ...(grant as GrantFields), ...changes } as GrantFields;
}
