import {
  type AlarmHistoryItem,
  type CompositeAlarm,
  DescribeAlarmHistoryCommand,
  DescribeAlarmsCommand,
  type MetricAlarm,
} from '@aws-sdk/client-cloudwatch';
import type { Instant } from '../lib/domain/grant.ts';
import { APP } from '../lib/domain/names.ts';
import type { Session } from './command.ts';

/** An alarm of ours, as CloudWatch has it. */
export interface Alarm {
  /** As in the runbook. */
  readonly id: string;
  readonly name: string;
  readonly isComposite: boolean;
  readonly state: string;
  readonly since: Instant | undefined;
  /** What it tells when it goes to ALARM: topics, as a rule. */
  readonly actions: readonly string[];
  /** Ids of the alarms a composite is made of. */
  readonly children: readonly string[];
}

/** Something CloudWatch did because of an alarm's state. */
export interface Action {
  readonly arn: string;
  readonly succeeded: boolean;
  readonly summary: string;
}

/** Far more than we have; a page is a hundred. */
const MAX_PAGES = 10;
const PAGE = 100;

/** All alarms of an environment, in order of their ids. */
export async function listAlarms({ clients }: Session, environment: string): Promise<readonly Alarm[]> {
  const prefix = `${APP}-${environment}-`;
  const alarms: Alarm[] = [];
  let token: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const {
      MetricAlarms = [],
      CompositeAlarms = [],
      NextToken,
    } = await clients.cloudWatch.send(
      new DescribeAlarmsCommand({
        AlarmNamePrefix: prefix,
        AlarmTypes: ['MetricAlarm', 'CompositeAlarm'],
        MaxRecords: PAGE,
        ...(token === undefined ? {} : { NextToken: token }),
      }),
    );
    alarms.push(...MetricAlarms.map((alarm) => alarmOf(alarm, prefix, false)));
    alarms.push(...CompositeAlarms.map((alarm) => alarmOf(alarm, prefix, true)));
    if (NextToken === undefined) break;
    token = NextToken;
  }
  // Another environment's name may begin with ours.
  return alarms.filter(({ name }) => name.startsWith(prefix)).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** What an alarm's actions came to since an instant. */
export async function actionsSince(
  { clients }: Session,
  { name, isComposite }: Pick<Alarm, 'name' | 'isComposite'>,
  since: Instant,
): Promise<readonly Action[]> {
  const { AlarmHistoryItems = [] } = await clients.cloudWatch.send(
    new DescribeAlarmHistoryCommand({
      AlarmName: name,
      AlarmTypes: [isComposite ? 'CompositeAlarm' : 'MetricAlarm'],
      HistoryItemType: 'Action',
      StartDate: new Date(since),
      MaxRecords: PAGE,
    }),
  );
  return AlarmHistoryItems.map(actionOf);
}

function alarmOf(alarm: MetricAlarm & CompositeAlarm, prefix: string, isComposite: boolean): Alarm {
  const { AlarmName = '', StateValue = 'INSUFFICIENT_DATA', AlarmActions = [], AlarmRule = '' } = alarm;
  const since = alarm.StateTransitionedTimestamp ?? alarm.StateUpdatedTimestamp;
  return {
    id: AlarmName.slice(prefix.length),
    name: AlarmName,
    isComposite,
    state: StateValue,
    since: since?.getTime(),
    actions: AlarmActions,
    children: childrenIn(AlarmRule, prefix),
  };
}

/** `ALARM("name") OR ALARM(arn:…:alarm:name)`: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html */
function childrenIn(rule: string, prefix: string): readonly string[] {
  const named = [...rule.matchAll(/\bALARM\(\s*["']?([^"')]+?)["']?\s*\)/g)].map(([, name = '']) => name);
  return named.map((name) => name.slice(name.indexOf(prefix) + prefix.length));
}

const DONE = 'Successfully executed action ';

function actionOf({ HistorySummary = '' }: AlarmHistoryItem): Action {
  const succeeded = HistorySummary.startsWith(DONE);
  const arn = /\barn:[^\s]+/.exec(HistorySummary)?.[0].replace(/\.$/, '') ?? '';
  return { arn, succeeded, summary: HistorySummary };
}
