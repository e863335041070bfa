import { Metrics } from '@aws-lambda-powertools/metrics';
import { APP, METRICS, type MetricName } from '../domain/names.ts';
import type { CountMetric } from '../service/ports.ts';

const UNITS: Partial<Record<MetricName, 'Milliseconds'>> = { [METRICS.refreshLag]: 'Milliseconds' };

/** Of metrics that are alarmed on one by one: written at once, because the process that counts one may not live to its end. */
const URGENT: ReadonlySet<MetricName> = new Set([METRICS.tokenAtRisk]);

/** One document of the embedded metric format per combination of dimensions: CloudWatch counts a document's values under all of them. */
const documents = new Map<string, Metrics>();

/**
 * Counts in memory; `flushMetrics` writes. Has exactly the dimensions it is given, so alarms find the metric under
 * `provider`, or `provider` and `outcome`, or neither. A value that is no number is not counted: a metric must not cost a token.
 */
export function createCountMetric(): CountMetric {
  return (name, value, { provider, outcome } = {}) => {
    if (!Number.isFinite(value)) return;
    const dimensions = { ...(provider && { provider }), ...(outcome && { outcome }) };
    const document = documentOf(dimensions);
    // A document that was published, also by Powertools at its 100th value, has lost its dimensions.
    if (!document.hasStoredMetrics()) document.addDimensions(dimensions);
    document.addMetric(name, UNITS[name] ?? 'Count', value);
    if (URGENT.has(name)) document.publishStoredMetrics();
  };
}

/** Writes what was counted since the last call to standard output. Synchronous and local: it delays nobody. */
export function flushMetrics(): void {
  for (const document of documents.values()) {
    if (document.hasStoredMetrics()) document.publishStoredMetrics();
  }
}

function documentOf(dimensions: Record<string, string>): Metrics {
  const key = JSON.stringify(dimensions);
  const document = documents.get(key) ?? createDocument();
  documents.set(key, document);
  return document;
}

/** The namespace is POWERTOOLS_METRICS_NAMESPACE, which infra sets to that of the environment. */
function createDocument(): Metrics {
  const metrics = new Metrics({ serviceName: APP });
  metrics.clearDefaultDimensions();
  return metrics;
}
