import { findLeaks, type Place, textOf } from '../leak-scan.ts';
import type { Story } from '../story.ts';
import type { World } from '../world.ts';

/** Looks for every secret of this run in everything that was logged, stored or printed. */
export async function secretsKept(world: World, story: Story, transcript: () => string): Promise<void> {
  story.chapter('no secret was logged or stored');
  const { platform } = world;
  const { denied, allowed } = platform.guardReport();
  story.equal(`every function did with its own role what it had to (${allowed.length} permissions used)`, denied, []);

  const secrets = await secretsOf(world);
  const logs = platform.logs();
  const messages = platform.aws.sqs.sent();
  const tables = Object.entries(await platform.dumpTables());
  const items = tables.reduce((count, [, rows]) => count + rows.length, 0);
  const places: Place[] = [
    { name: 'logs', text: logs.map(({ line }) => line).join('\n') },
    { name: 'transcript', text: transcript() },
    { name: 'queues', text: messages.join('\n') },
    ...tables.map(([name, rows]) => ({ name, text: textOf(rows) })),
  ];
  const counts = `${logs.length} log lines, ${messages.length} rescue messages and ${items} items of ${tables.length} tables`;
  const told = `${secrets.length} secrets in ${counts}`;
  story.equal(`${told}: 0 hits`, findLeaks(places, secrets), []);

  const planted = secrets.length - 1;
  const secret = secrets[planted] ?? '';
  const bait: Place[] = [
    { name: 'a log line', text: textOf({ message: `token ${secret}` }) },
    { name: 'a stored item', text: textOf({ pk: 'x', ciphertext: Buffer.from(secret) }) },
  ];
  story.equal('and the search does find what is planted', findLeaks(bait, secrets), [
    { place: 'a log line', secret: planted },
    { place: 'a stored item', secret: planted },
  ]);
}

/** What the providers issued, our API keys, and what browsers carried: session links, states, codes, cookies. */
async function secretsOf({ providers, apiKeys, browsers }: World): Promise<readonly string[]> {
  const issued = await Promise.all(Object.values(providers).map((desk) => desk.issued()));
  const carried = browsers.flatMap(({ trail }) => trail.flatMap(secretsIn));
  const cookies = await Promise.all(browsers.map(async ({ jar }) => (await jar.serialize()).cookies));
  const values = cookies.flat().map(({ value }) => String(value));
  return [...new Set([...issued.flat(), ...apiKeys, ...carried, ...values])];
}

function secretsIn(address: string): readonly string[] {
  const { searchParams } = new URL(address);
  // Of a session link the part after the point is secret; before it stands the flow's public id.
  const session = searchParams.get('session')?.split('.')[1];
  return [searchParams.get('state'), searchParams.get('code'), session].filter((value) => typeof value === 'string');
}
