import type { Platform } from '../platform.ts';
import { type Place, textOf } from './leak-scan.ts';
import type { World } from './world.ts';

/**
 * Everything the platform has kept or told where a secret must not stand: log lines (the metrics of the functions among them),
 * metrics as CloudWatch has them, events and what was delivered of them, alarms' notifications, messages of queues, and every
 * item of every table.
 */
export async function placesOf(platform: Platform): Promise<readonly Place[]> {
  const { sqs, eventBridge, cloudWatch } = platform.aws;
  const tables = Object.entries(await platform.dumpTables());
  return [
    {
      name: 'logs',
      text: platform
        .logs()
        .map(({ line }) => line)
        .join('\n'),
    },
    { name: 'metrics', text: cloudWatch.metricNames().join('\n') },
    { name: 'events', text: textOf([eventBridge.events(), eventBridge.deliveries()]) },
    { name: 'notifications', text: textOf([platform.alarms(), platform.notifications()]) },
    { name: 'queues', text: sqs.sent().join('\n') },
    ...tables.map(([name, rows]) => ({ name, text: textOf(rows) })),
  ];
}

/** A shorter one could be found by chance. */
const MIN_SECRET_LENGTH = 32;

/** What the providers issued, our API keys, and what browsers carried: session links, states, codes, cookies. */
export async function secretsOf({ providers, apiKeys, browsers }: World): Promise<readonly string[]> {
  const issued = await Promise.all(Object.values(providers).map((desk) => desk.issued()));
  const carried = browsers.flatMap(({ trail }) => trail.flatMap(secretsIn));
  const cookies = await Promise.all(browsers.map(async ({ jar }) => (await jar.serialize()).cookies));
  const values = cookies.flat().map(({ value }) => String(value));
  // What a test makes up to be refused is no secret; ours are longer than this.
  const ours = [...carried, ...values].filter(({ length }) => length >= MIN_SECRET_LENGTH);
  return [...new Set([...issued.flat(), ...apiKeys, ...ours])];
}

function secretsIn(address: string): readonly string[] {
  const { searchParams } = new URL(address);
  // Of a session link the part after the point is secret; before it stands the flow's public id.
  const session = searchParams.get('session')?.split('.')[1];
  return [searchParams.get('state'), searchParams.get('code'), session].filter((value) => typeof value === 'string');
}
