import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import type { FunctionSpec } from '../../../infra/function-spec.ts';
import { functionSpecs } from '../../../infra/function-specs.ts';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import { FUNCTIONS, type FunctionName, TABLE_VARIABLES, TABLES, VARIABLES } from '../../../lib/domain/names.ts';
import * as wiring from '../../../lib/runtime/wiring.ts';
import type { Policies } from '../../../lib/service/policies.ts';

const PORTS: Readonly<Record<FunctionName, () => unknown>> = {
  authorizer: wiring.authorizeKeyPorts,
  'create-connect-session': wiring.createConnectSessionPorts,
  'connect-session-status': wiring.readConnectSessionPorts,
  connect: wiring.openConnectPorts,
  callback: wiring.receiveCallbackPorts,
  choose: wiring.chooseTenantPorts,
  'finish-connect': wiring.finishConnectPorts,
  status: wiring.readStatusPorts,
  disconnect: wiring.disconnectPorts,
  'get-token': wiring.getAccessTokenPorts,
  'refresh-grant': wiring.refreshPorts,
  'refresh-due': wiring.sweepPorts,
  rescue: wiring.rescuePorts,
};

const VALUES: Partial<Record<keyof typeof VARIABLES, string>> = {
  environment: 'dev',
  providerEnvironment: 'sandbox',
  keyArn: 'arn:aws:kms:us-east-1:000000000000:key/1234',
  frontendUrl: 'https://app.example.com',
  publicUrl: 'https://api.example.com',
  returnUrls: 'https://app.example.com',
  connectBinding: 'interstitial',
  connectAccess: 'session',
  partnerName: 'Example Ltd',
  allowSharedGrants: 'false',
  // No provider's own margin.
  refreshAheadSeconds: '901',
  onDemandSeconds: '301',
  keepAliveDays: '13',
  leaseSeconds: '126',
  circuitFailures: '5',
  circuitResetSeconds: '90',
  backoffBaseMs: '700',
  backoffCapSeconds: '200',
  rescueQueueUrl: 'https://sqs.us-east-1.amazonaws.com/000000000000/grantkeeper-dev-rescue',
  rescueDeadLetterUrl: 'https://sqs.us-east-1.amazonaws.com/000000000000/grantkeeper-dev-rescue-dead-letter',
  refreshGrantFunction: 'grantkeeper-dev-refresh-grant',
  finishConnectFunction: 'grantkeeper-dev-finish-connect',
  refreshDueFunction: 'grantkeeper-dev-refresh-due',
  eventBus: 'grantkeeper-dev',
  tableKeyArn: 'arn:aws:kms:us-east-1:000000000000:key/5678',
};

const TARGETS = {
  'refresh-grant': 'refreshGrantFunction',
  'finish-connect': 'finishConnectFunction',
  'refresh-due': 'refreshDueFunction',
} as const;

/** The variables infra gives a function, with values. */
function variablesOf(name: FunctionName, connectAccess: 'session' | 'open'): Record<string, string> {
  const {
    tables,
    settings,
    seals,
    opens,
    rescues = [],
    invokes,
    emits,
    watchesFleet,
  }: FunctionSpec = functionSpecs({ connectAccess })[name];
  const names = [
    'environment' as const,
    ...settings,
    ...(seals || opens ? (['keyArn'] as const) : []),
    ...(rescues.includes('sends') ? (['rescueQueueUrl'] as const) : []),
    ...(rescues.includes('counts') ? (['rescueDeadLetterUrl'] as const) : []),
    ...(invokes === undefined ? [] : [TARGETS[invokes]]),
    ...(emits ? (['eventBus'] as const) : []),
    ...(watchesFleet ? (['tableKeyArn'] as const) : []),
  ];
  const given = { ...VALUES, connectAccess };
  return {
    ...Object.fromEntries(names.flatMap((each) => (given[each] === undefined ? [] : [[VARIABLES[each], given[each]]]))),
    ...Object.fromEntries(
      TABLES.filter((table) => tables[table]).map((table) => [TABLE_VARIABLES[table], `T-${table}`]),
    ),
  };
}

afterEach(() => vi.unstubAllEnvs());

// Before the others, because ports that could be built are kept.
test.for(FUNCTIONS)('%s without its variables says which are missing', (name) => {
  const error = (() => {
    try {
      return PORTS[name]();
    } catch (thrown) {
      return thrown;
    }
  })();
  expect(error).toEqual(new GrantkeeperError('configuration_missing'));
  const { variables } = (error as GrantkeeperError).cause as { variables: string[] };
  expect(Object.keys(variablesOf(name, 'session'))).toEqual(expect.arrayContaining(variables));
});

/** Read with the first request, not with the ports; local alone may say where a provider is. */
const READ_LATER: readonly string[] = [VARIABLES.publicUrl, VARIABLES.providerOrigins];

test.for(FUNCTIONS)('%s gets what it needs from what infra gives it, uses all of it, and builds once', (name) => {
  const given = variablesOf(name, 'session');
  for (const [variable, value] of Object.entries(given)) vi.stubEnv(variable, value);
  const read = new Set<string>();
  const own = process.env;
  const recording = new Proxy(own, {
    get(target, variable) {
      read.add(String(variable));
      return Reflect.get(target, variable);
    },
  });
  Object.defineProperty(process, 'env', { value: recording, configurable: true });
  onTestFinished(() => void Object.defineProperty(process, 'env', { value: own, configurable: true }));
  const ports = PORTS[name]();
  expect(PORTS[name]()).toBe(ports);
  const always = [VARIABLES.environment, ...READ_LATER];
  expect(Object.keys(given).filter((variable) => !read.has(variable) && !always.includes(variable))).toEqual([]);
});

test('whoever writes when a grant is due next does so by the deployment’s own margins', () => {
  const margins = FUNCTIONS.flatMap((name) => {
    const ports = PORTS[name]() as { readonly policies?: Policies };
    return ports.policies === undefined ? [] : [[name, ports.policies('quickbooks').margins]];
  });
  const own = { refreshAheadSeconds: 901, onDemandSeconds: 301, keepAliveSeconds: 13 * 86_400 };
  expect(margins).toEqual([
    ['finish-connect', own],
    ['disconnect', own],
    ['get-token', own],
    ['refresh-grant', own],
    ['refresh-due', own],
    ['rescue', own],
  ]);
});

test.for(['finish-connect', 'refresh-grant', 'refresh-due'] as const)(
  '%s keeps its leases as long as configured',
  (name) => {
    const { policies } = PORTS[name]() as { readonly policies: Policies };
    expect(policies('xero').leaseMs).toBe(126_000);
  },
);

test.for(['refresh-grant', 'refresh-due'] as const)('%s backs off and breaks the circuit as configured', (name) => {
  const { policies } = PORTS[name]() as { readonly policies: Policies };
  const { backoff, circuit } = policies('xero');
  expect({ backoff, circuit }).toEqual({
    backoff: { baseMs: 700, capMs: 200_000 },
    circuit: { failures: 5, resetMs: 90_000 },
  });
});

test('rescue is given nothing that opens a token or knows a client secret', () => {
  expect(Object.keys(PORTS.rescue() as object).sort()).toEqual(['clock', 'count', 'log', 'newId', 'policies', 'store']);
});
