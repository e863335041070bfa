import { KEY_ID_PATTERN } from '../../lib/domain/api-key-format.ts';
import { GrantkeeperError } from '../../lib/domain/errors.ts';
import { isRotatable, rotateKey } from '../../lib/service/rotate-key.ts';
import { timeText } from '../../lib/service/time-text.ts';
import { matching, UsageError, wholeNumber } from '../arguments.ts';
import { defineCommand } from '../command.ts';
import {
  environmentOfKeys,
  findKeys,
  KEY_TABLE_OPTIONS,
  keyLine,
  keyTableOf,
  newKeyText,
  shownKey,
} from '../key-table.ts';
import { confirm } from '../terminal.ts';

const HOUR_MS = 3600_000;
const OVERLAP = { least: 0, most: 30 * 24, otherwise: 24 } as const;

export const KEYS_ROTATE = defineCommand({
  name: 'keys rotate',
  usage: 'ID --env ENV [--overlap-hours N] [--dry-run] [--yes] [--table NAME]',
  summary: 'issues a key of the same name, scopes, organisations and life, and ends the old one after an overlap',
  details: [
    `Both are valid for ${OVERLAP.otherwise} h unless told otherwise (0 to ${OVERLAP.most}): time to put the new one in the place of the old.`,
    'The new key is printed, once. A key that has ended cannot be rotated.',
  ],
  examples: ['keys rotate 0123456789abcdef --env dev', 'keys rotate 0123456789abcdef --env prod --overlap-hours 168'],
  options: {
    ...KEY_TABLE_OPTIONS,
    'overlap-hours': { type: 'string' },
    'dry-run': { type: 'boolean' },
    yes: { type: 'boolean' },
  },
  parse(given) {
    if (given.positionals.length > 1) throw new UsageError(`unexpected argument "${given.positionals[1]}"`);
    const keys = keyTableOf(given);
    const { 'dry-run': dryRun, yes } = given.values;
    return {
      id: matching(given.positionals[0], KEY_ID_PATTERN, 'keys rotate needs the id of a key (16 characters)'),
      keys,
      environment: environmentOfKeys(keys, 'keys rotate'),
      overlapMs: wholeNumber(given, 'overlap-hours', OVERLAP) * HOUR_MS,
      dryRun: dryRun === true,
      yes: yes === true,
    };
  },
  async run(session, { id, keys, environment, overlapMs, dryRun, yes }) {
    const { store, clock } = await findKeys(session, keys);
    const old = await store.readApiKey(id);
    if (old === undefined) throw new GrantkeeperError('not_found');
    if (!isRotatable(old, clock.now())) throw new GrantkeeperError('invalid_request', { field: 'id' });
    const line = keyLine(old, clock.now());
    if (dryRun) {
      const endsAt = Math.min(old.expiresAt ?? Number.POSITIVE_INFINITY, clock.now() + overlapMs);
      const ending = `would be replaced, and end ${timeText(endsAt, clock.now())}; nothing was written`;
      return { text: `${line}\n${ending}\n`, told: { id, dryRun, endsAt: iso(endsAt) } };
    }
    await confirm(session, { environment, yes, about: [`This replaces an API key of ${environment}:`, line] });
    const { key, record, previousEndsAt } = await rotateKey({ store, clock, environment }, { id, overlapMs });
    const now = clock.now();
    const ending = `${id}  ends ${timeText(previousEndsAt, now)}`;
    return {
      text: newKeyText(key.open(), `${keyLine(record, now)}\n${ending}`),
      told: { ...shownKey(record, now), key: key.open(), replaces: { id, endsAt: iso(previousEndsAt) } },
    };
  },
});

function iso(at: number): string {
  return new Date(at).toISOString();
}
