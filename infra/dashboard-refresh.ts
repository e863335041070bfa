import type { GraphWidget, IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import { METRICS, type MetricName, PROVIDER_IDS, type ProviderId } from '../lib/domain/names.ts';
import { refreshSuccessPercent } from './alarms-refresh.ts';
import type { Config } from './config.ts';
import { graph } from './dashboard-graph.ts';
import { ownMetrics } from './metrics.ts';

type Shown = Pick<Config, 'environment' | 'refreshLagSeconds'>;

const OUTCOMES = [
  ...(['ok', 'rescued', 'at_risk', 'not_sent', 'unknown', 'rejected'] as const),
  ...(['needs_reauth', 'config', 'throttled'] as const),
];
const STATUSES = ['active', 'suspect', 'needs_reauth', 'closing'] as const;
/** Classes of a provider's answers, and `none` where there was no answer. */
const ANSWERS = ['2xx', '3xx', '4xx', '429', '5xx', 'none'] as const;

/** How refreshing goes, in two rows: what became of it, and what the providers do. */
export function refreshGraphs(config: Shown): GraphWidget[][] {
  const { environment, refreshLagSeconds } = config;
  const own = ownMetrics(environment);
  const outcomes = (provider: ProviderId) =>
    graph(`${provider}: refreshes`, under(environment, METRICS.refreshOutcome, provider, OUTCOMES), {
      stacked: true,
      right: [refreshSuccessPercent(environment, provider)],
    });
  const late = graph('The sweep: most overdue, ms; grants overdue', [own(METRICS.refreshLag, 'Maximum')], {
    right: [
      ...gauges(environment, METRICS.overdueGrants, 'overdue'),
      own(METRICS.sweepHeartbeat, 'Sum').with({ label: 'runs' }),
    ],
    alarmAt: refreshLagSeconds * 1000,
  });
  return [[...PROVIDER_IDS.map(outcomes), late, levels(environment)], providerGraphs(environment)];
}

/** Gauges that are 1 while something lasts, beside the number that leads to one of them. */
function levels(environment: string): GraphWidget {
  return graph(
    'Circuit, client refused, verdicts frozen (1 = yes); suspects',
    [
      ...gauges(environment, METRICS.circuitOpen, 'circuit open'),
      ...gauges(environment, METRICS.configRefused, 'client refused'),
      ...gauges(environment, METRICS.verdictsFrozen, 'frozen'),
    ],
    { right: gauges(environment, METRICS.suspects, 'suspects') },
  );
}

function providerGraphs(environment: string): GraphWidget[] {
  const own = ownMetrics(environment);
  const latency = (provider: ProviderId, statistic: string) =>
    own(METRICS.providerLatency, statistic, { provider, outcome: 'refresh' }).with({
      label: `${provider} ${statistic}`,
    });
  const answers = (provider: ProviderId) =>
    graph(`${provider}: answers`, under(environment, METRICS.providerAnswer, provider, ANSWERS), { stacked: true });
  const grants = PROVIDER_IDS.flatMap((provider) =>
    STATUSES.map((outcome) =>
      own(METRICS.grants, 'Maximum', { provider, outcome }).with({ label: `${provider} ${outcome}` }),
    ),
  );
  return [
    ...PROVIDER_IDS.map(answers),
    graph(
      'How long providers take to refresh, ms',
      PROVIDER_IDS.flatMap((provider) => ['p50', 'p99'].map((statistic) => latency(provider, statistic))),
    ),
    graph('Grants by status (daily scan)', grants),
  ];
}

function gauges(environment: string, name: MetricName, label: string): IMetric[] {
  const own = ownMetrics(environment);
  return PROVIDER_IDS.map((provider) => own(name, 'Maximum', { provider }).with({ label: `${provider} ${label}` }));
}

function under(environment: string, name: MetricName, provider: ProviderId, outcomes: readonly string[]): IMetric[] {
  const own = ownMetrics(environment);
  return outcomes.map((outcome) => own(name, 'Sum', { provider, outcome }).with({ label: outcome }));
}
