import { routePath } from '../lib/domain/routes.ts';
import { PROVIDERS } from '../lib/providers/index.ts';
import { browserCookieOf, formOf, providerOf } from '../lib/runtime/connect-request.ts';
import { type HttpAnswer, type HttpRequest, httpHandler } from '../lib/runtime/http.ts';
import { choosePage, PAGE_HEADERS } from '../lib/runtime/pages.ts';
import { chooseTenantPorts } from '../lib/runtime/wiring.ts';
import { type ChooseTenantPorts, chooseTenant, readChoice } from '../lib/service/choose-tenant.ts';

type Ports = ChooseTenantPorts & { readonly partnerName: string };

/** Shows the companies an authorisation opens, and takes the user's choice. */
export function createHandler(ports: () => Ports) {
  return httpHandler(['choose', 'chosen'], async (request, route) =>
    route === 'choose' ? await show(ports(), request) : await take(ports(), request),
  );
}

async function show(ports: Ports, request: HttpRequest): Promise<HttpAnswer> {
  const provider = providerOf(request);
  const { origin, query } = request;
  const choice = await readChoice(ports, { provider, origin, flowId: query.flow, cookie: browserCookieOf(request) });
  if (choice.kind === 'done') return { redirect: choice.url };
  const { partnerName } = ports;
  const providerName = PROVIDERS[provider].displayName;
  const action = `${origin}${routePath('chosen', { provider })}`;
  return { status: 200, html: choosePage({ ...choice, partnerName, providerName, action }), headers: PAGE_HEADERS };
}

async function take(ports: Ports, request: HttpRequest): Promise<HttpAnswer> {
  const { flow: flowId, tenant_id: tenantId, proof } = formOf(request, ['flow', 'tenant_id', 'proof']);
  const { origin, correlationId } = request;
  const cookie = browserCookieOf(request);
  const chosen = { provider: providerOf(request), origin, correlationId, cookie, flowId, tenantId, proof };
  return { redirect: await chooseTenant(ports, chosen) };
}

export const handler = createHandler(chooseTenantPorts);
