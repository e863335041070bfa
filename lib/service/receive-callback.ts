import { hashOf, isOver, isSame, validCookie } from '../domain/connect-session.ts';
import { type ErrorCode, GrantkeeperError } from '../domain/errors.ts';
import type { Flow } from '../domain/flow.ts';
import { decideFail, decideSpend } from '../domain/flow-decision.ts';
import type { Instant } from '../domain/grant.ts';
import { isHeld, refusalOf } from '../domain/link-decision.ts';
import { type ProviderId, TENANT_ID_PATTERN } from '../domain/names.ts';
import { refusalOf as providerRefusalOf } from '../domain/provider-refusal.ts';
import { PROVIDERS } from '../providers/index.ts';
import { countConnectEnd } from './connect-end.ts';
import { nextUrl } from './flow-result.ts';
import { type PersistPorts, persist } from './persist.ts';
import type { FinishConnect, FinishRequest, LogOutcome, Store, VerifyState } from './ports.ts';

export interface ReceiveCallbackPorts extends PersistPorts {
  readonly store: Pick<Store, 'readFlow' | 'readConnection' | 'readClaim' | 'commit'>;
  readonly verifyState: VerifyState;
  readonly finishConnect: FinishConnect;
  readonly log: LogOutcome;
  /** A new ULID. */
  readonly newId: () => string;
  readonly frontendUrl: string;
}

export interface CallbackRequest {
  readonly provider: ProviderId;
  /** Of the callback, untrusted. */
  readonly query: Readonly<Record<string, string>>;
  readonly cookie?: string | undefined;
  readonly origin: string;
  readonly correlationId: string;
}

/** The gateway gives up after 29 s; the rest is for our own reads and writes. */
const ANSWER_MS = 25_000;
const WRITE_MS = 4_000;
/** Longer than any code seen; the limit only keeps junk out of the next function's payload. */
const MAX_CODE_LENGTH = 2_048;

/**
 * Where the browser goes after the provider's callback. Everything is checked before anything is asked of the provider;
 * exactly one callback of a flow hands its code over. A repeat from the same browser gets the stored result.
 *
 * Throws, with nothing changed: `invalid_state` when state, cookie, provider or flow do not belong together or another
 * browser has been here before; `invalid_request` without a code; `missing_realm_id` when the provider names companies in
 * the callback and did not. Every other trouble is told in the redirect.
 */
export async function receiveCallback(ports: ReceiveCallbackPorts, request: CallbackRequest): Promise<string> {
  const startedAt = ports.clock.now();
  const { flow, cookieHash } = await trustedFlow(ports, request);
  const toNext = (reached: Flow) =>
    nextUrl(reached, { ...request, frontendUrl: ports.frontendUrl, now: ports.clock.now() });
  if (flow.stage !== 'session' || isOver(flow, startedAt)) return toNext(flow);
  const { error, code } = request.query;
  if (error !== undefined) return toNext(await fail(ports, flow, cookieHash, providerRefusalOf(error)));
  if (code === undefined || code === '' || code.length > MAX_CODE_LENGTH) {
    throw new GrantkeeperError('invalid_request', { field: 'code' });
  }
  const callbackTenantId = companyNamed(request);
  const refusal = await refusalFor(ports, flow, callbackTenantId);
  if (refusal !== undefined) return toNext(await fail(ports, flow, cookieHash, refusal));
  if (await spend(ports, flow, cookieHash)) {
    const authorization = { code, ...(callbackTenantId === undefined ? {} : { callbackTenantId }) };
    const handedOver = { flowId: flow.pk, correlationId: request.correlationId, authorization };
    await handOver(ports, handedOver, startedAt + ANSWER_MS);
  }
  return toNext(await reread(ports, flow, cookieHash));
}

/** The flow the state names, when this browser may go on with it. */
async function trustedFlow(
  ports: ReceiveCallbackPorts,
  request: CallbackRequest,
): Promise<{ readonly flow: Flow; readonly cookieHash: string }> {
  const state = await ports.verifyState(request.query.state ?? '', ports.clock.now());
  const cookie = validCookie(request.cookie);
  if (state === undefined || cookie === undefined) throw new GrantkeeperError('invalid_state');
  const cookieHash = hashOf(cookie);
  if (state.provider !== request.provider || !isSame(state.cookieHash, cookieHash)) {
    throw new GrantkeeperError('invalid_state');
  }
  const flow = await ports.store.readFlow(state.flowId);
  const fits = flow?.provider === state.provider && flow.organizationId === state.organizationId;
  if (flow === undefined || !fits || !isOwn(flow, cookieHash)) throw new GrantkeeperError('invalid_state');
  return { flow, cookieHash };
}

/** Once a browser has come back with the flow, it is that browser's alone. */
function isOwn(flow: Flow, cookieHash: string): boolean {
  return flow.stage === 'session' || (flow.cookieHash !== undefined && isSame(flow.cookieHash, cookieHash));
}

/** The company in the callback, for providers that name it there. */
function companyNamed({ provider, query }: CallbackRequest): string | undefined {
  const { subject } = PROVIDERS[provider];
  if (subject.kind !== 'company') return undefined;
  const named = query[subject.callbackParameter] ?? '';
  if (!TENANT_ID_PATTERN.test(named)) throw new GrantkeeperError('missing_realm_id');
  return named;
}

/** What would refuse the link anyway is told before the code is spent. */
async function refusalFor(
  { store }: ReceiveCallbackPorts,
  flow: Flow,
  named: string | undefined,
): Promise<ErrorCode | undefined> {
  const connection = await store.readConnection(flow.organizationId, flow.provider);
  const tenantId = named ?? flow.expectedTenantId ?? (isHeld(connection) ? connection.tenantId : undefined);
  if (tenantId === undefined)
    return (connection?.version ?? 0) === flow.pinnedVersion ? undefined : 'connection_changed';
  const claim = await store.readClaim(flow.provider, tenantId);
  return refusalOf({ flow, connection, claim, tenant: { tenantId } });
}

async function fail(ports: ReceiveCallbackPorts, flow: Flow, cookieHash: string, code: ErrorCode): Promise<Flow> {
  const now = ports.clock.now();
  const failing = decideFail(flow, { id: ports.newId(), code, now, cookieHash });
  const verdict = await persist(ports, failing, now + WRITE_MS);
  if (!verdict.committed) return reread(ports, flow, cookieHash);
  countConnectEnd(ports, flow.provider, code);
  return { ...flow, stage: 'failed', error: code, cookieHash };
}

async function spend(ports: ReceiveCallbackPorts, flow: Flow, cookieHash: string): Promise<boolean> {
  const now = ports.clock.now();
  const verdict = await persist(ports, decideSpend(flow, { id: ports.newId(), cookieHash, now }), now + WRITE_MS);
  return verdict.committed;
}

/** finish-connect may have begun whatever the invocation answers; only if it has not is the flow given up. */
async function handOver(ports: ReceiveCallbackPorts, request: FinishRequest, until: Instant): Promise<void> {
  try {
    await ports.finishConnect(request, Math.max(0, until - ports.clock.now()));
  } catch {
    ports.log('error', 'finish-connect was not reached', { flowId: request.flowId, code: 'unavailable' });
    const flow = await ports.store.readFlow(request.flowId);
    const now = ports.clock.now();
    if (flow?.stage !== 'authorizing') return;
    const failing = decideFail(flow, { id: ports.newId(), code: 'unavailable', now });
    const verdict = await persist(ports, failing, now + WRITE_MS);
    if (verdict.committed) countConnectEnd(ports, flow.provider, 'unavailable');
  }
}

async function reread(ports: ReceiveCallbackPorts, before: Flow, cookieHash: string): Promise<Flow> {
  const flow = await ports.store.readFlow(before.pk);
  if (flow === undefined || !isOwn(flow, cookieHash)) throw new GrantkeeperError('invalid_state');
  return flow;
}
