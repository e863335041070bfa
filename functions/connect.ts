import { routePath } from '../lib/domain/routes.ts';
import { PROVIDERS } from '../lib/providers/index.ts';
import { browserCookie, browserCookieOf, connectionOf, formOf } from '../lib/runtime/connect-request.ts';
import { type HttpAnswer, type HttpRequest, httpHandler } from '../lib/runtime/http.ts';
import { interstitialPage, PAGE_HEADERS } from '../lib/runtime/pages.ts';
import { openConnectPorts } from '../lib/runtime/wiring.ts';
import { confirmConnect, type OpenConnectPorts, type OpenedLink, openConnect } from '../lib/service/open-connect.ts';

type Ports = OpenConnectPorts & { readonly partnerName: string };

/** Opens a connect link: to the provider, or first to a page that asks; and takes that page's answer. */
export function createHandler(ports: () => Ports) {
  return httpHandler(['connect', 'confirmConnect'], async (request, route) =>
    route === 'connect' ? await open(ports(), request) : await confirm(ports(), request),
  );
}

async function open(ports: Ports, request: HttpRequest): Promise<HttpAnswer> {
  const opened = await openConnect(ports, { ...subjectOf(request), session: request.query.session });
  return opened.kind === 'provider' ? toProvider(opened) : ask(ports, request, opened);
}

async function confirm(ports: Ports, request: HttpRequest): Promise<HttpAnswer> {
  const { session, proof } = formOf(request, ['session', 'proof']);
  return toProvider(await confirmConnect(ports, { ...subjectOf(request), session, proof }));
}

function subjectOf(request: HttpRequest) {
  return { ...connectionOf(request), cookie: browserCookieOf(request), origin: request.origin };
}

function toProvider({ url, cookie }: Extract<OpenedLink, { kind: 'provider' }>): HttpAnswer {
  return { redirect: url, setCookie: browserCookie(cookie) };
}

function ask(
  { partnerName }: Ports,
  request: HttpRequest,
  { cookie, session, proof, userId }: Extract<OpenedLink, { kind: 'interstitial' }>,
): HttpAnswer {
  const { provider, organizationId } = connectionOf(request);
  const providerName = PROVIDERS[provider].displayName;
  const action = `${request.origin}${routePath('confirmConnect', { provider, organization_id: organizationId })}`;
  return {
    status: 200,
    html: interstitialPage({ partnerName, providerName, organizationId, userId, action, session, proof }),
    setCookie: browserCookie(cookie),
    headers: PAGE_HEADERS,
  };
}

export const handler = createHandler(openConnectPorts);
