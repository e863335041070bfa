import { throwingHandler } from '../lib/runtime/invoke-handler.ts';
import { sweepPorts } from '../lib/runtime/wiring.ts';
import { refreshDue, type SweepPorts } from '../lib/service/refresh-due.ts';
import { repairAll } from '../lib/service/repair-scan.ts';

/**
 * Does what is due at every provider. The schedule invokes it each minute, with an event that says nothing that matters; a
 * run that has too much to do invokes it with `{"partitions": […]}`; once a day `{"task": "repair"}` goes through all grants.
 */
export function createHandler(ports: () => SweepPorts) {
  return throwingHandler('refresh-due', async (event, { deadlineAt, note }) => {
    const { task, partitions } = parse(event);
    const result =
      task === 'repair'
        ? await repairAll(ports(), { deadlineAt })
        : await refreshDue(ports(), { deadlineAt, ...(partitions === undefined ? {} : { partitions }) });
    note({ ...result });
    return result;
  });
}

export const handler = createHandler(sweepPorts);

/** Only ourselves and our schedule send events; what is not understood is a sweep, which is never wrong. */
function parse(event: unknown): { readonly task?: 'repair'; readonly partitions?: readonly string[] } {
  if (typeof event !== 'object' || event === null) return {};
  if ('task' in event && event.task === 'repair') return { task: 'repair' };
  if (!('partitions' in event) || !Array.isArray(event.partitions)) return {};
  return { partitions: event.partitions.filter((partition) => typeof partition === 'string') };
}
