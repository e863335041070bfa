import { positionalsNamed } from '../arguments.ts';
import { defineCommand } from '../command.ts';
import { findKeys, KEY_TABLE_OPTIONS, keyLine, keyTableOf, scanKeys, shownKey } from '../key-table.ts';

export const KEYS_LIST = defineCommand({
  name: 'keys list',
  usage: '--env ENV [--table NAME]',
  summary: 'lists the API keys, newest first: id, status, expiry, last use, scopes, organisations, name',
  details: ['Last use is noted once an hour at most.'],
  examples: ['keys list --env dev'],
  options: KEY_TABLE_OPTIONS,
  parse(given) {
    positionalsNamed(given, []);
    return keyTableOf(given);
  },
  async run(session, asked) {
    const { tables, clock } = await findKeys(session, asked);
    const keys = (await scanKeys(session, tables.apiKeys)).sort((a, b) => b.createdAt - a.createdAt);
    const now = clock.now();
    return {
      text: keys.length === 0 ? 'no keys\n' : `${keys.map((key) => keyLine(key, now)).join('\n')}\n`,
      told: keys.map((key) => shownKey(key, now)),
    };
  },
});
