import { afterEach, beforeEach, expect, test } from 'vitest';
import { type OpsWorld, startOpsWorld } from './ops-world.ts';

let world: OpsWorld;
beforeEach(async () => {
  world = await startOpsWorld();
});
afterEach(() => world.stop());

const CREATE =
  'keys create --env dev --name Reports --scopes tokens:read --organizations acme,beta --expires-in-days 30';
const create = async (line = CREATE) => (await world.run(line)).told as { readonly id: string; readonly key: string };

test('a key is created and listed, newest first, without its secret', async () => {
  const { text, told } = await world.run(CREATE);
  const { id, key } = told as { readonly id: string; readonly key: string };
  expect(text).toBe(`${key}

This is the only time the key is shown: it is not stored, only its hash. Keep it in a secret store.
${id}  active   expires 2026-12-20  used never  tokens:read  acme,beta  Reports
`);
  expect(told).toEqual({
    id: expect.stringMatching(/^[0-9a-z]{16}$/),
    name: 'Reports',
    status: 'active',
    scopes: ['tokens:read'],
    organizations: ['acme', 'beta'],
    createdAt: '2026-11-20T12:00:00.000Z',
    expiresAt: '2026-12-20T12:00:00.000Z',
    key: expect.stringMatching(/^gk_dev_[0-9a-z]{16}_[0-9A-Za-z]{49}$/),
  });
  world.clock.advance(1);
  const second = await create('keys create --env dev --name All --scopes all --organizations *');
  const listed = await world.run('keys list --env dev');
  expect(listed.text).toBe(
    `${second.id}  active   expires never  used never  connections:read,connections:write,tokens:read,tokens:write  *  All
${id}  active   expires 2026-12-20  used never  tokens:read  acme,beta  Reports
`,
  );
  expect(JSON.stringify(listed)).not.toContain(key.slice(-49));
});

test('without keys there is a line that says so', async () => {
  expect(await world.run('keys list --env dev')).toEqual({ text: 'no keys\n', told: [], exitCode: 0, said: [] });
});

test('a key is revoked when somebody has typed the environment’s name', async () => {
  const { id } = await create();
  const line = `${id}  active   expires 2026-12-20  used never  tokens:read  acme,beta  Reports`;
  expect((await world.run(`keys revoke ${id} --env dev --dry-run`)).text).toBe(
    `${line}\nwould be revoked; nothing was written\n`,
  );
  expect(await world.refusal(`keys revoke ${id} --env dev`, 'yes')).toMatchObject({ name: 'Refused' });
  expect((await world.store.readApiKey(id))?.revokedAt).toBe(undefined);
  expect(await world.run(`keys revoke ${id} --env dev`, 'dev')).toEqual({
    text: `${id} is revoked; the gateway may accept it for up to 60 s more\n`,
    told: { id, status: 'revoked' },
    exitCode: 0,
    said: ['This ends an API key of dev:', line, 'Type dev to go on: '],
  });
  expect((await world.store.readApiKey(id))?.revokedAt).toBe(world.clock.now());
});

test('a rotated key is followed by one of the same rights, and ends after the overlap', async () => {
  const { id, key: oldKey } = await create();
  world.clock.advance(86_400);
  expect((await world.run(`keys rotate ${id} --env dev --overlap-hours 2 --dry-run`)).told).toEqual({
    id,
    dryRun: true,
    endsAt: '2026-11-21T14:00:00.000Z',
  });
  const { text, told, said } = await world.run(`keys rotate ${id} --env dev`, 'dev');
  const made = told as { readonly id: string; readonly key: string };
  expect(text).toBe(`${made.key}

This is the only time the key is shown: it is not stored, only its hash. Keep it in a secret store.
${made.id}  active   expires 2026-12-21  used never  tokens:read  acme,beta  Reports
${id}  ends 2026-11-22 12:00:00Z (in 24 h)
`);
  expect(said[0]).toBe('This replaces an API key of dev:');
  expect([made.key === oldKey, (await world.store.readApiKey(id))?.expiresAt]).toEqual([
    false,
    world.clock.now() + 86_400_000,
  ]);
});

test.for([
  ['revoke', 'not_found'],
  ['rotate', 'not_found'],
] as const)('keys %s of an id that is not known is %s', async ([verb, code]) => {
  expect(await world.refusal(`keys ${verb} 0123456789abcdef --env dev --yes`)).toMatchObject({ code });
});

test('a key that has ended is not rotated', async () => {
  const { id } = await create();
  await world.run(`keys revoke ${id} --env dev --yes`);
  expect(await world.refusal(`keys rotate ${id} --env dev --yes`)).toMatchObject({ code: 'invalid_request' });
});

test('a table named by --table or its variable needs no environment, but for a new key', async () => {
  const { id } = await create();
  expect((await world.run(`keys list --table ${world.tables.apiKeys}`)).text).toContain(id);
  world.variables.GK_TABLE_API_KEYS = world.tables.apiKeys;
  expect((await world.run('keys list')).text).toContain(id);
  const unnamed = CREATE.replace(' --env dev', '');
  expect((await world.refusal(unnamed)).message).toBe('keys create needs --env, the environment the key is for');
});
