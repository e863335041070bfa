import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Alarms } from './alarms.ts';
import type { Config } from './config.ts';
import { FleetDashboard } from './dashboard.ts';
import { Topics } from './topics.ts';

export interface WatchStackProps extends StackProps {
  readonly config: Config;
}

/**
 * What an engineer is told, and where he looks: topics, alarms, one dashboard. It knows what it watches by name alone, so
 * nothing it does can hold up a change of the other stacks.
 */
export class WatchStack extends Stack {
  constructor(scope: Construct, id: string, { config, ...props }: WatchStackProps) {
    super(scope, id, props);
    const topics = new Topics(this, 'Topics', config);
    const alarms = new Alarms(this, 'Alarms', { config, topics });
    new FleetDashboard(this, 'Dashboard', { config, alarms });
    new CfnOutput(this, 'PageTopic', { value: topics.page.topicArn, description: 'Wakes somebody' });
    new CfnOutput(this, 'TicketTopic', {
      value: topics.ticket.topicArn,
      description: 'Every alarm, for working hours',
    });
  }
}
