import { chooseCompany } from '../domain/company-choice.ts';
import { isOver } from '../domain/connect-session.ts';
import { type ErrorCode, GrantkeeperError, isFault } from '../domain/errors.ts';
import type { Flow, FlowStage, Tenant } from '../domain/flow.ts';
import { decideAdvance, decideFail } from '../domain/flow-decision.ts';
import { grantKey, type Instant } from '../domain/grant.ts';
import { METRICS } from '../domain/names.ts';
import { bankTokens } from './bank-tokens.ts';
import { countConnectEnd } from './connect-end.ts';
import { armExchange, type Exchanged, type ExchangePorts, exchangeCode, subjectNamed } from './exchange-code.ts';
import { holdClosing, letGo } from './hold-grant.ts';
import { type LinkPorts, linkCompany } from './link-company.ts';
import { persist } from './persist.ts';
import type { FinishRequest, RescueQueue, Store, TenantDirectory } from './ports.ts';

/**
 * The second half of a connect flow, in a function of its own so that no browser can cut it short. It banks first: what the
 * provider issued is stored before anything is decided about company or claim, and a refused link leaves it there. Tokens that
 * are only on the rescue queue end the flow as `unavailable`: they are banked from there, for whoever tries again.
 */

export interface FinishConnectPorts extends ExchangePorts, LinkPorts {
  readonly store: Store;
  readonly tenants: Pick<TenantDirectory, 'subjectOf' | 'list'>;
  readonly rescueQueue: RescueQueue;
}

export interface FinishResult {
  readonly stage: FlowStage;
  readonly error?: ErrorCode;
}

type Authorized = NonNullable<FinishRequest['authorization']>;

/** Looking up companies is a read and may be repeated. */
const LISTING = { tries: 3, pauseMs: 1_000, callMs: 15_000 };
/** A revocation that was sent is waited for, and the 15 s its lease stays after a 5xx: it would end the new authorisation too. */
const HOLD_WAIT_MS = 20_000;
/** A step of the flow must be written this fast, or the flow is not worth going on with. */
const STEP_MS = 5_000;

/** One run of this function: the flow as far as it has come. */
interface Run {
  readonly ports: FinishConnectPorts;
  readonly deadlineAt: Instant;
  flow: Flow;
  /** Of the exchange, when this run made one. */
  traceId?: string | undefined;
  /** What ended it. */
  trouble?: unknown;
}

/**
 * Takes the flow to its end, or to the choice of a company, and answers how it stands. What happened stands on the flow too,
 * which is where callers look. A flow in any other stage than the request is for is left alone. Throws `not_found`.
 */
export async function finishConnect(
  ports: FinishConnectPorts,
  request: FinishRequest,
  deadlineAt: Instant,
): Promise<FinishResult> {
  const flow = await ports.store.readFlow(request.flowId);
  if (flow === undefined) throw new GrantkeeperError('not_found');
  const run: Run = { ports, deadlineAt, flow };
  try {
    await goOn(run, request);
  } catch (error) {
    run.trouble = error;
    await fail(run, error instanceof GrantkeeperError ? error.code : 'internal_error');
  }
  return { stage: run.flow.stage, ...(run.flow.error === undefined ? {} : { error: run.flow.error }) };
}

async function goOn(run: Run, { authorization, chosenTenantId }: FinishRequest): Promise<void> {
  if (run.flow.stage === 'authorizing' && authorization !== undefined) return authorize(run, authorization);
  if (run.flow.stage === 'choosing' && chosenTenantId !== undefined) return linkChosen(run, chosenTenantId);
}

async function authorize(run: Run, authorized: Authorized): Promise<void> {
  requireTime(run);
  const named = subjectNamed(run.flow, authorized.callbackTenantId);
  const exchanged = await exchangeHeld(run, authorized, named);
  if (exchanged === undefined) return;
  if (!(await advance(run, 'exchanged', { grant: exchanged.authorization.grant }))) return;
  const expected = run.flow.expectedTenantId;
  const tenants = await listCompanies(run, exchanged, { named, expected });
  const choice = chooseCompany(tenants, { named, expected });
  if (choice.kind === 'refused') throw new GrantkeeperError(choice.code);
  if (choice.kind === 'company') return link(run, choice.tenant);
  if (await advance(run, 'choosing', { tenants: choice.tenants })) told(run, 'choosing');
}

/** Exchanges and banks, with the subject's closing grant held meanwhile, so that no revocation ends what is just issued. */
async function exchangeHeld(
  run: Run,
  authorized: Authorized,
  subject: string | undefined,
): Promise<Exchanged | undefined> {
  const { ports, flow, deadlineAt } = run;
  const untilAt = Math.min(ports.clock.now() + HOLD_WAIT_MS, deadlineAt);
  const held = { attemptId: flow.pk, untilAt };
  const hold = subject === undefined ? undefined : await holdClosing(ports, grantKey(flow.provider, subject), held);
  let exchanged: Exchanged | undefined;
  try {
    exchanged = await exchange(run, authorized);
  } finally {
    if (hold !== undefined && exchanged === undefined) await letGo(ports, hold);
  }
  // The bank ends the hold. Where only the queue has the tokens it runs on, to its own end: a revocation would end them too.
  if (exchanged !== undefined) await bankTokens(ports, exchanged.authorization, deadlineAt);
  return exchanged;
}

/** Undefined when somebody else has sent the code. */
async function exchange(run: Run, { code, callbackTenantId }: Authorized): Promise<Exchanged | undefined> {
  const { ports, deadlineAt } = run;
  const armed = await armExchange(ports, run.flow, { callbackTenantId, deadlineAt });
  // From here on nobody sends this code again, whatever happens to us.
  if (!(await advance(run, 'exchanging'))) return undefined;
  const exchanged = await exchangeCode(ports, run.flow, { armed, code, deadlineAt });
  run.traceId = exchanged.authorization.traceId;
  return exchanged;
}

async function linkChosen(run: Run, chosenTenantId: string): Promise<void> {
  requireTime(run);
  const chosen = run.flow.tenants?.find(({ tenantId }) => tenantId === chosenTenantId);
  if (chosen === undefined) throw new GrantkeeperError('company_mismatch');
  return link(run, chosen);
}

async function link(run: Run, tenant: Tenant): Promise<void> {
  await linkCompany(run.ports, run.flow, tenant, run.deadlineAt);
  run.flow = { ...run.flow, stage: 'linked' };
  told(run, 'linked');
}

/** A company that must be among all the user's is looked for among all; a new one only in what was authorised just now. */
async function listCompanies(
  { ports, flow, deadlineAt }: Run,
  { tokens, authorization }: Exchanged,
  { named, expected }: { readonly named: string | undefined; readonly expected: string | undefined },
): Promise<readonly Tenant[]> {
  for (let tries = 1; ; tries += 1) {
    const listing = await ports.tenants.list({
      provider: flow.provider,
      environment: authorization.environment,
      accessToken: tokens.accessToken,
      ...(named === undefined ? { thisAuthorizationOnly: expected === undefined } : { tenantId: named }),
    });
    if (listing.kind === 'listed') return listing.tenants;
    ports.log('warn', 'companies could not be listed', {
      flowId: flow.pk,
      provider: flow.provider,
      reason: listing.reason,
    });
    const isLast = tries >= LISTING.tries || ports.clock.now() + LISTING.callMs > deadlineAt;
    if (isLast) throw new GrantkeeperError('company_unconfirmed');
    await ports.clock.sleep(LISTING.pauseMs);
  }
}

/** False when the flow was moved on by somebody else, who goes on with it. */
async function advance(
  run: Run,
  stage: FlowStage,
  found: Pick<Partial<Flow>, 'grant' | 'tenants'> = {},
): Promise<boolean> {
  const { ports, flow } = run;
  const step = decideAdvance(flow, { id: ports.newId(), stage, ...found });
  const verdict = await persist(ports, step, Math.min(ports.clock.now() + STEP_MS, run.deadlineAt));
  run.flow = verdict.committed ? { ...flow, stage, ...found } : ((await ports.store.readFlow(flow.pk)) ?? flow);
  return verdict.committed;
}

function requireTime({ ports, flow }: Run): void {
  if (isOver(flow, ports.clock.now())) throw new GrantkeeperError('flow_expired');
}

/** Writes the end on the flow. A flow that cannot be written runs out of time by itself; one that ended otherwise was counted so. */
async function fail(run: Run, code: ErrorCode): Promise<void> {
  const { ports, flow } = run;
  const now = ports.clock.now();
  try {
    const verdict = await persist(ports, decideFail(flow, { id: ports.newId(), code, now }), now + STEP_MS);
    run.flow = verdict.committed
      ? { ...flow, stage: 'failed', error: code }
      : ((await ports.store.readFlow(flow.pk)) ?? flow);
    if (!verdict.committed && hasEnded(run.flow)) return tellOvertaken(run, code);
  } catch {
    run.flow = { ...flow, stage: 'failed', error: code };
  }
  told(run, code);
}

function hasEnded({ stage }: Flow): boolean {
  return stage === 'linked' || stage === 'failed';
}

function tellOvertaken({ ports, flow, trouble }: Run, code: ErrorCode): void {
  const { provider, organizationId, pk: flowId, stage } = flow;
  const fields = { provider, organizationId, flowId, stage, code, error: nameOf(trouble) };
  ports.log('warn', 'a connect flow was ended by another run', fields);
}

function told({ ports, flow, traceId, trouble }: Run, outcome: 'linked' | 'choosing' | ErrorCode): void {
  const { provider, organizationId, pk: flowId, createdAt, grant } = flow;
  if (outcome === 'choosing') ports.count(METRICS.connectOutcome, 1, { provider, outcome });
  else countConnectEnd(ports, provider, outcome);
  const isFailure = outcome !== 'choosing' && outcome !== 'linked';
  ports.log(isFailure && isFault(outcome) ? 'error' : 'info', 'connect', {
    ...{ outcome, provider, organizationId, flowId, grant },
    ...(isFailure ? { code: outcome, error: nameOf(trouble) } : {}),
    providerTraceId: traceId,
    durationMs: ports.clock.now() - createdAt,
  });
}

/** Of an SDK's error, where there is one behind ours. Names only: a message may quote anything. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return error.cause instanceof Error ? error.cause.name : error.name;
}
