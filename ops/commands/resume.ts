import { SWEEPS_AT_ONCE } from '../../lib/domain/names.ts';
import { environmentOf, type Given, positionalsNamed, UsageError, wholeNumber } from '../arguments.ts';
import { defineCommand } from '../command.ts';
import { findClock } from '../place.ts';
import {
  pausedOf,
  REFRESHERS,
  type Refresher,
  readReservations,
  reservationText,
  reserve,
  usualReservation,
} from '../refreshers.ts';

const SWEEPS = { least: 1, most: SWEEPS_AT_ONCE, otherwise: SWEEPS_AT_ONCE } as const;

export const RESUME = defineCommand({
  name: 'resume',
  usage: '--env ENV [--only NAME,…] [--sweeps N] [--dry-run]',
  summary: 'starts again what pause has stopped, the sweep last',
  details: [
    `In this order: ${REFRESHERS.join(', ')}. refresh-due gets ${SWEEPS_AT_ONCE} runs at once again, the others no reservation.`,
    'After a restore open slowly: first --only rescue, then --only refresh-grant,finish-connect, then --sweeps 1, and when',
    'Suspects stay low for ten minutes, everything.',
  ],
  examples: ['resume --env dev', 'resume --env prod --only rescue', 'resume --env prod --sweeps 1'],
  options: {
    env: { type: 'string' },
    only: { type: 'string' },
    sweeps: { type: 'string' },
    'dry-run': { type: 'boolean' },
  },
  parse(given) {
    positionalsNamed(given, []);
    return {
      environment: environmentOf(given),
      only: onlyOf(given),
      sweeps: wholeNumber(given, 'sweeps', SWEEPS),
      dryRun: given.values['dry-run'] === true,
    };
  },
  async run(session, { environment, only, sweeps, dryRun }) {
    await findClock(session, environment);
    const before = await readReservations(session, environment);
    const wanted = (name: Refresher) => (name === 'refresh-due' ? sweeps : usualReservation(name));
    const changing = REFRESHERS.filter((name) => only.includes(name) && before[name] !== wanted(name));
    for (const name of dryRun ? [] : changing) {
      await reserve(session, environment, { name, executions: wanted(name) });
      session.terminal.tell(`${name} runs`);
    }
    const lines = REFRESHERS.map((name) => {
      const changed = changing.includes(name)
        ? `${dryRun ? ', would be ' : ' → '}${reservationText(wanted(name))}`
        : '';
      return `${name.padEnd(16)}${reservationText(before[name])}${changed}`;
    });
    const left = pausedOf(before).filter((name) => dryRun || !changing.includes(name));
    const end = dryRun
      ? 'nothing was changed'
      : left.length > 0
        ? `still paused: ${left.join(', ')}`
        : 'all of it runs';
    return {
      text: `${lines.join('\n')}\n${end}\n`,
      told: { environment, dryRun, paused: left, ...(dryRun ? { wouldChange: changing } : { changed: changing }) },
    };
  },
});

function onlyOf({ values }: Given): readonly Refresher[] {
  if (values.only === undefined) return REFRESHERS;
  return String(values.only)
    .split(',')
    .map((text) => {
      const name = REFRESHERS.find((each) => each === text);
      if (name === undefined) throw new UsageError(`--only: "${text}" is not one of ${REFRESHERS.join(', ')}`);
      return name;
    });
}
