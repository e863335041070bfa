import { afterEach, expect, test, vi } from 'vitest';
import { allowXero, connect, XERO_ORGANISATIONS } from '../../local/demo/world.ts';
import { useWorld } from './fixture.ts';

/** Lifecycle events from the functions to a target of the configuration, over the bus and the rule of the templates. */

// Some cold starts, and twice the two seconds that a bus is waited for, on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const TOPIC = 'arn:aws:sns:us-east-1:000000000000:partner-events';
const events = ['Connection Created', 'Connection Disconnected', 'Token Refreshed'];
const world = useWorld({ context: { eventTargets: [{ kind: 'sns', arn: TOPIC, events }] } });
const ACME = { organizationId: 'acme', provider: 'xero' } as const;
const tenantId = XERO_ORGANISATIONS.acme;

const bus = () => world().platform.aws.eventBridge;
afterEach(() => bus().clearFaults());

const typesOnBus = () =>
  bus()
    .events()
    .map(({ detailType }) => detailType);
/** What was told, with ids and times that differ from run to run left out. */
const toldOf = (type: string) => {
  const [found] = bus()
    .events()
    .filter(({ detailType }) => detailType === type);
  const { occurredAt, grant, attemptId, tokenVersion, ...told } = found?.detail ?? {};
  return { bus: found?.bus, source: found?.source, ...told };
};
const ABOUT = { bus: 'grantkeeper-local', source: 'grantkeeper', version: 1, environment: 'local', provider: 'xero' };
const countedEvents = () =>
  world()
    .platform.logs()
    .filter(({ line }) => line.includes('"EventsDropped"'))
    .map(({ line }) => (JSON.parse(line) as { readonly EventsDropped: number }).EventsDropped);

test('what becomes of a connection is told on the bus, and reaches the target that wants it', async () => {
  await connect(world(), { ...ACME, consent: allowXero('owner', [tenantId]), tenantId });
  await world().tokens.get(ACME);
  // Xero's access tokens live 30 minutes and are refreshed ahead while somebody uses them.
  await world().platform.advance(29 * 60);
  expect(toldOf('Connection Created')).toEqual({ ...ABOUT, organizationIds: ['acme'], reason: 'linked' });
  expect(toldOf('Token Refreshed')).toEqual({ ...ABOUT, organizationIds: ['acme'] });
  expect(toldOf('Refresh Token Rotated')).toEqual({ ...ABOUT, organizationIds: ['acme'] });
  await world().api.disconnect('acme', 'xero');
  expect(toldOf('Connection Disconnected')).toEqual({ ...ABOUT, organizationIds: ['acme'] });
  const wanted = typesOnBus().filter((type) => events.includes(type));
  const arrived = bus().deliveries();
  expect(arrived.map(({ targetArn, event }) => [targetArn, event['detail-type']])).toEqual(
    wanted.map((type) => [TOPIC, type]),
  );
  expect(wanted.length).toBeLessThan(typesOnBus().length);
});

test.for(['InternalFailure', 'hang'])(
  'a bus that answers %s costs events, and neither a connection nor a token',
  async (code) => {
    bus().failNext({ operation: 'PutEvents', code, times: 1_000 });
    const before = { events: typesOnBus().length, counted: countedEvents().length };
    await connect(world(), { ...ACME, consent: allowXero('owner', [tenantId]), tenantId });
    expect(await world().tokens.get(ACME)).toMatchObject({ status: 'ok' });
    expect((await world().api.disconnect('acme', 'xero')).status).toBe(200);
    await vi.waitFor(() => expect(countedEvents().slice(before.counted)).toEqual([1, 1]), { timeout: 10_000 });
    expect(typesOnBus().length).toBe(before.events);
  },
);
