import * as z from 'zod/mini';
import { isFlowId } from '../lib/domain/connect-session.ts';
import { TENANT_ID_PATTERN } from '../lib/domain/names.ts';
import { invokeHandler } from '../lib/runtime/invoke-handler.ts';
import { parseInput } from '../lib/runtime/parse-input.ts';
import { finishConnectPorts } from '../lib/runtime/wiring.ts';
import { type FinishConnectPorts, finishConnect } from '../lib/service/finish-connect.ts';

const tenantId = z.string().check(z.regex(TENANT_ID_PATTERN));

/** `FinishRequest`, as callback and choose send it. */
const EVENT = z.strictObject({
  flowId: z.string().check(z.refine(isFlowId)),
  correlationId: z.optional(z.string().check(z.maxLength(64))),
  authorization: z.optional(
    z.strictObject({ code: z.string().check(z.maxLength(2_048)), callbackTenantId: z.optional(tenantId) }),
  ),
  chosenTenantId: z.optional(tenantId),
});

/** Exchanges a code and links the company, out of reach of the browser. */
export function createHandler(ports: () => FinishConnectPorts) {
  return invokeHandler('finish-connect', async (event, { deadlineAt }) => {
    const { flowId, authorization, chosenTenantId } = parseInput(EVENT, event);
    const { code, callbackTenantId } = authorization ?? {};
    return finishConnect(
      ports(),
      {
        flowId,
        ...(code === undefined
          ? {}
          : { authorization: { code, ...(callbackTenantId === undefined ? {} : { callbackTenantId }) } }),
        ...(chosenTenantId === undefined ? {} : { chosenTenantId }),
      },
      deadlineAt,
    );
  });
}

export const handler = createHandler(finishConnectPorts);
