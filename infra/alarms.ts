import {
  Alarm,
  type AlarmBase,
  AlarmRule,
  AlarmState,
  AnomalyDetectionAlarm,
  ComparisonOperator,
  CompositeAlarm,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { APP } from '../lib/domain/names.ts';
import type { AlarmSpec } from './alarm-spec.ts';
import { callerAlarms } from './alarms-callers.ts';
import { custodyAlarms } from './alarms-custody.ts';
import { platformAlarms } from './alarms-platform.ts';
import { providerAlarms } from './alarms-providers.ts';
import { refreshAlarms } from './alarms-refresh.ts';
import type { Config } from './config.ts';

export interface AlarmsProps {
  readonly config: Config;
  readonly topics: { readonly page: ITopic; readonly ticket: ITopic };
}

/** Where every description ends. */
const RUNBOOK = 'infra/runbook.md';

/** All that is alarmed on in an environment, those that page first. */
function alarmSpecs(config: Config): readonly AlarmSpec[] {
  const { environment } = config;
  const specs = [
    ...custodyAlarms(environment),
    ...refreshAlarms(config),
    ...callerAlarms(config),
    ...providerAlarms(config),
    ...platformAlarms(config),
  ];
  const ofLevel = (level: AlarmSpec['level']) => specs.filter((spec) => spec.level === level);
  return [...ofLevel('page'), ...ofLevel('ticket')];
}

/**
 * Every alarm tells the ticket topic when it begins, each for itself. The page topic hears of one composite alarm over those
 * that page, when it begins and when it is over: an outage that sets off several of them is one page, and what joins it later
 * is seen in the tickets.
 */
export class Alarms extends Construct {
  readonly page: CompositeAlarm;
  readonly byLevel: Readonly<Record<AlarmSpec['level'], readonly Alarm[]>>;

  constructor(scope: Construct, id: string, { config, topics }: AlarmsProps) {
    super(scope, id);
    const { environment } = config;
    const made = alarmSpecs(config).map((spec) => ({ level: spec.level, alarm: this.#add(spec, environment) }));
    for (const { alarm } of made) alarm.addAlarmAction(new SnsAction(topics.ticket));
    const ofLevel = (level: AlarmSpec['level']) => made.filter((one) => one.level === level).map(({ alarm }) => alarm);
    this.byLevel = { page: ofLevel('page'), ticket: ofLevel('ticket') };
    this.page = this.#addPage(environment);
    this.page.addAlarmAction(new SnsAction(topics.page));
    this.page.addOkAction(new SnsAction(topics.page));
  }

  #add(spec: AlarmSpec, environment: string): Alarm {
    const props = {
      alarmName: nameOf(environment, spec.id),
      alarmDescription: `${spec.feels} First: ${spec.look} Runbook: ${RUNBOOK}#${spec.id}`,
      metric: spec.metric,
      evaluationPeriods: spec.datapoints.of,
      datapointsToAlarm: spec.datapoints.bad,
      treatMissingData: spec.missing,
    };
    if (typeof spec.threshold === 'object') {
      const { deviations: stdDevs } = spec.threshold;
      const comparisonOperator = ComparisonOperator.GREATER_THAN_UPPER_THRESHOLD;
      return new AnomalyDetectionAlarm(this, spec.id, { ...props, stdDevs, comparisonOperator });
    }
    const comparisonOperator = spec.comparison ?? ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD;
    return new Alarm(this, spec.id, { ...props, threshold: spec.threshold, comparisonOperator });
  }

  #addPage(environment: string): CompositeAlarm {
    const inAlarm = (alarm: AlarmBase) => AlarmRule.fromAlarm(alarm, AlarmState.ALARM);
    return new CompositeAlarm(this, 'page', {
      compositeAlarmName: nameOf(environment, 'page'),
      alarmDescription: `Something that cannot wait until morning; the alarms of the ticket topic say what. First: npm run ops -- status --env ${environment}. Runbook: ${RUNBOOK}#page`,
      alarmRule: AlarmRule.anyOf(...this.byLevel.page.map(inAlarm)),
    });
  }
}

function nameOf(environment: string, id: string): string {
  return `${APP}-${environment}-${id}`;
}
