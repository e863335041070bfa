import { isLiving } from '../../lib/domain/grant.ts';
import type { ProviderId } from '../../lib/domain/names.ts';
import { PROVIDERS } from '../../lib/providers/index.ts';
import type { SweepPorts } from '../../lib/service/refresh-due.ts';
import { refreshGrant } from '../../lib/service/refresh-grant.ts';
import type { Child } from './children.ts';
import type { Pace } from './clocks.ts';
import type { Fleet } from './fleet.ts';
import { type Inspected, type Interruption, inspectAll, readInterruptions } from './inspect.ts';
import type { ProviderHandlers, Sending } from './provider-process.ts';
import type { StoreStarted } from './store-process.ts';

/** What a run came to. Seconds are of the common clock. */
export interface RunReport {
  readonly provider: ProviderId;
  readonly graceSeconds: number;
  readonly store?: StoreStarted['kind'];
  readonly refreshes: number;
  readonly kills: number;
  /** Requests with a token that was neither the newest nor within the grace. */
  readonly staleSends: number;
  /** Requests that met another for the same grant at the provider. */
  readonly overlaps: number;
  readonly grantsLost: number;
  /** Of those: rotated by a process that was killed before it could store or queue the answer. */
  readonly lostByKill: number;
  readonly longestRecoverySeconds: number;
  readonly problems: readonly string[];
  readonly [figure: string]: unknown;
}

interface Evidence {
  readonly provider: ProviderId;
  readonly pace: Pace;
  readonly fleet: Fleet;
  readonly spells: Readonly<Record<string, number>>;
  readonly simulator: Child<ProviderHandlers>;
  readonly killingEndedAt: number;
  readonly settledAt: number | undefined;
}

/** An attempt may take this long (lib/domain/acquire-decision.ts), and its request is processed within it. */
const ATTEMPT_MS = 70_000;
/**
 * A process that has the answer and lives for so long has stored it or put it on the queue: after 2 s by its own clock,
 * and 2 s of real time for the way.
 */
const ESCROW = { clockMs: 2_000, realMs: 2_000 };

/** Looks at every grant, every interrupted attempt and every request the provider saw. */
export async function report(ports: SweepPorts, evidence: Evidence): Promise<RunReport> {
  const { provider, fleet, simulator } = evidence;
  const { graceSeconds } = PROVIDERS[provider].rotation;
  const first = await inspectAll(ports, simulator);
  const latent = first.filter(({ fate }) => fate === 'latent');
  for (const { grant } of latent) await refuseToken(ports, grant.pk);
  const inspected = latent.length === 0 ? first : await inspectAll(ports, simulator);
  const sendings = await simulator.call('sendings', undefined);
  const interruptions = await readInterruptions(
    ports,
    inspected.map(({ grant }) => grant),
  );
  const lost = inspected.filter(({ fate }) => fate === 'lost');
  const unexplained = lost.filter((one) => !isByKill(one, { sendings, interruptions, fleet, pace: evidence.pace }));
  const unwell = inspected.filter(({ fate }) => fate === 'unrecovered' || fate === 'latent');
  const recoveries = interruptions.flatMap(({ startedAt, recoveredAt }) =>
    recoveredAt === undefined ? [] : [(recoveredAt - startedAt) / 1000],
  );
  const overlaps = sendings.filter(({ inFlight }) => inFlight > 1).length;
  const problems = [
    ...(graceSeconds > 0 ? lost.map(({ grant }) => `${grant.pk} is lost although there is a grace`) : []),
    ...unexplained.map(({ grant }) => `${grant.pk} is lost and no kill explains it`),
    ...unwell.map(({ grant, fate }) => `${grant.pk} is ${grant.status} (${fate}) although a stored token is good`),
    ...(overlaps > 0 ? [`${overlaps} requests met another for the same grant`] : []),
    ...(evidence.settledAt === undefined ? ['not every grant was well in time'] : []),
    ...(atRisk(fleet) > 0 ? [`${atRisk(fleet)} tokens at risk`] : []),
  ];
  return {
    provider,
    graceSeconds,
    refreshes: sendings.filter(({ issued }) => issued !== undefined).length,
    refreshesWhileKilling: sendings.filter(({ issued, at }) => issued !== undefined && at < evidence.killingEndedAt)
      .length,
    kills: fleet.killed.size,
    staleSends: sendings.filter(({ isGood }) => !isGood).length,
    overlaps,
    grantsLost: lost.length,
    lostByKill: lost.length - unexplained.length,
    longestRecoverySeconds: Math.round(Math.max(0, ...recoveries)),
    interruptedAttempts: interruptions.length,
    latentRecovered: latent.length,
    settledSeconds: Math.round(((evidence.settledAt ?? Number.NaN) - evidence.killingEndedAt) / 1000),
    rescueQueued: fleet.counted.get('RescueQueued') ?? 0,
    spells: evidence.spells,
    told: Object.fromEntries(
      [...fleet.counted].filter(([name]) => /^(RefreshOutcome|log|run|RescueApplied)/.test(name)),
    ),
    clockFactor: evidence.pace.factor,
    problems,
  };
}

/** As after an API has refused the access token: the only way to notice a token that died unseen. */
async function refuseToken(ports: SweepPorts, key: Inspected['grant']['pk']): Promise<void> {
  const grant = await ports.store.readGrant(key);
  if (grant === undefined || !isLiving(grant)) return;
  const request = { grant: key, trigger: 'rejected', rejectedVersion: grant.tokenVersion } as const;
  await refreshGrant(ports, request, ports.clock.now() + 600_000);
}

function atRisk({ counted }: Fleet): number {
  return counted.get('TokenAtRisk') ?? 0;
}

interface Explanation {
  readonly sendings: readonly Sending[];
  readonly interruptions: readonly Interruption[];
  readonly fleet: Fleet;
  readonly pace: Pace;
}

/**
 * Whether the newest token of a lost grant was issued to an attempt that never reported, and whose process was killed
 * before it can have stored the answer. Then the answer died with the process: the residue that no protocol can take
 * away.
 */
function isByKill({ grant, stored }: Inspected, { sendings, interruptions, fleet, pace }: Explanation): boolean {
  const newest = sendings.findLast(({ subject, issued }) => issued !== undefined && subject === grant.subject);
  if (newest?.issued === undefined || stored.includes(newest.issued)) return false;
  const storedBy = newest.at + ESCROW.clockMs + ESCROW.realMs * pace.factor;
  return interruptions.some(({ grant: { pk }, attemptId, startedAt }) => {
    if (pk !== grant.pk || startedAt > newest.at || newest.at > startedAt + ATTEMPT_MS) return false;
    const killed = fleet.killed.get(Number(attemptId.slice(-6)));
    if (killed === undefined) return false;
    const killedAt = pace.startedAt + (killed.killedAt - pace.startedAt) * pace.factor;
    return startedAt <= killedAt && killedAt <= storedBy;
  });
}
