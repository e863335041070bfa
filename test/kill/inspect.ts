import type { AuditRow } from '../../lib/domain/audit.ts';
import { type Grant, type HeldToken, isLiving, type RefreshToken } from '../../lib/domain/grant.ts';
import type { SweepPorts } from '../../lib/service/refresh-due.ts';
import { fingerprint } from '../../local/simulators/mint.ts';
import type { Child } from './children.ts';
import type { ProviderHandlers } from './provider-process.ts';
import { forEachOf } from './seed.ts';

/** What the store holds at the end, compared with what the provider would accept. */

/** How one grant came out of it. `latent`: its current token is dead and nobody has noticed, but a held one is good. */
export type Fate = 'alive' | 'latent' | 'unrecovered' | 'lost';

export interface Inspected {
  readonly grant: Grant;
  readonly fate: Fate;
  /** Fingerprints of the refresh tokens stored. */
  readonly stored: readonly string[];
}

const AT_ONCE = 16;

/** All grants, in no order. */
export async function readAllGrants({ store }: Pick<SweepPorts, 'store'>): Promise<Grant[]> {
  const grants: Grant[] = [];
  let next: string | undefined;
  do {
    const page = await store.scanGrants({ share: 0, of: 1, ...(next === undefined ? {} : { next }) });
    grants.push(...page.grants);
    next = page.next;
  } while (next !== undefined);
  return grants;
}

/** Opens every refresh token of every grant and asks the provider about it. */
export async function inspectAll(ports: SweepPorts, provider: Child<ProviderHandlers>): Promise<Inspected[]> {
  const inspected: Inspected[] = [];
  await forEachOf(await readAllGrants(ports), AT_ONCE, async (grant) => {
    inspected.push(await inspect(ports, provider, grant));
  });
  return inspected;
}

/** The same of one grant. */
export async function inspect(ports: SweepPorts, provider: Child<ProviderHandlers>, grant: Grant): Promise<Inspected> {
  const tokens = isLiving(grant) ? [grant.current, ...Object.values(grant.held)] : [];
  const opened = await Promise.all(tokens.map((token) => open(ports, grant, token)));
  const [isCurrentLive = false, ...held] = await provider.call('live', opened);
  return { grant, stored: opened.map(fingerprint), fate: fateOf(grant, isCurrentLive, held.includes(true)) };
}

function fateOf({ status }: Grant, isCurrentLive: boolean, isHeldLive: boolean): Fate {
  if (!isCurrentLive && !isHeldLive) return 'lost';
  if (status !== 'active') return 'unrecovered';
  return isCurrentLive ? 'alive' : 'latent';
}

async function open({ cipher }: SweepPorts, grant: Grant, token: RefreshToken | HeldToken): Promise<string> {
  const opened = await cipher.open(token, { provider: grant.provider, grant: grant.pk, purpose: 'refresh' });
  return opened.open();
}

/** What became of the attempts that never reported, from the audit of all grants. Instants by the common clock. */
export interface Interruption {
  readonly grant: Grant;
  readonly attemptId: string;
  readonly startedAt: number;
  /** When a later refresh succeeded. */
  readonly recoveredAt?: number;
}

/** Every attempt that took a lease and died under it, grant by grant. */
export async function readInterruptions(ports: SweepPorts, grants: readonly Grant[]): Promise<Interruption[]> {
  const interruptions: Interruption[] = [];
  await forEachOf(grants, AT_ONCE, async (grant) => {
    const rows = await ports.store.listAudit(`GRANT#${grant.pk}`, 0);
    for (const row of rows.filter(({ event }) => event === 'attempt.doubt')) {
      const recovered = rows.find((later) => isSuccessAfter(later, row));
      const recoveredAt = recovered === undefined ? {} : { recoveredAt: recovered.at };
      interruptions.push({ grant, attemptId: idOf(row), startedAt: row.startedAt, ...recoveredAt });
    }
    const { attempt } = grant;
    if (attempt !== undefined && attempt.outcome === undefined) {
      interruptions.push({ grant, attemptId: attempt.id, startedAt: attempt.startedAt });
    }
  });
  return interruptions;
}

function isSuccessAfter(row: AuditRow, doubt: AuditRow): boolean {
  return row.event === 'attempt.ok' && row.at >= doubt.startedAt && (row.number ?? 0) >= (doubt.number ?? 0);
}

/** The sort key is `<startedAt>#<attempt id>#<event>`. */
function idOf({ sk }: AuditRow): string {
  return sk.split('#')[1] ?? '';
}
