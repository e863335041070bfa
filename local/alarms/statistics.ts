/** The data of a metric in one period. */
export interface Summary {
  readonly count: number;
  readonly sum: number;
  readonly minimum: number;
  readonly maximum: number;
  /** Each value with how often it came; what was put as sums alone is not among them. */
  readonly values: ReadonlyMap<number, number>;
}

const BASIC: Readonly<Record<string, (summary: Summary) => number>> = {
  SampleCount: ({ count }) => count,
  Sum: ({ sum }) => sum,
  Average: ({ sum, count }) => sum / count,
  Minimum: ({ minimum }) => minimum,
  Maximum: ({ maximum }) => maximum,
};

const PERCENTILE = /^p(\d{1,2}(?:\.\d{1,10})?|100)$/;

/** Whether `statisticOf` computes it: the five basic ones and percentiles such as `p99`. */
export function isStatistic(statistic: string): boolean {
  return statistic in BASIC || PERCENTILE.test(statistic);
}

/** What part of the values a percentile lies above, 0 to 1; undefined for another statistic. */
export function percentileOf(statistic: string): number | undefined {
  const percent = PERCENTILE.exec(statistic)?.[1];
  return percent === undefined ? undefined : Number(percent) / 100;
}

/**
 * One statistic of the data; undefined when there are none. A percentile is the least value that so many are not above
 * (CloudWatch's own is an estimate close to it).
 */
export function statisticOf(statistic: string, summary: Summary | undefined): number | undefined {
  if (summary === undefined || summary.count === 0) return undefined;
  const percentile = percentileOf(statistic);
  return percentile === undefined ? BASIC[statistic]?.(summary) : nearestRank(summary.values, percentile);
}

function nearestRank(values: ReadonlyMap<number, number>, percentile: number): number | undefined {
  const sorted = [...values].toSorted(([left], [right]) => left - right);
  const wanted = percentile * sorted.reduce((sum, [, times]) => sum + times, 0);
  let reached = 0;
  return sorted.find(([, times]) => {
    reached += times;
    return reached >= wanted;
  })?.[0];
}
