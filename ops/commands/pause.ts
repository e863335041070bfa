import { timeText } from '../../lib/service/time-text.ts';
import { environmentOf, positionalsNamed } from '../arguments.ts';
import { defineCommand } from '../command.ts';
import { countGrants } from '../fleet.ts';
import { findPlace } from '../place.ts';
import { pausedOf, REFRESHERS, readReservations, reservationText, reserve } from '../refreshers.ts';
import { confirm } from '../terminal.ts';

/** A sweep that runs may take 180 s, and an attempt's lease 125 s. */
const QUIET_MS = 4 * 60_000;
/** The sweep first: it is the one that begins by itself. */
const STOPPING = REFRESHERS.toReversed();

export const PAUSE = defineCommand({
  name: 'pause',
  usage: '--env ENV [--dry-run] [--yes]',
  summary: 'stops everything that sends or stores refresh tokens: reserved concurrency 0',
  details: [
    `Stops ${STOPPING.join(', ')}. What runs goes on to its end, four minutes at most.`,
    'get-token goes on serving access tokens while they are valid, an hour at most; connecting fails; messages stay on',
    'the rescue queue. The alarm sweep-heartbeat sounds after six minutes. No deployment ends it: resume does.',
  ],
  examples: ['pause --env dev --dry-run', 'pause --env prod'],
  options: { env: { type: 'string' }, 'dry-run': { type: 'boolean' }, yes: { type: 'boolean' } },
  parse(given) {
    positionalsNamed(given, []);
    const { 'dry-run': dryRun, yes } = given.values;
    return { environment: environmentOf(given), dryRun: dryRun === true, yes: yes === true };
  },
  async run(session, { environment, dryRun, yes }) {
    const { store, clock } = await findPlace(session, environment, ['grants']);
    const before = await readReservations(session, environment);
    const running = STOPPING.filter((name) => before[name] !== 0);
    if (!dryRun && running.length > 0) {
      const grants = await countGrants(store);
      const about = `This stops the refreshing of ${grants} of ${environment}: ${running.join(', ')}.`;
      await confirm(session, { environment, yes, about: [about] });
      for (const name of running) {
        await reserve(session, environment, { name, executions: 0 });
        session.terminal.tell(`${name} is paused`);
      }
    }
    const quietAt = clock.now() + QUIET_MS;
    const lines = STOPPING.map((name) => `${name.padEnd(16)}${reservationText(before[name])}${changeOf(name)}`);
    function changeOf(name: (typeof STOPPING)[number]): string {
      if (before[name] === 0) return ' already';
      return dryRun ? ', would be paused' : ' → paused';
    }
    const end = dryRun
      ? 'nothing was changed'
      : `nothing of it runs any more from ${timeText(quietAt, clock.now())}; npm run ops -- resume --env ${environment} starts it again`;
    return {
      text: `${lines.join('\n')}\n${end}\n`,
      told: {
        environment,
        dryRun,
        paused: dryRun ? pausedOf(before) : REFRESHERS,
        changed: dryRun ? [] : running,
        ...(dryRun ? { wouldChange: running } : { quietAt: new Date(quietAt).toISOString() }),
      },
    };
  },
});
