/** A place where a secret must not stand, with everything that stands there. */
export interface Place {
  readonly name: string;
  readonly text: string;
}

/** Which secret, by its number in the list, was found where. Never the secret itself. */
export interface Leak {
  readonly place: string;
  readonly secret: number;
}

/** Shorter ones would be found by chance. */
const MIN_LENGTH = 16;

/** Whoever clips a token still shows a piece of it: one of this length is found, wherever it was cut. */
const PIECE_LENGTH = 24;

/**
 * Where any of the secrets stands: as it is, percent-encoded, in base64 (whatever stands before it), or any 47 or more
 * characters of it. Throws `RangeError` for a secret too short to be told from chance.
 */
export function findLeaks(places: readonly Place[], secrets: readonly string[]): readonly Leak[] {
  const forms = secrets.map(formsOf);
  return places.flatMap(({ name, text }) =>
    forms.flatMap((of, secret) => (of.some((form) => text.includes(form)) ? [{ place: name, secret }] : [])),
  );
}

/** Text of any value: JSON, with binary both as the text it may be and in base64. */
export function textOf(value: unknown): string {
  // `this[key]` is the value before its own toJSON, which would turn a Buffer into a list of numbers.
  const text = JSON.stringify(value, function replace(this: Record<string, unknown>, key: string, converted: unknown) {
    const item = this[key];
    if (item instanceof Set) return [...item];
    if (!(item instanceof Uint8Array)) return converted;
    const bytes = Buffer.from(item);
    return [bytes.toString('latin1'), bytes.toString('base64')];
  });
  return text ?? '';
}

function formsOf(secret: string): readonly string[] {
  if (secret.length < MIN_LENGTH) throw new RangeError('a secret of the story is too short to be looked for');
  return [...new Set([secret, ...piecesOf(secret), encodeURIComponent(secret), ...base64Of(secret)])];
}

/** Pieces side by side, and the end. The header of a JWT is the same for all and no secret, so it is left out. */
function piecesOf(secret: string): string[] {
  const body = secret.slice(secret.indexOf('.') + 1);
  const starts = Array.from({ length: Math.floor(body.length / PIECE_LENGTH) }, (_, index) => index * PIECE_LENGTH);
  return [...starts.map((start) => body.slice(start, start + PIECE_LENGTH)), secret.slice(-PIECE_LENGTH)];
}

/** Of each of the three positions in which the secret can stand in a longer text, the part that does not depend on the rest. */
function base64Of(secret: string): string[] {
  return [0, 1, 2].map((before) => {
    const encoded = Buffer.from('\0'.repeat(before) + secret).toString('base64');
    return encoded.slice(before === 0 ? 0 : before + 1, -4);
  });
}
