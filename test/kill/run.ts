import { setTimeout as sleep } from 'node:timers/promises';
import type { ProviderId } from '../../lib/domain/names.ts';
import { PROVIDERS } from '../../lib/providers/index.ts';
import type { SweepPorts } from '../../lib/service/refresh-due.ts';
import { type Child, startChild } from './children.ts';
import { createFastClock, type Pace } from './clocks.ts';
import { seesLoss } from './control.ts';
import { type Fleet, killUntil, startFleet } from './fleet.ts';
import { readAllGrants } from './inspect.ts';
import { createRefresher, type Place } from './place.ts';
import type { ProviderHandlers } from './provider-process.ts';
import { type RunReport, report } from './report.ts';
import { forEachOf, seedGrant } from './seed.ts';
import { troubleUntil } from './spells.ts';
import { startWorld, type World } from './world.ts';

export interface RunOptions {
  readonly provider: ProviderId;
  readonly grants: number;
  readonly seconds: number;
  readonly workers: number;
  /** How much faster than real time the common clock runs. */
  readonly factor: number;
}

/** protocol.md, write 1. */
const LEASE_MS = 125_000;
/** How long after the last kill everything has to be well again, by the common clock. */
const RECOVERY_MS = 10 * LEASE_MS;
/**
 * Without a grace a refresh in doubt also waits for the rescue queue (lib/service/rescue-pending.ts), which is busy
 * here.
 */
const RESCUE_PATIENCE_MS = 15 * 60_000;
/** Refreshes per real second that the workers are to find due; access tokens live accordingly. */
const DEMAND_PER_SECOND = 30;
const LIFE_SECONDS = { min: 300, max: 3_600 };
const SEEDS_AT_ONCE = 16;
/** A look reads every grant, which a store on two cores feels. */
const LOOK_MS = 4_000;
const PROGRESS_MS = 10_000;

/** One run at one provider: seed, kill, let it recover, and say what came of every grant. */
export async function runKill(options: RunOptions): Promise<RunReport> {
  const { provider, factor } = options;
  const { graceSeconds } = PROVIDERS[provider].rotation;
  console.log(
    `\n# ${provider}: ${graceSeconds > 0 ? `${graceSeconds} s of grace` : 'no grace'}, rotation at every use`,
  );
  console.log(
    `# clocks run ${factor} times faster: a lease of 125 s takes ${(125 / factor).toFixed(1)} s of real time`,
  );
  const pace: Pace = { startedAt: Date.now(), factor };
  const world = await startWorld({ visibilitySeconds: Math.max(1, Math.ceil(300 / factor)) });
  const simulator = startChild<ProviderHandlers>(new URL('./provider-process.ts', import.meta.url));
  const accessTokenSeconds = lifeOf(options);
  const origin = await simulator.call('start', { provider, client: world.client, pace, accessTokenSeconds });
  const place: Place = { ...world.place, origins: { [provider]: origin } };
  const ports = createRefresher(place, { clock: createFastClock(pace), isPatient: true });
  const subjects = Array.from({ length: options.grants }, (_, index) => `subject-${String(index).padStart(5, '0')}`);
  await seedAll(ports, { simulator, subjects, provider, accessTokenSeconds });
  console.log(`${subjects.length} grants, access tokens live ${accessTokenSeconds} s`);

  const fleet = await startFleet(options.workers, { place, pace, provider, subjects });
  const spells = await wreck(world, simulator, fleet, options);
  const killingEndedAt = ports.clock.now();
  console.log(`${fleet.killed.size} processes killed, store spells ${JSON.stringify(spells)}; now they may recover`);
  const settledAt = await settle(ports, provider, killingEndedAt);
  await fleet.drain();
  const told = await report(ports, { ...options, pace, fleet, spells, simulator, killingEndedAt, settledAt });
  const control = await seesLoss(ports, simulator, provider, subjects);
  await simulator.stop();
  await world.stop();
  const problems = [...told.problems, ...(control ? [] : ['control: a grant lost on purpose went unnoticed'])];
  return { ...told, store: world.storeKind, control: control ? 'seen' : 'missed', problems };
}

/** Half its life after its issue a token is due, so this spreads the wanted demand over all grants. */
function lifeOf({ grants, factor }: RunOptions): number {
  const seconds = Math.round((2 * grants * factor) / DEMAND_PER_SECOND);
  return Math.min(LIFE_SECONDS.max, Math.max(LIFE_SECONDS.min, seconds));
}

interface Seeding {
  readonly simulator: Child<ProviderHandlers>;
  readonly subjects: readonly string[];
  readonly provider: ProviderId;
  readonly accessTokenSeconds: number;
}

/** The ages of the access tokens are spread evenly, so that there is work from the first second and no crowd. */
async function seedAll(ports: SweepPorts, seeding: Seeding): Promise<void> {
  const { simulator, subjects, provider, accessTokenSeconds } = seeding;
  const lifeMs = accessTokenSeconds * 1000;
  const { clientId } = await ports.readClient(provider, 'sandbox');
  const issued = await simulator.call('issue', subjects);
  const now = ports.clock.now();
  await forEachOf([...subjects.entries()], SEEDS_AT_ONCE, async ([index, subject]) => {
    const tokens = issued[index];
    if (tokens === undefined) throw new Error(`the provider issued nothing to ${subject}`);
    const obtainedAt = Math.round(now - (lifeMs / 2) * (index / subjects.length));
    const expiresAt = obtainedAt + lifeMs;
    const refreshExpiresAt = now + PROVIDERS[provider].lifetimes.refreshIdleSeconds * 1000;
    const organizationId = `org-${subject}`;
    await seedGrant(ports, {
      ...{ provider, subject, organizationId, clientId, ...tokens, obtainedAt, expiresAt, refreshExpiresAt },
    });
  });
}

async function wreck(
  { store }: World,
  simulator: Child<ProviderHandlers>,
  fleet: Fleet,
  { seconds, factor }: RunOptions,
) {
  const until = Date.now() + seconds * 1000;
  const [, spells] = await Promise.all([
    killUntil(fleet, until),
    troubleUntil(store, { until, leaseMs: LEASE_MS / factor }),
    showProgress(until, simulator, fleet),
  ]);
  return spells;
}

async function showProgress(until: number, simulator: Child<ProviderHandlers>, fleet: Fleet): Promise<void> {
  for (let left = until - Date.now(); left > 0; left = until - Date.now()) {
    await sleep(Math.min(left, PROGRESS_MS));
    const refreshes = await simulator.call('refreshes', undefined);
    const secondsLeft = Math.max(0, Math.round((until - Date.now()) / 1000));
    console.log(`  ${fleet.killed.size} kills, ${refreshes} refreshes, ${secondsLeft} s to go`);
  }
}

/** When every grant had been seen well, by the common clock; undefined when the time for it ran out. */
async function settle(ports: SweepPorts, provider: ProviderId, endedAt: number): Promise<number | undefined> {
  const { graceSeconds } = PROVIDERS[provider].rotation;
  const untilAt = endedAt + RECOVERY_MS + (graceSeconds > 0 ? 0 : RESCUE_PATIENCE_MS);
  const well = new Set<string>();
  while (ports.clock.now() < untilAt) {
    await sleep(LOOK_MS);
    const grants = await readAllGrants(ports);
    for (const grant of grants) {
      const { attempt, doubts } = grant;
      const isOwing = Object.keys(doubts).length > 0 || (attempt !== undefined && attempt.outcome !== 'OK');
      const isRefreshed = (grant.lastRefreshedAt ?? 0) > endedAt;
      if (grant.status === 'active' && (isRefreshed || !isOwing)) well.add(grant.pk);
      // What was lost where there is no grace ends as a suspect; the provider is asked later whether it really is.
      if (graceSeconds === 0 && (grant.rejections?.count ?? 0) >= 2) well.add(grant.pk);
    }
    console.log(`  ${well.size} of ${grants.length} well again`);
    if (well.size === grants.length) return ports.clock.now();
  }
  return undefined;
}
