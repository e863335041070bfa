import { grantKey } from '../../lib/domain/grant.ts';
import { DAY, HOUR, MINUTE } from '../support/grants.ts';
import type { Member } from './fleet.ts';
import type { Plot } from './plot.ts';
import { restoreTo, snapshotOf } from './restore.ts';
import { runMinute } from './schedule.ts';
import type { Spell } from './weather.ts';
import type { World } from './world.ts';

/** The trouble of a seed: what users, readers and operators do meanwhile, and what breaks. */

const SECOND = 1_000;

/** Lets the trouble of the plot happen. */
export async function tellStory(world: World, plot: Plot, members: readonly Member[]): Promise<void> {
  const { context } = world;
  const { random, scheduler, weather } = context;
  weather.setRoughness(plot.roughness);
  const restoredAt = plot.theme === 'rescue' && random.chance(0.15) ? random.between(1, plot.minutes - 1) : undefined;
  let snapshot = snapshotOf(world);
  for (let minute = 0; minute < plot.minutes && world.problem() === undefined; minute += 1) {
    if (restoredAt !== undefined && minute < restoredAt && random.chance(0.5)) snapshot = snapshotOf(world);
    if (minute === restoredAt) await restoreTo(world, snapshot);
    if (random.chance(minute === 0 ? 0.7 : 0.3)) beginSpell(world, plot);
    meddle(world, plot, members);
    for (const [weight, act] of actsOf(world, members)) {
      for (let times = drawn(random.next(), weight * LIVELINESS[plot.theme]); times > 0; times -= 1) {
        scheduler.after(momentIn(random.next()), () => {
          if (world.processes.running() < plot.processes) act();
        });
      }
    }
    await runMinute(world, { isSwept: true });
    if (random.chance(0.35)) await skip(world);
    if (plot.theme === 'rescue' && context.line.length() > 0 && random.chance(0.3)) bury(world);
  }
}

const LIVELINESS = { race: 1, evidence: 0.15, outage: 0.4, rescue: 0.6 } as const;

/** How often something happens that happens `weight` times on average. */
function drawn(chance: number, weight: number): number {
  return Math.floor(weight) + (chance < weight % 1 ? 1 : 0);
}

/** Most of what races happens within the same second. */
function momentIn(chance: number): number {
  return chance < 0.7 ? Math.floor(chance * SECOND) : Math.floor((chance - 0.7) * 3 * 50 * SECOND);
}

type Act = readonly [weight: number, act: () => unknown];

function actsOf(world: World, members: readonly Member[]): readonly Act[] {
  const { context, processes, watch } = world;
  const { random, providerId } = context;
  const someone = () => random.pick(members);
  const keyOf = ({ subject }: Member) => grantKey(providerId, subject);
  const versionOf = (member: Member) => watch.images().get(keyOf(member))?.tokenVersion ?? 0;
  return [
    [1.2, () => processes.refresh(keyOf(someone()))],
    [0.5, forced],
    [0.6, () => processes.sweep()],
    [0.9, () => processes.read(someone().organizationId)],
    // Half the life of a token is the most that anybody gets.
    [0.4, () => processes.read(someone().organizationId, { minValiditySeconds: 3_600 })],
    [0.4, refused],
    [0.1, () => processes.read(someone().organizationId, { rejected: { tokenVersion: 0, reason: 'tenant' } })],
    [0.35, () => processes.disconnect(someone().organizationId)],
    [0.35, () => processes.connect(someone())],
    [0.12, otherUser],
    [0.1, secondAdmin],
    [0.03, () => processes.repair()],
  ];
  function forced(): void {
    const member = someone();
    processes.refresh(keyOf(member), { trigger: 'rejected', rejectedVersion: versionOf(member) });
  }
  function refused(): void {
    const member = someone();
    processes.read(member.organizationId, { rejected: { tokenVersion: versionOf(member), reason: 'token' } });
  }
  /** Another user of the accounting system authorises the same company. */
  function otherUser(): void {
    const member = someone();
    if (providerId === 'quickbooks') return;
    context.situations.saw('other_user_authorised');
    const tenant = { ...member.tenant, providerConnectionId: `${member.tenant.providerConnectionId}-b` };
    processes.connect({ ...member, subject: `${member.subject}-b`, tenant });
  }
  /** Two admins authorise the same company at once, one of them for an organisation that does not get it. */
  function secondAdmin(): void {
    const member = someone();
    context.situations.saw('second_admin_authorised');
    processes.connect(member);
    processes.connect({ ...member, organizationId: random.chance(0.5) ? member.organizationId : 'org-other' });
  }
}

const SPELLS: Readonly<Record<Plot['theme'], readonly (readonly [number, Spell | 'secret'])[]>> = {
  race: [
    [2, 'store'],
    [1, 'audit'],
    [1, 'kms'],
    [1, 'provider_down'],
    [0.5, 'secrets'],
  ],
  evidence: [
    [3, 'provider_denies'],
    [1, 'provider_down'],
    [1, 'queue'],
  ],
  outage: [
    [3, 'provider_down'],
    [3, 'provider_throttles'],
    [3, 'secret'],
    [1, 'provider_garbles'],
    [1, 'provider_denies'],
    [1, 'store'],
    [1, 'secrets'],
  ],
  rescue: [
    [5, 'store'],
    [2, 'queue'],
    [2, 'audit'],
  ],
};

/** How long each lasts, in seconds. */
const LASTING: Readonly<Record<Spell, readonly number[]>> = {
  store: [3, 8, 20, 100],
  audit: [8, 30, 200],
  queue: [5, 30, 120],
  kms: [5, 60],
  secrets: [30, 120],
  provider_down: [20, 120, 300],
  provider_throttles: [20, 120, 300],
  provider_denies: [30, 300, 1_200, 6_600],
  provider_garbles: [2, 20],
};

function beginSpell(world: World, plot: Plot): void {
  const { random, weather, client, scheduler, situations, tell } = world.context;
  const spell = random.weighted(SPELLS[plot.theme]);
  // A second outage would find the grants that the first one has made suspect, with successes of others in between.
  if (spell === 'provider_denies' && world.watch.wasDenied()) return;
  const offsetMs = random.between(0, 30) * SECOND;
  if (spell === 'secret') {
    if (!client.isRight()) return;
    scheduler.after(offsetMs, () => client.rotate());
    scheduler.after(offsetMs + random.pick([60, 300, 900]) * SECOND, () => client.store());
    return;
  }
  const lastingMs = random.pick(LASTING[spell]) * SECOND;
  if (spell === 'provider_denies') world.watch.denied(scheduler.now() + offsetMs + lastingMs);
  scheduler.after(offsetMs, () => {
    tell(() => `-- ${spell} for ${lastingMs / SECOND} s`);
    weather.begin(spell, lastingMs);

    situations.saw(`spell_${spell}`);
  });
}

/** What users and providers do to an authorisation without asking us. */
function meddle(world: World, plot: Plot, members: readonly Member[]): void {
  const { random, provider, scheduler, situations, tell } = world.context;
  const { subject } = random.pick(members);
  const often = plot.theme === 'evidence' ? 0.06 : 0.02;
  if (random.chance(often)) {
    scheduler.after(random.between(0, 50) * SECOND, () => {
      situations.saw('user_revoked');
      tell(() => `-- the user revokes ${subject}`);
      provider.revokeSubject(subject);
    });
  }
  if (random.chance(often)) {
    situations.saw('suspended_by_provider');
    tell(() => `-- the provider suspends ${subject}`);
    provider.suspend(subject);
    scheduler.after(random.pick([10, 40, 100]) * MINUTE, () => {
      tell(() => `-- the provider lifts ${subject}`);
      provider.lift(subject);
    });
  }
}

/** The consumer of the rescue queue was broken for a day; its messages are delivered again some time later. */
function bury({ context }: World): void {
  const { line, scheduler, random } = context;
  line.bury();
  context.tell(() => '-- messages go to the dead-letter queue');
  scheduler.after(random.pick([10 * MINUTE, HOUR, 3 * DAY]), () => line.redrive());
}

/** Nothing is due and nobody at work: on to the time when something is. */
async function skip({ context, watch, processes }: World): Promise<void> {
  const { scheduler, random } = context;
  if (processes.running() > 0) return;
  const dueAt = Math.min(...[...watch.images().values()].map(({ dueAt = Number.POSITIVE_INFINITY }) => dueAt));
  const untilAt = Math.min(dueAt, scheduler.now() + random.pick([10 * MINUTE, HOUR, DAY + HOUR]));
  if (untilAt > scheduler.now() + MINUTE) await scheduler.runUntil(untilAt - random.between(0, 30) * SECOND);
}
