import type { Instant } from '../../lib/domain/grant.ts';
import type { Clock } from '../../lib/service/ports.ts';
import { durationText, timeText } from '../../lib/service/time-text.ts';
import { environmentOf, positionalsNamed, wholeNumber } from '../arguments.ts';
import { defineCommand, type Outcome, type Session } from '../command.ts';
import { findClock } from '../place.ts';
import { newStateKey, putRing, readRing, type StateKeyRing } from '../state-key-ring.ts';
import { dropsAt, nextTurn, type Turn } from '../state-key-turn.ts';

/** Longer than any wait between two puts. */
const WAIT = { least: 0, most: 3_600, otherwise: 1_000 } as const;
/** How often it is said that we still wait. */
const TELL_EVERY_MS = 30_000;

export const ROTATE_STATE_KEY = defineCommand({
  name: 'rotate state-key',
  usage: '--env ENV [--finish] [--wait SECONDS] [--dry-run]',
  summary: 'turns the key that signs the state of connect flows, without breaking a flow under way',
  details: [
    'Puts the new key beside the old one, waits five and a half minutes (the functions’ cache), then puts the new one first.',
    '--finish drops the old key, when no state can be under way that it has signed (a quarter of an hour later).',
    `--wait is how long this may wait, ${WAIT.otherwise} s unless told; 0 does what can be done now. Interrupt it when you like:`,
    'run again, it goes on from the keys it finds. No key is ever printed, only ids.',
  ],
  examples: ['rotate state-key --env dev', 'rotate state-key --env dev --finish'],
  options: {
    env: { type: 'string' },
    finish: { type: 'boolean' },
    wait: { type: 'string' },
    'dry-run': { type: 'boolean' },
  },
  parse(given) {
    positionalsNamed(given, []);
    return {
      environment: environmentOf(given),
      finish: given.values.finish === true,
      waitMs: wholeNumber(given, 'wait', WAIT) * 1000,
      dryRun: given.values['dry-run'] === true,
    };
  },
  async run(session, asked) {
    const clock = await findClock(session, asked.environment);
    const ring = await readRing(session, asked.environment);
    if (asked.dryRun) return planned(ring, nextTurn(ring, asked.finish), clock.now());
    return await turn(session, { ...asked, clock, ring, deadlineAt: clock.now() + asked.waitMs });
  },
});

interface Work {
  readonly environment: string;
  readonly finish: boolean;
  readonly clock: Clock;
  readonly ring: StateKeyRing;
  readonly deadlineAt: Instant;
}

/** One put after the other, each when its time has come, until this turn is done or the patience is over. */
async function turn(session: Session, work: Work): Promise<Outcome> {
  const { environment, clock, finish } = work;
  let { ring } = work;
  for (;;) {
    const next = nextTurn(ring, finish);
    if (next.put === 'none') return ended(ring, 'there is no old key to drop');
    // Turned already, perhaps by a run whose end nobody saw: another turn is not begun before this one is over.
    if (next.put === 'announce' && next.notBefore > clock.now()) return swapped(ring, environment, clock.now());
    if (next.notBefore > work.deadlineAt) return notYet(ring, next, clock.now());
    await waitUntil(session, clock, next);
    const put = ringAfter(ring, next.put, clock.now());
    await putRing(session, environment, { ring: put, basedOn: ring });
    ring = await readRing(session, environment);
    session.terminal.tell(SAID[next.put](ring));
    if (next.put === 'drop') return ended(ring, 'the old key is gone');
    if (next.put === 'swap' && !finish) return swapped(ring, environment, clock.now());
  }
}

const SAID = {
  announce: ({ previous }: StateKeyRing) => `key ${previous?.id} is announced`,
  swap: ({ current, previous }: StateKeyRing) => `key ${current.id} signs, key ${previous?.id} still verifies`,
  drop: ({ current }: StateKeyRing) => `key ${current.id} is the only one`,
} as const;

function ringAfter(
  { current, previous }: StateKeyRing,
  put: Exclude<Turn['put'], 'none'>,
  now: Instant,
): Pick<StateKeyRing, 'current' | 'previous'> {
  if (put === 'announce') return { current, previous: newStateKey(now) };
  if (put === 'drop' || previous === undefined) return { current };
  return { current: previous, previous: current };
}

async function waitUntil(
  { terminal }: Session,
  clock: Clock,
  { put, notBefore }: Extract<Turn, { notBefore: Instant }>,
): Promise<void> {
  for (let leftMs = notBefore - clock.now(); leftMs > 0; leftMs = notBefore - clock.now()) {
    terminal.tell(`${put} in ${durationText(leftMs)}; interrupt when you like, and run this again later`);
    await clock.sleep(Math.min(leftMs, TELL_EVERY_MS));
  }
}

function told({ current, previous }: StateKeyRing): { readonly current: string; readonly previous?: string } {
  return { current: current.id, ...(previous === undefined ? {} : { previous: previous.id }) };
}

function ended(ring: StateKeyRing, line: string): Outcome {
  return { text: `${line}; key ${ring.current.id} signs\n`, told: { ...told(ring), next: null } };
}

function swapped(ring: StateKeyRing, environment: string, now: Instant): Outcome {
  const at = dropsAt(ring.putAt);
  return {
    text: `key ${ring.current.id} signs now. Key ${ring.previous?.id} can go ${timeText(at, now)}:
npm run ops -- rotate state-key --env ${environment} --finish
`,
    told: { ...told(ring), next: { put: 'drop', notBefore: new Date(at).toISOString() } },
  };
}

function notYet(ring: StateKeyRing, { put, notBefore }: Extract<Turn, { notBefore: Instant }>, now: Instant): Outcome {
  return {
    text: `next is ${put}, not before ${timeText(notBefore, now)}: run this again then\n`,
    told: { ...told(ring), next: { put, notBefore: new Date(notBefore).toISOString() } },
    exitCode: 3,
  };
}

function planned(ring: StateKeyRing, next: Turn, now: Instant): Outcome {
  const keys = `key ${ring.current.id} signs, ${ring.previous === undefined ? 'no other' : `key ${ring.previous.id}`} verifies`;
  if (next.put === 'none') return { text: `${keys}\nnothing is to be dropped\n`, told: { ...told(ring), next: null } };
  const when = next.notBefore > now ? `not before ${timeText(next.notBefore, now)}` : 'now';
  return {
    text: `${keys}\nnext is ${next.put}, ${when}; nothing was written\n`,
    told: { ...told(ring), next: { put: next.put, notBefore: new Date(Math.max(next.notBefore, now)).toISOString() } },
  };
}
