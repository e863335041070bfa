import { readCompositeAlarm, readMetricAlarm } from '../../local/alarms/read-alarm.ts';

const topic = (name: string) => `arn:aws:sns:us-east-1:000000000000:grantkeeper-dev-${name}`;
export const PAGE_TOPIC = topic('page');
export const TICKET_TOPIC = topic('ticket');

/** A metric alarm that nobody judges here. */
export function metricAlarm(id: string, actions: readonly string[] = [TICKET_TOPIC]) {
  const name = `grantkeeper-dev-${id}`;
  return readMetricAlarm(name, { AlarmName: name, AlarmActions: actions });
}

/** The composite that pages, by its rule over ids. */
export function pageAlarm(children: readonly string[], joined: 'OR' | 'AND' = 'OR') {
  const arn = (id: string) => `ALARM("arn:aws:cloudwatch:us-east-1:000000000000:alarm:grantkeeper-dev-${id}")`;
  const name = 'grantkeeper-dev-page';
  const AlarmRule = children.map(arn).join(` ${joined} `);
  return readCompositeAlarm(name, { AlarmName: name, AlarmActions: [PAGE_TOPIC], AlarmRule });
}
