import { formatSession, hashOf, SESSION_MS } from '../domain/connect-session.ts';
import { GrantkeeperError } from '../domain/errors.ts';
import type { Instant } from '../domain/grant.ts';
import { routePath } from '../domain/routes.ts';
import { type FlowRequest, type StartFlowPorts, startFlow } from './start-flow.ts';

export interface CreateConnectSessionPorts extends StartFlowPorts {
  /** 32 random bytes in base64url. */
  readonly newSecret: () => string;
  readonly returnUrls: readonly string[];
}

export interface ConnectSession {
  readonly sessionId: string;
  /** Opens the flow in a browser; holds the session's secret, of which only the hash is stored. */
  readonly connectUrl: string;
  /** Until when the link can be opened. */
  readonly expiresAt: Instant;
}

/**
 * A link that lets one browser connect the organisation within 15 minutes. Throws `invalid_return_url` for an address that
 * is not, character for character, on the list, and `company_mismatch` for a reconnect with another company.
 */
export async function createConnectSession(
  ports: CreateConnectSessionPorts,
  request: Omit<FlowRequest, 'sessionHash'>,
): Promise<ConnectSession> {
  const { returnUrl, organizationId, provider, origin } = request;
  if (returnUrl !== undefined && !ports.returnUrls.includes(returnUrl)) {
    throw new GrantkeeperError('invalid_return_url', { field: 'return_url' });
  }
  const secret = ports.newSecret();
  const flow = await startFlow(ports, { ...request, sessionHash: hashOf(secret) });
  const path = routePath('connect', { provider, organization_id: organizationId });
  return {
    sessionId: flow.pk,
    connectUrl: `${origin}${path}?session=${formatSession({ flowId: flow.pk, secret })}`,
    expiresAt: flow.createdAt + SESSION_MS,
  };
}
