/** Text that is HTML already. Made only by `html`, so that everything else is escaped. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A template in which every value is escaped, except `Html`, lists of it, and `undefined`, which is nothing. */
export function html(strings: TemplateStringsArray, ...values: readonly unknown[]): Html {
  const rendered = values.map((value, index) => render(value) + (strings[index + 1] ?? ''));
  return new Html((strings[0] ?? '') + rendered.join(''));
}

function render(value: unknown): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return value.map(render).join('');
  return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
