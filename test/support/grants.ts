import type { Connection } from '../../lib/domain/connection.ts';
import type { AccessToken, HeldToken, LivingGrant, RefreshToken } from '../../lib/domain/grant.ts';
import type { DuePolicy } from '../../lib/domain/next-due.ts';
import type { WaitPolicy } from '../../lib/domain/report-decision.ts';

/** Records with literal contents for tests. T0 is 2026-11-20T12:00:00Z. */

export const T0 = 1_795_176_000_000;
export const MINUTE = 60_000;
export const HOUR = 3_600_000;
export const DAY = 86_400_000;

export const QUICKBOOKS_POLICY: DuePolicy & WaitPolicy = {
  margins: { refreshAheadSeconds: 1800, onDemandSeconds: 300, keepAliveSeconds: 14 * 86_400 },
  graceSeconds: 0,
  backoff: { baseMs: 1_000, capMs: 300_000 },
};
export const XERO_POLICY = { ...QUICKBOOKS_POLICY, graceSeconds: 1800 };

const bytes = (text: string) => new TextEncoder().encode(text);

/** A refresh token obtained under the attempt of that name. */
export function refreshToken(attemptId: string, version: number, generation = 'gen-1'): RefreshToken {
  return { attemptId, generation, version, ciphertext: bytes(`refresh ${attemptId}`), dataKey: bytes('key') };
}

export function accessToken(attemptId: string, obtainedAt: number, lifeMs = HOUR): AccessToken {
  return {
    attemptId,
    ciphertext: bytes(`access ${attemptId}`),
    dataKey: bytes('key'),
    obtainedAt,
    expiresAt: obtainedAt + lifeMs,
  };
}

export function heldToken(attemptId: string, version: number, why: HeldToken['why'], since: number): HeldToken {
  return { ...refreshToken(attemptId, version), why, since };
}

/** An active QuickBooks grant, obtained under attempt 7 at T0, serving acme. */
export function quickbooksGrant(changes: Partial<LivingGrant> = {}): LivingGrant {
  return {
    v: 1,
    pk: 'quickbooks#9341453',
    provider: 'quickbooks',
    subject: '9341453',
    generation: 'gen-1',
    status: 'active',
    clientId: 'client-1',
    environment: 'sandbox',
    scopes: ['com.intuit.quickbooks.accounting'],
    orgs: new Set(['acme']),
    number: 7,
    tokenVersion: 7,
    attempt: { number: 7, id: 'attempt-7', kind: 'refresh', startedAt: T0 - 800, until: T0, outcome: 'OK' },
    doubts: {},
    current: refreshToken('attempt-7', 7),
    access: accessToken('attempt-7', T0),
    held: {},
    detach: {},
    lastRefreshedAt: T0,
    refreshCount: 6,
    failedRefreshCount: 0,
    duePartition: 'quickbooks#05',
    dueAt: T0 + 30 * MINUTE,
    ...changes,
  };
}

/** An active Xero grant of one user, serving the organisations named. */
export function xeroGrant(changes: Partial<LivingGrant> = {}): LivingGrant {
  return quickbooksGrant({
    pk: 'xero#user-1',
    provider: 'xero',
    subject: 'user-1',
    access: accessToken('attempt-7', T0, 30 * MINUTE),
    ...changes,
  });
}

/** acme's connection to the company of `quickbooksGrant`. */
export function quickbooksConnection(changes: Partial<Connection> = {}): Connection {
  return {
    v: 1,
    pk: 'ORG#acme',
    sk: 'quickbooks',
    organizationId: 'acme',
    provider: 'quickbooks',
    status: 'connected',
    version: 1,
    linkId: 'link-1',
    grant: 'quickbooks#9341453',
    tenantId: '9341453',
    companyName: 'Acme Books',
    connectedAt: T0,
    ...changes,
  };
}
