import { Duration } from 'aws-cdk-lib';
import { type AlarmBase, AlarmStatusWidget, Dashboard, type IWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { APP } from '../lib/domain/names.ts';
import type { Alarms } from './alarms.ts';
import type { Config } from './config.ts';
import { dependencyGraphs } from './dashboard-dependencies.ts';
import { refreshGraphs } from './dashboard-refresh.ts';
import { securityGraphs, userGraphs } from './dashboard-users.ts';

export interface FleetDashboardProps {
  readonly config: Config;
  readonly alarms: Alarms;
}

/** The whole width; what wakes somebody on the left. */
const STATUS = { width: 12, height: 4 } as const;

/** One screen: the alarms, then users, refreshes (two rows), dependencies and security, each row of four graphs. */
export class FleetDashboard extends Construct {
  constructor(scope: Construct, id: string, { config, alarms }: FleetDashboardProps) {
    super(scope, id);
    const { environment } = config;
    const rows: IWidget[][] = [
      [statusOf('Pages', [alarms.page, ...alarms.byLevel.page]), statusOf('Tickets', alarms.byLevel.ticket)],
      userGraphs(config),
      ...refreshGraphs(config),
      dependencyGraphs(environment),
      securityGraphs(config),
    ];
    new Dashboard(this, 'Dashboard', {
      dashboardName: `${APP}-${environment}`,
      defaultInterval: Duration.hours(3),
      widgets: rows,
    });
  }
}

function statusOf(title: string, alarms: readonly AlarmBase[]): AlarmStatusWidget {
  return new AlarmStatusWidget({ ...STATUS, title, alarms: [...alarms] });
}
