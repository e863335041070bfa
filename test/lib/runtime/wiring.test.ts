import { afterEach, expect, test, vi } from 'vitest';
import { functionSpecs } from '../../../infra/function-specs.ts';
import { GrantkeeperError } from '../../../lib/domain/errors.ts';
import { FUNCTIONS, type FunctionName, TABLE_VARIABLES, TABLES, VARIABLES } from '../../../lib/domain/names.ts';
import * as wiring from '../../../lib/runtime/wiring.ts';

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
  refreshAheadSeconds: '1800',
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

test.for(FUNCTIONS)('%s gets all it needs from what infra gives it, once', (name) => {
  for (const [variable, value] of Object.entries(variablesOf(name, 'session'))) vi.stubEnv(variable, value);
  const ports = PORTS[name]();
  expect(PORTS[name]()).toBe(ports);
});
