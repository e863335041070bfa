import { createInterface } from 'node:readline/promises';
import { Refused } from './arguments.ts';

/** Who runs the command, if it is a person. What it says goes to stderr: stdout is for the outcome. */
export interface Terminal {
  /** Somebody can be asked. */
  readonly isInteractive: boolean;
  /** Says a line while the command is at work. */
  tell(line: string): void;
  /** Asks, and answers what was typed, without blanks at its ends. */
  ask(question: string): Promise<string>;
}

/** The terminal this process was started at. */
export function createTerminal(): Terminal {
  const { stdin: input, stderr: output } = process;
  return {
    isInteractive: input.isTTY === true && output.isTTY === true,
    tell: (line) => void output.write(`${line}\n`),
    async ask(question) {
      const lines = createInterface({ input, output });
      try {
        return (await lines.question(question)).trim();
      } finally {
        lines.close();
      }
    },
  };
}

/**
 * Goes on only when whoever runs the command types the environment's name, or has said `--yes`. `about` says what would be
 * done and how much of it there is. Throws `Refused`, also when there is nobody to ask.
 */
export async function confirm(
  { terminal }: { readonly terminal: Terminal },
  asked: { readonly environment: string; readonly about: readonly string[]; readonly yes: boolean },
): Promise<void> {
  if (asked.yes) return;
  if (!terminal.isInteractive) {
    throw new Refused('this asks before it begins and there is no terminal: --yes goes on, --dry-run only looks');
  }
  for (const line of asked.about) terminal.tell(line);
  const typed = await terminal.ask(`Type ${asked.environment} to go on: `);
  if (typed !== asked.environment) throw new Refused('not confirmed; nothing was done');
}
