import type { Datum } from './metric-data.ts';
import { datumOf } from './metric-datum.ts';

type Input = Readonly<Record<string, unknown>>;

/**
 * The data in a line that a function printed in CloudWatch's embedded metric format: each metric under each of its sets of
 * dimensions, or under none where there is no set. None for any other line, as CloudWatch takes what is no such document for
 * text. Values that are no numbers, and sets with a dimension the document does not hold, are left out.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function readEmbeddedMetrics(line: string): readonly Datum[] {
  if (!line.startsWith('{') || !line.includes('"CloudWatchMetrics"')) return [];
  const root = parse(line);
  const { Timestamp, CloudWatchMetrics } = recordOf(root._aws);
  if (typeof Timestamp !== 'number') return [];
  return listOf(CloudWatchMetrics).flatMap(({ Namespace, Dimensions, Metrics }) => {
    const given = Array.isArray(Dimensions) ? (Dimensions as unknown[]) : [];
    const sets = given.length === 0 ? [[]] : given.filter((set) => Array.isArray(set)).map((set) => set.map(String));
    const known = sets.filter((set) => set.every((name) => typeof root[name] === 'string'));
    return listOf(Metrics).flatMap(({ Name, Unit }) => {
      const values = [root[String(Name)]].flat().filter((value) => typeof value === 'number');
      if (values.length === 0) return [];
      return known.map((set) =>
        datumOf({
          namespace: String(Namespace),
          name: String(Name),
          dimensions: set.map((dimension) => ({ Name: dimension, Value: String(root[dimension]) })),
          unit: String(Unit ?? 'None'),
          at: Timestamp,
          values: values.map((value) => [value, 1]),
        }),
      );
    });
  });
}

function parse(line: string): Input {
  try {
    return recordOf(JSON.parse(line));
  } catch {
    return {};
  }
}

function recordOf(value: unknown): Input {
  return typeof value === 'object' && value !== null ? (value as Input) : {};
}

function listOf(value: unknown): readonly Input[] {
  return Array.isArray(value) ? value.map(recordOf) : [];
}
