import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ProviderId } from '../../lib/domain/names.ts';
import { routePath } from '../../lib/domain/routes.ts';
import { isRecord } from '../assembly/template.ts';
import { type ConnectionRow, homePage, resultPage } from './pages.ts';

/** A connection that exists, whatever its state. */
export interface ConnectionKey {
  readonly organizationId: string;
  readonly provider: ProviderId;
}

export interface HomeOptions {
  /** What stands before `/v1`. */
  readonly apiUrl: string;
  readonly apiKey: string;
  now(): number;
  /** All connections; there is no route for this, so the platform reads its table. */
  listConnections(): Promise<readonly ConnectionKey[]>;
  /** Real providers that there are keys for; absent where all are simulated. */
  readonly realProviders?: readonly ProviderId[];
  /** Names of the alarms that are in ALARM; absent where nobody watches. */
  listAlarms?(): Promise<readonly string[]> | readonly string[];
}

/** A small frontend of a partner: it holds the API key and calls the API from the server, as a partner would. */
export interface Home {
  /** Answers the request if the page is one of its own, else gives false. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<boolean>;
}

/** Enough for a form with an organisation id. */
const MAX_FORM_BYTES = 4_096;

/** The longest the API takes is the gateway's 29 s. */
const API_TIMEOUT_MS = 30_000;

type Page = (context: {
  readonly url: URL;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}) => Promise<void>;

/** `GET /`, `POST /connect`, `POST /disconnect`, and the page that flows come back to: `GET /settings/integrations`. */
export function createHome(options: HomeOptions): Home {
  const pages: Readonly<Record<string, Page>> = {
    'GET /': async ({ url, response }) => {
      const keys = (await options.listConnections()).toSorted(byName);
      const connections = await Promise.all(keys.map((key) => describe(options, key)));
      const alarms = await options.listAlarms?.();
      const { realProviders } = options;
      const notice = url.searchParams.get('notice');
      const problem = url.searchParams.get('problem');
      const organizationId = url.searchParams.get('organization_id') ?? 'acme';
      sendPage(response, {
        status: 200,
        body: homePage({
          connections,
          organizationId,
          now: options.now(),
          ...(alarms === undefined ? {} : { alarms: alarms.toSorted() }),
          ...(realProviders === undefined ? {} : { realProviders }),
          ...(notice === null ? {} : { notice }),
          ...(problem === null ? {} : { problem }),
        }),
      });
    },
    'GET /settings/integrations': async ({ url, response }) => {
      const [connected, system, error] = ['connected', 'system', 'error'].map((name) => url.searchParams.get(name));
      const body = resultPage({ connected: connected ?? null, system: system ?? null, error: error ?? null });
      sendPage(response, { status: 200, body });
    },
    'POST /connect': async ({ request, response }) =>
      redirect(response, await startConnect(options, await readForm(request))),
    'POST /disconnect': async ({ request, response }) =>
      redirect(response, await disconnect(options, await readForm(request))),
  };
  return {
    async handle(request, response) {
      const url = new URL(request.url ?? '/', 'http://localhost');
      const show = pages[`${request.method} ${url.pathname}`];
      await show?.({ url, request, response });
      return show !== undefined;
    },
  };
}

/** The table has no order of its own. */
function byName(one: ConnectionKey, other: ConnectionKey): number {
  return one.organizationId.localeCompare(other.organizationId) || one.provider.localeCompare(other.provider);
}

interface ConnectForm {
  readonly organizationId: string;
  readonly provider: string;
}

async function readForm(request: IncomingMessage): Promise<ConnectForm> {
  let text = '';
  for await (const chunk of request as AsyncIterable<Buffer>) text = (text + chunk.toString()).slice(0, MAX_FORM_BYTES);
  const form = new URLSearchParams(text);
  return { organizationId: form.get('organization_id') ?? '', provider: form.get('provider') ?? '' };
}

/** Where the browser goes next: to the flow's first page, or back with the API's error. */
async function startConnect(options: HomeOptions, { organizationId, provider }: ConnectForm): Promise<string> {
  const body = JSON.stringify({ organization_id: organizationId, provider });
  const { answer, problem } = await callApi(options, { method: 'POST', path: routePath('createConnectSession'), body });
  if (typeof answer.connect_url === 'string') return answer.connect_url;
  return homeUrl({ organization_id: organizationId, problem: problem ?? 'The API named no page to go to.' });
}

async function disconnect(options: HomeOptions, { organizationId, provider }: ConnectForm): Promise<string> {
  const path = routePath('disconnect', { provider, organization_id: organizationId });
  const { problem } = await callApi(options, { method: 'POST', path });
  if (problem !== undefined) return homeUrl({ organization_id: organizationId, problem });
  return homeUrl({ organization_id: organizationId, notice: `${organizationId} is disconnected from ${provider}.` });
}

async function describe(options: HomeOptions, key: ConnectionKey): Promise<ConnectionRow> {
  const path = routePath('status', { provider: key.provider, organization_id: key.organizationId });
  const { answer, problem } = await callApi(options, { method: 'GET', path });
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  return {
    ...key,
    companyName: text(answer.company_name),
    health: problem ?? text(answer.health),
    expiresAt: text(answer.expires_at),
    connected: answer.connected === true,
  };
}

interface ApiAnswer {
  readonly answer: Readonly<Record<string, unknown>>;
  /** Code and message of an error, for the reader. */
  readonly problem: string | undefined;
}

async function callApi(
  { apiUrl, apiKey }: HomeOptions,
  call: { readonly method: string; readonly path: string; readonly body?: string },
): Promise<ApiAnswer> {
  const response = await fetch(apiUrl + call.path, {
    method: call.method,
    headers: { 'x-api-key': apiKey, 'content-type': 'application/json' },
    signal: AbortSignal.timeout(API_TIMEOUT_MS),
    ...(call.body === undefined ? {} : { body: call.body }),
  });
  const answer: unknown = await response.json().catch(() => ({}));
  const fields = isRecord(answer) ? answer : {};
  if (response.ok) return { answer: fields, problem: undefined };
  const error = isRecord(fields.error) ? fields.error : {};
  return { answer: {}, problem: `${String(error.code ?? response.status)}: ${String(error.message ?? 'no message')}` };
}

function homeUrl(parameters: Readonly<Record<string, string>>): string {
  return `/?${new URLSearchParams(parameters)}`;
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { location, 'cache-control': 'no-store' });
  response.end();
}

/** No scripts at all, so that nothing a page shows can run. */
function sendPage(
  response: ServerResponse,
  { status, body }: { readonly status: number; readonly body: string },
): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    // Under `no-referrer` a browser sends `Origin: null` with a form, which the front door takes for another site's.
    'referrer-policy': 'same-origin',
  });
  response.end(body);
}
