import { App } from 'aws-cdk-lib';
import { type Config, readConfig } from '../../infra/config.ts';
import { WatchStack } from '../../infra/watch-stack.ts';
import { ofType, PROJECT_CONTEXT, type Resource, resourcesOf, VALIDATES } from './synthesized.ts';

/** The watch stack alone, which needs no other; dev unless `settings` says otherwise. */
export function buildWatch(settings: Readonly<Record<string, unknown>> = {}, app = new App({ context: QUICK })) {
  const config: Config = readConfig((name) => settings[name] ?? (name === 'env' ? 'dev' : undefined));
  const stack = new WatchStack(app, 'watch', { config, env: { region: config.region } });
  return { app, config, stack };
}

const QUICK = { ...PROJECT_CONTEXT, [VALIDATES]: false };

/** Resources of the watch stack of an environment. */
export function watchResources(settings?: Readonly<Record<string, unknown>>): readonly Resource[] {
  return resourcesOf(buildWatch(settings).stack);
}

/** Alarms on metrics by id, in the order of the template. */
export function alarmsIn(resources: readonly Resource[]): ReadonlyMap<string, Resource['properties']> {
  const alarms = ofType(resources, 'AWS::CloudWatch::Alarm').map(({ properties }) => properties);
  return new Map(alarms.map((alarm) => [idOf(alarm), alarm]));
}

function idOf({ AlarmName }: Resource['properties']): string {
  return String(AlarmName).replace(/^grantkeeper-[a-z]+-/, '');
}

/** What an alarm watches and when it sounds, in one line each; a property this does not know fails. */
export interface Told {
  readonly when: string;
  readonly expression?: string;
  readonly metrics: readonly string[];
}

const SIGNS: Readonly<Record<string, string>> = {
  GreaterThanOrEqualToThreshold: '>=',
  GreaterThanThreshold: '>',
  LessThanThreshold: '<',
  GreaterThanUpperThreshold: '> upper',
};

export function tell({ AlarmName, AlarmDescription, AlarmActions, ...alarm }: Resource['properties']): Told {
  const { ComparisonOperator, Threshold, ThresholdMetricId, EvaluationPeriods, DatapointsToAlarm, ...rest } = alarm;
  const { TreatMissingData, Metrics, ...single } = rest;
  const when = `${SIGNS[ComparisonOperator]} ${Threshold ?? ThresholdMetricId} in ${DatapointsToAlarm} of ${EvaluationPeriods}, missing ${TreatMissingData}`;
  if (Metrics === undefined) return { when, metrics: [tellMetric(single)] };
  if (Object.keys(single).length > 0) throw new Error(`${AlarmName} has ${Object.keys(single).join(' ')}`);
  const queries: Record<string, Resource['properties']>[] = Metrics;
  const expressions = queries.filter(({ Expression }) => Expression !== undefined);
  return {
    when,
    expression: expressions
      .map(({ Id, Expression, ReturnData }) => `${Id}${ReturnData ? '' : '?'} = ${Expression}`)
      .join('; '),
    metrics: queries.filter(({ MetricStat }) => MetricStat !== undefined).map(tellQuery),
  };
}

function tellQuery({ Id, MetricStat, ReturnData, ...rest }: Resource['properties']): string {
  if (ReturnData !== false || Object.keys(rest).length > 0) throw new Error(`${Id} is more than a part`);
  const { Metric, Period, Stat, ...others } = MetricStat;
  return `${Id}: ${tellMetric({ ...Metric, ...others, Period, Statistic: Stat })}`;
}

function tellMetric(metric: Resource['properties']): string {
  const { Namespace, MetricName, Dimensions = [], Statistic, ExtendedStatistic, Period, ...rest } = metric;
  if (Object.keys(rest).length > 0) throw new Error(`${MetricName} has ${Object.keys(rest).join(' ')}`);
  const named = (Dimensions as { Name: string; Value: string }[]).map(({ Name, Value }) => `${Name}=${Value}`);
  return `${Namespace} ${MetricName}{${named.join()}} ${Statistic ?? ExtendedStatistic} ${Period}`;
}
