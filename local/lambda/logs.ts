import { randomBytes } from 'node:crypto';
import { ACCOUNT, REGION } from '../assembly/intrinsics.ts';
import type { FunctionResource } from '../assembly/model.ts';

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

/**
 * The log stream of one execution environment: what it is given goes to the log as far as the function's role may write it.
 * What it may not write is lost, as on AWS; stderr says so once.
 */
export function openStream(
  logs: FunctionLogs,
  {
    resource,
    mayLog = () => true,
    now,
  }: {
    readonly resource: FunctionResource;
    readonly mayLog?: ((resource: FunctionResource, action: string, streamArn: string) => boolean) | undefined;
    now(): number;
  },
): (text: string) => void {
  const source = { function: resource.name, rest: '' };
  const day = new Date(now()).toISOString().slice(0, 10).replaceAll('-', '/');
  const stream = `${day}/[$LATEST]${randomBytes(16).toString('hex')}`;
  const arn = `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:${resource.logGroup}:log-stream:${stream}`;
  let isWritten: boolean | undefined;
  return (text) => {
    if (isWritten === undefined) {
      isWritten = ['logs:CreateLogStream', 'logs:PutLogEvents'].every((action) => mayLog(resource, action, arn));
      if (!isWritten) console.error(`${resource.name} may not write its log; its lines and metrics are lost`);
    }
    if (isWritten) logs.write(source, text);
  };
}
