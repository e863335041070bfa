import type { Clock } from '../lib/service/ports.ts';
import { type Given, type Options, readWords, type Variables } from './arguments.ts';
import type { Clients } from './clients.ts';
import type { Terminal } from './terminal.ts';

/** What a command that runs has at hand. */
export interface Session {
  readonly clients: Clients;
  /** This machine's; AWS's is in the `Place`. */
  readonly clock: Clock;
  readonly terminal: Terminal;
  readonly variables: Variables;
}

/**
 * How a command ended. 0: done. 1: it failed. 2: not begun, because the command line was not understood or nobody
 * confirmed. 3: done in part, or not ready yet: run it again.
 */
export type ExitCode = 0 | 1 | 2 | 3;

export interface Outcome {
  /** For people; ends with a line end. */
  readonly text: string;
  /** The same for programs. */
  readonly told: object;
  /** Default 0. */
  readonly exitCode?: ExitCode;
}

/** A command as the command line and its help know it. */
export interface Command {
  /** One or two words, as typed. */
  readonly name: string;
  /** What follows the name. */
  readonly usage: string;
  /** What it does, in one line. */
  readonly summary: string;
  /** More, line by line. */
  readonly details: readonly string[];
  /** Without `npm run ops --`. */
  readonly examples: readonly string[];
  /** Understands the words behind the name. Throws `UsageError`. */
  prepare(words: readonly string[], variables: Variables): Prepared;
}

/** A command line that was understood. */
export interface Prepared {
  /** Whether the outcome is wanted as JSON. */
  readonly json: boolean;
  run(session: Session): Promise<Outcome>;
}

interface Definition<A> extends Omit<Command, 'prepare'> {
  readonly options: Options;
  /** Throws `UsageError`. */
  parse(given: Given): A;
  run(session: Session, asked: A): Promise<Outcome>;
}

/** A command from its parts; `--json` comes by itself. */
export function defineCommand<A>({ options, parse, run, ...command }: Definition<A>): Command {
  return {
    ...command,
    prepare(words, variables) {
      const { values, positionals } = readWords(words, { ...options, json: { type: 'boolean' } });
      const asked = parse({ values, positionals, variables });
      return { json: values.json === true, run: (session) => run(session, asked) };
    },
  };
}
