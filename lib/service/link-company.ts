import { GrantkeeperError } from '../domain/errors.ts';
import type { Flow, Tenant } from '../domain/flow.ts';
import { type Grant, type Instant, isLeased } from '../domain/grant.ts';
import { decideLink, isHeld, type LinkFacts } from '../domain/link-decision.ts';
import { type PersistPorts, persist } from './persist.ts';
import type { Policies } from './policies.ts';
import type { Store } from './ports.ts';

export interface LinkPorts extends PersistPorts {
  readonly store: Store;
  readonly policies: Policies;
  readonly newId: () => string;
}

/** How long a detach that is being sent is waited for: it may be for the very company that is linked now. */
const DETACH_WAIT_MS = 10_000;
const POLL_MS = 500;
const PAUSE_MS = 50;

/**
 * Links the company to the flow's organisation, deciding anew whenever one of the records has changed meanwhile. Throws the
 * code of a refusal (nothing is changed then), or `unavailable` when the deadline passed.
 */
export async function linkCompany(ports: LinkPorts, flow: Flow, tenant: Tenant, deadlineAt: Instant): Promise<void> {
  const untilAt = Math.min(ports.clock.now() + DETACH_WAIT_MS, deadlineAt);
  while (ports.clock.now() < deadlineAt) {
    const end = await tryLink(ports, flow, tenant, { untilAt, deadlineAt });
    if (end === 'linked') return;
    await ports.clock.sleep(end === 'detaching' ? POLL_MS : PAUSE_MS);
  }
  throw new GrantkeeperError('unavailable');
}

async function tryLink(
  ports: LinkPorts,
  flow: Flow,
  tenant: Tenant,
  { untilAt, deadlineAt }: { readonly untilAt: Instant; readonly deadlineAt: Instant },
): Promise<'linked' | 'changed' | 'detaching'> {
  const facts = await readFacts(ports.store, flow, tenant).catch(undefinedWhenUnavailable);
  if (facts === undefined) return 'changed';
  if (facts.flow.stage === 'linked') return 'linked';
  if (facts.flow.stage !== flow.stage) throw new GrantkeeperError('connection_changed');
  const now = ports.clock.now();
  // One that starts after this shows in the grant's number.
  if (now < untilAt && isDetaching(facts.grant, now)) return 'detaching';
  const decision = decideLink(facts, {
    id: ports.newId(),
    linkId: ports.newId(),
    now,
    policy: ports.policies(flow.provider),
  });
  if (decision.kind === 'refused') throw new GrantkeeperError(decision.code);
  return (await persist(ports, decision.transaction, deadlineAt)).committed ? 'linked' : 'changed';
}

/** Whether a detach may still be sent. */
function isDetaching(grant: Grant | undefined, now: Instant): boolean {
  const attempt = grant?.attempt;
  return grant !== undefined && attempt?.kind === 'detach' && attempt.outcome === undefined && isLeased(grant, now);
}

/** The tokens are stored by now; a read that fails is no reason to send the user back to the provider. */
function undefinedWhenUnavailable(error: unknown): undefined {
  if (error instanceof GrantkeeperError && error.code === 'unavailable') return undefined;
  throw error;
}

async function readFacts(store: Store, before: Flow, tenant: Tenant): Promise<LinkFacts> {
  const flow = (await store.readFlow(before.pk)) ?? before;
  const [connection, claim, grant] = await Promise.all([
    store.readConnection(flow.organizationId, flow.provider),
    store.readClaim(flow.provider, tenant.tenantId),
    flow.grant === undefined ? undefined : store.readGrant(flow.grant),
  ]);
  const moved = isHeld(connection) && connection.grant !== flow.grant;
  const previous = moved ? await store.readGrant(connection.grant) : undefined;
  return { flow, tenant, connection, claim, grant, previous };
}
