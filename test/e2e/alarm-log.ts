import type { ProviderId } from '../../lib/domain/names.ts';
import type { TokenAnswer } from '../../local/demo/token-client.ts';
import { allowQuickBooks, connect, type World, whereOf } from '../../local/demo/world.ts';
import type { Platform } from '../../local/platform.ts';

const MINUTE_MS = 60_000;
const PREFIX = 'grantkeeper-local-';

/** An alarm that began (`ALARM`) or ended, so many minutes after an instant. */
interface Change {
  readonly id: string;
  readonly state: string;
  readonly minute: number;
}

/** What alarms did since then, oldest first; the composite is `page`. */
function changesSince({ aws }: Platform, since: number): readonly Change[] {
  return aws.cloudWatch.alarms.history().flatMap((item) => {
    if (item.kind !== 'StateUpdate' || item.at < since) return [];
    return [{ id: idOf(item.alarm.name), state: item.to, minute: minutesAfter(since, item.at) }];
  });
}

/** The ids of the alarms that began since then, each once, in order. */
export function begunSince(platform: Platform, since: number): readonly string[] {
  const begun = changesSince(platform, since).filter(({ state }) => state === 'ALARM');
  return [...new Set(begun.map(({ id }) => id))];
}

/** The minute, since then, in which an alarm first went to a state; -1 when it did not. */
export function minuteOf(platform: Platform, since: number, id: string, state = 'ALARM'): number {
  return changesSince(platform, since).find((change) => change.id === id && change.state === state)?.minute ?? -1;
}

/** What the page topic was told since then: the states of the composite, in order. */
export function pagesSince(platform: Platform, since: number): readonly string[] {
  const told = platform.notifications().filter(({ topic, at }) => topic === `${PREFIX}page` && at >= since);
  return told.map(({ alarm, state }) => `${idOf(alarm)} ${state}`);
}

/** What is in ALARM now. */
export function inAlarm(platform: Platform): readonly string[] {
  return platform.alarms().flatMap(({ name, state }) => (state === 'ALARM' ? [idOf(name)] : []));
}

function idOf(name: string): string {
  return name.replace(PREFIX, '');
}

function minutesAfter(since: number, at: number): number {
  return Math.floor((at - since) / MINUTE_MS);
}

/** An organisation `org-<number>` and its QuickBooks company. */
export const organisation = (number: number) => `org-${number}`;
export const realm = (number: number) => `93414530000001${String(number).padStart(2, '0')}`;

/** Connects these organisations to QuickBooks, four at a time, and asks for the token of each. */
export async function connectMany(world: World, numbers: readonly number[]): Promise<void> {
  const waiting = numbers.values();
  const user = async () => {
    for (const number of waiting) {
      const organizationId = organisation(number);
      const consent = allowQuickBooks(realm(number));
      const where = whereOf((await connect(world, { organizationId, provider: 'quickbooks', consent })).page);
      if (!where.includes('connected=true')) throw new Error(`${organizationId} is not connected: ${where}`);
    }
  };
  await Promise.all([user(), user(), user(), user()]);
  await ask(world, numbers.map(organisation));
}

/** A token of each of these organisations, asked for by four callers at a time. */
export async function ask(
  { tokens }: World,
  organisations: readonly string[],
  provider: ProviderId = 'quickbooks',
): Promise<readonly TokenAnswer[]> {
  const answers: TokenAnswer[] = [];
  const waiting = organisations.values();
  const caller = async () => {
    for (const organizationId of waiting) answers.push(await tokens.get({ organizationId, provider }));
  };
  await Promise.all([caller(), caller(), caller(), caller()]);
  return answers;
}
