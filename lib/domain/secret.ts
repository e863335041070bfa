import { inspect } from 'node:util';

const REDACTED = '[redacted]';

/**
 * Holds a token, code or client secret so that printing, logging, JSON and template strings show `[redacted]`.
 * `open()` is called only where the value goes to the wire or into a cipher.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The plaintext. */
  open(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}
