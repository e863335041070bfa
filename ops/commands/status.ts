import { environmentOf, positionalsNamed } from '../arguments.ts';
import { defineCommand } from '../command.ts';
import { readStatus } from '../read-status.ts';
import { isComplete, statusText, statusTold } from '../status-text.ts';

export const STATUS = defineCommand({
  name: 'status',
  usage: '--env ENV',
  summary: 'shows alarms, sweep, refreshers, rescue queues, state keys and each provider on one screen',
  details: [
    'Suspects are counted now; grants are those of the last daily count. A part that cannot be read says why, and the exit',
    'code is 3. What an alarm means and what to do is in infra/runbook.md under its id.',
  ],
  examples: ['status --env prod', 'status --env prod --json'],
  options: { env: { type: 'string' } },
  parse(given) {
    positionalsNamed(given, []);
    return environmentOf(given);
  },
  async run(session, environment) {
    const status = await readStatus(session, environment);
    return { text: statusText(status), told: statusTold(status), exitCode: isComplete(status) ? 0 : 3 };
  },
});
