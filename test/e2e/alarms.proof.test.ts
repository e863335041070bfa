import { beforeAll, describe, expect, test, vi } from 'vitest';
import { allowXero, connect, XERO_ORGANISATIONS } from '../../local/demo/world.ts';
import { ask, connectMany } from './alarm-log.ts';
import { describeCustodyAlarms, SERVE_LATENCY_MS } from './alarms-custody-suite.ts';
import { describeProviderAlarms } from './alarms-providers-suite.ts';
import { useWorld } from './fixture.ts';

/**
 * The template's own alarms, judged as CloudWatch judges them (`local/alarms`), over the metrics of runs on one platform whose
 * clock only goes on. For each alarm that pages there is a run that makes it page and one that comes close and does not; each
 * but the last ends with all alarms quiet.
 */

// Hours go by, on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const world = useWorld({ context: { serveLatencyMs: SERVE_LATENCY_MS } });

beforeAll(async () => {
  await connectMany(world(), [1, 2, 3, 4, 5, 6, 7, 8]);
  const xero = [
    { organizationId: 'acme', consent: allowXero('owner', [XERO_ORGANISATIONS.acme]) },
    { organizationId: 'birch', consent: allowXero('accountant', [XERO_ORGANISATIONS.birch]) },
  ];
  for (const flow of xero) await connect(world(), { ...flow, provider: 'xero' });
  await ask(world(), ['acme', 'birch'], 'xero');
  // All alarms have been judged once.
  await world().platform.advance(60);
});

describe('what is ours', () => describeCustodyAlarms(world));
describe('what is a provider’s', () => describeProviderAlarms(world));

test('nothing was refused to any role', () => {
  expect(world().platform.guardReport().denied).toEqual([]);
});
