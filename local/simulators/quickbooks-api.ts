import { findCompany, QUICKBOOKS_USER } from './companies.ts';
import { bearerToken, json, type Reply, type SimRequest } from './exchange.ts';
import type { Fault } from './faults.ts';
import type { TokenVault } from './token-vault.ts';

/** GET /v3/company/{realmId}/companyinfo/{realmId}. XML unless JSON is asked for, as the real one. */
export function companyInfo(vault: TokenVault, request: SimRequest, realmId: string, now: number): Reply {
  const access = vault.checkAccess(bearerToken(request) ?? '', now);
  if (access.kind !== 'ok') {
    const detail = access.kind === 'unknown' ? 'Malformed bearer token: too short or too long' : 'Token expired';
    return apiFault(401, '3200', now, { detail });
  }
  const { authorization } = access.family;
  const company = findCompany(realmId);
  const mayRead = authorization.scopes.includes('com.intuit.quickbooks.accounting');
  if (!company || authorization.subject !== realmId || !mayRead) return apiFault(403, '3100', now);
  const fields = { CompanyName: company.name, LegalName: company.name, Country: 'US', Id: '1', SyncToken: '4' };
  if (!/json/.test(request.headers.accept ?? '')) return xml(200, companyXml(fields), 'ok');
  return json(200, { CompanyInfo: { ...fields, domain: 'QBO', sparse: false }, time: new Date(now).toISOString() });
}

/** GET /v1/openid_connect/userinfo. */
export function userInfo(vault: TokenVault, request: SimRequest, now: number): Reply {
  const access = vault.checkAccess(bearerToken(request) ?? '', now);
  if (access.kind !== 'ok') return apiFault(401, '3200', now, { detail: 'Token expired' });
  if (!access.family.authorization.scopes.includes('openid')) return apiFault(403, '3100', now);
  return json(200, { sub: QUICKBOOKS_USER.subject, email: QUICKBOOKS_USER.email, emailVerified: true });
}

/**
 * The answer for an `error_json` or `status` fault on the API. `error` is an Intuit code such as `3001`, with
 * `lower:` or `xml:` before it for the other body shapes seen in the field (providers.md §1.9); with status 200 it is
 * the fault-inside-OK case.
 */
export function apiFaultReply(fault: Fault, now: number): Reply {
  const { shape = 'upper', code = '3200' } = SHAPED_CODE.exec(fault.error ?? '')?.groups ?? {};
  return apiFault(fault.status ?? 400, code, now, { shape });
}

const SHAPED_CODE = /^(?:(?<shape>lower|xml):)?(?<code>-?\d+)$/;

/** Message and type by code. */
const FAULTS: Readonly<Record<string, readonly [message: string, type: string]>> = {
  '3200': ['message=AuthenticationFailed; errorCode=003200; statusCode=401', 'AUTHENTICATION'],
  '3100': ['message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403', 'AuthorizationFault'],
  '3001': ['message=ThrottleExceeded; errorCode=003001; statusCode=429', 'THROTTLE'],
  '6190': ['Invalid Company Status', 'ValidationFault'],
  '007001': ['Subscription lapsed or invalid destination URL', 'AuthorizationFault'],
  '120': ['Authorization Failure', 'AuthorizationFault'],
};

function apiFault(
  status: number,
  code: string,
  now: number,
  { detail, shape = 'upper' }: { detail?: string; shape?: string } = {},
): Reply {
  const [message, type] = FAULTS[code] ?? ['Unexpected', 'SystemFault'];
  const time = new Date(now).toISOString();
  if (shape === 'xml') return xml(status, faultXml({ message, type, code, time }), code);
  const text = detail ?? message;
  const body =
    shape === 'lower'
      ? { fault: { error: [{ message, detail: text, code, element: null }], type }, time }
      : { Fault: { Error: [{ Message: message, Detail: text, code }], type }, time };
  return json(status, body, { outcome: code });
}

function xml(status: number, body: string, outcome: string): Reply {
  return { status, headers: { 'content-type': 'application/xml;charset=UTF-8' }, body, outcome, committed: false };
}

function companyXml(fields: Readonly<Record<string, string>>): string {
  const elements = Object.entries(fields).map(([name, value]) => `<${name}>${escapeXml(value)}</${name}>`);
  return `${XML_START}<CompanyInfo domain="QBO" sparse="false">${elements.join('')}</CompanyInfo></IntuitResponse>`;
}

function faultXml(fault: { message: string; type: string; code: string; time: string }): string {
  return `${XML_START}<Fault type="${fault.type}"><Error code="${fault.code}"><Message>${escapeXml(fault.message)}</Message></Error></Fault></IntuitResponse>`;
}

const XML_START =
  '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><IntuitResponse xmlns="http://schema.intuit.com/finance/v3">';

function escapeXml(text: string): string {
  return text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}
