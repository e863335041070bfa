import { afterEach, beforeEach, vi } from 'vitest';

export interface CapturedOutput {
  /** Everything written, as it was. */
  text(): string;
  /** Log lines, without their timestamps. */
  lines(): Record<string, unknown>[];
  /** Documents of the embedded metric format: dimensions, and metrics with their values. */
  metrics(): { dimensions: unknown; values: Record<string, unknown> }[];
}

/** For every test of the file: what the code prints is kept instead of shown. */
export function captureOutput(): CapturedOutput {
  let written: string[] = [];
  const keep = (chunk: string | Uint8Array): boolean => {
    written.push(String(chunk));
    return true;
  };
  beforeEach(() => {
    written = [];
    vi.spyOn(process.stdout, 'write').mockImplementation(keep);
    vi.spyOn(process.stderr, 'write').mockImplementation(keep);
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
  const parsed = () =>
    written
      .join('')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return {
    text: () => written.join(''),
    lines: () =>
      parsed()
        .filter((line) => !('_aws' in line))
        .map(withoutTimestamp),
    metrics: () =>
      parsed()
        .filter((line) => '_aws' in line)
        .map(metricOf),
  };
}

function withoutTimestamp({ timestamp, ...line }: Record<string, unknown>): Record<string, unknown> {
  return line;
}

interface Emf {
  CloudWatchMetrics: [{ Namespace: string; Dimensions: string[][]; Metrics: { Name: string; Unit: string }[] }];
}

function metricOf(document: Record<string, unknown>) {
  const [{ Dimensions, Metrics }] = (document._aws as Emf).CloudWatchMetrics;
  const dimensions = Dimensions.map((names) => Object.fromEntries(names.map((name) => [name, document[name]])));
  const values = Object.fromEntries(Metrics.map(({ Name, Unit }) => [`${Name} ${Unit}`, document[Name]]));
  return { dimensions, values };
}
