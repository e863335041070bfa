import { formProof, hashOf, isFlowId, isOver, isSame, validCookie } from '../domain/connect-session.ts';
import { GrantkeeperError } from '../domain/errors.ts';
import type { Flow, Tenant } from '../domain/flow.ts';
import type { ProviderId } from '../domain/names.ts';
import { nextUrl } from './flow-result.ts';
import type { Clock, FinishConnect, LogOutcome, Store } from './ports.ts';

export interface ChooseTenantPorts {
  readonly store: Pick<Store, 'readFlow'>;
  readonly clock: Clock;
  readonly finishConnect: FinishConnect;
  readonly log: LogOutcome;
  readonly frontendUrl: string;
}

export interface ChoiceRequest {
  readonly provider: ProviderId;
  readonly flowId?: string | undefined;
  readonly cookie?: string | undefined;
  readonly origin: string;
}

export type Choice =
  | {
      readonly kind: 'ask';
      readonly flowId: string;
      readonly organizationId: string;
      readonly tenants: readonly Tenant[];
      /** The form sends it back. */
      readonly proof: string;
    }
  | { readonly kind: 'done'; readonly url: string };

/** As long as the callback (design §7.3). */
const ANSWER_MS = 25_000;

/**
 * The companies to choose from, or where to go when there is nothing to choose any more. Throws `invalid_state` unless the
 * browser is the one the flow's callback came from.
 */
export async function readChoice(ports: ChooseTenantPorts, request: ChoiceRequest): Promise<Choice> {
  const { flow, cookie } = await ownFlow(ports, request);
  if (!isChoosing(ports, flow)) return { kind: 'done', url: urlAfter(ports, request, flow) };
  const { pk: flowId, organizationId, tenants = [] } = flow;
  return { kind: 'ask', flowId, organizationId, tenants, proof: formProof(cookie, purposeOf(flow)) };
}

/**
 * Links the chosen company and answers where the browser goes. Throws `invalid_state` as `readChoice` does and for a form
 * not shown in this browser, and `invalid_request` for a company that was not offered.
 */
export async function chooseTenant(
  ports: ChooseTenantPorts,
  request: ChoiceRequest & {
    readonly tenantId?: string | undefined;
    readonly proof?: string | undefined;
    readonly correlationId: string;
  },
): Promise<string> {
  const startedAt = ports.clock.now();
  const { flow, cookie } = await ownFlow(ports, request);
  if (!isSame(request.proof ?? '', formProof(cookie, purposeOf(flow)))) throw new GrantkeeperError('invalid_state');
  if (!isChoosing(ports, flow)) return urlAfter(ports, request, flow);
  const chosen = flow.tenants?.find(({ tenantId }) => tenantId === request.tenantId);
  if (chosen === undefined) throw new GrantkeeperError('invalid_request', { field: 'tenant_id' });
  const handedOver = { flowId: flow.pk, chosenTenantId: chosen.tenantId, correlationId: request.correlationId };
  try {
    await ports.finishConnect(handedOver, startedAt + ANSWER_MS - ports.clock.now());
  } catch {
    // The flow is still choosing: the browser is sent back to the page and may try again.
    ports.log('error', 'finish-connect was not reached', { flowId: flow.pk, code: 'unavailable' });
  }
  return urlAfter(ports, request, (await ports.store.readFlow(flow.pk)) ?? flow);
}

async function ownFlow(
  ports: ChooseTenantPorts,
  request: ChoiceRequest,
): Promise<{ readonly flow: Flow; readonly cookie: string }> {
  const cookie = validCookie(request.cookie);
  const { flowId = '' } = request;
  const flow = cookie !== undefined && isFlowId(flowId) ? await ports.store.readFlow(flowId) : undefined;
  const isOwn =
    cookie !== undefined &&
    flow?.cookieHash !== undefined &&
    flow.provider === request.provider &&
    isSame(flow.cookieHash, hashOf(cookie));
  if (!isOwn) throw new GrantkeeperError('invalid_state');
  return { flow, cookie };
}

function isChoosing({ clock }: ChooseTenantPorts, flow: Flow): boolean {
  return flow.stage === 'choosing' && !isOver(flow, clock.now());
}

function urlAfter({ clock, frontendUrl }: ChooseTenantPorts, { origin }: ChoiceRequest, flow: Flow): string {
  return nextUrl(flow, { origin, frontendUrl, now: clock.now() });
}

function purposeOf(flow: Flow): string {
  return JSON.stringify(['choose', flow.pk]);
}
