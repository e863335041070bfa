import { CookieJar } from 'tough-cookie';

/** A page a browser stopped at. */
export interface Page {
  readonly url: URL;
  readonly status: number;
  readonly headers: Headers;
  readonly html: string;
}

/** Names and values of a form, in order; a name may stand more than once. */
export type Fields = readonly (readonly [string, string])[];

/** No flow of ours has more than three redirects in a row. */
const MAX_REDIRECTS = 10;

/** Longer than the gateway's own 29 s. */
const TIMEOUT_MS = 35_000;

/**
 * What a person's browser does in a connect flow: keeps cookies, follows redirects, sends forms with the hidden fields
 * they hold. `trail` is every address it was at, secrets in them included: for looking at, never for printing.
 */
export class Browser {
  readonly jar = new CookieJar();
  readonly trail: string[] = [];

  /** Opens an address and follows redirects to the page they end at. */
  async open(address: string | URL): Promise<Page> {
    return await this.#follow('GET', new URL(address));
  }

  /** One request, redirects not followed. */
  async visit(address: string | URL): Promise<Page> {
    return await this.#request('GET', new URL(address));
  }

  /** Sends the page's form with these fields over its hidden ones, and follows redirects. */
  async submit(page: Page, fields: Fields): Promise<Page> {
    return await this.#follow('POST', formAction(page), withHidden(page, fields));
  }

  /** As `submit`, but stops at the first redirect and gives its address. */
  async submitOnce(page: Page, fields: Fields): Promise<URL> {
    const answer = await this.#request('POST', formAction(page), withHidden(page, fields));
    return locationOf(answer);
  }

  async #follow(method: 'GET' | 'POST', url: URL, body?: URLSearchParams): Promise<Page> {
    let page = await this.#request(method, url, body);
    for (let hops = 0; page.headers.has('location'); hops += 1) {
      if (hops === MAX_REDIRECTS) throw new Error('redirects do not end');
      page = await this.#request('GET', locationOf(page));
    }
    return page;
  }

  async #request(method: 'GET' | 'POST', url: URL, body?: URLSearchParams): Promise<Page> {
    this.trail.push(url.href);
    const cookie = await this.jar.getCookieString(url.href);
    const answer = await fetch(url, {
      method,
      redirect: 'manual',
      headers: { accept: 'text/html,application/xhtml+xml', ...(cookie === '' ? {} : { cookie }) },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { body }),
    });
    for (const line of answer.headers.getSetCookie()) await this.jar.setCookie(line, url.href);
    return { url, status: answer.status, headers: answer.headers, html: await answer.text() };
  }
}

function locationOf({ headers, url, status }: Page): URL {
  const location = headers.get('location');
  if (location === null) throw new Error(`${url.origin}${url.pathname} answered ${status} and led nowhere`);
  return new URL(location, url);
}

function formAction({ html, url }: Page): URL {
  const action = /<form\b[^>]*\baction="([^"]*)"/.exec(html)?.[1];
  return action === undefined ? url : new URL(unescaped(action), url);
}

function withHidden({ html }: Page, fields: Fields): URLSearchParams {
  const names = new Set(fields.map(([name]) => name));
  const hidden = [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)]
    .map(([, name = '', value = '']) => [unescaped(name), unescaped(value)] as const)
    .filter(([name]) => !names.has(name));
  return new URLSearchParams([...hidden, ...fields].map(([name, value]): [string, string] => [name, value]));
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };

function unescaped(text: string): string {
  return text.replace(/&(?:#(\d+)|(\w+));/g, (whole, code?: string, name = '') =>
    code === undefined ? (ENTITIES[name] ?? whole) : String.fromCharCode(Number(code)),
  );
}
