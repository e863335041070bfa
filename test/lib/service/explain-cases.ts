import type { AuditRow } from '../../../lib/domain/audit.ts';
import { auditRow } from '../../../lib/domain/audit.ts';
import type { Connection } from '../../../lib/domain/connection.ts';
import type { Grant } from '../../../lib/domain/grant.ts';
import type { ProviderState } from '../../../lib/domain/provider-state.ts';
import type { ExplainFacts } from '../../../lib/service/explain-story.ts';
import { createPolicies } from '../../../lib/service/policies.ts';
import {
  DAY,
  HOUR,
  heldToken,
  MINUTE,
  quickbooksConnection,
  quickbooksGrant,
  T0,
  xeroGrant,
} from '../../support/grants.ts';

/** The facts of a QuickBooks organisation that is well, ten minutes after its refresh, with changes. */
function facts(changes: Partial<ExplainFacts> = {}): ExplainFacts {
  return {
    organizationId: 'acme',
    provider: 'quickbooks',
    connection: quickbooksConnection(),
    grant: quickbooksGrant({ lastUsedAt: T0 }),
    rows: [],
    policy: createPolicies()(changes.provider ?? 'quickbooks'),
    paused: { sweep: false, refresh: false },
    now: T0 + 10 * MINUTE,
    ...changes,
  };
}

function row(event: AuditRow['event'], at: number, more: Partial<AuditRow> = {}): AuditRow {
  return auditRow({ pk: 'ORG#acme', id: 'x', event, provider: 'quickbooks', at, startedAt: at, ...more });
}

const xero = quickbooksConnection({
  sk: 'xero',
  provider: 'xero',
  grant: 'xero#user-1',
  tenantId: 't-1',
  providerConnectionId: 'conn-1',
});

/** An answer that was lost at T0, of attempt 8. */
const LOST: Partial<Grant> = {
  number: 8,
  attempt: { number: 8, id: 'a8', kind: 'refresh', startedAt: T0, until: T0, outcome: 'UNKNOWN' },
  unansweredSince: T0,
};
const ended = (more: Partial<Connection> = {}) =>
  quickbooksConnection({ status: 'disconnected', disconnectedAt: T0, ...more });
const state = (more: Partial<ProviderState>): ProviderState => ({
  v: 1,
  pk: 'PROVIDER#quickbooks',
  provider: 'quickbooks',
  ...more,
});
const suspect = (more: Partial<Parameters<typeof quickbooksGrant>[0]> = {}) =>
  quickbooksGrant({
    status: 'suspect',
    rejections: { count: 2, firstAt: T0 - 20 * MINUTE, lastAt: T0 },
    notBefore: T0 + 12 * MINUTE,
    ...more,
  });
const { access, current, orgs, ...bare } = quickbooksGrant();

/** Each situation by its name. */
export const CASES: Readonly<Record<string, ExplainFacts>> = {
  'unknown organisation': facts({ connection: undefined, grant: undefined }),
  'tried to connect': facts({
    connection: undefined,
    grant: undefined,
    rows: [row('flow.started', T0), row('flow.failed', T0 + MINUTE, { reason: 'access_denied' })],
  }),
  'in use': facts({
    grant: quickbooksGrant({ lastUsedAt: T0, refreshExpiresAt: T0 + 100 * DAY, hardExpiresAt: T0 + 5 * DAY }),
  }),
  'not in use, token expired': facts({ grant: quickbooksGrant(), now: T0 + 2 * HOUR }),
  'shared and owing a detach, sweep paused': facts({
    provider: 'xero',
    connection: xero,
    grant: xeroGrant({
      orgs: new Set(['acme', 'birch']),
      detach: { 'conn-9': { tenantId: 't-9', since: T0 } },
      tenantCheckAt: T0 + 2 * MINUTE,
    }),
    paused: { sweep: true, refresh: false },
    now: T0 + MINUTE,
  }),
  'refresh under way': facts({
    grant: quickbooksGrant({
      number: 8,
      attempt: { number: 8, id: 'a8', kind: 'refresh', startedAt: T0 + 59 * MINUTE, until: T0 + 59 * MINUTE + 125_000 },
    }),
    now: T0 + 60 * MINUTE,
  }),
  'attempt that died': facts({
    grant: quickbooksGrant({
      number: 8,
      attempt: { number: 8, id: 'a8', kind: 'refresh', startedAt: T0, until: T0 + 125_000 },
      dueAt: T0 + 125_000,
    }),
  }),
  'backing off': facts({
    grant: quickbooksGrant({
      ...LOST,
      notBefore: T0 + 12 * MINUTE,
      dueAt: T0 + 12 * MINUTE,
      failure: { outcome: 'UNKNOWN', reason: 'http_503', at: T0 + 9 * MINUTE, consecutive: 4 },
    } as Partial<typeof bare>),
  }),
  'our client refused': facts({
    grant: quickbooksGrant({
      number: 8,
      attempt: { number: 8, id: 'a8', kind: 'refresh', startedAt: T0, until: T0, outcome: 'CONFIG' },
      notBefore: T0 + 11 * MINUTE,
      dueAt: T0 + 11 * MINUTE,
      failure: { outcome: 'CONFIG', reason: 'invalid_client', at: T0, consecutive: 1 },
    }),
  }),
  'refreshers paused, token expired': facts({ paused: { sweep: true, refresh: true }, now: T0 + 2 * HOUR }),
  'circuit open, token expired': facts({
    state: state({ circuit: { kind: 'transient', openedAt: T0 + HOUR, probeAt: T0 + 2 * HOUR + 30_000 } }),
    now: T0 + 2 * HOUR,
  }),
  'circuit open, token valid': facts({
    state: state({ circuit: { kind: 'throttled', openedAt: T0, probeAt: T0 + 20 * MINUTE } }),
  }),
  'suspect, nothing missing': facts({
    grant: suspect(),
    state: state({ observedAt: T0 + 9 * MINUTE, suspects: 1, queuesEmptySince: T0, lastSuccessAt: T0 }),
  }),
  'suspect, everything missing': facts({
    grant: suspect({
      rejections: { count: 1, firstAt: T0, lastAt: T0 },
      doubts: { '8': T0 },
      held: { h: heldToken('h', 6, 'late', T0) },
    }),
    state: state({ observedAt: T0 + 9 * MINUTE, suspects: 9, frozen: true }),
  }),
  'suspect, nobody looks': facts({ grant: suspect(), state: state({ observedAt: T0 }) }),
  'suspect within a grace': facts({
    provider: 'xero',
    connection: xero,
    grant: xeroGrant({
      status: 'suspect',
      rejections: { count: 3, firstAt: T0 - 20 * MINUTE, lastAt: T0 },
      unansweredSince: T0,
      notBefore: T0,
    }),
    state: {
      v: 1,
      pk: 'PROVIDER#xero',
      provider: 'xero',
      observedAt: T0 + 9 * MINUTE,
      queuesEmptySince: T0 + 10 * MINUTE,
      lastSuccessAt: T0,
    },
  }),
  'given up': facts({
    grant: quickbooksGrant({
      status: 'needs_reauth',
      rejections: { count: 4, firstAt: T0 - HOUR, lastAt: T0 },
      reauth: { reason: 'user_revoked', since: T0, probes: 0 },
      notBefore: T0 + HOUR,
    }),
    now: T0 + 61 * MINUTE - HOUR,
  }),
  'tenant lost': facts({
    connection: quickbooksConnection({ status: 'tenant_lost' }),
    grant: quickbooksGrant({ tenantCheckAt: T0 + DAY }),
    rows: [row('connection.tenant_lost', T0)],
  }),
  'disconnected, to be revoked': facts({
    connection: ended(),
    grant: { ...bare, status: 'closing', dueAt: T0 } as Grant,
    rows: [row('connection.disconnected', T0, { actor: 'operator' })],
  }),
  'disconnected, revocation fails': facts({
    connection: ended(),
    grant: {
      ...bare,
      status: 'closing',
      notBefore: T0 + 12 * MINUTE,
      dueAt: T0 + 12 * MINUTE,
      failure: { outcome: 'UNKNOWN', reason: 'http_500', at: T0 + 8 * MINUTE, consecutive: 3 },
    } as Grant,
    rows: [row('connection.disconnected', T0, { actor: 'k1' })],
  }),
  'disconnected and closed': facts({ connection: ended(), grant: { ...bare, status: 'closed' } as Grant }),
  'left at Xero, to be detached now': facts({
    provider: 'xero',
    connection: { ...xero, status: 'disconnected', disconnectedAt: T0 },
    grant: xeroGrant({
      orgs: new Set(['birch']),
      detach: { 'conn-1': { tenantId: 't-1', since: T0 } },
      attempt: { number: 8, id: 'a8', kind: 'detach', startedAt: T0 + 10 * MINUTE, until: T0 + 12 * MINUTE },
    }),
  }),
  'left at Xero, to be closed': facts({
    provider: 'xero',
    connection: { ...xero, status: 'disconnected', disconnectedAt: T0 + 9 * MINUTE },
    grant: (({ orgs: _, ...rest }) => ({ ...rest, unservedSince: T0 + 9 * MINUTE }))(xeroGrant()) as Grant,
  }),
  'left at Xero, others stay': facts({
    provider: 'xero',
    connection: { ...xero, status: 'disconnected', disconnectedAt: T0 },
    grant: xeroGrant({ orgs: new Set(['birch']) }),
  }),
  'connected without a grant': facts({ grant: undefined }),
  'connected to a closed grant': facts({ grant: { ...bare, status: 'closed' } as Grant }),
  'connected to a grant of others': facts({ grant: quickbooksGrant({ orgs: new Set(['birch']) }) }),
};
