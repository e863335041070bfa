import { parseRule } from './composite.ts';
import {
  type AlarmDefinition,
  AlarmError,
  type AlarmState,
  type Comparison,
  type CompositeAlarm,
  type Dimension,
  type MetricAlarm,
  type MetricQuery,
  type MetricStat,
  type UnjudgedAlarm,
} from './model.ts';
import { prepareQueries } from './queries.ts';
import { isStatistic } from './statistics.ts';

type Properties = Readonly<Record<string, unknown>>;

/** Those of alarms on a fixed threshold. */
const COMPARISONS: Readonly<Record<string, Comparison>> = {
  GreaterThanThreshold: (value, threshold) => value > threshold,
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
  LessThanThreshold: (value, threshold) => value < threshold,
  LessThanOrEqualToThreshold: (value, threshold) => value <= threshold,
};

/** What AWS's own services would measure and is measured here too. */
const MEASURED_OF_AWS: ReadonlySet<string> = new Set(['AWS/Lambda', 'AWS/SQS']);

const MISSING = ['missing', 'ignore', 'breaching', 'notBreaching'] as const;

/** An AWS::CloudWatch::Alarm by its resolved properties. One that cannot be judged here says why. */
export function readMetricAlarm(name: string, properties: Properties): AlarmDefinition {
  return definitionOf(name, 'MetricAlarm', properties, () => metricAlarm(properties));
}

/** An AWS::CloudWatch::CompositeAlarm by its resolved properties. One that cannot be judged here says why. */
export function readCompositeAlarm(name: string, properties: Properties): AlarmDefinition {
  return definitionOf(name, 'CompositeAlarm', properties, () => compositeAlarm(properties));
}

function definitionOf(
  name: string,
  type: AlarmDefinition['type'],
  properties: Properties,
  read: () => MetricAlarm | CompositeAlarm,
): AlarmDefinition {
  const actions = (property: string) => (properties.ActionsEnabled === false ? [] : listOf(properties[property]));
  return {
    name,
    type,
    properties,
    judgement: orReason(read),
    actions: {
      ALARM: actions('AlarmActions').map(String),
      OK: actions('OKActions').map(String),
      INSUFFICIENT_DATA: actions('InsufficientDataActions').map(String),
    } satisfies Record<AlarmState, readonly string[]>,
  };
}

function orReason<T>(read: () => T): T | UnjudgedAlarm {
  try {
    return read();
  } catch (error) {
    if (error instanceof AlarmError) return { kind: 'unjudged', reason: error.message };
    throw error;
  }
}

function compositeAlarm(properties: Properties): CompositeAlarm {
  if (properties.ActionsSuppressor !== undefined) throw new AlarmError('actions are not suppressed here');
  const rule = String(properties.AlarmRule);
  parseRule(rule);
  return { kind: 'CompositeAlarm', rule };
}

function metricAlarm(properties: Properties): MetricAlarm {
  const comparison = COMPARISONS[String(properties.ComparisonOperator)];
  if (properties.ThresholdMetricId !== undefined || comparison === undefined) {
    throw new AlarmError('what is usual is not learnt here, so nothing is unusual (anomaly detection)');
  }
  const { queries, judged } = queriesOf(properties);
  const set = prepareQueries(queries);
  for (const stat of set.metricsOf(judged)) requireMeasured(stat);
  const evaluationPeriods = Number(properties.EvaluationPeriods);
  const treatment = String(properties.TreatMissingData ?? 'missing');
  return {
    kind: 'MetricAlarm',
    queries,
    judged,
    periodSeconds: set.periodSecondsOf(judged),
    evaluationPeriods,
    datapointsToAlarm: Number(properties.DatapointsToAlarm ?? evaluationPeriods),
    comparison,
    threshold: Number(properties.Threshold),
    missing: MISSING.find((known) => known === treatment) ?? refuse(`TreatMissingData ${treatment} does not exist`),
    ignoresLowSamples: properties.EvaluateLowSampleCountPercentile === 'ignore',
  };
}

function queriesOf(properties: Properties): Pick<MetricAlarm, 'queries' | 'judged'> {
  if (properties.Metrics === undefined) {
    const statistic = String(properties.ExtendedStatistic ?? properties.Statistic);
    const stat = statOf({ Metric: properties, Period: properties.Period, Stat: statistic, Unit: properties.Unit });
    return { queries: [{ id: 'm', source: { stat } }], judged: 'm' };
  }
  const wire = listOf(properties.Metrics);
  // An absent ReturnData is true; an alarm has exactly one.
  const returned = wire.filter(({ ReturnData }) => ReturnData !== false).map(({ Id }) => String(Id));
  const [judged] = returned;
  if (judged === undefined || returned.length > 1) throw new AlarmError('it must return the data of one query');
  return { queries: wire.map(readQuery), judged };
}

/** A MetricDataQuery, as it stands in a template and in GetMetricData. Throws `AlarmError` for what is not computed here. */
export function readQuery({ Id, Expression, MetricStat, AccountId }: Properties): MetricQuery {
  if (AccountId !== undefined) throw new AlarmError('there is one account here');
  const id = String(Id);
  if (Expression !== undefined) return { id, source: { expression: String(Expression) } };
  return { id, source: { stat: statOf(recordOf(MetricStat)) } };
}

function statOf({ Metric, Period, Stat, Unit }: Properties): MetricStat {
  const { Namespace, MetricName, Dimensions } = recordOf(Metric);
  const [periodSeconds, statistic] = [Number(Period), String(Stat)];
  if (!(periodSeconds > 0 && periodSeconds % 60 === 0))
    throw new AlarmError(`a period of ${periodSeconds} s is not kept`);
  if (!isStatistic(statistic)) throw new AlarmError(`the statistic ${statistic} is not computed by the local platform`);
  return {
    metric: {
      namespace: String(Namespace),
      name: String(MetricName),
      dimensions: listOf(Dimensions).map(
        ({ Name, Value }): Dimension => ({ Name: String(Name), Value: String(Value) }),
      ),
    },
    periodSeconds,
    statistic,
    ...(Unit === undefined ? {} : { unit: String(Unit) }),
  };
}

/** An alarm over what nobody measures would always be quiet. */
function requireMeasured({ metric: { namespace } }: MetricStat): void {
  if (namespace.startsWith('AWS/') && !MEASURED_OF_AWS.has(namespace)) refuse(`nobody measures ${namespace} here`);
}

function refuse(message: string): never {
  throw new AlarmError(message);
}

function listOf(value: unknown): readonly Properties[] {
  return Array.isArray(value) ? value : [];
}

function recordOf(value: unknown): Properties {
  return typeof value === 'object' && value !== null ? (value as Properties) : {};
}
