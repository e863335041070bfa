import { PROVIDER_IDS, type ProviderId } from '../lib/domain/names.ts';

/**
 * What a deployment costs in a month, as a formula: what one refresh and one handed-out token ask of AWS (measured on the
 * local platform, held by test/e2e/cost.proof.test.ts) times list prices. Taxes, free tiers, CloudTrail, traffic to the providers
 * and requests of the HTTP API (a few per connection in its life) are not in it.
 */

/** US dollars, on demand, us-east-1, as AWS listed them in 2025. Look them up again before you rely on them. */
const PRICES = {
  /** DynamoDB: per write and read request unit, per GB and month, per GB and month of point-in-time recovery. */
  writeUnit: 0.625 / 1e6,
  readUnit: 0.125 / 1e6,
  storedGb: 0.25,
  recoveryGb: 0.2,
  keyRequest: 0.03 / 1e4,
  key: 1,
  secret: 0.4,
  lambdaRequest: 0.2 / 1e6,
  /** arm64. */
  lambdaGbSecond: 0.0000133334,
  event: 1 / 1e6,
  metric: 0.3,
  alarmedMetric: 0.1,
  compositeAlarm: 0.5,
  anomalyAlarm: 0.3,
  dashboard: 3,
  gaugeRequest: 0.01 / 1e3,
  logGb: 0.5,
  firewall: 5,
  firewallRule: 1,
  queueRequest: 0.4 / 1e6,
} as const;

/** What one of each asks for. A grant of 4 KB is four write units, in a transaction eight; the index `due` takes two more. */
export const MEASURED = {
  /** Lease (8 + 2), commit with its audit row (8 + 2 + 2); said of the provider's health once a minute. */
  refresh: { writeUnits: 22, readUnits: 3, keyRequests: 3, events: 2, logKb: 0.5 },
  /** Connection and grant, consistently; the key is asked once per new token. */
  token: { readUnits: 2, logKb: 0.4 },
  /** Queries of the due index (56, half a unit each) and reads of the providers' state (6). */
  sweep: { readUnits: 34, keyRequests: 2, gaugeRequests: 1, logKb: 2 },
} as const;

/** What cannot be measured on a laptop: how long AWS and the providers take. */
const ASSUMED = { refreshSeconds: 0.7, sweepSeconds: 1, tokenSeconds: 0.01, memoryGb: 0.5, workers: 16 } as const;

/** What exists once per deployment. An alarm on an expression is paid for by each metric in it. */
export const FIXED = { keys: 3, secrets: 3, metrics: 100, alarmedMetrics: 65, firewallRules: 2 } as const;

const MINUTES_PER_MONTH = 30.4 * 24 * 60;
/** Of an access token. */
const LIFE_MINUTES: Readonly<Record<ProviderId, number>> = { quickbooks: 60, xero: 30 };
const AUDIT_KB = 0.4;
const AUDIT_MONTHS = 13;
const GRANT_KB = 5;

interface Usage {
  readonly connections: number;
  /** Share of them that somebody asked for in the last 24 hours. */
  readonly inUse: number;
  /** Calls of get-token per day for each of those; a client that caches makes few. */
  readonly callsPerDay: number;
  /** Share that is QuickBooks; the rest is Xero, whose tokens live half as long. */
  readonly quickbooks: number;
  readonly refreshAheadMinutes: number;
  readonly keepAliveDays: number;
}

const USUAL: Omit<Usage, 'connections'> = {
  inUse: 0.2,
  callsPerDay: 50,
  quickbooks: 0.7,
  refreshAheadMinutes: 30,
  keepAliveDays: 14,
};

interface MonthlyCost {
  readonly fixed: number;
  readonly refreshing: number;
  readonly serving: number;
  readonly storage: number;
  readonly total: number;
  readonly refreshesPerSecond: number;
}

/** The README's table in Markdown: dollars a month for three sizes, of the usual use. */
export function costTable(): string {
  const rows = [1e3, 1e5, 1e7].map((connections) => {
    const { fixed, refreshing, serving, storage, total, refreshesPerSecond } = monthlyCost({ ...USUAL, connections });
    const dollars = [fixed, refreshing, serving, storage, total].map((value) => dollarsOf(value));
    const each = `${((total / connections) * 100).toFixed(2)} ¢`;
    return `| ${connections.toLocaleString('en-US')} | ${dollars.join(' | ')} | ${each} | ${refreshesPerSecond.toFixed(1)} |`;
  });
  return [
    '| connections | fixed | refreshing | handing out | storage | total | each | refreshes/s |',
    '|---|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

function dollarsOf(value: number): string {
  return `$${value.toLocaleString('en-US', { maximumFractionDigits: value < 100 ? 1 : 0 })}`;
}

/** Dollars a month, by the policy of design §6: what is in use is refreshed ahead of each expiry, what is idle is kept alive. */
function monthlyCost(usage: Usage): MonthlyCost {
  const refreshes = refreshesPerMonth(usage);
  const calls = usage.connections * usage.inUse * usage.callsPerDay * 30.4;
  const fixed = fixedCost();
  const refreshing = refreshes * refreshCost();
  const serving = calls * tokenCost() + refreshes * PRICES.keyRequest;
  const gb = (usage.connections * GRANT_KB + refreshes * AUDIT_MONTHS * AUDIT_KB) / 1e6;
  const storage = gb * (PRICES.storedGb + PRICES.recoveryGb);
  const total = fixed + refreshing + serving + storage;
  return { fixed, refreshing, serving, storage, total, refreshesPerSecond: refreshes / (MINUTES_PER_MONTH * 60) };
}

function refreshesPerMonth({ connections, inUse, quickbooks, refreshAheadMinutes, keepAliveDays }: Usage): number {
  const shares: Readonly<Record<ProviderId, number>> = { quickbooks, xero: 1 - quickbooks };
  const used = PROVIDER_IDS.map((provider) => {
    const life = LIFE_MINUTES[provider];
    return (shares[provider] * MINUTES_PER_MONTH) / (life - Math.min(refreshAheadMinutes, life / 2));
  });
  const idle = MINUTES_PER_MONTH / (keepAliveDays * 24 * 60);
  return connections * (inUse * used.reduce((sum, each) => sum + each, 0) + (1 - inUse) * idle);
}

function refreshCost(): number {
  const { writeUnits, readUnits, keyRequests, events, logKb } = MEASURED.refresh;
  const seconds = ASSUMED.refreshSeconds / ASSUMED.workers;
  return (
    writeUnits * PRICES.writeUnit +
    readUnits * PRICES.readUnit +
    keyRequests * PRICES.keyRequest +
    events * PRICES.event +
    logCost(logKb) +
    seconds * ASSUMED.memoryGb * PRICES.lambdaGbSecond
  );
}

function tokenCost(): number {
  const seconds = ASSUMED.tokenSeconds * ASSUMED.memoryGb * PRICES.lambdaGbSecond;
  return MEASURED.token.readUnits * PRICES.readUnit + PRICES.lambdaRequest + seconds + logCost(MEASURED.token.logKb);
}

function fixedCost(): number {
  const { readUnits, keyRequests, gaugeRequests, logKb } = MEASURED.sweep;
  const sweep =
    readUnits * PRICES.readUnit +
    keyRequests * PRICES.keyRequest +
    gaugeRequests * PRICES.gaugeRequest +
    logCost(logKb) +
    ASSUMED.sweepSeconds * ASSUMED.memoryGb * PRICES.lambdaGbSecond +
    PRICES.lambdaRequest;
  return (
    MINUTES_PER_MONTH * (sweep + 2 * PRICES.queueRequest) +
    FIXED.keys * PRICES.key +
    FIXED.secrets * PRICES.secret +
    FIXED.metrics * PRICES.metric +
    FIXED.alarmedMetrics * PRICES.alarmedMetric +
    PRICES.compositeAlarm +
    PRICES.anomalyAlarm +
    PRICES.dashboard +
    PRICES.firewall +
    FIXED.firewallRules * PRICES.firewallRule
  );
}

function logCost(kb: number): number {
  return (kb / 1e6) * PRICES.logGb;
}
