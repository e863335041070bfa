/** A line that a function wrote, or that Lambda wrote about it. */
export interface LogLine {
  readonly function: string;
  readonly line: string;
}

/** What the functions wrote, in order, as far as it is kept. */
export interface FunctionLogs {
  /** Adds a chunk of output of one execution environment; incomplete lines wait for their rest. */
  write(source: LogSource, text: string): void;
  lines(): readonly LogLine[];
}

/** One execution environment's output. */
interface LogSource {
  readonly function: string;
  rest: string;
}

/** Enough for the longest demo; the oldest lines go first. */
const MAX_LINES = 100_000;

/** A log in memory. `onLine` sees every line as it is completed. */
export function createLogs(onLine: (line: LogLine) => void = () => {}): FunctionLogs {
  const kept: LogLine[] = [];
  return {
    write(source, text) {
      const lines = (source.rest + text).split('\n');
      source.rest = lines.pop() ?? '';
      for (const line of lines) {
        const entry = { function: source.function, line };
        kept.push(entry);
        onLine(entry);
      }
      if (kept.length > MAX_LINES) kept.splice(0, kept.length - MAX_LINES);
    },
    lines: () => [...kept],
  };
}
