import type { APIGatewayProxyResult } from 'aws-lambda';
import { ERRORS, GrantkeeperError } from '../domain/errors.ts';
import { codeOf } from './describe-error.ts';
import { PAGE_HEADERS, refusalPage } from './pages.ts';

/** What a handler answers: data, a redirect, or a page. `setCookie` holds whole Set-Cookie values. */
export type HttpAnswer =
  | { readonly status: number; readonly body: object; readonly headers?: Readonly<Record<string, string>> }
  | { readonly redirect: string; readonly setCookie?: string | readonly string[] }
  | {
      readonly status: number;
      readonly html: string;
      readonly setCookie?: string | readonly string[];
      readonly headers?: Readonly<Record<string, string>>;
    };

const HTML = 'text/html; charset=utf-8';
const JSON_TYPE = 'application/json; charset=utf-8';

/**
 * Of every answer. Nothing may be kept by a cache or shown in a frame, and no address (which may hold a state or a code)
 * is told to the next site. What nothing is loaded from needs no style either; pages bring their own policy.
 */
export const SECURITY_HEADERS = {
  'cache-control': 'no-store, no-cache',
  pragma: 'no-cache',
  'content-security-policy': "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** The gateway's form of an answer. */
export function answerOf(answer: HttpAnswer): APIGatewayProxyResult {
  if ('redirect' in answer) {
    return { statusCode: 302, headers: { location: answer.redirect }, ...cookies(answer.setCookie), body: '' };
  }
  if ('html' in answer) {
    const headers = { 'content-type': HTML, ...answer.headers };
    return { statusCode: answer.status, headers, ...cookies(answer.setCookie), body: answer.html };
  }
  const headers = { 'content-type': JSON_TYPE, ...answer.headers };
  return { statusCode: answer.status, headers, body: JSON.stringify(answer.body) };
}

/**
 * The gateway's form of a failure: `{error: {code, message, field?, correlation_id}}`, or a page saying the same when a
 * browser asked. Whatever is not a `GrantkeeperError` is a bare 500.
 */
export function failureOf(error: unknown, correlationId: string, asPage: boolean): APIGatewayProxyResult {
  const code = codeOf(error);
  const { status, message, next } = ERRORS[code];
  const field = error instanceof GrantkeeperError ? error.field : undefined;
  const retryAfter = error instanceof GrantkeeperError ? error.retryAfterSeconds : undefined;
  const result = asPage
    ? answerOf({ status, html: refusalPage({ code, message, next, correlationId }), headers: PAGE_HEADERS })
    : answerOf({
        status,
        body: { error: { code, message, ...(field === undefined ? {} : { field }), correlation_id: correlationId } },
      });
  if (retryAfter === undefined) return result;
  return { ...result, headers: { ...result.headers, 'retry-after': String(Math.ceil(retryAfter)) } };
}

/** API Gateway sends a header more than once only when it stands in `multiValueHeaders`. */
function cookies(setCookie: string | readonly string[] | undefined): Pick<APIGatewayProxyResult, 'multiValueHeaders'> {
  if (setCookie === undefined) return {};
  return { multiValueHeaders: { 'set-cookie': typeof setCookie === 'string' ? [setCookie] : [...setCookie] } };
}
