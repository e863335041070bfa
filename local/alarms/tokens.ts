import { AlarmError } from './model.ts';

type Kind = 'number' | 'word' | 'text' | 'sign';

interface Token {
  readonly kind: Kind;
  readonly value: string;
}

const SPACE = /\s*/y;
const PATTERNS = {
  number: /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y,
  word: /[A-Za-z_]\w*/y,
  text: /"([^"]*)"/y,
  sign: /==|!=|<=|>=|&&|\|\||[-+*/^()[\],<>]/y,
} as const;

/** An alarm's name or ARN may stand in a rule without quotes. */
const NAME = /[A-Za-z][\w:./-]*/y;

/** The tokens of an expression or of a rule, taken from left to right. Throws `AlarmError` for a sign nobody knows. */
export class Tokens {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(text: string, language: 'maths' | 'rule') {
    this.#text = text;
    this.#tokens = tokenize(text, language);
  }

  /** Takes the next token if it is one of these signs or words, and answers which. */
  take(...values: readonly string[]): string | undefined {
    const token = this.#tokens[this.#next];
    if (token === undefined || token.kind === 'text' || !values.includes(token.value)) return undefined;
    this.#next += 1;
    return token.value;
  }

  /** Takes the next token if it is of one of these kinds. */
  takeKind(...kinds: readonly Kind[]): string | undefined {
    const token = this.#tokens[this.#next];
    if (token === undefined || !kinds.includes(token.kind)) return undefined;
    this.#next += 1;
    return token.value;
  }

  /** Takes this sign or word, or throws. */
  need(value: string): void {
    if (this.take(value) === undefined) this.fail();
  }

  /** Throws when anything is left. */
  end(): void {
    if (this.#next < this.#tokens.length) this.fail();
  }

  /** Throws an `AlarmError` that names the next token. */
  fail(): never {
    const token = this.#tokens[this.#next];
    throw new AlarmError(`${token === undefined ? 'its end' : `'${token.value}'`} is unexpected in ${this.#text}`);
  }
}

function tokenize(text: string, language: 'maths' | 'rule'): readonly Token[] {
  const patterns = language === 'maths' ? PATTERNS : { ...PATTERNS, word: NAME };
  const tokens: Token[] = [];
  for (let at = skip(text, 0); at < text.length; ) {
    const token = tokenAt(text, at, patterns);
    tokens.push(token);
    at = skip(text, at + token.length);
  }
  return tokens;
}

function skip(text: string, at: number): number {
  SPACE.lastIndex = at;
  return at + (SPACE.exec(text)?.[0].length ?? 0);
}

function tokenAt(
  text: string,
  at: number,
  patterns: Readonly<Record<Kind, RegExp>>,
): Token & { readonly length: number } {
  for (const [kind, pattern] of Object.entries(patterns) as [Kind, RegExp][]) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) return { kind, value: match[1] ?? match[0], length: match[0].length };
  }
  throw new AlarmError(`'${text[at]}' is not understood in ${text}`);
}
