import type { Instant } from '../lib/domain/grant.ts';
import { PROVIDER_IDS, type ProviderId } from '../lib/domain/names.ts';
import type { ProviderState } from '../lib/domain/provider-state.ts';
import { durationText, timeText } from '../lib/service/time-text.ts';
import type { Alarm } from './alarms.ts';
import { type EnvironmentStatus, HEARTBEAT_MS, type Part, type ProviderLook, type QueueCount } from './read-status.ts';
import { pausedOf, type Reservations } from './refreshers.ts';

const LABEL = 13;
/** Alarms without data that are named; `--json` names them all. */
const MAX_NAMES = 4;
const COLUMNS = [13, 46, 20, 10, 0] as const;

/** One screen: what is wrong first. */
export function statusText(status: EnvironmentStatus): string {
  const { at } = status;
  return [
    `grantkeeper ${status.environment} at ${new Date(at).toISOString().slice(0, 19).replace('T', ' ')}Z`,
    '',
    ...labelled(
      'alarms',
      told(status.alarms, (alarms) => alarmLines(alarms, at)),
    ),
    ...labelled(
      'sweep',
      told(status.heartbeatAt, (last) => [heartbeatLine(last, at)]),
    ),
    ...labelled(
      'refreshers',
      told(status.refreshers, (reserved) => [refreshersLine(reserved)]),
    ),
    ...labelled(
      'rescue',
      told(status.rescue, ({ queue, deadLetter }) => [`${counted(queue)}; dead letter ${counted(deadLetter)}`]),
    ),
    ...labelled(
      'state keys',
      told(status.stateKeys, ({ current, previous }) => [keysLine(current, previous)]),
    ),
    '',
    ...told(status.providers, (providers) => providerLines(providers, at)),
    '',
  ].join('\n');
}

/** The same for programs: instants in ISO 8601. */
export function statusTold(status: EnvironmentStatus): object {
  const iso = (at: Instant | undefined) => (at === undefined ? undefined : new Date(at).toISOString());
  const map = <T>(part: Part<T>, to: (value: T) => unknown) => ('value' in part ? to(part.value) : part);
  return {
    environment: status.environment,
    at: iso(status.at),
    alarms: map(status.alarms, (alarms) =>
      alarms.map(({ id, isComposite, state, since }) => ({ id, isComposite, state, since: iso(since) })),
    ),
    heartbeatAt: map(status.heartbeatAt, (last) => iso(last) ?? null),
    refreshers: map(status.refreshers, (reserved) => ({ paused: pausedOf(reserved), reserved })),
    rescue: map(status.rescue, (rescue) => rescue),
    stateKeys: map(status.stateKeys, (keys) => keys),
    providers: map(status.providers, (providers) =>
      Object.fromEntries(PROVIDER_IDS.map((provider) => [provider, providerTold(providers[provider], iso)])),
    ),
  };
}

/** Whether every part could be read. */
export function isComplete({ environment: _, at: __, ...parts }: EnvironmentStatus): boolean {
  return Object.values(parts).every((part) => 'value' in part);
}

function told<T>(part: Part<T>, lines: (value: T) => readonly string[]): readonly string[] {
  return 'value' in part ? lines(part.value) : [part.unread];
}

function labelled(label: string, [first = '', ...more]: readonly string[]): readonly string[] {
  return [`${label.padEnd(LABEL)}${first}`, ...more.map((line) => `${''.padEnd(LABEL)}${line}`)];
}

function alarmLines(alarms: readonly Alarm[], now: Instant): readonly string[] {
  const ringing = alarms.filter(({ state }) => state === 'ALARM');
  const blind = alarms.filter(({ state }) => state === 'INSUFFICIENT_DATA').map(({ id }) => id);
  return [
    `${ringing.length} of ${alarms.length} in ALARM`,
    ...ringing.map(
      ({ id, since }) => `  ${id.padEnd(24)}since ${since === undefined ? 'unknown' : timeText(since, now)}`,
    ),
    ...(blind.length === 0 ? [] : [`  without data yet: ${namesOf(blind)}`]),
  ];
}

function namesOf(ids: readonly string[]): string {
  const left = ids.length - MAX_NAMES;
  return left > 0 ? `${ids.slice(0, MAX_NAMES).join(', ')} and ${left} more` : ids.join(', ');
}

/** CloudWatch tells minutes. */
function heartbeatLine(last: Instant | undefined, now: Instant): string {
  if (last === undefined) return `NO RUN in the last ${durationText(HEARTBEAT_MS)}`;
  return `last run in the minute of ${timeText(Math.min(last, now), now)}`;
}

function refreshersLine(reserved: Reservations): string {
  const paused = pausedOf(reserved);
  return paused.length === 0 ? 'running' : `PAUSED: ${paused.join(', ')}`;
}

function counted({ waiting, inFlight }: QueueCount): string {
  return `${waiting} waiting, ${inFlight} in flight`;
}

function keysLine(current: string, previous: string | undefined): string {
  return previous === undefined ? `${current} signs` : `${current} signs, ${previous} verifies`;
}

function providerLines(providers: Readonly<Record<ProviderId, ProviderLook>>, now: Instant): readonly string[] {
  return [
    row(['provider', 'circuit', 'verdicts', 'suspects', 'grants']),
    ...PROVIDER_IDS.map((provider) => {
      const { state, suspects } = providers[provider];
      return row([provider, circuitText(state, now), verdictsText(state), String(suspects), grantsText(state, now)]);
    }),
  ];
}

function row(cells: readonly string[]): string {
  return cells
    .map((cell, index) => cell.padEnd(COLUMNS[index] ?? 0))
    .join('')
    .trimEnd();
}

function circuitText(state: ProviderState | undefined, now: Instant): string {
  const refused = state?.misconfigured?.length ?? 0;
  if (state?.circuit === undefined)
    return refused === 0 ? 'closed' : `closed; our client refused for ${refused} grant(s)`;
  const { kind, openedAt, probeAt } = state.circuit;
  const probe = probeAt > now ? `probe in ${durationText(probeAt - now)}` : 'probe due';
  return `OPEN (${kind}) for ${durationText(now - openedAt)}, ${probe}`;
}

function verdictsText(state: ProviderState | undefined): string {
  return state?.frozen === true ? 'FROZEN' : 'given';
}

function grantsText(state: ProviderState | undefined, now: Instant): string {
  if (state?.grants === undefined || state.countedAt === undefined) return 'not counted yet';
  return `${state.grants} (counted ${durationText(now - state.countedAt)} ago)`;
}

function providerTold({ state, suspects }: ProviderLook, iso: (at: Instant | undefined) => string | undefined): object {
  const { circuit, frozen = false, grants, countedAt, lastSuccessAt, misconfigured = [] } = state ?? {};
  return {
    circuit:
      circuit === undefined
        ? { state: 'closed' }
        : { state: 'open', kind: circuit.kind, since: iso(circuit.openedAt), probeAt: iso(circuit.probeAt) },
    refusedGrants: misconfigured.length,
    frozen,
    suspects,
    grants: grants ?? null,
    countedAt: iso(countedAt),
    lastSuccessAt: iso(lastSuccessAt),
  };
}
