import { Metrics } from '@aws-lambda-powertools/metrics';
import { denialOf } from '../domain/errors.ts';
import { APP, METRICS, type MetricName } from '../domain/names.ts';
import type { CountMetric } from '../service/ports.ts';

/** All others are counts. */
const UNITS: Partial<Record<MetricName, 'Milliseconds'>> = {
  [METRICS.refreshLag]: 'Milliseconds',
  [METRICS.serveLatency]: 'Milliseconds',
  [METRICS.providerLatency]: 'Milliseconds',
};

/** Of metrics that are alarmed on one by one: written at once, because the process that counts one may not live to its end. */
const URGENT: ReadonlySet<MetricName> = new Set([METRICS.tokenAtRisk]);

/** One document of the embedded metric format per combination of dimensions: CloudWatch counts a document's values under all of them. */
const documents = new Map<string, Metrics>();

/**
 * Counts in memory; `flushMetrics` writes. Has exactly the dimensions it is given, so alarms find the metric under
 * `provider`, `outcome`, both or neither. Never throws, and a value that is no number is not counted: a metric must not cost a token.
 */
export function createCountMetric(): CountMetric {
  return (name, value, { provider, outcome } = {}) => {
    if (!Number.isFinite(value)) return;
    quietly(() => {
      const dimensions = { ...(provider && { provider }), ...(outcome && { outcome }) };
      const document = documentOf(dimensions);
      // A document that was published, also by Powertools at its 100th value, has lost its dimensions.
      if (!document.hasStoredMetrics()) {
        // Those of a value that was not taken would make the next one count twice.
        document.clearDimensions();
        document.addDimensions(dimensions);
      }
      document.addMetric(name, UNITS[name] ?? 'Count', value);
      if (URGENT.has(name)) document.publishStoredMetrics();
    });
  };
}

/** Writes what was counted since the last call to standard output. Synchronous and local: it delays nobody, and never throws. */
export function flushMetrics(): void {
  for (const document of documents.values()) {
    quietly(() => {
      if (document.hasStoredMetrics()) document.publishStoredMetrics();
    });
  }
}

const countMetric = createCountMetric();

/** Counts an error that refuses for want of right, and no other. */
export function countDenial(error: unknown): void {
  const outcome = denialOf(error);
  if (outcome !== undefined) countMetric(METRICS.deniedCalls, 1, { outcome });
}

/** Powertools throws when it is told to count what it finds odd; whatever it says of it, the answer goes out. */
function quietly(task: () => void): void {
  try {
    task();
  } catch {
    // There is nobody to tell: a line about a metric would be the next thing to go wrong.
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
