import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Alarms } from './alarms.ts';
import type { Config } from './config.ts';

export interface WatchStackProps extends StackProps {
  readonly config: Config;
}

/** What an engineer is told. Alarms are seen in CloudWatch; they notify nobody yet. */
export class WatchStack extends Stack {
  constructor(scope: Construct, id: string, { config, ...props }: WatchStackProps) {
    super(scope, id, props);
    new Alarms(this, 'Alarms', config);
  }
}
