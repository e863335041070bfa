import * as z from 'zod/mini';
import { requireOrganization } from '../lib/domain/key-access.ts';
import { TENANT_ID_PATTERN } from '../lib/domain/names.ts';
import { httpHandler } from '../lib/runtime/http.ts';
import { organizationIdSchema, parseInput, providerSchema } from '../lib/runtime/parse-input.ts';
import { createConnectSessionPorts } from '../lib/runtime/wiring.ts';
import { type CreateConnectSessionPorts, createConnectSession } from '../lib/service/create-connect-session.ts';

const BODY = z.strictObject({
  organization_id: organizationIdSchema,
  provider: providerSchema,
  /** Shown to the user who opens the link, and kept with the connection. */
  user_id: z.optional(z.string().check(z.regex(/^[^\p{Cc}]{1,128}$/u))),
  tenant_id: z.optional(z.string().check(z.regex(TENANT_ID_PATTERN))),
  return_url: z.optional(z.string().check(z.maxLength(2_048))),
});

/** Starts a connect flow for one of the key's organisations: `{session_id, connect_url, expires_at}`. */
export function createHandler(ports: () => CreateConnectSessionPorts) {
  return httpHandler('createConnectSession', async ({ body, key, origin }) => {
    const { organization_id: organizationId, provider, ...asked } = parseInput(BODY, body, 'body');
    requireOrganization(key, organizationId);
    const session = await createConnectSession(ports(), {
      organizationId,
      provider,
      origin,
      ...(asked.user_id === undefined ? {} : { userId: asked.user_id }),
      ...(asked.tenant_id === undefined ? {} : { tenantId: asked.tenant_id }),
      ...(asked.return_url === undefined ? {} : { returnUrl: asked.return_url }),
      ...(key === undefined ? {} : { actor: key.id }),
    });
    return {
      status: 201,
      body: {
        session_id: session.sessionId,
        connect_url: session.connectUrl,
        expires_at: new Date(session.expiresAt).toISOString(),
      },
    };
  });
}

export const handler = createHandler(createConnectSessionPorts);
