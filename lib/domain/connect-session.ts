import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Flow } from './flow.ts';
import type { Instant } from './grant.ts';
import { UNSERVED_MS } from './next-due.ts';

/** What a browser carries through a connect flow, and how long each part of it lasts. */

/** From the creation of a session until its link can be opened no more. */
export const SESSION_MS = 15 * 60_000;
/** From the redirect to the provider until its callback is refused (requirement A9). */
export const STATE_MS = 10 * 60_000;
/** From the callback until the flow is over: choosing a company must end before the unserved grant is closed. */
export const COMPLETION_MS = UNSERVED_MS;
/** How long the result of a flow can be read. */
export const RESULT_SECONDS = 24 * 3600;

/** The `__Host-` prefix makes browsers refuse the cookie unless it is Secure, without Domain, and for the whole host (RFC 6265bis §4.1.3.2). */
export const BROWSER_COOKIE = '__Host-gk-browser';
/** 32 random bytes in base64url. */
const SECRET_PATTERN = /^[A-Za-z0-9_-]{43}$/;
const SESSION_PATTERN = /^([0-9A-HJKMNP-TV-Z]{26})\.([A-Za-z0-9_-]{43})$/;

export interface SessionToken {
  readonly flowId: string;
  readonly secret: string;
}

/** The token in a connect link. */
export function formatSession({ flowId, secret }: SessionToken): string {
  return `${flowId}.${secret}`;
}

/** Undefined for anything that cannot be one of our session tokens. */
export function parseSession(token: string): SessionToken | undefined {
  const [, flowId, secret] = SESSION_PATTERN.exec(token) ?? [];
  return flowId === undefined || secret === undefined ? undefined : { flowId, secret };
}

/** Whether the text can be a flow id, before it becomes a key. */
export function isFlowId(text: string): boolean {
  return /^[0-9A-HJKMNP-TV-Z]{26}$/.test(text);
}

/** The browser cookie's value, when the browser sent one of the form we set. */
export function validCookie(value: string | undefined): string | undefined {
  return value !== undefined && SECRET_PATTERN.test(value) ? value : undefined;
}

/** SHA-256, hex: all that is stored of a session secret or a cookie. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Compares in a time that does not depend on where the texts differ. */
export function isSame(a: string, b: string): boolean {
  const left = createHash('sha256').update(a).digest();
  return timingSafeEqual(left, createHash('sha256').update(b).digest());
}

/**
 * The value a form of ours carries so that only the browser it was shown in can send it: keyed with the cookie, which no
 * other site can read.
 */
export function formProof(cookie: string, purpose: string): string {
  return createHmac('sha256', cookie).update(purpose).digest('base64url');
}

/** Whether the link may still be opened. */
export function isOpenable(flow: Flow, now: Instant): boolean {
  return flow.stage === 'session' && now < flow.createdAt + SESSION_MS;
}

/** Whether the flow has come to its end, or ran out of time before it did. */
export function isOver(flow: Flow, now: Instant): boolean {
  return flow.stage === 'linked' || flow.stage === 'failed' || now >= flow.expiresAt;
}
