import type { ComparisonOperator, IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';

/** One alarm, as its definition says it; `alarms.ts` makes it. */
export interface AlarmSpec {
  /** Its name without `grantkeeper-<env>-`, and its heading in runbook.md. */
  readonly id: string;
  /** `page` wakes somebody through the composite alarm; `ticket` is read in working hours. */
  readonly level: 'page' | 'ticket';
  readonly metric: IMetric;
  /** A fixed value, or how many standard deviations above what is usual at that hour (CloudWatch learns it). */
  readonly threshold: number | { readonly deviations: number };
  /** Default: greater than or equal to the threshold. */
  readonly comparison?: ComparisonOperator;
  /** In so many of the last periods of the metric. */
  readonly datapoints: { readonly bad: number; readonly of: number };
  /** What no value at all means. */
  readonly missing: TreatMissingData;
  /** What the users of the system notice. */
  readonly feels: string;
  /** The first query or command. */
  readonly look: string;
}
