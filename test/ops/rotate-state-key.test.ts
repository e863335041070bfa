import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSecretReader } from '../../lib/aws/secrets.ts';
import { putRing, readRing } from '../../ops/state-key-ring.ts';
import { FIRST_KEY, type OpsWorld, startOpsWorld } from './ops-world.ts';

let world: OpsWorld;
beforeEach(async () => {
  world = await startOpsWorld();
});
afterEach(() => world.stop());

/** What the functions read. */
async function ring() {
  const { secrets: client } = world.clients;
  const { current, previous } = await createSecretReader({ client, environment: 'dev', now: Date.now }).readStateKeys();
  return [current, previous].map((key) => key && { id: key.id, key: Buffer.from(key.key).toString('base64url') });
}
const secretText = async () => {
  const command = new GetSecretValueCommand({ SecretId: 'grantkeeper/dev/state-keys' });
  return (await world.clients.secrets.send(command)).SecretString ?? '';
};

test('one run announces the new key, waits for the functions’ cache, and swaps; no key is shown', async () => {
  const end = await world.run('rotate state-key --env dev');
  expect(end).toEqual({
    text: `key 20261120T120000Z signs now. Key 1 can go 2026-11-20 12:21:00Z (in 16 min):
npm run ops -- rotate state-key --env dev --finish
`,
    told: {
      current: '20261120T120000Z',
      previous: '1',
      next: { put: 'drop', notBefore: '2026-11-20T12:21:00.000Z' },
    },
    exitCode: 0,
    said: [
      'key 20261120T120000Z is announced',
      ...[6, 5, 5, 4].map((minutes) => `swap in ${minutes} min; interrupt when you like, and run this again later`),
      ...[4, 3, 3, 2].map((minutes) => `swap in ${minutes} min; interrupt when you like, and run this again later`),
      ...[90, 60, 30].map((seconds) => `swap in ${seconds} s; interrupt when you like, and run this again later`),
      'key 20261120T120000Z signs, key 1 still verifies',
    ],
  });
  const [current, previous] = await ring();
  expect([current?.id, previous]).toEqual(['20261120T120000Z', { id: '1', key: FIRST_KEY }]);
  expect(JSON.stringify(end)).not.toContain(current?.key);
  expect(JSON.stringify(end)).not.toContain(FIRST_KEY);
});

test('a run that was interrupted is continued from the keys it left, and --finish drops the old one', async () => {
  const steps = [
    [
      'rotate state-key --env dev --wait 0',
      3,
      'next is swap, not before 2026-11-20 12:05:30Z (in 6 min): run this again then\n',
    ],
    [
      'rotate state-key --env dev --wait 0',
      3,
      'next is swap, not before 2026-11-20 12:05:30Z (in 6 min): run this again then\n',
    ],
  ] as const;
  for (const [line, exitCode, text] of steps) expect(await world.run(line)).toMatchObject({ exitCode, text });
  world.clock.advance(330);
  expect((await world.run('rotate state-key --env dev --wait 0')).exitCode).toBe(0);
  // Nobody saw how it ended: it is told again, and no other turn is begun.
  expect(await world.run('rotate state-key --env dev --wait 0')).toMatchObject({
    exitCode: 0,
    text: expect.stringMatching(/^key 20261120T120000Z signs now\. Key 1 can go /),
    said: [],
  });
  expect(await world.run('rotate state-key --env dev --finish --wait 0')).toMatchObject({
    exitCode: 3,
    text: 'next is drop, not before 2026-11-20 12:21:00Z (in 16 min): run this again then\n',
  });
  world.clock.advance(930);
  expect(await world.run('rotate state-key --env dev --finish --wait 0')).toEqual({
    text: 'the old key is gone; key 20261120T120000Z signs\n',
    told: { current: '20261120T120000Z', next: null },
    exitCode: 0,
    said: ['key 20261120T120000Z is the only one'],
  });
  const [current, previous] = await ring();
  expect([current?.id, previous]).toEqual(['20261120T120000Z', undefined]);
  expect(await world.run('rotate state-key --env dev --finish')).toMatchObject({
    text: 'there is no old key to drop; key 20261120T120000Z signs\n',
    exitCode: 0,
  });
});

test('an old key nobody dropped gives way to the next turn', async () => {
  await world.run('rotate state-key --env dev');
  world.clock.advance(931);
  const { told } = await world.run('rotate state-key --env dev');
  expect(told).toMatchObject({ current: '20261120T122101Z', previous: '20261120T120000Z' });
});

test('a dry run says what is next and writes nothing', async () => {
  const before = await secretText();
  expect(await world.run('rotate state-key --env dev --dry-run')).toEqual({
    text: 'key 1 signs, no other verifies\nnext is announce, now; nothing was written\n',
    told: { current: '1', next: { put: 'announce', notBefore: '2026-11-20T12:00:00.000Z' } },
    exitCode: 0,
    said: [],
  });
  expect((await world.run('rotate state-key --env dev --finish --dry-run')).text).toBe(
    'key 1 signs, no other verifies\nnothing is to be dropped\n',
  );
  expect(await secretText()).toBe(before);
});

test('of two operators who put on the same ring the second is refused', async () => {
  const basedOn = await readRing(world, 'dev');
  const { current } = basedOn;
  await putRing(world, 'dev', { ring: { current, previous: { ...current, id: 'a' } }, basedOn });
  const second = putRing(world, 'dev', { ring: { current, previous: { ...current, id: 'b' } }, basedOn });
  await expect(second).rejects.toMatchObject({ name: 'ResourceExistsException' });
  expect((await readRing(world, 'dev')).previous?.id).toBe('a');
});
