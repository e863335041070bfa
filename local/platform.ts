import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FunctionName, isProviderId, type ProviderId } from '../lib/domain/names.ts';
import { createAlarmWatch } from './alarm-watch.ts';
import type { Notification } from './alarms/alarm-board.ts';
import type { AlarmState } from './alarms/model.ts';
import type { Assembly, NotRun } from './assembly/model.ts';
import { AssemblyError } from './assembly/template.ts';
import { readAssembly, synthesize } from './assembly.ts';
import type { AllowedUse, DeniedUse } from './aws/iam.ts';
import { createClock, type MovableClock, withLeaps } from './clock.ts';
import { type EmbeddedAws, startEmbeddedAws } from './embedded-aws.ts';
import { createFrontDoor } from './front-door.ts';
import { functionArns, functionNamed, withShortName } from './function-names.ts';
import { createGateway } from './gateway/gateway.ts';
import { type ConnectionKey, createHome } from './home/home.ts';
import type { LogLine } from './lambda/logs.ts';
import type { FunctionCredentials } from './lambda/runtime.ts';
import { ClockFixedError, openProviders, type ProviderChoice, type ProviderSide } from './real-providers.ts';
import { createSchedule, type Schedule } from './schedule.ts';
import { createApiKey, LOCAL_ENVIRONMENT, type LocalAccess, tableNameOf } from './seed.ts';
import { listenOnLoopback } from './simulators/listener.ts';
import type { Simulators } from './simulators/server.ts';
import { dumpTables, type TableDump } from './table-dump.ts';

export interface PlatformOptions {
  /** Of the API; default: any free port. */
  readonly port?: number;
  /** More settings of the application (`infra/settings.ts`), as `-c name=value` gives them to the CDK CLI. */
  readonly context?: Readonly<Record<string, unknown>>;
  /** Default: simulated. */
  readonly providers?: ProviderChoice;
  /** Sees every line that a function writes. */
  log?(line: LogLine): void;
}

/** Which policy statements allowed something, and what was refused. */
interface GuardReport {
  readonly allowed: readonly AllowedUse[];
  readonly denied: readonly DeniedUse[];
}

/** An alarm and its state; INSUFFICIENT_DATA for ever where it cannot be judged here (`notRun` says why). */
interface AlarmReport {
  readonly name: string;
  readonly state: AlarmState;
}

/** The application, running on this machine. */
export interface Platform {
  /** `http://localhost:<port>`: the local pages. */
  readonly origin: string;
  /** What stands before `/v1`. */
  readonly apiUrl: string;
  /** With all scopes, for all organisations. */
  readonly apiKey: string;
  readonly awsEndpointUrl: string;
  readonly region: string;
  /** Of a local administrator: any AWS SDK can use them at `awsEndpointUrl`. */
  readonly credentials: FunctionCredentials;
  /** ARN to invoke: of get-token with its alias, of the others without. */
  readonly functions: Readonly<Record<FunctionName, string>>;
  /** Origins of the simulators; to be read only where the providers are simulated. */
  readonly providers: Readonly<Record<ProviderId, string>>;
  /** The real providers that are worked with; none when they are simulated. */
  readonly realProviders: readonly ProviderId[];
  readonly clock: MovableClock;
  readonly assembly: Assembly;
  readonly aws: EmbeddedAws;
  readonly simulators: Simulators;
  /** What the templates hold and nobody runs here. */
  readonly notRun: readonly NotRun[];
  /** Moves the clock; see `Schedule.advance`. Rejects with `ClockFixedError` where real providers are worked with. */
  advance(seconds: number): Promise<void>;
  /** The template's alarms as they stand: judged once for each whole minute that was lived through (`createAlarmWatch`). */
  alarms(): readonly AlarmReport[];
  /** What alarms have published on topics, oldest first. */
  notifications(): readonly Notification[];
  logs(): readonly LogLine[];
  /** Kills all running copies of a function, as a crash would. */
  killFunction(name: FunctionName): Promise<void>;
  guardReport(): GuardReport;
  dumpTables(): Promise<TableDump>;
  stop(): Promise<void>;
}

/**
 * Synthesizes the CDK app for `env=local` and runs its cloud assembly: embedded AWS, functions, API, schedule and the
 * provider simulators, all on loopback, all on one movable clock. Everything lives in memory and is gone after `stop`.
 * Rejects when the port is taken (`EADDRINUSE`) and with `AssemblyError` when the app cannot be synthesized or needs
 * something that cannot be run here; then nothing is left running.
 */
export async function startPlatform(options: PlatformOptions = {}): Promise<Platform> {
  const cleanUp = new AsyncDisposableStack();
  try {
    return await start(options, cleanUp);
  } catch (error) {
    await cleanUp.disposeAsync();
    throw error;
  }
}

/** All the parts, running. */
interface Parts {
  readonly origin: string;
  readonly clock: ReturnType<typeof withLeaps>;
  readonly providers: ProviderSide;
  readonly assembly: Assembly;
  readonly aws: EmbeddedAws;
  readonly access: LocalAccess;
  readonly apiKey: string;
  readonly schedule: Schedule;
}

async function start(options: PlatformOptions, cleanUp: AsyncDisposableStack): Promise<Platform> {
  // The port comes first: it is part of what is synthesized.
  const entrance = createEntrance();
  const listener = await listenOnLoopback(options.port ?? 0, entrance.handle);
  cleanUp.defer(() => listener.stop());
  const origin = `http://localhost:${listener.port}`;
  const clock = withLeaps(createClock());
  const providers = await openProviders(options.providers ?? { kind: 'simulated' }, clock);
  cleanUp.defer(() => providers.simulators.stop());
  const { context = {} } = options;
  const assembly = await synthesizeLocal({ origin, providers, context, cleanUp });
  const rename = withShortName(assembly);
  const aws = await startEmbeddedAws({
    assembly,
    clock,
    secretValues: providers.secretValues(assembly.secrets),
    onLine: (line) => options.log?.(rename(line)),
  });
  cleanUp.defer(() => aws.stop());
  const access = { endpointUrl: aws.endpointUrl, region: aws.region, credentials: aws.administrator };
  const apiKey = await createApiKey(assembly, access, clock);
  const schedule = scheduleOf({ assembly, aws, clock });
  cleanUp.defer(() => schedule.stop());
  const parts = { origin, clock, providers, assembly, aws, access, apiKey, schedule };
  entrance.open(frontDoorOf(parts));
  schedule.start();
  return platformOf(parts, () => cleanUp.disposeAsync());
}

function scheduleOf({ assembly, aws, clock }: Pick<Parts, 'assembly' | 'aws' | 'clock'>): Schedule {
  const { rules, permissions, queues } = assembly;
  const { cloudWatch, sqs } = aws;
  const watchAlarms = createAlarmWatch({ cloudWatch, sqs, queues, clock });
  const onStep = async () => {
    // A failed sweep is reported by whoever reads what should be gone; the clock must go on.
    await Promise.all([aws.dynamoDb.sweepExpired().catch(() => undefined), aws.eventSources.drain()]);
    await watchAlarms();
  };
  return createSchedule({ rules, permissions, runtime: aws.runtime, clock, onStep });
}

function frontDoorOf(parts: Parts): ReturnType<typeof createFrontDoor> {
  const { assembly, aws, access, apiKey, clock, providers } = parts;
  const { permissions } = assembly;
  const table = tableNameOf(assembly, 'connections');
  return createFrontDoor({
    gateway: createGateway({ api: onlyApi(assembly), permissions, runtime: aws.runtime, now: clock.now }),
    home: createHome({
      apiUrl: apiUrlOf(parts),
      apiKey,
      now: clock.now,
      ...(providers.real.length === 0 ? {} : { realProviders: providers.real }),
      listAlarms: () => inAlarm(aws),
      listConnections: async () => connectionKeys((await dumpTables([table], access))[table]),
    }),
    now: clock.now,
    advance: (seconds) => advance(parts, seconds),
    clockIsFixed: providers.real.length > 0,
    guardReport: () => guardReportOf(aws),
  });
}

function platformOf(parts: Parts, stop: () => Promise<void>): Platform {
  const { origin, clock, providers, assembly, aws, access, apiKey } = parts;
  const { simulators } = providers;
  return {
    origin,
    apiUrl: apiUrlOf(parts),
    apiKey,
    awsEndpointUrl: aws.endpointUrl,
    region: aws.region,
    credentials: { ...aws.administrator },
    functions: functionArns(assembly),
    get providers() {
      return simulators.origins;
    },
    realProviders: providers.real,
    clock,
    assembly,
    aws,
    simulators,
    notRun: assembly.notRun,
    advance: (seconds) => advance(parts, seconds),
    alarms: () => alarmsOf(aws),
    notifications: () => aws.cloudWatch.alarms.notifications(),
    logs: () => aws.runtime.logs().map(withShortName(assembly)),
    killFunction: (name) => aws.runtime.kill(functionNamed(assembly, name).name),
    guardReport: () => guardReportOf(aws),
    dumpTables: () =>
      dumpTables(
        assembly.tables.map(({ name }) => name),
        access,
      ),
    stop,
  };
}

function apiUrlOf({ origin, assembly }: Parts): string {
  return `${origin}/${onlyApi(assembly).stage}`;
}

async function advance({ providers, schedule }: Parts, seconds: number): Promise<void> {
  if (providers.real.length > 0) throw new ClockFixedError();
  await schedule.advance(seconds);
}

function alarmsOf({ cloudWatch }: EmbeddedAws): readonly AlarmReport[] {
  return cloudWatch.alarms.statuses().map(({ definition: { name }, state }) => ({ name, state }));
}

function inAlarm(aws: EmbeddedAws): readonly string[] {
  return alarmsOf(aws).flatMap(({ name, state }) => (state === 'ALARM' ? [name] : []));
}

function guardReportOf({ guard }: EmbeddedAws): GuardReport {
  return { allowed: guard.allowed(), denied: guard.denied() };
}

/** Answers 503 until the platform is ready. */
function createEntrance() {
  let door: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  return {
    open(to: NonNullable<typeof door>): void {
      door = to;
    },
    handle(request: IncomingMessage, response: ServerResponse): void {
      if (door !== undefined) door(request, response);
      else response.writeHead(503, { 'retry-after': '1' }).end();
    },
  };
}

async function synthesizeLocal(options: {
  readonly origin: string;
  readonly providers: ProviderSide;
  readonly context: Readonly<Record<string, unknown>>;
  readonly cleanUp: AsyncDisposableStack;
}): Promise<Assembly> {
  const outDir = await mkdtemp(join(tmpdir(), 'grantkeeper-'));
  options.cleanUp.defer(() => rm(outDir, { recursive: true, force: true }));
  const { origins } = options.providers;
  const hosts = origins === undefined ? {} : { providerOrigins: JSON.stringify(origins) };
  const local = { env: LOCAL_ENVIRONMENT, publicOrigin: options.origin, ...hosts };
  await synthesize({ outDir, context: { ...options.context, ...local } });
  return readAssembly(outDir);
}

function onlyApi(assembly: Assembly) {
  const [api, ...others] = assembly.apis;
  if (api === undefined || others.length > 0) throw new AssemblyError('the application must have exactly one REST API');
  return api;
}

function connectionKeys(items: TableDump[string] = []): readonly ConnectionKey[] {
  return items.flatMap(({ pk, sk }) => {
    const organizationId = /^ORG#(.+)$/.exec(String(pk))?.[1];
    return organizationId !== undefined && isProviderId(sk) ? [{ organizationId, provider: sk }] : [];
  });
}
