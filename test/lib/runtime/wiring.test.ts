import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
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
  'refresh-due': wiring.refreshPorts,
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
  refreshGrantFunction: 'grantkeeper-dev-refresh-grant',
  finishConnectFunction: 'grantkeeper-dev-finish-connect',
};

/** The variables infra gives a function, with values. */
function variablesOf(name: FunctionName, connectAccess: 'session' | 'open'): Record<string, string> {
  const { tables, settings, seals, opens, invokes } = functionSpecs({ connectAccess })[name];
  const target = invokes === 'refresh-grant' ? 'refreshGrantFunction' : 'finishConnectFunction';
  const names = [
    'environment' as const,
    ...settings,
    ...(seals || opens ? (['keyArn'] as const) : []),
    ...(invokes === undefined ? [] : [target as 'refreshGrantFunction']),
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
  if (name === 'refresh-due') return; // The very ports of refresh-grant, built there.
  const always = [VARIABLES.environment, ...READ_LATER];
  expect(Object.keys(given).filter((variable) => !read.has(variable) && !always.includes(variable))).toEqual([]);
});

test('whoever writes when a grant is due next does so by the deployment’s own margin', () => {
  const margins = FUNCTIONS.flatMap((name) => {
    const ports = PORTS[name]() as { readonly policies?: Policies };
    return ports.policies === undefined ? [] : [[name, ports.policies('quickbooks').margins.refreshAheadSeconds]];
  });
  expect(margins).toEqual([
    ['finish-connect', 901],
    ['disconnect', 901],
    ['get-token', 901],
    ['refresh-grant', 901],
    ['refresh-due', 901],
  ]);
});
