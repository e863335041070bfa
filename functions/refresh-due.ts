import { throwingHandler } from '../lib/runtime/invoke-handler.ts';
import { refreshPorts } from '../lib/runtime/wiring.ts';
import { refreshDue } from '../lib/service/refresh-due.ts';
import type { RefreshPorts } from '../lib/service/refresh-grant.ts';

/** Does what is due at every provider. The schedule invokes it each minute; its event says nothing that matters. */
export function createHandler(ports: () => RefreshPorts) {
  return throwingHandler('refresh-due', async (_event, { deadlineAt, note }) => {
    const result = await refreshDue(ports(), { deadlineAt });
    note({ ...result });
    return result;
  });
}

export const handler = createHandler(refreshPorts);
