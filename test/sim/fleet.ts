import type { Tenant } from '../../lib/domain/flow.ts';
import { duePartition, type GrantFields, type GrantKey, grantKey, type Instant } from '../../lib/domain/grant.ts';
import type { ProviderId } from '../../lib/domain/names.ts';
import { nextDue } from '../../lib/domain/next-due.ts';
import { Secret } from '../../lib/domain/secret.ts';
import type { Write } from '../../lib/domain/write.ts';
import { DAY, MINUTE } from '../support/grants.ts';
import type { SimContext } from './context.ts';
import { policiesFor } from './ports.ts';
import { newProcess, type Process } from './process.ts';

/** Begins the token of a write that sets the scene. */
export const PLANTED = 'plant ';

/** Whoever put things there before the story begins. */
const PLANTER: Process = { ...newProcess({ name: 'before', skewMs: 0, limitAt: 0 }), state: 'ended' };

/** One organisation, its company, and whose authorisation serves it. */
export interface Member {
  readonly organizationId: string;
  readonly subject: string;
  readonly tenant: Tenant;
}

/** A company per grant, or users who serve several organisations each. */
export function membersOf(provider: ProviderId, grants: number, organizationsPerGrant: number): readonly Member[] {
  const perGrant = provider === 'quickbooks' ? 1 : organizationsPerGrant;
  return Array.from({ length: grants * perGrant }, (_, index) => {
    const grant = Math.floor(index / perGrant) + 1;
    const organizationId = `org-${index + 1}`;
    return provider === 'quickbooks'
      ? { organizationId, subject: `realm-${grant}`, tenant: { tenantId: `realm-${grant}` } }
      : {
          organizationId,
          subject: `user-${grant}`,
          tenant: { tenantId: `tenant-${index + 1}`, providerConnectionId: `connection-${index + 1}` },
        };
  });
}

/**
 * Puts connected organisations and their active grants there, as connect flows have left them some time ago: their
 * tokens are up to `spreadMs` old.
 */
export async function plant(
  context: SimContext,
  members: readonly Member[],
  options: { readonly spreadMs?: number; readonly isInUse?: boolean } = {},
): Promise<void> {
  const subjects = new Map<string, Member[]>();
  for (const member of members) subjects.set(member.subject, [...(subjects.get(member.subject) ?? []), member]);
  for (const [subject, served] of subjects) await plantGrant(context, subject, served, options);
}

async function plantGrant(
  context: SimContext,
  subject: string,
  members: readonly Member[],
  { spreadMs = 0, isInUse = false }: { readonly spreadMs?: number; readonly isInUse?: boolean },
): Promise<void> {
  const { providerId, store, provider, random } = context;
  const obtainedAt = context.scheduler.now() - random.between(0, spreadMs);
  const pk = grantKey(providerId, subject);
  let issue = { access: '', refresh: '' };
  for (const { tenant } of members) issue = provider.authorise(subject, tenant);
  const token = provider.token(issue.refresh);
  if (token !== undefined) context.custody.given(token, PLANTER);
  const grant = await grantFor(context, { pk, subject, members, issue, obtainedAt, isInUse });
  const writes: Write[] = [{ table: 'grants', key: { pk }, when: [], op: 'put', item: grant }];
  await store.commit({
    token: `${PLANTED}${subject}`,
    writes: [...writes, ...members.flatMap((each) => links(context, pk, each))],
  });
}

async function grantFor(
  context: SimContext,
  planted: {
    readonly pk: GrantKey;
    readonly subject: string;
    readonly members: readonly Member[];
    readonly issue: { readonly access: string; readonly refresh: string };
    readonly obtainedAt: Instant;
    readonly isInUse: boolean;
  },
): Promise<GrantFields> {
  const { providerId, cipher, scheduler, random, provider } = context;
  const { pk, subject, members, issue, obtainedAt, isInUse } = planted;
  const now = scheduler.now();
  const generation = context.newWorldId();
  const attemptId = context.newWorldId();
  const arming = { provider: providerId, grant: pk } as const;
  const access = (await cipher.arm({ ...arming, purpose: 'access' })).seal(new Secret(issue.access), pk, attemptId);
  const refresh = (await cipher.arm({ ...arming, purpose: 'refresh' })).seal(new Secret(issue.refresh), pk, attemptId);
  const item: GrantFields = {
    v: 1,
    pk,
    provider: providerId,
    subject,
    generation,
    status: 'active',
    clientId: 'client-1',
    environment: 'sandbox',
    scopes: ['accounting'],
    orgs: new Set(members.map(({ organizationId }) => organizationId)),
    number: 1,
    tokenVersion: 1,
    doubts: {},
    held: {},
    detach: {},
    access: { ...access, obtainedAt, expiresAt: obtainedAt + provider.lifeSeconds * 1000 },
    current: { ...refresh, generation, version: 1 },
    refreshExpiresAt: now + 60 * DAY,
    lastRefreshedAt: obtainedAt,
    refreshCount: 0,
    failedRefreshCount: 0,
    ...(isInUse || random.chance(0.8) ? { lastUsedAt: now - random.between(0, 600) * MINUTE } : {}),
  };
  const dueAt = nextDue(item, policiesFor(provider.rotation)(providerId), now);
  return { ...item, duePartition: duePartition(item), ...(dueAt === undefined ? {} : { dueAt }) };
}

function links(context: SimContext, grant: GrantKey, { organizationId, tenant }: Member): Write[] {
  const { providerId, scheduler } = context;
  const linkId = context.newWorldId();
  const { tenantId } = tenant;
  const connection = { pk: `ORG#${organizationId}`, sk: providerId } as const;
  const claim = { pk: `CLAIM#${providerId}#${tenantId}`, sk: 'claim' } as const;
  const item = {
    v: 1,
    ...connection,
    organizationId,
    provider: providerId,
    status: 'connected',
    version: 1,
    linkId,
    grant,
    ...tenant,
    connectedAt: scheduler.now(),
  } as const;
  return [
    { table: 'connections', key: connection, when: [], op: 'put', item },
    { table: 'connections', key: claim, when: [], op: 'put', item: { v: 1, ...claim, organizationId, linkId } },
  ];
}
