import { SWEEPS_AT_ONCE } from '../lib/domain/names.ts';
import type { Config } from './config.ts';
import type { FunctionSpec, FunctionSpecs } from './function-spec.ts';

/** Time to reply for those that only read and write our own records. */
const QUICK_SECONDS = 10;
/** API Gateway gives a REST integration 29 s. */
const GATEWAY_SECONDS = 29;
/** Enough CPU for TLS and JSON with the SDK loaded. */
const STANDARD_MB = 512;
/** A few reads and one answer, nobody waits in a redirect for it: the CPU share of 256 MB suffices. */
const LIGHT_MB = 256;

/** What get-token's touch of `lastUsedAt` mentions (protocol.md, write 18). No token is among them. */
const TOUCH_ATTRIBUTES = ['pk', 'generation', 'tokenVersion', 'status', 'attempt', 'lastUsedAt', 'dueAt'];

/** Whoever writes a grant writes when it is due next, by the same policy. */
const MARGINS = ['refreshAheadSeconds', 'onDemandSeconds', 'keepAliveDays'] as const;

/** Who stores tokens looks up whether they were stored before: a queue delivers twice, and a grant goes on meanwhile. */
const AUDIT_WITH_LOOKUP = ['PutItem', 'Query'] as const;

/** Everything a refresh and a duty need; nobody else opens refresh tokens. */
const REFRESHER = {
  memoryMb: STANDARD_MB,
  isAskedOnce: true,
  isRepeatedBy: 'sweep',
  tables: {
    // A verdict on a grant checks the provider's state in the same transaction.
    grants: ['GetItem', 'UpdateItem', 'ConditionCheckItem'],
    connections: ['GetItem', 'UpdateItem'],
    audit: AUDIT_WITH_LOOKUP,
  },
  seals: ['access', 'refresh'],
  opens: ['access', 'refresh'],
  readsClientSecrets: true,
  // Nobody is given up, and no spent token sent again, while new ones wait on the queue.
  rescues: ['sends', 'counts'],
  emits: true,
  settings: [
    ...MARGINS,
    ...(['providerEnvironment', 'providerOrigins', 'leaseSeconds', 'backoffBaseMs', 'backoffCapSeconds'] as const),
    ...(['circuitFailures', 'circuitResetSeconds'] as const),
  ],
} as const satisfies Omit<FunctionSpec, 'timeoutSeconds'>;

/** Least privilege as a table: what each function is given, per design §2 and §4. */
export function functionSpecs(config: Pick<Config, 'connectAccess'>): FunctionSpecs {
  return { ...connectSpecs(config), ...apiSpecs(), ...tokenSpecs() };
}

/** The browser's way through a connect flow, and the function that sends the code. */
function connectSpecs({ connectAccess }: Pick<Config, 'connectAccess'>) {
  // Only where no session is required does opening the link begin a flow.
  const opening = { flows: ['GetItem', 'PutItem'], connections: ['GetItem'], audit: ['PutItem'] } as const;
  return {
    connect: {
      timeoutSeconds: QUICK_SECONDS,
      memoryMb: STANDARD_MB,
      tables: connectAccess === 'open' ? opening : { flows: ['GetItem'] },
      readsClientSecrets: true,
      readsStateKeys: true,
      settings: [
        ...(['providerEnvironment', 'providerOrigins', 'publicUrl'] as const),
        ...(['connectBinding', 'connectAccess', 'partnerName'] as const),
      ],
    },
    callback: {
      timeoutSeconds: GATEWAY_SECONDS,
      memoryMb: STANDARD_MB,
      tables: { flows: ['GetItem', 'UpdateItem'], connections: ['GetItem'], audit: ['PutItem'] },
      readsStateKeys: true,
      invokes: 'finish-connect',
      settings: ['frontendUrl', 'publicUrl'],
    },
    choose: {
      timeoutSeconds: GATEWAY_SECONDS,
      memoryMb: STANDARD_MB,
      tables: { flows: ['GetItem'] },
      invokes: 'finish-connect',
      settings: ['frontendUrl', 'publicUrl', 'partnerName'],
    },
    'finish-connect': {
      timeoutSeconds: 90,
      memoryMb: STANDARD_MB,
      // A code is sent once; the callback invokes synchronously and reads what happened from the flow.
      isAskedOnce: true,
      tables: {
        flows: ['GetItem', 'UpdateItem'],
        connections: ['GetItem', 'PutItem'],
        grants: ['GetItem', 'PutItem', 'UpdateItem'],
        audit: AUDIT_WITH_LOOKUP,
      },
      // It keeps the tokens it has just got in memory until they are stored, so it opens nothing.
      seals: ['access', 'refresh'],
      readsClientSecrets: true,
      rescues: ['sends'],
      emits: true,
      settings: [...MARGINS, 'providerEnvironment', 'providerOrigins', 'leaseSeconds'],
    },
  } as const satisfies Partial<FunctionSpecs>;
}

/** What a partner's backend calls with an API key. */
function apiSpecs() {
  return {
    authorizer: {
      timeoutSeconds: QUICK_SECONDS,
      // In front of every call with a key: with less CPU its cold start would be the caller's.
      memoryMb: STANDARD_MB,
      tables: { apiKeys: ['GetItem', 'UpdateItem'] },
      touches: { apiKeys: ['pk', 'lastUsedAt'] },
      settings: [],
    },
    'create-connect-session': {
      timeoutSeconds: QUICK_SECONDS,
      memoryMb: LIGHT_MB,
      tables: { connections: ['GetItem'], flows: ['PutItem'], audit: ['PutItem'] },
      settings: ['publicUrl', 'returnUrls'],
    },
    'connect-session-status': {
      timeoutSeconds: QUICK_SECONDS,
      memoryMb: LIGHT_MB,
      tables: { flows: ['GetItem'] },
      settings: [],
    },
    status: {
      timeoutSeconds: QUICK_SECONDS,
      memoryMb: LIGHT_MB,
      tables: { connections: ['GetItem'], grants: ['GetItem'] },
      settings: [],
    },
    disconnect: {
      // 7 s at most for the write and 3 s to start the refresher, and room to say so.
      timeoutSeconds: 15,
      memoryMb: LIGHT_MB,
      tables: {
        connections: ['GetItem', 'UpdateItem', 'DeleteItem'],
        grants: ['GetItem', 'UpdateItem'],
        audit: ['PutItem'],
      },
      invokes: 'refresh-grant',
      emits: true,
      settings: MARGINS,
    },
  } as const satisfies Partial<FunctionSpecs>;
}

/** Handing out tokens and keeping them fresh. */
function tokenSpecs() {
  return {
    'get-token': {
      // A reader waits at most 10 s for a refresh that runs, then answers.
      timeoutSeconds: 20,
      memoryMb: STANDARD_MB,
      tables: { connections: ['GetItem', 'BatchGetItem'], grants: ['GetItem', 'BatchGetItem', 'UpdateItem'] },
      touches: { grants: TOUCH_ATTRIBUTES },
      opens: ['access'],
      invokes: 'refresh-grant',
      settings: [...MARGINS, 'providerOrigins', 'allowSharedGrants'],
    },
    // 80 s and 180 s: an attempt takes 70 s and starts only when more than that remains (design §5.1).
    'refresh-grant': { ...REFRESHER, timeoutSeconds: 80 },
    'refresh-due': {
      ...REFRESHER,
      timeoutSeconds: 180,
      concurrency: SWEEPS_AT_ONCE,
      // The daily repair reads every grant.
      tables: { ...REFRESHER.tables, grants: [...REFRESHER.tables.grants, 'Scan'] },
      queriesDue: true,
      invokes: 'refresh-due',
      watchesFleet: true,
    },
    rescue: {
      // A sixth of the queue's visibility, less a margin: no message is given to a second run while the first has it.
      timeoutSeconds: 45,
      memoryMb: STANDARD_MB,
      tables: { grants: ['GetItem', 'PutItem', 'UpdateItem'], audit: AUDIT_WITH_LOOKUP },
      rescues: ['receives'],
      isRepeatedBy: 'queue',
      emits: true,
      settings: MARGINS,
    },
  } as const satisfies Partial<FunctionSpecs>;
}
