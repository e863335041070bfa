import { ulid } from 'ulid';
import type { Connection } from '../domain/connection.ts';
import { type ErrorCode, GrantkeeperError } from '../domain/errors.ts';
import { isHeld } from '../domain/link-decision.ts';
import type { ProviderId } from '../domain/names.ts';
import { type DisconnectPorts, disconnect } from './disconnect.ts';

/** Ends many connections, for an operator: each by the ordinary disconnect, with its transaction and audit row. */

/** A sweep does the duties: to start a refresher for each of thousands would only throttle. */
export type RevokePorts = Omit<DisconnectPorts, 'newId' | 'requestRefresh'>;

/** Who asked, as the audit knows it. */
const ACTOR = 'operator';
/** Disconnects under way at once: some reads and one transaction each. */
const CONCURRENCY = 8;
const TRIES = 3;
const PAUSE_MS = 500;
/** So many failures are no trouble of a connection: the rest would only take hours to fail too. */
const MAX_FAILED = 100;

/** A connection that could not be ended, and the code that says why. */
export interface NotEnded {
  readonly organizationId: string;
  readonly provider: ProviderId;
  readonly code: ErrorCode;
}

export interface RevokeReport {
  readonly ended: number;
  /** Nothing was left of them to be ended. */
  readonly already: number;
  readonly failed: readonly NotEnded[];
  /** Given up after a hundred failures; there may be more that was not tried. */
  readonly stopped: boolean;
}

/**
 * Disconnects every connection of the pages that is still held, some at a time. From the moment a connection has been ended
 * nothing is served for it; the provider is told by the sweep. `onProgress` is called, and awaited, after each page. What could not be ended
 * is in the report, and may be tried again: whoever runs it again meets only what is left.
 */
export async function revokeAll(
  ports: RevokePorts,
  pages: AsyncIterable<readonly Connection[]>,
  onProgress: (report: RevokeReport) => void | Promise<void> = () => undefined,
): Promise<RevokeReport> {
  const tally = { ended: 0, already: 0, failed: [] as NotEnded[], stopped: false };
  for await (const page of pages) {
    await inParallel(page, async (connection) => {
      if (tally.stopped) return;
      const { organizationId, provider } = connection;
      const end = isHeld(connection) ? await endOne(ports, connection) : 'already';
      if (end === 'done') tally.ended += 1;
      else if (end === 'already') tally.already += 1;
      else tally.failed.push({ organizationId, provider, code: end.failed });
      tally.stopped = tally.failed.length >= MAX_FAILED;
    });
    await onProgress(tally);
    if (tally.stopped) break;
  }
  return tally;
}

async function endOne(
  ports: RevokePorts,
  { organizationId, provider }: Connection,
): Promise<'done' | 'already' | { readonly failed: ErrorCode }> {
  const complete: DisconnectPorts = { ...ports, newId: () => ulid(), requestRefresh: async () => undefined };
  for (let tries = 1; ; tries += 1) {
    try {
      return await disconnect(complete, { organizationId, provider, actor: ACTOR });
    } catch (error) {
      const code = error instanceof GrantkeeperError ? error.code : 'internal_error';
      if (code !== 'unavailable' || tries >= TRIES) return { failed: code };
      await ports.clock.sleep(PAUSE_MS * tries);
    }
  }
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, queue.length) }, worker));
}
