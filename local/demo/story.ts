import { setTimeout as sleep } from 'node:timers/promises';
import { inspect, isDeepStrictEqual } from 'node:util';

/** A step of the story did not come out as told. */
export class StepFailure extends Error {
  readonly expected: string;
  readonly seen: string;

  constructor(step: string, expected: unknown, seen: unknown) {
    super(step);
    this.name = 'StepFailure';
    this.expected = shown(expected);
    this.seen = shown(seen);
  }
}

/** The transcript of a demo: each line stands for something that was checked, and the first that is not so ends it. */
export interface Story {
  chapter(title: string): void;
  /** Something worth knowing that is no check. */
  say(text: string): void;
  /** Passes when `seen` is exactly `expected`; otherwise throws `StepFailure`. Neither may hold a secret in the open. */
  equal(step: string, seen: unknown, expected: unknown): void;
  /** Passes when `holds`; `expected` says in words what should be so. */
  holds(step: string, holds: boolean, told: { readonly expected: string; readonly seen: unknown }): void;
  /** Reads again and again, 20 times a second, until it is so; throws `StepFailure` after `patienceMs` of real time. */
  eventually<T>(step: string, read: () => Promise<T>, options: Awaited<T>): Promise<T>;
  /** Steps passed so far. */
  steps(): number;
}

interface Awaited<T> {
  readonly until: (seen: T) => boolean;
  readonly expected: string;
  readonly patienceMs?: number;
}

const PATIENCE_MS = 10_000;
const POLL_MS = 50;

/** A story that is told line by line to `print`. */
export function createStory(print: (line: string) => void): Story {
  let chapters = 0;
  let steps = 0;
  const passed = (step: string) => {
    steps += 1;
    print(`   ✓ ${step}`);
  };
  return {
    chapter(title) {
      chapters += 1;
      print(`\n${chapters}. ${title}`);
    },
    say: (text) => print(`     ${text}`),
    equal(step, seen, expected) {
      if (!isDeepStrictEqual(seen, expected)) throw new StepFailure(step, expected, seen);
      passed(step);
    },
    holds(step, holds, { expected, seen }) {
      if (!holds) throw new StepFailure(step, new Words(expected), seen);
      passed(step);
    },
    async eventually(step, read, { until, expected, patienceMs = PATIENCE_MS }) {
      const giveUpAt = performance.now() + patienceMs;
      for (;;) {
        const seen = await read();
        if (until(seen)) {
          passed(step);
          return seen;
        }
        if (performance.now() > giveUpAt) throw new StepFailure(step, new Words(expected), seen);
        await sleep(POLL_MS);
      }
    },
    steps: () => steps,
  };
}

/** Told as it stands, not as a quoted string. */
class Words {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  [inspect.custom](): string {
    return this.text;
  }
}

function shown(value: unknown): string {
  return inspect(value, { depth: 6, breakLength: 100, maxArrayLength: 20 });
}
