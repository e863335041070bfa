import { httpHandler } from '../lib/runtime/http.ts';
import { readConnectSessionPorts } from '../lib/runtime/wiring.ts';
import { type ReadConnectSessionPorts, readConnectSession } from '../lib/service/read-connect-session.ts';

/** Tells a partner's backend how a connect flow stands: stage, error, company. */
export function createHandler(ports: () => ReadConnectSessionPorts) {
  return httpHandler('connectSessionStatus', async ({ parameters, key }) => {
    const session = await readConnectSession(ports(), { sessionId: parameters.session_id ?? '', key });
    const { company, error } = session;
    return {
      status: 200,
      body: {
        session_id: session.sessionId,
        organization_id: session.organizationId,
        provider: session.provider,
        stage: session.stage,
        error: error ?? null,
        company: company === undefined ? null : { tenant_id: company.tenantId, name: company.name ?? null },
        expires_at: new Date(session.expiresAt).toISOString(),
      },
    };
  });
}

export const handler = createHandler(readConnectSessionPorts);
