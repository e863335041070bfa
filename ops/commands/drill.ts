import { SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch';
import type { Instant } from '../../lib/domain/grant.ts';
import type { Clock } from '../../lib/service/ports.ts';
import { type Action, type Alarm, actionsSince, listAlarms } from '../alarms.ts';
import { environmentOf, positionalsNamed, Refused } from '../arguments.ts';
import { defineCommand, type Outcome, type Session } from '../command.ts';
import { findClock } from '../place.ts';
import { confirm } from '../terminal.ts';

/** The one alarm that wakes somebody; it follows the alarms it is made of. */
const PAGE = 'page';
const TICKET = 'ticket';
/** Clocks, and CloudWatch's own delay in telling what it did. */
const SLACK_MS = 5_000;
const LOOK_EVERY_MS = 2_000;
/** CloudWatch acts within seconds; a minute of silence means that it does not. */
const PATIENCE_MS = 90_000;

export const DRILL = defineCommand({
  name: 'drill',
  usage: 'ALARM-ID|page|ticket --env ENV [--dry-run] [--yes]',
  summary: 'sets an alarm to ALARM, waits until CloudWatch has told whom it has to tell, and sets it back',
  details: [
    'One real notification goes to whoever the alarm tells. page drills an alarm of the composite and watches the composite',
    'follow: a composite that was set by hand would stay so until one of its alarms changes. ticket drills an alarm that only',
    'makes a ticket. What this shows is that CloudWatch handed the notification to the topic; that it arrives in the inbox or',
    'at the pager only they can tell: a subscription must have been confirmed once.',
  ],
  examples: ['drill page --env prod', 'drill sweep-heartbeat --env dev'],
  options: { env: { type: 'string' }, 'dry-run': { type: 'boolean' }, yes: { type: 'boolean' } },
  parse(given) {
    const [asked = ''] = positionalsNamed(given, ['ALARM-ID']);
    const { 'dry-run': dryRun, yes } = given.values;
    return { asked, environment: environmentOf(given), dryRun: dryRun === true, yes: yes === true };
  },
  async run(session, { asked, environment, dryRun, yes }) {
    const clock = await findClock(session, environment);
    const drill = drillOf(asked, await listAlarms(session, environment));
    const about = [
      `This sets ${drill.set.id} of ${environment} to ALARM. CloudWatch tells:`,
      ...drill.watched.flatMap(({ actions }) => actions.map((arn) => `  ${arn}`)),
    ];
    if (dryRun) return { text: `${about.join('\n')}\nnothing was set\n`, told: toldOf(drill, { dryRun, environment }) };
    await confirm(session, { environment, yes, about });
    const beganAt = clock.now();
    await set(session, drill.set, 'ALARM', 'A drill: npm run ops -- drill.');
    try {
      const seen = await watch(session, drill, { clock, beganAt });
      return outcomeOf(drill, seen, { environment, tookMs: clock.now() - beganAt });
    } finally {
      await set(session, drill.set, 'OK', 'The drill is over.');
    }
  },
});

interface Drill {
  /** The alarm that is set. */
  readonly set: Alarm;
  /** Alarms whose actions are waited for. */
  readonly watched: readonly Alarm[];
}

function drillOf(asked: string, alarms: readonly Alarm[]): Drill {
  const composite = alarms.find(({ id, isComposite }) => id === PAGE && isComposite);
  if (asked === PAGE && composite !== undefined) {
    if (composite.state === 'ALARM') throw new Refused('page is in ALARM already: another one would tell nobody');
    const child = alarms.find(({ id, state }) => composite.children.includes(id) && state !== 'ALARM');
    if (child === undefined) throw new Refused('page is made of no alarm that could be set');
    return { set: child, watched: [child, composite].filter(({ actions }) => actions.length > 0) };
  }
  const isTicket = ({ id, isComposite, actions }: Alarm) =>
    !isComposite && actions.length > 0 && !(composite?.children.includes(id) ?? false);
  const alarm =
    asked === TICKET ? alarms.find((each) => isTicket(each) && each.state !== 'ALARM') : named(asked, alarms);
  if (alarm === undefined) throw new Refused('no alarm makes only a ticket');
  if (alarm.state === 'ALARM') throw new Refused(`${alarm.id} is in ALARM already: CloudWatch acts on changes only`);
  if (alarm.actions.length === 0) throw new Refused(`${alarm.id} tells nobody: it has no action`);
  return { set: alarm, watched: [alarm] };
}

function named(asked: string, alarms: readonly Alarm[]): Alarm {
  const alarm = alarms.find(({ id, name }) => id === asked || name === asked);
  if (alarm !== undefined) return alarm;
  if (alarms.length === 0) throw new Refused('there are no alarms here: is the watch stack deployed?');
  throw new Refused(`no alarm "${asked}"; there are ${[...alarms.map(({ id }) => id), TICKET].join(', ')}`);
}

type Seen = ReadonlyMap<Alarm, readonly Action[]>;

/** Until every action of every watched alarm was carried out or failed, or the patience is over. */
async function watch(
  session: Session,
  { watched }: Drill,
  { clock, beganAt }: { readonly clock: Clock; readonly beganAt: Instant },
): Promise<Seen> {
  for (;;) {
    const since = beganAt - SLACK_MS;
    const looked = await Promise.all(
      watched.map(async (alarm) => [alarm, await actionsSince(session, alarm, since)] as const),
    );
    const seen = new Map(looked);
    const isDone = looked.every(([alarm, done]) => alarm.actions.every((arn) => done.some((each) => each.arn === arn)));
    if (isDone || clock.now() - beganAt > PATIENCE_MS) return seen;
    await clock.sleep(LOOK_EVERY_MS);
  }
}

async function set({ clients }: Session, { name }: Alarm, StateValue: 'ALARM' | 'OK', why: string): Promise<void> {
  await clients.cloudWatch.send(new SetAlarmStateCommand({ AlarmName: name, StateValue, StateReason: why }));
}

function outcomeOf(
  drill: Drill,
  seen: Seen,
  { environment, tookMs }: { readonly environment: string; readonly tookMs: number },
): Outcome {
  const ends = drill.watched.flatMap((alarm) =>
    alarm.actions.map((arn) => ({ alarm: alarm.id, arn, ...endOf(arn, seen.get(alarm) ?? []) })),
  );
  const failed = ends.filter(({ end }) => end !== 'told');
  const lines = ends.map(({ alarm, arn, end, why }) => `${alarm.padEnd(22)}${end.padEnd(9)}${arn}${why}`);
  const end =
    failed.length === 0
      ? `told after ${Math.round(tookMs / 1000)} s; ${drill.set.id} is set back to OK. Has it arrived?`
      : `not told; ${drill.set.id} is set back to OK. Look at the topic’s policy, its key and its subscriptions`;
  return {
    text: `${[...lines, end].join('\n')}\n`,
    told: { ...toldOf(drill, { dryRun: false, environment }), ends: ends.map(({ why: _, ...each }) => each), tookMs },
    exitCode: failed.length === 0 ? 0 : 1,
  };
}

function endOf(
  arn: string,
  actions: readonly Action[],
): { readonly end: 'told' | 'failed' | 'silence'; readonly why: string } {
  const own = actions.filter((action) => action.arn === arn);
  if (own.some(({ succeeded }) => succeeded)) return { end: 'told', why: '' };
  const [action] = own;
  return action === undefined ? { end: 'silence', why: '' } : { end: 'failed', why: ` (${action.summary})` };
}

function toldOf(drill: Drill, run: { readonly dryRun: boolean; readonly environment: string }): object {
  return { ...run, alarm: drill.set.id, watched: drill.watched.map(({ id, actions }) => ({ alarm: id, actions })) };
}
