import { afterEach, beforeEach, expect, test } from 'vitest';
import { type OpsWorld, startOpsWorld } from './ops-world.ts';

let world: OpsWorld;
beforeEach(async () => {
  world = await startOpsWorld();
});
afterEach(() => world.stop());

const NAMES = ['refresh-grant', 'finish-connect', 'rescue', 'refresh-due'];
const reserved = () =>
  NAMES.map((name) =>
    world.aws.concurrency.reservedOf(`arn:aws:lambda:us-east-1:000000000000:function:grantkeeper-dev-${name}`),
  );

test('pause asks for the environment’s name, then stops the sweep first and the others', async () => {
  const set = { v: 1, provider: 'xero', grants: 120 } as const;
  await world.put({ table: 'grants', key: { pk: 'PROVIDER#xero' }, when: [], op: 'update', set });
  expect(await world.run('pause --env dev', 'dev')).toEqual({
    text: `refresh-due     at most 8 at once → paused
rescue          unreserved → paused
finish-connect  unreserved → paused
refresh-grant   unreserved → paused
nothing of it runs any more from 2026-11-20 12:04:00Z (in 4 min); npm run ops -- resume --env dev starts it again
`,
    told: {
      environment: 'dev',
      dryRun: false,
      paused: NAMES,
      changed: NAMES.toReversed(),
      quietAt: '2026-11-20T12:04:00.000Z',
    },
    exitCode: 0,
    said: [
      'This stops the refreshing of 120 grants (as of the last daily count) of dev: refresh-due, rescue, finish-connect, refresh-grant.',
      'Type dev to go on: ',
      ...NAMES.toReversed().map((name) => `${name} is paused`),
    ],
  });
  expect(reserved()).toEqual([0, 0, 0, 0]);
  // There is nothing left to ask about.
  expect((await world.run('pause --env dev')).text).toContain('refresh-due     paused already\n');
});

test.for([
  ['pause --env dev', 'prod', 'not confirmed; nothing was done'],
  [
    'pause --env dev',
    undefined,
    'this asks before it begins and there is no terminal: --yes goes on, --dry-run only looks',
  ],
] as const)('"%s" with the answer "%s" changes nothing: %s', async ([line, typed, message]) => {
  expect(await world.refusal(line, typed)).toMatchObject({ name: 'Refused', message });
  expect(reserved()).toEqual([undefined, undefined, undefined, 8]);
});

test('dry runs of both say what they would change', async () => {
  expect((await world.run('pause --env dev --dry-run')).text).toBe(`refresh-due     at most 8 at once, would be paused
rescue          unreserved, would be paused
finish-connect  unreserved, would be paused
refresh-grant   unreserved, would be paused
nothing was changed
`);
  await world.run('pause --env dev --yes');
  expect((await world.run('resume --env dev --dry-run')).text).toBe(`refresh-grant   paused, would be unreserved
finish-connect  paused, would be unreserved
rescue          paused, would be unreserved
refresh-due     paused, would be at most 8 at once
nothing was changed
`);
  expect(reserved()).toEqual([0, 0, 0, 0]);
});

test('resume opens slowly when told so: some functions, then one sweep at a time, then all', async () => {
  await world.run('pause --env dev --yes');
  expect(await world.run('resume --env dev --only rescue,refresh-grant')).toEqual({
    text: `refresh-grant   paused → unreserved
finish-connect  paused
rescue          paused → unreserved
refresh-due     paused
still paused: finish-connect, refresh-due
`,
    told: {
      environment: 'dev',
      dryRun: false,
      paused: ['finish-connect', 'refresh-due'],
      changed: ['refresh-grant', 'rescue'],
    },
    exitCode: 0,
    said: ['refresh-grant runs', 'rescue runs'],
  });
  await world.run('resume --env dev --sweeps 1');
  expect(reserved()).toEqual([undefined, undefined, undefined, 1]);
  const { text } = await world.run('resume --env dev');
  expect([text.split('\n')[3], reserved()[3]]).toEqual(['refresh-due     at most 1 at once → at most 8 at once', 8]);
});
