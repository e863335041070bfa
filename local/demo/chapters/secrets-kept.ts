import { placesOf, secretsOf } from '../canary.ts';
import { findLeaks, type Place, textOf } from '../leak-scan.ts';
import type { Story } from '../story.ts';
import type { World } from '../world.ts';

/** Looks for every secret of this run in everything that was logged, counted, told, stored or printed. */
export async function secretsKept(world: World, story: Story, transcript: () => string): Promise<void> {
  story.chapter('no secret was logged, counted, told or stored');
  const { platform } = world;
  const { denied, allowed } = platform.guardReport();
  story.equal(`every function did with its own role what it had to (${allowed.length} permissions used)`, denied, []);

  const secrets = await secretsOf(world);
  const kept = await placesOf(platform);
  const places: Place[] = [...kept, { name: 'transcript', text: transcript() }];
  const { sqs, eventBridge, cloudWatch } = platform.aws;
  const counts = [
    `${platform.logs().length} log lines`,
    `${cloudWatch.metricNames().length} metrics`,
    `${eventBridge.events().length} events`,
    `${platform.notifications().length} notifications`,
    `${sqs.sent().length} rescue messages`,
    `${platform.assembly.tables.length} tables`,
  ];
  story.equal(`${secrets.length} secrets in ${counts.join(', ')}: 0 hits`, findLeaks(places, secrets), []);
  story.equal(
    'and every place had something to be searched',
    kept.filter(({ text }) => text.length < 3).map(({ name }) => name),
    [],
  );

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
