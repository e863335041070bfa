import { GrantkeeperError } from '../domain/errors.ts';
import type { TableName } from '../domain/names.ts';
import type { Records } from '../domain/write.ts';

/** The schema version this release writes and reads. */
const VERSION = 1;

/**
 * An item of a table as the record it is. Only our own code writes the tables, so the version is what is checked: throws
 * `internal_error` naming table, key and version when another release wrote it in a form this one does not know.
 */
export function toRecord<N extends TableName>(table: N, item: Readonly<Record<string, unknown>>): Records[N] {
  if (item.v !== VERSION) {
    const place = [item.pk, item.sk].filter((part) => part !== undefined).join(' / ');
    throw new GrantkeeperError('internal_error', {
      cause: new Error(`${table} record ${place} has version ${String(item.v)}; this release reads ${VERSION}`),
    });
  }
  return item as unknown as Records[N];
}
