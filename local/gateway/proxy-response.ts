import { isRecord } from '../assembly/template.ts';
import { GatewayRefusal, type HttpAnswer } from './responses.ts';

/** Set by the server itself; a function's own values would break the connection. */
const HOP_BY_HOP = new Set(['connection', 'content-length', 'keep-alive', 'transfer-encoding', 'upgrade']);

/**
 * The HTTP answer for what a proxy function returned. `multiValueHeaders` and `headers` are merged, so Set-Cookie can
 * repeat; a body is decoded from base64 when the function says that it is encoded. Refuses with INTEGRATION_FAILURE
 * (502) when the answer is not of the agreed form.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
 */
export function readProxyResponse(answer: unknown, requestId: string): HttpAnswer {
  if (!isRecord(answer)) throw malformed();
  const statusCode = Number(answer.statusCode ?? 200);
  const body = answer.body ?? '';
  if (!Number.isInteger(statusCode) || statusCode < 100 || statusCode > 599 || typeof body !== 'string') {
    throw malformed();
  }
  const headers = mergeHeaders(answer.headers ?? {}, answer.multiValueHeaders ?? {});
  return {
    statusCode,
    headers: { 'content-type': ['application/json'], ...headers, 'x-amzn-requestid': [requestId] },
    body: answer.isBase64Encoded === true ? Buffer.from(body, 'base64') : body,
  };
}

function mergeHeaders(single: unknown, multiple: unknown): Record<string, readonly string[]> {
  if (!isRecord(single) || !isRecord(multiple)) throw malformed();
  const merged: Record<string, string[]> = {};
  const add = (name: string, value: unknown) => {
    const values = merged[name.toLowerCase()] ?? [];
    merged[name.toLowerCase()] = values;
    if (!isScalar(value)) throw malformed();
    if (!values.includes(String(value))) values.push(String(value));
  };
  for (const [name, values] of Object.entries(multiple)) {
    if (!Array.isArray(values)) throw malformed();
    for (const value of values) add(name, value);
  }
  for (const [name, value] of Object.entries(single)) add(name, value);
  return Object.fromEntries(Object.entries(merged).filter(([name]) => !HOP_BY_HOP.has(name)));
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function malformed(): GatewayRefusal {
  return new GatewayRefusal('INTEGRATION_FAILURE');
}
