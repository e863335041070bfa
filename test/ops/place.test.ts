import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { findPlace, findRescueQueues, readPolicies } from '../../ops/place.ts';
import { type OpsWorld, startOpsWorld } from './ops-world.ts';

let world: OpsWorld;
beforeAll(async () => {
  world = await startOpsWorld();
});
afterAll(() => world.stop());
beforeEach(() => {
  for (const name of Object.keys(world.variables)) delete world.variables[name];
});

const terminal = { isInteractive: false, tell: () => undefined, ask: async () => '' };
/** This machine's clock is so many milliseconds behind AWS's. */
function session(behindMs = 0) {
  const clock = { now: () => world.clock.now() - behindMs, sleep: async () => undefined };
  return { clients: world.clients, clock, terminal, variables: world.variables };
}

test('tables and queues are those of the stack’s outputs', async () => {
  const { tables, environment } = await findPlace(session(), 'dev', ['grants', 'apiKeys']);
  expect([environment, tables]).toEqual(['dev', { grants: 'dev-grants', apiKeys: 'dev-apiKeys' }]);
  const { queueUrl, deadLetterUrl } = await findRescueQueues(session(), 'dev');
  expect([queueUrl, deadLetterUrl].map((url) => new URL(url).pathname)).toEqual([
    '/000000000000/grantkeeper-dev-rescue',
    '/000000000000/grantkeeper-dev-rescue-dead-letter',
  ]);
});

test('a variable stands above the output, and with all of them no stack is asked for', async () => {
  world.variables.GK_TABLE_GRANTS = 'Grants-restored';
  const mixed = await findPlace(session(), 'dev', ['grants', 'audit']);
  expect(mixed.tables).toEqual({ grants: 'Grants-restored', audit: 'dev-audit' });
  world.variables.GK_TABLE_AUDIT = 'Audit';
  const alone = await findPlace(session(), 'no-such-environment', ['grants', 'audit']);
  expect(alone.tables).toEqual({ grants: 'Grants-restored', audit: 'Audit' });
});

test.for([
  [
    'none',
    {},
    'Refused',
    'no environment "none" here (there is no stack grantkeeper-none-stateful): check --env, AWS_PROFILE and AWS_REGION',
  ],
  [
    'prod',
    { GK_TABLE_GRANTS: 'grantkeeper-dev-stateful-Grants' },
    'UsageError',
    '--env is prod, but GK_TABLE_GRANTS names a table of dev',
  ],
  ['dev', { GK_TABLE_GRANTS: 'a/b' }, 'UsageError', 'GK_TABLE_GRANTS does not name a table'],
] as const)('for %s with %j it is refused', async ([environment, variables, name, message]) => {
  Object.assign(world.variables, variables);
  await expect(findPlace(session(), environment, ['grants'])).rejects.toMatchObject({ name, message });
});

test.for([
  ['two hours behind', 7_200_000, 0],
  ['an hour ahead', -3_600_000, 0],
  // What the header's second and the way cannot tell apart.
  ['two seconds behind', 2_000, -2_000],
] as const)('a machine %s takes AWS’s time', async ([, behindMs, expectedMs]) => {
  const { clock } = await findPlace(session(behindMs), 'dev', ['grants']);
  expect(Math.abs(clock.now() - world.clock.now() - expectedMs)).toBeLessThan(1_000);
});

test('policies are those the sweep is given', async () => {
  const policies = await readPolicies(session(), 'dev');
  expect(policies('xero').margins).toEqual({
    refreshAheadSeconds: 1_800,
    onDemandSeconds: 300,
    keepAliveSeconds: 10 * 86_400,
  });
});
