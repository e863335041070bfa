import type { CloudWatch } from '../aws/cloudwatch.ts';
import type { InvocationRecord } from './runtime.ts';

type Recorder = Pick<CloudWatch, 'record'>;

/**
 * What Lambda tells CloudWatch of an invocation, by function name: Invocations, Errors, Throttles and Duration. A throttled one
 * is no invocation.
 * https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
 */
export function recordInvocation(cloudWatch: Recorder, record: InvocationRecord): void {
  const { outcome, durationMs, startedAt: at } = record;
  if (outcome === 'throttled') {
    recordThrottle(cloudWatch, record.function);
    return;
  }
  const common = { namespace: 'AWS/Lambda', dimensions: { FunctionName: record.function }, at };
  const count = (name: string, value: number) => cloudWatch.record({ ...common, name, unit: 'Count', value });
  count('Invocations', 1);
  count('Errors', outcome === 'error' ? 1 : 0);
  count('Throttles', 0);
  cloudWatch.record({ ...common, name: 'Duration', unit: 'Milliseconds', value: durationMs });
}

/** One that Lambda refused. */
export function recordThrottle(cloudWatch: Recorder, functionName: string): void {
  const dimensions = { FunctionName: functionName };
  cloudWatch.record({ namespace: 'AWS/Lambda', dimensions, name: 'Throttles', unit: 'Count', value: 1 });
}
