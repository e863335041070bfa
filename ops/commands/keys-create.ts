import { ORGANIZATION_ID_PATTERN } from '../../lib/domain/names.ts';
import { SCOPES, type Scope } from '../../lib/domain/routes.ts';
import { issueKey } from '../../lib/service/issue-key.ts';
import { matching, positionalsNamed, UsageError } from '../arguments.ts';
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

export const KEYS_CREATE = defineCommand({
  name: 'keys create',
  usage: "--env ENV --name NAME --scopes all|SCOPE,… --organizations '*'|ID,… [--expires-in-days N] [--table NAME]",
  summary: 'issues an API key for a partner’s backend and prints it, once',
  details: [
    `scopes: ${SCOPES.join(', ')}`,
    'Without --expires-in-days the key does not expire. Only its hash is stored.',
  ],
  examples: [`keys create --env dev --name portal --scopes connections:read,connections:write --organizations '*'`],
  options: {
    ...KEY_TABLE_OPTIONS,
    name: { type: 'string' },
    scopes: { type: 'string' },
    organizations: { type: 'string' },
    'expires-in-days': { type: 'string' },
  },
  parse(given) {
    positionalsNamed(given, []);
    const { values } = given;
    const keys = keyTableOf(given);
    const days = values['expires-in-days'];
    return {
      keys,
      environment: environmentOfKeys(keys, 'keys create'),
      request: {
        name: matching(values.name, /\S/, 'keys create needs --name'),
        scopes: scopesOf(values.scopes),
        organizations: organizationsOf(values.organizations),
        ...(days === undefined ? {} : { expiresInDays: daysOf(days) }),
      },
    };
  },
  async run(session, { keys, environment, request }) {
    const { store, clock } = await findKeys(session, keys);
    const { key, record } = await issueKey({ store, clock, environment }, request);
    const now = clock.now();
    return {
      text: newKeyText(key.open(), keyLine(record, now)),
      told: { ...shownKey(record, now), key: key.open() },
    };
  },
});

function daysOf(days: unknown): number {
  return Number(matching(days, /^[1-9]\d{0,4}$/, '--expires-in-days must be a whole number of days'));
}

function scopesOf(text: unknown): readonly Scope[] {
  const names = matching(text, /\S/, `keys create needs --scopes: all, or of ${SCOPES.join(', ')}`).split(',');
  if (names.join() === 'all') return SCOPES;
  const unknown = names.find((name) => !(SCOPES as readonly string[]).includes(name));
  if (unknown !== undefined) throw new UsageError(`unknown scope "${unknown}"`);
  return SCOPES.filter((scope) => names.includes(scope));
}

function organizationsOf(text: unknown): '*' | readonly string[] {
  const given = matching(text, /\S/, `keys create needs --organizations: '*', or ids`);
  if (given === '*') return '*';
  return given.split(',').map((id) => matching(id, ORGANIZATION_ID_PATTERN, `"${id}" is not an organisation id`));
}
