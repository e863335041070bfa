import { KEY_ID_PATTERN } from '../../lib/domain/api-key-format.ts';
import { GrantkeeperError } from '../../lib/domain/errors.ts';
import { revokeKey } from '../../lib/service/issue-key.ts';
import { matching, positionalsNamed, UsageError } from '../arguments.ts';
import { defineCommand } from '../command.ts';
import { findKeys, KEY_TABLE_OPTIONS, keyLine, keyTableOf } from '../key-table.ts';
import { confirm } from '../terminal.ts';

export const KEYS_REVOKE = defineCommand({
  name: 'keys revoke',
  usage: 'ID --env ENV [--dry-run] [--yes] [--table NAME]',
  summary: 'ends an API key at once, for good',
  details: ['The gateway may accept it for up to 60 s more. To replace a key without a gap, see keys rotate.'],
  examples: ['keys revoke 0123456789abcdef --env dev'],
  options: { ...KEY_TABLE_OPTIONS, 'dry-run': { type: 'boolean' }, yes: { type: 'boolean' } },
  parse(given) {
    if (given.positionals.length > 1) throw new UsageError(`unexpected argument "${given.positionals[1]}"`);
    const id = matching(given.positionals[0], KEY_ID_PATTERN, 'keys revoke needs the id of a key (16 characters)');
    positionalsNamed(given, ['ID']);
    const { 'dry-run': dryRun, yes } = given.values;
    return { id, keys: keyTableOf(given), dryRun: dryRun === true, yes: yes === true };
  },
  async run(session, { id, keys, dryRun, yes }) {
    const { store, clock, tables } = await findKeys(session, keys);
    const key = await store.readApiKey(id);
    if (key === undefined) throw new GrantkeeperError('not_found');
    const line = keyLine(key, clock.now());
    if (dryRun) return { text: `${line}\nwould be revoked; nothing was written\n`, told: { id, dryRun } };
    const environment = keys.environment ?? tables.apiKeys;
    await confirm(session, { environment, yes, about: [`This ends an API key of ${environment}:`, line] });
    await revokeKey({ store, clock }, id);
    return {
      text: `${id} is revoked; the gateway may accept it for up to 60 s more\n`,
      told: { id, status: 'revoked' },
    };
  },
});
