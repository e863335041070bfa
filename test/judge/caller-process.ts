/**
 * A process of callers: it asks for tokens as get-token does and, where one has expired, refreshes as refresh-grant
 * does. The two are one process here, so ten of them are ten refreshers with nothing in common but the store.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRememberingCipher } from '../../lib/aws/remembering-cipher.ts';
import { backoffMs } from '../../lib/domain/backoff.ts';
import { GrantkeeperError } from '../../lib/domain/errors.ts';
import type { GrantKey } from '../../lib/domain/grant.ts';
import { providerHosts } from '../../lib/providers/index.ts';
import { createBoundedMap } from '../../lib/runtime/bounded-map.ts';
import { type GetTokenPorts, getAccessToken } from '../../lib/service/get-access-token.ts';
import type { RequestRefresh } from '../../lib/service/ports.ts';
import type { SweepPorts } from '../../lib/service/refresh-due.ts';
import { refreshGrant } from '../../lib/service/refresh-grant.ts';
import { serve } from '../kill/children.ts';
import { createShiftedClock } from '../kill/clocks.ts';
import { createRefresher, type Place, queueClient } from '../kill/place.ts';
import { rescueMessages } from '../kill/rescue-messages.ts';

/** What can be asked of a process of callers. */
export type CallerHandlers = typeof handlers;

export interface CallResult {
  readonly organizationId: string;
  /** Of the access token, so that two can be compared; or the code of the error that ended the call. */
  readonly outcome: { readonly fingerprint: string } | { readonly code: string };
  /** How often the caller was told to come back, and came. */
  readonly cameBack: number;
  readonly ms: number;
}

/** `refresh-grant` has so long. */
const REFRESH_MS = 80_000;
/** A caller gives up after so many answers that ask for patience. */
const MAX_RETURNS = 20;
/** Full jitter, as any client of a service that is short of capacity; the least is what the answer asks for. */
const RETURN = { baseMs: 500, capMs: 10_000 };
const RESCUE_EVERY_MS = 1_000;
const PATIENCE: ReadonlySet<string> = new Set(['refresh_in_progress', 'unavailable', 'refresh_failed']);

const clock = createShiftedClock();
let ports: GetTokenPorts | undefined;

const handlers = {
  open(place: Place): void {
    const refresher = createRefresher(place, { clock, isPatient: true });
    ports = {
      ...refresher,
      cipher: createRememberingCipher(refresher.cipher, clock),
      requestRefresh: refreshRequester(refresher),
      apiBaseUrl: (provider, side) => providerHosts(provider, side, place.origins).api,
      allowSharedGrants: false,
      remembered: createBoundedMap<string, GrantKey>(1_000),
    };
    void rescueForEver(refresher, place);
  },
  advance: (milliseconds: number): void => clock.advance(milliseconds),
  /** Asks for all of them at once. */
  async call(organizationIds: readonly string[]): Promise<CallResult[]> {
    return Promise.all(organizationIds.map(callOnce));
  },
};

async function callOnce(organizationId: string): Promise<CallResult> {
  const startedAt = performance.now();
  for (let cameBack = 0; ; cameBack += 1) {
    const outcome = await ask(organizationId);
    const isOver = 'fingerprint' in outcome || !PATIENCE.has(outcome.code) || cameBack === MAX_RETURNS;
    if (isOver) return { organizationId, outcome, cameBack, ms: performance.now() - startedAt };
    await sleep((outcome.retryAfterSeconds ?? 0) * 1_000 + backoffMs(cameBack, Math.random(), RETURN));
  }
}

type Answer = { readonly fingerprint: string } | { readonly code: string; readonly retryAfterSeconds?: number };

async function ask(organizationId: string): Promise<Answer> {
  if (ports === undefined) throw new Error('the caller has not been opened');
  const consumer = { organisations: '*', providers: ['quickbooks'] } as const;
  try {
    const served = await getAccessToken(ports, { organizationId, provider: 'quickbooks', consumer });
    if (served.stale || Date.parse(served.expiresAt) <= clock.now()) return { code: 'served_stale' };
    return { fingerprint: createHash('sha256').update(served.accessToken).digest('hex') };
  } catch (error) {
    if (!(error instanceof GrantkeeperError)) throw error;
    const { code, retryAfterSeconds } = error;
    return { code, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
  }
}

/** As the invocation of refresh-grant: giving up waiting does not stop it. */
function refreshRequester(refresher: SweepPorts): RequestRefresh {
  return async (request, mode, waitMs = 10_000) => {
    const work = refreshGrant(refresher, request, clock.now() + REFRESH_MS).catch(() => undefined);
    if (mode === 'wait') await Promise.race([work, sleep(waitMs, undefined, { ref: false })]);
  };
}

/**
 * Tokens that a slow store did not take at once must not stay on the queue: a refresh in doubt waits for it to be
 * empty.
 */
async function rescueForEver(refresher: SweepPorts, place: Place): Promise<void> {
  const queue = { client: queueClient(place), queueUrl: place.rescueQueueUrl };
  for (;;) {
    await sleep(RESCUE_EVERY_MS);
    await rescueMessages(refresher, queue).catch(() => undefined);
  }
}

serve(handlers);
