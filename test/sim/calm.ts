import { type GrantFields, grantKey, type Instant } from '../../lib/domain/grant.ts';
import { HOUR, MINUTE } from '../support/grants.ts';
import { isLeasedRecord, isLivingRecord } from './changes.ts';
import type { Member } from './fleet.ts';
import { isGoing, type Process } from './process.ts';
import { hasWork, runMinute } from './schedule.ts';
import type { World } from './world.ts';

/** The faults have stopped: what can be saved must be saved, by the schedule alone, in bounded time (I8, I6). */

/** A grant whose provider would accept a token of ours is active within this, unless it had been given up. */
const RECOVERY_MS = 30 * MINUTE;
/** Of those that had been given up: the probes come at 1, 6 and 24 hours. */
const PROBED_MS = 26 * HOUR;
/** A token in its grace must last for at least so long if anybody is to use it. */
const USABLE_MS = 10 * MINUTE;

/** So often a caller comes back, once a minute. */
const PATIENCE_MINUTES = 4;

interface Hope {
  readonly subject: string;
  readonly untilAt: Instant;
}

/** Stops the faults, runs the schedule, and says what should have been saved and was not. */
export async function endStory(world: World, members: readonly Member[]): Promise<void> {
  const { context } = world;
  const { scheduler, weather, client, line, provider } = context;
  weather.clear();
  client.store();
  await outlive(world, scheduler.running());
  // What the dead have sent arrives all the same.
  await scheduler.runUntil(scheduler.now() + MINUTE);
  for (const { subject } of subjectsOf(world)) provider.lift(subject);
  line.clearDelays();
  line.redrive();
  await runUntil(world, client.settledAt(), () => client.settledAt() <= scheduler.now());
  const hopes = hopesOf(world);
  const beganAt = scheduler.now();
  await runUntil(world, beganAt + PROBED_MS, () => {
    const late = hopes.find((hope) => hope.untilAt < scheduler.now() && !isSaved(world, hope));
    if (late !== undefined) context.fail(`I8: ${late.subject} could have been saved: ${stateOf(world, late.subject)}`);
    return late !== undefined || (hopes.every((hope) => isSaved(world, hope)) && isQuiet(world));
  });
  if (world.problem() !== undefined) return;
  for (const _ of hopes) context.situations.saw('recovered');
  await serveEverybody(world, members, hopes);
  checkEndings(world, members);
}

/** Whoever is still at work, or frozen, comes to his end, while the schedule goes on. */
async function outlive(world: World, processes: readonly Process[]): Promise<void> {
  while (processes.some(isGoing) && world.problem() === undefined) await runMinute(world, { isSwept: true });
}

/** A minute at a time where something is due, and at once to where it is. */
async function runUntil(world: World, untilAt: Instant, isOver: () => boolean): Promise<void> {
  const { scheduler } = world.context;
  while (world.problem() === undefined && !isOver() && scheduler.now() < untilAt) {
    if (!hasWork(world)) await scheduler.runUntil(Math.min(nextDueAt(world), untilAt));
    await runMinute(world, { isSwept: true });
  }
}

function nextDueAt({ watch, context }: World): Instant {
  const { line, scheduler } = context;
  const dues = [...watch.images().values()].map(({ dueAt = Number.POSITIVE_INFINITY }) => dueAt);
  return Math.max(scheduler.now(), Math.min(...dues, line.length() === 0 ? Number.POSITIVE_INFINITY : line.nextAt()));
}

function subjectsOf({ watch }: World): readonly GrantFields[] {
  return [...watch.images().values()];
}

function hopesOf({ context, watch }: World): Hope[] {
  const { provider, custody, scheduler } = context;
  const hopes: Hope[] = [];
  for (const image of watch.images().values()) {
    if (!isLivingRecord(image) || image.orgs === undefined) continue;
    const good = provider.valid(image.subject, USABLE_MS).map(({ value }) => value);
    if (!good.some((value) => custody.isStored(value) || custody.isQueued(value))) continue;
    const withinMs = image.status === 'needs_reauth' ? PROBED_MS : RECOVERY_MS;
    hopes.push({ subject: image.subject, untilAt: scheduler.now() + withinMs });
  }
  return hopes;
}

function isSaved({ context, watch }: World, { subject }: Hope): boolean {
  const image = watch.images().get(grantKey(context.providerId, subject));
  if (image === undefined) return false;
  if (!isLivingRecord(image) || image.orgs === undefined) return true;
  const current = image.current === undefined ? undefined : context.cipher.peek(image.current);
  const isGood = context.provider
    .valid(subject)
    .some(({ value, spentAt }) => value === current && spentAt === undefined);
  // Two authorisations at once may be stored the wrong way round; the next refresh finds the good one among those held.
  const isLeased = isLeasedRecord(image) && (image.attempt?.until ?? 0) > context.scheduler.now();
  const isAtRest = !isLeased && !isRetryOwed(image);
  return image.status === 'active' && (isGood || isAtRest);
}

/** The last attempt has brought nothing, or may have brought something. */
function isRetryOwed({ failure, unansweredSince, doubts }: GrantFields): boolean {
  return failure !== undefined || unansweredSince !== undefined || Object.keys(doubts).length > 0;
}

/** Nothing is left to do that has to be done soon. */
function isQuiet({ context, watch }: World): boolean {
  if (context.line.length() > 0) return false;
  return [...watch.images().values()].every(
    (image) =>
      image.status !== 'closing' && (image.orgs !== undefined || image.status === 'closed' || isDead(context, image)),
  );
}

function isDead({ provider }: World['context'], { subject }: GrantFields): boolean {
  return provider.valid(subject).length === 0;
}

/** When their tokens have expired, everybody gets new ones: by the sweep or because he asks. */
async function serveEverybody(world: World, members: readonly Member[], hopes: readonly Hope[]): Promise<void> {
  const { context, watch } = world;
  const { scheduler } = context;
  await runUntil(world, scheduler.now() + HOUR, () => false);
  const saved = new Set(hopes.map(({ subject }) => grantKey(context.providerId, subject)));
  const organizations = new Set(members.map(({ organizationId }) => organizationId));
  for (const organizationId of organizations) {
    const grant = [...watch.images().values()].find(({ orgs }) => orgs?.has(organizationId));
    if (grant === undefined || !saved.has(grant.pk) || !watch.isConnected(organizationId)) continue;
    if (await isServed(world, organizationId, grant.tokenVersion)) continue;
    // Lost meanwhile, with its grace: that is told elsewhere, with its cause.
    if (!context.provider.valid(grant.subject).some(({ value }) => context.custody.isStored(value))) continue;
    context.fail(`I8: ${organizationId} is not served in the end: ${stateOf(world, grant.subject)}`);
  }
}

/** Within a few minutes, to a caller whose last token the API has rejected. */
async function isServed(world: World, organizationId: string, rejectedVersion: number): Promise<boolean> {
  const { context, processes } = world;
  const served = () => context.situations.counts().read_served ?? 0;
  const before = served();
  for (let minute = 0; minute < PATIENCE_MINUTES && served() === before; minute += 1) {
    if (minute > 0) await runMinute(world, { isSwept: true });
    processes.read(organizationId, { rejected: { tokenVersion: rejectedVersion, reason: 'token' } });
    await context.scheduler.drain();
  }
  return served() > before;
}

/** I6: whatever was disconnected is revoked, detached, or was never within our reach. */
function checkEndings(world: World, members: readonly Member[]): void {
  const { context, watch } = world;
  const { provider, custody, providerId, situations } = context;
  for (const image of watch.images().values()) {
    if (image.status === 'closed') situations.saw('closed_in_the_end');
    const good = provider.valid(image.subject);
    if (isLivingRecord(image) && good.length === 0) situations.saw('found_dead_in_the_end');
    if (providerId !== 'quickbooks' || isLivingRecord(image)) continue;
    const left = good.find(({ value }) => custody.wasSafe(value));
    if (left !== undefined) context.fail(`I6: ${left.value} of ${image.subject} was never revoked (${image.status})`);
  }
  if (providerId === 'quickbooks') return;
  for (const { organizationId, subject, tenant } of members) checkDetached(world, { organizationId, subject, tenant });
}

function checkDetached({ context, watch }: World, { organizationId, subject, tenant }: Member): void {
  const { provider, providerId } = context;
  const image = watch.images().get(grantKey(providerId, subject));
  const attachedAt = provider.attachedAt(subject, tenant.providerConnectionId ?? '');
  if (attachedAt === undefined || provider.valid(subject).length === 0 || watch.isClaimed(tenant.tenantId)) return;
  // Who connected again before a restore has to do so once more.
  if (attachedAt <= watch.restoredAt()) return;
  // What was allowed again afterwards, and then not linked, is owed nothing while the grant serves others.
  if (attachedAt > (watch.leftAt(organizationId, subject) ?? Number.NEGATIVE_INFINITY)) return;
  // Without a good token nothing can be detached.
  if (image !== undefined && isLivingRecord(image) && image.status !== 'active') return;
  context.fail(`I6: ${tenant.tenantId} of ${organizationId} is still attached to ${subject} (${image?.status})`);
}

function stateOf({ context, watch }: World, subject: string): string {
  const image = watch.images().get(grantKey(context.providerId, subject));
  const now = context.scheduler.now();
  const due = image?.dueAt === undefined ? 'never' : `in ${image.dueAt - now} ms`;
  return `${image?.status}, due ${due}, ${image?.failure?.reason ?? 'no failure'}`;
}
