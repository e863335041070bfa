import { Duration } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import type { ServiceFunction } from './service-function.ts';

/** Runs refresh-due every minute, and once a day over all grants, in case the index has missed one. */
export class SweepSchedule extends Construct {
  constructor(scope: Construct, id: string, { refreshDue }: { readonly refreshDue: ServiceFunction }) {
    super(scope, id);
    const everyMinute = new Rule(this, 'EveryMinute', {
      schedule: Schedule.rate(Duration.minutes(1)),
      description: 'Refreshes the grants that are due',
    });
    acknowledge(everyMinute, {
      'Serverless-EventBusDLQ':
        'The next minute’s sweep finds the same work; without a heartbeat for six minutes an alarm pages.',
    });
    everyMinute.addTarget(new LambdaFunction(refreshDue.lambda));
    const everyDay = new Rule(this, 'EveryDay', {
      schedule: Schedule.rate(Duration.days(1)),
      description: 'Looks through all grants for those that should be due and are not',
    });
    acknowledge(everyDay, {
      'Serverless-EventBusDLQ':
        'The event says nothing but that it is time, EventBridge tries for a day, and then the next one comes.',
    });
    everyDay.addTarget(
      new LambdaFunction(refreshDue.lambda, { event: RuleTargetInput.fromObject({ task: 'repair' }) }),
    );
  }
}
