import {
  formProof,
  hashOf,
  isOpenable,
  isSame,
  parseSession,
  STATE_MS,
  validCookie,
} from '../domain/connect-session.ts';
import { GrantkeeperError } from '../domain/errors.ts';
import type { Flow } from '../domain/flow.ts';
import type { ProviderEnvironment, ProviderId } from '../domain/names.ts';
import type { AuthorizationUrl, ReadClient, SignState, Store } from './ports.ts';
import { type StartFlowPorts, startFlow } from './start-flow.ts';

export interface OpenConnectPorts extends StartFlowPorts {
  readonly store: Pick<Store, 'readConnection' | 'readFlow' | 'commit'>;
  readonly readClient: ReadClient;
  readonly signState: SignState;
  readonly authorizationUrl: AuthorizationUrl;
  /** 32 random bytes in base64url. */
  readonly newSecret: () => string;
  readonly providerEnvironment: ProviderEnvironment;
  /** Whether our page asks the user before the provider does (design §7.6). */
  readonly connectBinding: 'link' | 'interstitial';
  /** `open`: anybody may start a flow for any organisation; for development. */
  readonly connectAccess: 'session' | 'open';
}

export interface OpenRequest {
  readonly provider: ProviderId;
  readonly organizationId: string;
  readonly session?: string | undefined;
  /** The browser's cookie, as it came. */
  readonly cookie?: string | undefined;
  readonly origin: string;
}

export type OpenedLink =
  /** `cookie` is what the browser is to carry from here on. */
  | { readonly kind: 'provider'; readonly url: string; readonly cookie: string }
  /** Ask first. The form sends `session` and `proof` back. */
  | {
      readonly kind: 'interstitial';
      readonly cookie: string;
      readonly session?: string;
      readonly proof: string;
      readonly userId?: string;
    };

/**
 * Opens a connect link. Opening does not spend it: mail scanners open links too. Throws `session_invalid` when the link is
 * unknown, not for this organisation and provider, expired, or has led to a callback before.
 */
export async function openConnect(ports: OpenConnectPorts, request: OpenRequest): Promise<OpenedLink> {
  const flow = await flowOf(ports, request);
  const cookie = validCookie(request.cookie) ?? ports.newSecret();
  if (ports.connectBinding === 'link')
    return { kind: 'provider', cookie, url: await providerUrl(ports, request, { flow, cookie }) };
  const { session } = request;
  return {
    kind: 'interstitial',
    cookie,
    proof: formProof(cookie, purposeOf(request)),
    ...(session === undefined ? {} : { session }),
    ...(flow?.userId === undefined ? {} : { userId: flow.userId }),
  };
}

/**
 * The user said yes on our page. Throws `invalid_state` unless the form was shown in this very browser, and
 * `session_invalid` as `openConnect` does.
 */
export async function confirmConnect(
  ports: OpenConnectPorts,
  request: OpenRequest & { readonly proof?: string | undefined },
): Promise<Extract<OpenedLink, { kind: 'provider' }>> {
  const cookie = validCookie(request.cookie);
  if (cookie === undefined || !isSame(request.proof ?? '', formProof(cookie, purposeOf(request)))) {
    throw new GrantkeeperError('invalid_state');
  }
  const flow = await flowOf(ports, request);
  return { kind: 'provider', cookie, url: await providerUrl(ports, request, { flow, cookie }) };
}

/** The flow of the link; undefined where a flow needs no link and none was given. */
async function flowOf(ports: OpenConnectPorts, request: OpenRequest): Promise<Flow | undefined> {
  if (request.session === undefined && ports.connectAccess === 'open') return undefined;
  const token = parseSession(request.session ?? '');
  const flow = token === undefined ? undefined : await ports.store.readFlow(token.flowId);
  const isValid =
    token !== undefined &&
    flow?.sessionHash !== undefined &&
    isSame(flow.sessionHash, hashOf(token.secret)) &&
    flow.organizationId === request.organizationId &&
    flow.provider === request.provider &&
    isOpenable(flow, ports.clock.now());
  if (!isValid) throw new GrantkeeperError('session_invalid');
  return flow;
}

async function providerUrl(
  ports: OpenConnectPorts,
  { provider, organizationId, origin }: OpenRequest,
  opened: { readonly flow: Flow | undefined; readonly cookie: string },
): Promise<string> {
  const { clientId } = await ports.readClient(provider, ports.providerEnvironment);
  const flow = opened.flow ?? (await startFlow(ports, { provider, organizationId, origin }));
  const state = await ports.signState({
    flowId: flow.pk,
    provider,
    organizationId,
    cookieHash: hashOf(opened.cookie),
    nonce: ports.newId(),
    expiresAt: ports.clock.now() + STATE_MS,
  });
  return ports.authorizationUrl({ provider, clientId, redirectUri: flow.redirectUri, state });
}

function purposeOf({ session, provider, organizationId }: OpenRequest): string {
  return JSON.stringify(['connect', session ?? '', provider, organizationId]);
}
