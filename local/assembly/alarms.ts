import type { AlarmDefinition } from '../alarms/model.ts';
import { readCompositeAlarm, readMetricAlarm } from '../alarms/read-alarm.ts';
import type { Collection } from './collect.ts';

/**
 * The alarms of the templates, metric alarms first. One that cannot be judged here is reported as not run, and stays in
 * INSUFFICIENT_DATA for ever.
 */
export function readAlarms(collection: Collection): readonly AlarmDefinition[] {
  const kinds = [
    ['AWS::CloudWatch::Alarm', readMetricAlarm],
    ['AWS::CloudWatch::CompositeAlarm', readCompositeAlarm],
  ] as const;
  return kinds.flatMap(([type, read]) =>
    collection.ofType(type).map((resource) => {
      const alarm = read(resource.identity.ref, resource.properties);
      if (alarm.judgement.kind === 'unjudged') {
        collection.report(resource, `${alarm.name} is not judged: ${alarm.judgement.reason}`);
      }
      return alarm;
    }),
  );
}
