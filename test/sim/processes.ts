import type { Flow, Tenant } from '../../lib/domain/flow.ts';
import type { GrantKey } from '../../lib/domain/grant.ts';
import type { RescueMessage } from '../../lib/domain/rescue-message.ts';
import { disconnect } from '../../lib/service/disconnect.ts';
import { finishConnect } from '../../lib/service/finish-connect.ts';
import { type GetTokenRequest, getAccessToken } from '../../lib/service/get-access-token.ts';
import type { RefreshRequest } from '../../lib/service/ports.ts';
import { refreshDue } from '../../lib/service/refresh-due.ts';
import { refreshGrant } from '../../lib/service/refresh-grant.ts';
import { repairAll } from '../../lib/service/repair-scan.ts';
import { rescue } from '../../lib/service/rescue.ts';
import { HOUR, MINUTE } from '../support/grants.ts';
import type { SimContext } from './context.ts';
import { type Invoking, portsOf, type SimPorts } from './ports.ts';
import type { Process } from './process.ts';
import type { Watch } from './watch.ts';

const CONSUMER = { organisations: '*', providers: ['quickbooks', 'xero'] } as const;

/** Time limits of the functions (infra), and how much less of it they plan with. */
const LIMITS = { refresh: 80_000, sweep: 180_000, read: 30_000, disconnect: 15_000, connect: 90_000, rescue: 60_000 };
const MARGIN_MS = 1_000;
type Kind = keyof typeof LIMITS;

/** What Lambda takes to begin, and to look whether a function has ended. */
const INVOKED_MS = 5;
const POLL_MS = 200;

/** Who authorises what, for whom. */
export interface Authorising {
  readonly organizationId: string;
  readonly subject: string;
  readonly tenant: Tenant;
}

/** The functions of the product, each run of one a process of its own. */
export class Processes {
  readonly #context: SimContext;
  readonly #watch: Watch;
  #runs = 0;

  constructor(context: SimContext, watch: Watch) {
    this.#context = context;
    this.#watch = watch;
  }

  /** Runs under way, also of those that others have started. */
  running(): number {
    return this.#context.scheduler.running().length;
  }

  refresh(grant: GrantKey, more: Partial<RefreshRequest> = {}): Process {
    const neededUntil = this.#context.scheduler.now() + HOUR;
    return this.#refresh({ grant, trigger: 'expiring', neededUntil, ...more });
  }

  sweep(partitions?: readonly string[]): Process {
    const share = partitions === undefined ? {} : { partitions };
    return this.#start('sweep', (ports) =>
      this.#told(refreshDue(ports, { deadlineAt: planned('sweep', ports), ...share })),
    );
  }

  /** The daily scan. */
  repair(): Process {
    return this.#start('sweep', (ports) => this.#told(repairAll(ports, { deadlineAt: planned('sweep', ports) })));
  }

  /** A reader, for whom a token has to last, or whose last one the API has rejected. */
  read(organizationId: string, wish: Pick<GetTokenRequest, 'minValiditySeconds' | 'rejected'> = {}): Process {
    const request = { organizationId, provider: this.#context.providerId, consumer: CONSUMER, ...wish };
    return this.#start('read', async (ports) => {
      const reading = this.#watch.reading(organizationId);
      const served: unknown = await getAccessToken(ports, request).catch((error: unknown) => error);
      this.#judgeRead(request, reading.isServable, served);
    });
  }

  disconnect(organizationId: string): Process {
    const request = { organizationId, provider: this.#context.providerId };
    return this.#start('disconnect', (ports) => this.#told(disconnect(ports, request)));
  }

  connect(who: Authorising): Process {
    const { situations, providerId } = this.#context;
    return this.#start('connect', async (ports) => {
      const flow = await giveFlow(this.#context, who.organizationId);
      const callback = providerId === 'quickbooks' ? { callbackTenantId: who.tenant.tenantId } : {};
      const authorization = { code: this.#context.issueCode(who), ...callback };
      const result = await this.#told(
        finishConnect(ports, { flowId: flow.pk, authorization }, planned('connect', ports)),
      );
      situations.saw(`connect_${result?.error ?? result?.stage ?? 'threw'}`);
      if (result?.error === 'company_taken') situations.saw('link_refused_after_bank');
    });
  }

  /** The consumer of the rescue queue, with a batch of one. */
  consume(): Process {
    return this.#start('rescue', (ports) => this.#context.line.consume((message) => this.#rescue(ports, message)));
  }

  #start(kind: Kind, run: (ports: SimPorts) => Promise<unknown>): Process {
    const { scheduler, situations } = this.#context;
    this.#runs += 1;
    if (this.running() >= 4) situations.saw('five_processes_at_once');
    const limits = { limitMs: LIMITS[kind], skewMs: this.#context.skew() };
    return scheduler.start(`${kind}-${this.#runs}`, limits, (process) =>
      run(portsOf(this.#context, process, this.#invoking(process))),
    );
  }

  /** Lambda's part between the functions. */
  #invoking(process: Process): Invoking {
    const { scheduler, situations } = this.#context;
    return {
      requestRefresh: async (request, mode, waitMs = 10_000) => {
        await scheduler.gate(process, INVOKED_MS);
        const other = this.#refresh(request);
        const untilAt = scheduler.now() + waitMs;
        const isWaiting = () => mode === 'wait' && other.state === 'running' && scheduler.now() < untilAt;
        while (isWaiting()) await scheduler.gate(process, POLL_MS);
      },
      handOver: async ({ partitions }) => {
        await scheduler.gate(process, INVOKED_MS);
        situations.saw('handed_over');
        this.sweep(partitions);
      },
    };
  }

  #refresh(request: RefreshRequest): Process {
    const { situations } = this.#context;
    return this.#start('refresh', async (ports) => {
      const answer = await this.#told(refreshGrant(ports, request, planned('refresh', ports)));
      situations.saw(`refresh_${answer?.outcome ?? 'threw'}`);
      if (answer?.outcome === 'stored') situations.saw('write_7_stored');
      if (answer?.outcome === 'circuit_open') situations.saw('refused_by_circuit');
    });
  }

  async #rescue(ports: SimPorts, message: RescueMessage): Promise<void> {
    const { situations } = this.#context;
    const outcome = await this.#told(rescue(ports, message, planned('rescue', ports)));
    if (outcome === undefined) throw new Error('the message stays on the queue');
    situations.saw('write_17_rescued');
    situations.saw(`rescue_${outcome}`);
    if (outcome === 'stored') situations.saw('write_7_stored');
  }

  #judgeRead(request: GetTokenRequest, isServable: () => boolean, served: unknown): void {
    const { situations } = this.#context;
    const { organizationId, rejected } = request;
    if (!isToken(served)) {
      situations.saw(`read_${codeOf(served)}`);
      return;
    }
    situations.saw(served.stale ? 'read_stale' : 'read_served');
    if (!isServable()) this.#context.fail(`I6: ${organizationId} was served after its disconnect`);
    if (served.tokenVersion === rejected?.tokenVersion) {
      this.#context.fail(`${organizationId} is served version ${served.tokenVersion}, which it has told is rejected`);
    }
  }

  /** Whatever a function answers its caller, it may also throw. */
  async #told<T>(run: Promise<T>): Promise<T | undefined> {
    try {
      return await run;
    } catch (error) {
      this.#context.onThrown(error);
      return undefined;
    }
  }
}

function planned(kind: Kind, { clock }: SimPorts): number {
  return clock.now() + LIMITS[kind] - MARGIN_MS;
}

function isToken(served: unknown): served is { readonly tokenVersion: number; readonly stale?: true } {
  return typeof served === 'object' && served !== null && 'accessToken' in served;
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'threw';
}

/** As the callback leaves it. */
async function giveFlow(context: SimContext, organizationId: string): Promise<Flow> {
  const { store, scheduler, providerId } = context;
  const connection = await store.readConnection(organizationId, providerId);
  const now = scheduler.now();
  const item: Flow = {
    v: 1,
    pk: context.newWorldId(),
    stage: 'authorizing',
    organizationId,
    provider: providerId,
    pinnedVersion: connection?.version ?? 0,
    redirectUri: 'https://gk.example/callback',
    createdAt: now,
    expiresAt: now + 10 * MINUTE,
    ttl: 0,
  };
  const key = { pk: item.pk };
  await store.commit({ token: item.pk, writes: [{ table: 'flows', key, when: [], op: 'put', item }] });
  return item;
}
