import { UsageError, type Variables } from './arguments.ts';
import type { Command, Prepared } from './command.ts';
import { DRILL } from './commands/drill.ts';
import { ERASE } from './commands/erase.ts';
import { EXPLAIN } from './commands/explain.ts';
import { KEYS_CREATE } from './commands/keys-create.ts';
import { KEYS_LIST } from './commands/keys-list.ts';
import { KEYS_REVOKE } from './commands/keys-revoke.ts';
import { KEYS_ROTATE } from './commands/keys-rotate.ts';
import { PAUSE } from './commands/pause.ts';
import { PROBE_SANDBOX } from './commands/probe-sandbox.ts';
import { RESTORE } from './commands/restore.ts';
import { RESUME } from './commands/resume.ts';
import { REVOKE_ALL } from './commands/revoke-all.ts';
import { ROTATE_STATE_KEY } from './commands/rotate-state-key.ts';
import { STATUS } from './commands/status.ts';
import { commandHelp, overview } from './help.ts';

/** Every command, in the order in which `help` shows them. */
export const COMMANDS: readonly Command[] = [
  STATUS,
  EXPLAIN,
  DRILL,
  PAUSE,
  RESUME,
  KEYS_CREATE,
  KEYS_LIST,
  KEYS_ROTATE,
  KEYS_REVOKE,
  ROTATE_STATE_KEY,
  RESTORE,
  REVOKE_ALL,
  ERASE,
  PROBE_SANDBOX,
];

/** What the words after `npm run ops --` ask for. Throws `UsageError`. */
export function understand(words: readonly string[], variables: Variables): Prepared {
  const [first, ...more] = words;
  if (first === undefined || first === '--help' || first === '-h') return saying(overview(COMMANDS));
  if (first === 'help') return saying(more.length === 0 ? overview(COMMANDS) : helpOn(more));
  const command = COMMANDS.find(({ name }) => isSaid(name, words));
  if (command === undefined) throw new UsageError(unknown(words));
  const rest = words.slice(command.name.split(' ').length);
  if (rest.includes('--help') || rest.includes('-h')) return saying(commandHelp([command]));
  return command.prepare(rest, variables);
}

function helpOn(words: readonly string[]): string {
  const asked = words.join(' ');
  const found = COMMANDS.filter(({ name }) => name === asked || name.startsWith(`${asked} `));
  if (found.length === 0) throw new UsageError(unknown(words));
  return commandHelp(found);
}

function isSaid(name: string, words: readonly string[]): boolean {
  return name.split(' ').every((part, index) => words[index] === part);
}

function unknown([noun = '', verb]: readonly string[]): string {
  const verbs = COMMANDS.filter(({ name }) => name.startsWith(`${noun} `)).map(({ name }) => name.split(' ')[1]);
  if (verbs.length === 0) return `unknown command "${noun}"`;
  const wanted = `${noun} needs one of ${verbs.join(', ')}`;
  return verb === undefined || verb.startsWith('-') ? wanted : `unknown command "${noun} ${verb}": ${wanted}`;
}

function saying(text: string): Prepared {
  return { json: false, run: async () => ({ text, told: {} }) };
}
