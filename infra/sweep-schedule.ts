import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import type { ServiceFunction } from './service-function.ts';

/** Runs refresh-due every minute. A run that finds the previous one still working is dropped, not queued. */
export class SweepSchedule extends Construct {
  constructor(scope: Construct, id: string, { refreshDue }: { readonly refreshDue: ServiceFunction }) {
    super(scope, id);
    const rule = new Rule(this, 'EveryMinute', {
      schedule: Schedule.rate(Duration.minutes(1)),
      description: 'Refreshes the grants that are due',
    });
    rule.addTarget(new LambdaFunction(refreshDue.lambda));
  }
}
