import * as z from 'zod/mini';
import type { GrantKey } from '../lib/domain/grant.ts';
import { isProviderId } from '../lib/domain/names.ts';
import { invokeHandler } from '../lib/runtime/invoke-handler.ts';
import { organizationIdSchema, parseInput, refusedAs } from '../lib/runtime/parse-input.ts';
import { refreshPorts } from '../lib/runtime/wiring.ts';
import { type RefreshPorts, refreshGrant } from '../lib/service/refresh-grant.ts';

const grantKeySchema = refusedAs('invalid_request', (value): value is GrantKey => {
  const [provider, subject] = typeof value === 'string' ? value.split('#', 2) : [];
  return isProviderId(provider) && subject !== undefined && subject !== '';
});

/** `RefreshRequest`, as get-token and disconnect send it. */
const INPUT = z.strictObject({
  grant: grantKeySchema,
  trigger: z.enum(['expiring', 'rejected', 'duty', 'tenant']),
  rejectedVersion: z.exactOptional(z.int()),
  neededUntil: z.exactOptional(z.int()),
  connection: z.exactOptional(z.strictObject({ organizationId: organizationIdSchema, linkId: z.string() })),
  correlationId: z.exactOptional(z.string()),
});

/** Refreshes a grant, or performs what it owes, if it is in need of it. Answers an outcome, never a token. */
export function createHandler(ports: () => RefreshPorts) {
  return invokeHandler('refresh-grant', async (event, { deadlineAt, note }) => {
    const request = parseInput(INPUT, event);
    note({ grant: request.grant, trigger: request.trigger });
    const answer = await refreshGrant(ports(), request, deadlineAt);
    note({ outcome: answer.outcome, retryAt: answer.retryAt });
    return answer;
  });
}

export const handler = createHandler(refreshPorts);
