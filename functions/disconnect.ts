import * as z from 'zod/mini';
import { requireOrganization } from '../lib/domain/key-access.ts';
import { PROVIDERS } from '../lib/providers/index.ts';
import { connectionOf } from '../lib/runtime/connect-request.ts';
import { httpHandler } from '../lib/runtime/http.ts';
import { parseInput } from '../lib/runtime/parse-input.ts';
import { disconnectPorts } from '../lib/runtime/wiring.ts';
import { type DisconnectPorts, disconnect } from '../lib/service/disconnect.ts';

/** Everything is in the path: a field in the body would be a wish that nobody grants. */
const BODY = z.strictObject({});

/** Ends an organisation's connection; nothing is served from here on, and the provider is told. */
export function createHandler(ports: () => DisconnectPorts) {
  return httpHandler('disconnect', async (request) => {
    const { provider, organizationId } = connectionOf(request);
    const { key, correlationId } = request;
    requireOrganization(key, organizationId);
    parseInput(BODY, request.body ?? {}, 'body');
    const actor = key === undefined ? {} : { actor: key.id };
    const end = await disconnect(ports(), { provider, organizationId, correlationId, ...actor });
    const name = PROVIDERS[provider].displayName;
    const message = end === 'done' ? `Disconnected from ${name}.` : `Was already disconnected from ${name}.`;
    return { status: 200, body: { success: true, message } };
  });
}

export const handler = createHandler(disconnectPorts);
