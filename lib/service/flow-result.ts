import { isOver } from '../domain/connect-session.ts';
import type { ErrorCode } from '../domain/errors.ts';
import type { Flow } from '../domain/flow.ts';
import type { Instant } from '../domain/grant.ts';
import { routePath } from '../domain/routes.ts';

const RESULT_PATH = '/settings/integrations';

/** How a flow stands for those outside: an error is told also for one that ran out of time without anybody writing it. */
export function errorOf(flow: Flow, now: Instant): ErrorCode | undefined {
  if (flow.stage === 'linked') return undefined;
  if (flow.stage === 'failed') return flow.error ?? 'internal_error';
  return isOver(flow, now) ? 'flow_expired' : undefined;
}

/**
 * Where the browser goes from here: to our page with the companies while the user has to choose, otherwise to the
 * session's return URL or the frontend's, with `connected`, `system` and, if it failed, `error` added to its query.
 */
export function nextUrl(
  flow: Flow,
  { origin, frontendUrl, now }: { readonly origin: string; readonly frontendUrl: string; readonly now: Instant },
): string {
  const error = errorOf(flow, now);
  if (flow.stage === 'choosing' && error === undefined) return chooseUrl(flow, origin);
  const url = new URL(flow.returnUrl ?? `${frontendUrl}${RESULT_PATH}`);
  url.searchParams.set('connected', error !== undefined ? 'false' : flow.stage === 'linked' ? 'true' : 'pending');
  url.searchParams.set('system', flow.provider);
  if (error !== undefined) url.searchParams.set('error', error);
  return url.href;
}

function chooseUrl(flow: Flow, origin: string): string {
  return `${origin}${routePath('choose', { provider: flow.provider })}?flow=${flow.pk}`;
}
