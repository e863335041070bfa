import { type GraphWidget, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { APP, DENIED_OUTCOMES, METRICS, PROVIDER_IDS } from '../lib/domain/names.ts';
import { STAGE } from '../lib/domain/routes.ts';
import { blockedRequests } from './alarms-callers.ts';
import type { Config } from './config.ts';
import { everyOutcome, graph } from './dashboard-graph.ts';
import { functionMetric, MINUTE, ownMetrics } from './metrics.ts';

type Shown = Pick<Config, 'environment' | 'serveLatencyMs' | 'region'>;

/** What those meet who call and connect. */
export function userGraphs({ environment, serveLatencyMs }: Shown): GraphWidget[] {
  const own = ownMetrics(environment);
  const latency = (statistic: string) => own(METRICS.serveLatency, statistic).with({ label: statistic });
  return [
    graph('Tokens served', [everyOutcome(environment, METRICS.tokenServed)], { stacked: true }),
    graph('get-token, ms', [latency('p50'), latency('p99')], { alarmAt: serveLatencyMs }),
    graph(
      'get-token: calls that failed by our fault',
      [
        own(METRICS.serveFault, 'Sum').with({ label: 'faults' }),
        functionMetric(environment, 'get-token', 'Errors', 'Sum').with({ label: 'timeouts and crashes' }),
      ],
      { right: [functionMetric(environment, 'get-token', 'Invocations', 'Sum').with({ label: 'calls' })] },
    ),
    graph('Connecting: how it ended', [everyOutcome(environment, METRICS.connectOutcome)], {
      right: PROVIDER_IDS.map((provider) =>
        own(METRICS.connectFault, 'Sum', { provider }).with({ label: `${provider}: our fault` }),
      ),
    }),
  ];
}

/** What strangers, and partners without the right, meet. */
export function securityGraphs(config: Shown): GraphWidget[] {
  const { environment } = config;
  const own = ownMetrics(environment);
  const ofApi = (metricName: string, label: string) =>
    new Metric({
      namespace: 'AWS/ApiGateway',
      metricName,
      dimensionsMap: { ApiName: `${APP}-${environment}`, Stage: STAGE },
      statistic: 'Sum',
      period: MINUTE,
      label,
    });
  const blocked = (rule: string) => blockedRequests(config, rule).with({ label: rule, period: MINUTE });
  return [
    graph(
      'Denied calls',
      DENIED_OUTCOMES.map((outcome) => own(METRICS.deniedCalls, 'Sum', { outcome }).with({ label: outcome })),
      { stacked: true },
    ),
    graph('Firewall: requests blocked', ['ALL', 'connect', 'every-path'].map(blocked)),
    graph('HTTP API: answers', [ofApi('4XXError', '4xx'), ofApi('5XXError', '5xx')], {
      right: [ofApi('Count', 'requests')],
    }),
    graph('Given up, and soon to end', [
      everyOutcome(environment, METRICS.needsReauth),
      everyOutcome(environment, METRICS.grantExpiring),
    ]),
  ];
}
