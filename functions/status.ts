import { requireOrganization } from '../lib/domain/key-access.ts';
import { connectionOf } from '../lib/runtime/connect-request.ts';
import { httpHandler } from '../lib/runtime/http.ts';
import { readStatusPorts } from '../lib/runtime/wiring.ts';
import { type ReadStatusPorts, readStatus } from '../lib/service/read-status.ts';

/** How an organisation's connection stands (requirement A4). Values that do not apply are null. */
export function createHandler(ports: () => ReadStatusPorts) {
  return httpHandler('status', async (request) => {
    const { provider, organizationId } = connectionOf(request);
    requireOrganization(request.key, organizationId);
    const status = await readStatus(ports(), { provider, organizationId });
    return {
      status: 200,
      body: {
        connected: status.connected,
        accounting_system: provider,
        realm_id: status.company?.tenantId ?? null,
        company_name: status.company?.name ?? null,
        expires_at: isoOf(status.accessExpiresAt),
        is_expired: status.isExpired ?? null,
        health: status.health,
        needs_reauth: status.needsReauth,
        reconnect_by: isoOf(status.reconnectBy),
      },
    };
  });
}

function isoOf(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString();
}

export const handler = createHandler(readStatusPorts);
