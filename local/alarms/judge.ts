import type { AlarmState, MetricAlarm } from './model.ts';

/** How a data point stands to the threshold. */
export type Point = 'breaching' | 'fine' | 'missing';

/** CloudWatch looks at more periods than an alarm counts; its tables of examples have two more. How many is not promised. */
export const EXTRA_PERIODS = 2;

type Rule = Pick<MetricAlarm, 'evaluationPeriods' | 'datapointsToAlarm' | 'missing'>;

/**
 * The state an alarm goes to, or undefined for the one it is in. `points` are of the evaluation range, oldest first: the
 * alarm's periods and EXTRA_PERIODS before them. As many real data points as the alarm has periods decide alone, the most
 * recent ones; where there are fewer, `missing` says what the others count as.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
 */
export function judge(points: readonly Point[], rule: Rule): AlarmState | undefined {
  const { evaluationPeriods, datapointsToAlarm, missing } = rule;
  const existing = points.filter((point) => point !== 'missing').slice(-evaluationPeriods);
  const breaching = existing.filter((point) => point === 'breaching').length;
  const filled = evaluationPeriods - existing.length;
  if (breaching >= datapointsToAlarm) return 'ALARM';
  if (filled === 0 || missing === 'notBreaching') return 'OK';
  if (missing === 'breaching') return breaching + filled >= datapointsToAlarm ? 'ALARM' : 'OK';
  if (existing.length > breaching) return 'OK';
  if (missing === 'ignore') return undefined;
  return isOldBreach(points, rule) ? 'ALARM' : 'INSUFFICIENT_DATA';
}

/** Nothing was fine, and the first breach is at least as many periods old as the alarm wants breaches. */
function isOldBreach(points: readonly Point[], { datapointsToAlarm }: Rule): boolean {
  const oldest = points.indexOf('breaching');
  return oldest >= 0 && points.length - oldest >= datapointsToAlarm;
}
