import { isJsonObject, jsonOf } from './json.ts';

export interface ApiFault {
  /** Digits as the provider writes them, leading zeros included; absent when it names none. */
  readonly code?: string;
  /** The access token was refused, as against the right to something. */
  readonly isAuthentication: boolean;
}

const CODE = /^\d{1,6}$/;
/** AuthenticationFailed, 4.3 of providers.md. */
const AUTHENTICATION_CODE = '3200';
/** AUTHENTICATION, AuthenticationFault; but not AuthorizationFault. */
const AUTHENTICATION_TYPE = /^authentication/i;
/** The head of an XML fault; the rest is not looked at. */
const XML_CHARS = 4_096;
const XML_FAULT = /<fault\b/i;

/**
 * The fault in a QuickBooks API answer, which may stand there with status 200, in either case, or in XML although JSON was
 * asked for (providers.md §1.9). Undefined when the body is something else.
 */
export function faultOf(body: Uint8Array): ApiFault | undefined {
  const parsed = jsonOf(body);
  return parsed === undefined ? xmlFault(body) : jsonFault(parsed);
}

function jsonFault(parsed: unknown): ApiFault | undefined {
  const fault = field(parsed, 'fault');
  if (!isJsonObject(fault)) return undefined;
  const errors = field(fault, 'error');
  const first: unknown = Array.isArray(errors) ? errors[0] : errors;
  return describe(field(first, 'code'), field(fault, 'type'));
}

function xmlFault(body: Uint8Array): ApiFault | undefined {
  const text = Buffer.from(body).toString('latin1', 0, XML_CHARS);
  if (!XML_FAULT.test(text)) return undefined;
  return describe(
    /<error\b[^>]{0,200}\bcode="(\d+)"/i.exec(text)?.[1],
    /<fault\b[^>]{0,200}\btype="(\w+)"/i.exec(text)?.[1],
  );
}

function describe(code: unknown, type: unknown): ApiFault {
  const digits = typeof code === 'string' || typeof code === 'number' ? String(code) : '';
  return {
    ...(CODE.test(digits) ? { code: digits } : {}),
    isAuthentication: digits === AUTHENTICATION_CODE || (typeof type === 'string' && AUTHENTICATION_TYPE.test(type)),
  };
}

/** A member by its name in lower case or with a capital. */
function field(value: unknown, name: string): unknown {
  if (!isJsonObject(value)) return undefined;
  return value[name] ?? value[`${name.charAt(0).toUpperCase()}${name.slice(1)}`];
}
