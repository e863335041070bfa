import { randomBytes } from 'node:crypto';
import { ulid } from 'ulid';
import {
  createCloudWatchClient,
  createDynamoClient,
  createEventBridgeClient,
  createKmsClient,
  createLambdaClient,
  createSecretsClient,
  createSqsClient,
} from '../aws/clients.ts';
import { createDynamoStore } from '../aws/dynamo-store.ts';
import { createEnvelopeCipher } from '../aws/envelope-cipher.ts';
import { createPutEvents } from '../aws/events.ts';
import { createPublishGauges } from '../aws/gauges.ts';
import { createFinishConnect, createHandOver, createRefreshRequester } from '../aws/invoke.ts';
import { createCountUnusableKeys } from '../aws/key-states.ts';
import { createRememberingCipher } from '../aws/remembering-cipher.ts';
import { createCountRescues, createRescueQueue } from '../aws/rescue-queue.ts';
import { createSecretReader } from '../aws/secrets.ts';
import type { GrantKey } from '../domain/grant.ts';
import { metricNamespace, type ProviderEnvironment, type ProviderId } from '../domain/names.ts';
import { authorizationUrl } from '../oauth/authorization-url.ts';
import { signState, verifyState } from '../oauth/state.ts';
import { createTenantDirectory } from '../oauth/tenant-directory.ts';
import { createTokenEndpoint } from '../oauth/token-endpoint.ts';
import { PROVIDERS, providerHosts } from '../providers/index.ts';
import type { AuthorizeKeyPorts } from '../service/authorize-key.ts';
import type { ChooseTenantPorts } from '../service/choose-tenant.ts';
import type { CreateConnectSessionPorts } from '../service/create-connect-session.ts';
import type { DisconnectPorts } from '../service/disconnect.ts';
import type { FinishConnectPorts } from '../service/finish-connect.ts';
import type { GetTokenPorts } from '../service/get-access-token.ts';
import type { RefreshPorts } from '../service/lease.ts';
import type { OpenConnectPorts } from '../service/open-connect.ts';
import { createHealthMemory } from '../service/provider-health.ts';
import type { ReadConnectSessionPorts } from '../service/read-connect-session.ts';
import type { ReadStatusPorts } from '../service/read-status.ts';
import type { ReceiveCallbackPorts } from '../service/receive-callback.ts';
import type { SweepPorts } from '../service/refresh-due.ts';
import type { RescuePorts } from '../service/rescue.ts';
import { createSingleFlight } from '../service/single-flight.ts';
import { createTellingStore } from '../service/telling-store.ts';
import { createBoundedMap } from './bounded-map.ts';
import { createClock } from './clock.ts';
import { type Config, readConfig } from './config.ts';
import { createEmitEvent } from './events.ts';
import { createLogOutcome } from './logging.ts';
import { createCountMetric } from './metrics.ts';
import { once } from './once.ts';
import { MARGINS, policiesOf, type Tuning } from './tuning.ts';

/**
 * The ports of each use case, built when first asked for and kept for the life of the sandbox. Each getter reads exactly
 * the settings its function is given, so no function is stopped by a setting that it does not use. The calls marked pure
 * let the bundler leave out of a function what the others need.
 */

/** Which grant served a connection last time: a hint that saves a read, some 100 bytes each. */
const MAX_REMEMBERED_GRANTS = 5_000;

const clock = /* @__PURE__ */ createClock();
const tools = /* @__PURE__ */ once(() => ({
  clock,
  count: createCountMetric(),
  log: createLogOutcome(),
  newId: () => ulid(),
}));
const dynamoClient = /* @__PURE__ */ once(() => createDynamoClient({}, tools().count));
const cloudWatchClient = /* @__PURE__ */ once(() => createCloudWatchClient({}, tools().count));
const eventBridgeClient = /* @__PURE__ */ once(() => createEventBridgeClient({}, tools().count));
const kmsClient = /* @__PURE__ */ once(() => createKmsClient({}, tools().count));
const lambdaClient = /* @__PURE__ */ once(() => createLambdaClient({}, tools().count));
const secretsClient = /* @__PURE__ */ once(() => createSecretsClient({}, tools().count));
const sqsClient = /* @__PURE__ */ once(() => createSqsClient({}, tools().count));

/** Of `authorizer`. */
export const authorizeKeyPorts = /* @__PURE__ */ once((): AuthorizeKeyPorts => {
  const { environment, ...tables } = readConfig(['environment', 'apiKeysTable']);
  return { environment, clock, log: createLogOutcome(), store: storeOn(tables) };
});

/** Of `create-connect-session`. */
export const createConnectSessionPorts = /* @__PURE__ */ once((): CreateConnectSessionPorts => {
  const { returnUrls, ...tables } = readConfig(['returnUrls', 'connectionsTable', 'flowsTable', 'auditTable']);
  return { ...tools(), returnUrls, newSecret, store: storeOn(tables) };
});

/** Of `connect-session-status`. */
export const readConnectSessionPorts = /* @__PURE__ */ once((): ReadConnectSessionPorts => {
  return { clock, store: storeOn(readConfig(['flowsTable'])) };
});

/** Of `connect`. A flow is begun, which looks at the connection and tells the audit, only where opening a link needs no session. */
export const openConnectPorts = /* @__PURE__ */ once((): OpenConnectPorts & { readonly partnerName: string } => {
  const config = readConfig([
    ...(['environment', 'providerEnvironment', 'providerOrigins', 'connectBinding', 'connectAccess'] as const),
    ...(['partnerName', 'flowsTable'] as const),
  ]);
  const { providerEnvironment, providerOrigins, connectBinding, connectAccess, partnerName } = config;
  const { readClient, readStateKeys } = secretReader(config);
  return {
    ...tools(),
    ...{ newSecret, readClient, providerEnvironment, connectBinding, connectAccess, partnerName },
    store: storeOn({ ...config, ...(connectAccess === 'open' ? readConfig(['connectionsTable', 'auditTable']) : {}) }),
    signState: async (payload) => signState(payload, await readStateKeys()),
    authorizationUrl: ({ provider, ...request }) =>
      authorizationUrl({
        ...request,
        descriptor: PROVIDERS[provider],
        hosts: providerHosts(provider, providerEnvironment, providerOrigins),
      }),
  };
});

/** Of `callback`. */
export const receiveCallbackPorts = /* @__PURE__ */ once((): ReceiveCallbackPorts => {
  const config = readConfig([
    ...(['environment', 'frontendUrl', 'finishConnectFunction'] as const),
    ...(['connectionsTable', 'flowsTable', 'auditTable'] as const),
  ]);
  const { readStateKeys } = secretReader(config);
  return {
    ...tools(),
    frontendUrl: config.frontendUrl,
    store: storeOn(config),
    verifyState: async (state, now) => verifyState(state, await readStateKeys(), now),
    finishConnect: createFinishConnect({ client: lambdaClient(), functionName: config.finishConnectFunction }),
  };
});

/** Of `choose`. */
export const chooseTenantPorts = /* @__PURE__ */ once((): ChooseTenantPorts & { readonly partnerName: string } => {
  const config = readConfig(['frontendUrl', 'partnerName', 'finishConnectFunction', 'flowsTable']);
  return {
    ...tools(),
    frontendUrl: config.frontendUrl,
    partnerName: config.partnerName,
    store: storeOn(config),
    finishConnect: createFinishConnect({ client: lambdaClient(), functionName: config.finishConnectFunction }),
  };
});

/** Of `finish-connect`. */
export const finishConnectPorts = /* @__PURE__ */ once((): FinishConnectPorts => {
  const config = readConfig([...PROVIDER_SETTINGS, 'flowsTable', 'eventBus']);
  const store = createTellingStore(storeOn(config), emitterOf(config));
  return { ...providerPorts(config), store, providerEnvironment: config.providerEnvironment };
});

/** Of `status`. */
export const readStatusPorts = /* @__PURE__ */ once((): ReadStatusPorts => {
  return { clock, store: storeOn(readConfig(['connectionsTable', 'grantsTable'])) };
});

/** Of `disconnect`. */
export const disconnectPorts = /* @__PURE__ */ once((): DisconnectPorts => {
  const config = readConfig([
    ...MARGINS,
    ...(['environment', 'eventBus', 'refreshGrantFunction'] as const),
    ...(['connectionsTable', 'grantsTable', 'auditTable'] as const),
  ]);
  const store = createTellingStore(storeOn(config), emitterOf(config));
  return { ...tools(), store, policies: policiesOf(config), requestRefresh: refreshRequester(config) };
});

/** Of `get-token`. */
export const getAccessTokenPorts = /* @__PURE__ */ once((): GetTokenPorts => {
  const config = readConfig([
    ...(['environment', 'keyArn', 'grantsTable', 'connectionsTable', 'refreshGrantFunction'] as const),
    ...MARGINS,
    ...(['providerOrigins', 'allowSharedGrants'] as const),
  ]);
  return {
    ...tools(),
    store: storeOn(config),
    cipher: createRememberingCipher(createEnvelopeCipher({ ...config, client: kmsClient() }), clock),
    policies: policiesOf(config),
    requestRefresh: refreshRequester(config),
    apiBaseUrl: (provider, side) => providerHosts(provider, side, config.providerOrigins).api,
    allowSharedGrants: config.allowSharedGrants,
    remembered: createBoundedMap<string, GrantKey>(MAX_REMEMBERED_GRANTS),
  };
});

/** Of `refresh-grant`. */
export const refreshPorts = /* @__PURE__ */ once((): RefreshPorts => refresherPorts(readConfig(REFRESHER_SETTINGS)));

/** Of `refresh-due`. */
export const sweepPorts = /* @__PURE__ */ once((): SweepPorts => {
  const config = readConfig([...REFRESHER_SETTINGS, 'refreshDueFunction', 'tableKeyArn']);
  const namespace = metricNamespace(config.environment);
  const keyArns = [config.keyArn, config.tableKeyArn];
  return {
    ...refresherPorts(config),
    handOver: createHandOver({ client: lambdaClient(), functionName: config.refreshDueFunction }),
    publish: createPublishGauges({ client: cloudWatchClient(), namespace }),
    countUnusableKeys: createCountUnusableKeys({ client: kmsClient(), keyArns }),
    providerEnvironment: config.providerEnvironment,
  };
});

/** Of `rescue`, which has nothing that could decrypt. */
export const rescuePorts = /* @__PURE__ */ once((): RescuePorts => {
  const config = readConfig([...MARGINS, 'environment', 'eventBus', 'grantsTable', 'auditTable']);
  const store = createTellingStore(storeOn(config), emitterOf(config));
  return { ...tools(), store, policies: policiesOf(config) };
});

/** Of functions that talk to a provider. */
const PROVIDER_SETTINGS = [
  ...MARGINS,
  ...(['environment', 'keyArn', 'providerEnvironment', 'providerOrigins', 'leaseSeconds'] as const),
  ...(['rescueQueueUrl', 'grantsTable', 'connectionsTable', 'auditTable'] as const),
] as const;

/** Of those that do so again and again. */
const REFRESHER_SETTINGS = [
  ...PROVIDER_SETTINGS,
  ...(['rescueDeadLetterUrl', 'eventBus'] as const),
  ...(['backoffBaseMs', 'backoffCapSeconds', 'circuitFailures', 'circuitResetSeconds'] as const),
] as const;

function refresherPorts(config: Config<(typeof REFRESHER_SETTINGS)[number]>): RefreshPorts {
  const { rescueQueueUrl: queueUrl, rescueDeadLetterUrl: deadLetterUrl } = config;
  const emit = emitterOf(config);
  return {
    ...providerPorts(config),
    store: createTellingStore(storeOn(config), emit),
    countRescues: createCountRescues({ client: sqsClient(), queueUrl, deadLetterUrl }),
    health: createHealthMemory(),
    emit,
    singleFlight: createSingleFlight(),
    random: Math.random,
  };
}

function providerPorts(config: Config<(typeof PROVIDER_SETTINGS)[number]> & Tuning) {
  const { providerEnvironment, providerOrigins } = config;
  const hosts = (provider: ProviderId, side: ProviderEnvironment) => providerHosts(provider, side, providerOrigins);
  const { now } = clock;
  const { count } = tools();
  return {
    ...tools(),
    cipher: createEnvelopeCipher({ ...config, client: kmsClient() }),
    endpoint: createTokenEndpoint({ hosts: (provider) => hosts(provider, providerEnvironment), now, count }),
    tenants: createTenantDirectory({ hosts, now, count }),
    readClient: secretReader(config).readClient,
    policies: policiesOf(config),
    rescueQueue: createRescueQueue({ client: sqsClient(), queueUrl: config.rescueQueueUrl }),
  };
}

type TableConfig = Partial<Config<'grantsTable' | 'connectionsTable' | 'flowsTable' | 'apiKeysTable' | 'auditTable'>>;

function storeOn({ grantsTable, connectionsTable, flowsTable, apiKeysTable, auditTable }: TableConfig) {
  const tables = {
    ...(grantsTable && { grants: grantsTable }),
    ...(connectionsTable && { connections: connectionsTable }),
    ...(flowsTable && { flows: flowsTable }),
    ...(apiKeysTable && { apiKeys: apiKeysTable }),
    ...(auditTable && { audit: auditTable }),
  };
  return createDynamoStore({ client: dynamoClient(), tables });
}

function secretReader({ environment }: Config<'environment'>) {
  return createSecretReader({ client: secretsClient(), environment, now: clock.now, count: tools().count });
}

/** Tells on the bus. */
function emitterOf({ environment, eventBus: busName }: Config<'environment' | 'eventBus'>) {
  const { count, log } = tools();
  return createEmitEvent({ put: createPutEvents({ client: eventBridgeClient(), busName, environment }), count, log });
}

function refreshRequester({ refreshGrantFunction }: Config<'refreshGrantFunction'>) {
  return createRefreshRequester({ client: lambdaClient(), functionName: refreshGrantFunction });
}

function newSecret(): string {
  return randomBytes(32).toString('base64url');
}
