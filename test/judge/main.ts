/**
 * `npm run test:judge`: a judge that is not ours. oidc-provider, rotating at every use and revoking a family when a
 * spent token comes back, counts what ten processes do to it: 1,000 callers of 100 expired grants at once, 1,000
 * callers of one, and 10 refresh cycles of 100 grants. Exactly one redemption per needed refresh, or exit 1. At the end
 * a spent token is sent on purpose, to see that the judge does judge. The last line is JSON.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, startChild } from '../kill/children.ts';
import { startWorld } from '../kill/world.ts';
import type { CallerHandlers, CallResult } from './caller-process.ts';
import type { JudgeHandlers } from './judge-process.ts';
import { authorizeAll, currentToken, sendToken } from './our-side.ts';

const PROCESSES = 10;
const GRANTS = 100;
const CALLS = 1_000;
const CYCLES = 10;
/** In a cycle each grant is asked for by so many processes at once. */
const CALLERS_PER_GRANT = 2;
/** An hour and a minute: every access token of the judge has then expired. */
const EXPIRED_MS = 3_660_000;
/** The ledger is final when nothing was added to it for so long. */
const QUIET_MS = 500;
const problems: string[] = [];

/** What one round came to. */
interface Round {
  readonly calls: number;
  readonly neededRefreshes: number;
  readonly redemptions: number;
  readonly cameBack: number;
  readonly slowestMs: number;
}

const world = await startWorld();
const judge = startChild<JudgeHandlers>(new URL('./judge-process.ts', import.meta.url));
const origin = await judge.call('start', world.client);
const place = { ...world.place, origins: { quickbooks: origin } };
const subjects = Array.from({ length: GRANTS }, (_, index) => `934145${String(index).padStart(10, '0')}`);
const codes = await judge.call('authorize', subjects);
await authorizeAll(place, subjects, codes);
console.log(`${GRANTS} grants authorised at the judge by real code exchanges`);
const callers = Array.from({ length: PROCESSES }, () =>
  startChild<CallerHandlers>(new URL('./caller-process.ts', import.meta.url)),
);
await everyCaller((caller) => caller.call('open', place));

const cycles: Round[] = [];
for (let cycle = 1; cycle <= CYCLES; cycle += 1) {
  cycles.push(await round(`cycle ${cycle} of ${CYCLES}`, (caller) => sharesOf(caller, cycle)));
}
const spent = await currentToken(place, subjects[1] ?? '');
const stampede = await round('1,000 calls on 100 expired grants', () =>
  Array.from({ length: CALLS / PROCESSES }, (_, call) => organizationOf(call % GRANTS)),
);
const single = await round('1,000 calls on one expired grant', () =>
  Array.from({ length: CALLS / PROCESSES }, () => organizationOf(0)),
);

const counted = await judge.call('ledger', undefined);
if (counted.invalidGrant !== 0) problems.unshift(`${counted.invalidGrant} invalid_grant`);
if (counted.familiesRevoked !== 0) problems.unshift(`${counted.familiesRevoked} families revoked`);
for (const [error, count] of Object.entries(counted.otherErrors)) problems.unshift(`${count} refused with ${error}`);
const redeemed = [...counted.redemptions.values()].reduce((sum, count) => sum + count, 0);
if (counted.consumed !== redeemed) problems.unshift(`${counted.consumed} tokens spent in ${redeemed} redemptions`);

const control = await reuse(spent);
await Promise.all([...callers.map((caller) => caller.stop()), judge.stop()]);
await world.stop();
for (const problem of problems.slice(0, 20)) console.log(`PROBLEM: ${problem}`);
const cycleTotal = (pick: (one: Round) => number): number => cycles.reduce((sum, one) => sum + pick(one), 0);
console.log(
  JSON.stringify({
    ...{ calls: stampede.calls, processes: PROCESSES, grants: GRANTS, store: world.storeKind },
    ...{ neededRefreshes: stampede.neededRefreshes, redemptions: stampede.redemptions },
    ...{ invalidGrant: counted.invalidGrant, familiesRevoked: counted.familiesRevoked },
    ...{ cameBack: stampede.cameBack, slowestMs: stampede.slowestMs, oneGrant: single, cycles: cycles.length },
    ...{ cycleCalls: cycleTotal(({ calls }) => calls) },
    ...{ cycleNeededRefreshes: cycleTotal(({ neededRefreshes }) => neededRefreshes) },
    ...{ cycleRedemptions: cycleTotal(({ redemptions }) => redemptions), control, problems: problems.length },
  }),
);
process.exitCode = problems.length === 0 ? 0 : 1;

/**
 * Lets every token expire, has all processes call at once, and compares what was needed with what the judge counted.
 */
async function round(name: string, callsOf: (caller: number) => readonly string[]): Promise<Round> {
  await everyCaller((caller) => caller.call('advance', EXPIRED_MS));
  const before = (await judge.call('ledger', undefined)).redemptions;
  const perCaller = await everyCaller((caller, index) => caller.call('call', callsOf(index)));
  const after = await settledRedemptions();
  const results = perCaller.flat();
  const byOrganization = Map.groupBy(results, ({ organizationId }) => organizationId);
  for (const [organizationId, calls] of byOrganization) checkAgreement(name, organizationId, calls);
  let redemptions = 0;
  for (const [index, subject] of subjects.entries()) {
    const redeemed = (after.get(subject) ?? 0) - (before.get(subject) ?? 0);
    const needed = byOrganization.has(organizationOf(index)) ? 1 : 0;
    if (redeemed !== needed) problems.push(`${name}: ${subject} was redeemed ${redeemed} times, needed ${needed}`);
    redemptions += redeemed;
  }
  const told: Round = {
    calls: results.length,
    neededRefreshes: byOrganization.size,
    redemptions,
    cameBack: results.reduce((sum, { cameBack }) => sum + cameBack, 0),
    slowestMs: Math.round(Math.max(...results.map(({ ms }) => ms))),
  };
  console.log(`${name}: ${JSON.stringify(told)}`);
  return told;
}

/** Everybody who asks for one organisation is given a token, and the same one. */
function checkAgreement(name: string, organizationId: string, calls: readonly CallResult[]): void {
  const tokens = new Set<string>();
  for (const { outcome } of calls) {
    if ('fingerprint' in outcome) tokens.add(outcome.fingerprint);
    else problems.push(`${name}: ${organizationId} was given no token but ${outcome.code}`);
  }
  if (tokens.size > 1) problems.push(`${name}: ${organizationId} was given ${tokens.size} different tokens`);
}

/** All grants, each asked for by two processes; which two changes from cycle to cycle. */
function sharesOf(caller: number, cycle: number): string[] {
  return subjects.flatMap((_, index) =>
    (index * CALLERS_PER_GRANT + caller + cycle) % PROCESSES < CALLERS_PER_GRANT ? [organizationOf(index)] : [],
  );
}

async function settledRedemptions(): Promise<ReadonlyMap<string, number>> {
  let last = await judge.call('ledger', undefined);
  for (let round = 0; round < 60; round += 1) {
    await sleep(QUIET_MS);
    const next = await judge.call('ledger', undefined);
    if (next.consumed === last.consumed && next.invalidGrant === last.invalidGrant) return next.redemptions;
    last = next;
  }
  throw new Error('the judge is asked without end');
}

/** A check that cannot fail is none: the spent token has to be refused, and to take its family with it. */
async function reuse(token: Awaited<ReturnType<typeof currentToken>>): Promise<'revoked' | 'not judged'> {
  const outcome = await sendToken(place, token);
  const { invalidGrant, familiesRevoked } = await judge.call('ledger', undefined);
  const successor = await sendToken(place, await currentToken(place, subjects[1] ?? ''));
  const isJudged =
    outcome === 'REJECTED' && successor === 'REJECTED' && familiesRevoked - counted.familiesRevoked === 1;
  if (isJudged && invalidGrant - counted.invalidGrant === 1) return 'revoked';
  problems.push(`control: the spent token gave ${outcome}, its successor ${successor}, ${familiesRevoked} revoked`);
  return 'not judged';
}

function everyCaller<T>(work: (caller: Child<CallerHandlers>, index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(callers.map(work));
}

function organizationOf(index: number): string {
  return `org-${subjects[index]}`;
}
