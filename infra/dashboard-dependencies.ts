import type { GraphWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { METRICS, PROVIDER_IDS, THROTTLED_SERVICES } from '../lib/domain/names.ts';
import { TOKEN_PATH } from './alarms-platform.ts';
import { everyOutcome, graph } from './dashboard-graph.ts';
import { functionMetric, ownMetrics, queueMetric } from './metrics.ts';
import { rescueQueueNames } from './rescue-queue.ts';

/** What we stand on. */
export function dependencyGraphs(environment: string): GraphWidget[] {
  return [throttles(environment), functions(environment), queues(environment), keysAndSecrets(environment)];
}

function throttles(environment: string): GraphWidget {
  const own = ownMetrics(environment);
  const ofServices = THROTTLED_SERVICES.map((outcome) =>
    own(METRICS.awsThrottled, 'Sum', { outcome }).with({ label: outcome }),
  );
  const contention = PROVIDER_IDS.map((provider) =>
    own(METRICS.leaseContention, 'Sum', { provider }).with({ label: `${provider} leases contended` }),
  );
  return graph('AWS throttles us; writes again', ofServices, {
    right: [...contention, own(METRICS.commitRetries, 'Sum').with({ label: 'commits tried again' })],
  });
}

function functions(environment: string): GraphWidget {
  const throttled = TOKEN_PATH.map((name) =>
    functionMetric(environment, name, 'Throttles', 'Sum').with({ label: `${name} throttled` }),
  );
  const failed = (['refresh-due', 'refresh-grant', 'rescue', 'finish-connect'] as const).map((name) =>
    functionMetric(environment, name, 'Errors', 'Sum').with({ label: `${name} errors` }),
  );
  const slowest = functionMetric(environment, 'refresh-due', 'Duration', 'Maximum').with({ label: 'refresh-due, ms' });
  return graph('Functions: throttled, failed', [...throttled, ...failed], { right: [slowest] });
}

function queues(environment: string): GraphWidget {
  const own = ownMetrics(environment);
  const { queue, deadLetter } = rescueQueueNames(environment);
  const onQueue = (name: string, label: string) => [
    queueMetric(name, 'Visible').with({ label: `${label} waiting` }),
    queueMetric(name, 'NotVisible').with({ label: `${label} taken` }),
  ];
  const counted = PROVIDER_IDS.flatMap((provider) => [
    own(METRICS.rescueQueued, 'Sum', { provider }).with({ label: `${provider} queued` }),
    own(METRICS.tokenAtRisk, 'Sum', { provider }).with({ label: `${provider} at risk` }),
  ]);
  return graph('Rescue queues; tokens at risk', [...onQueue(queue, 'rescue'), ...onQueue(deadLetter, 'dead letter')], {
    right: [...counted, everyOutcome(environment, METRICS.rescueApplied)],
  });
}

function keysAndSecrets(environment: string): GraphWidget {
  const own = ownMetrics(environment);
  return graph('Keys, secrets, events', [
    own(METRICS.keysUnusable, 'Maximum').with({ label: 'keys unusable' }),
    own(METRICS.secretErrors, 'Sum').with({ label: 'secrets unreadable' }),
    own(METRICS.eventsDropped, 'Sum').with({ label: 'events dropped' }),
  ]);
}
