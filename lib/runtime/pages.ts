import { createHash } from 'node:crypto';
import type { ErrorCode } from '../domain/errors.ts';
import type { Tenant } from '../domain/flow.ts';

/**
 * The few pages a browser meets between partner and provider. Static HTML without scripts; every value is escaped, whoever
 * wrote it. A reader of any size, with or without eyes, by day or night.
 */

const STYLE = `
:root{color-scheme:light dark;--line:#8886;--act:#0b57d0;--on:#fff}
@media(prefers-color-scheme:dark){:root{--act:#a8c7fa;--on:#062e6f}}
body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:0 auto;padding:3rem 1.25rem;background:Canvas;color:CanvasText}
h1{font-size:1.4rem;line-height:1.25}
dl{border:1px solid var(--line);border-radius:.5rem;padding:.25rem 1rem}
dt{font-size:.875rem;margin-top:.5rem}
dd{margin:0 0 .5rem;font-weight:600;overflow-wrap:anywhere}
fieldset{border:1px solid var(--line);border-radius:.5rem;padding:.5rem 1rem;margin:0 0 1rem}
label{display:flex;gap:.75rem;align-items:baseline;padding:.5rem 0;overflow-wrap:anywhere}
button{font:inherit;font-weight:600;padding:.75rem 1.25rem;border:0;border-radius:.5rem;background:var(--act);color:var(--on);cursor:pointer}
:focus-visible{outline:3px solid var(--act);outline-offset:3px}
small{font-size:.875rem}
`;

/**
 * Headers of these pages: nothing is loaded, run or framed, and only this very style applies. There is no `form-action`,
 * because browsers hold the redirects after a form to it (CSP 3 §6.4.2), and those lead to the provider.
 */
export const PAGE_HEADERS = {
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; frame-ancestors 'none'`,
} as const;

/** Asks the user, before the provider does, whether this connection is the one he wants: who asks, for whom, started by whom. */
export function interstitialPage(page: {
  readonly partnerName: string;
  readonly providerName: string;
  readonly organizationId: string;
  readonly userId?: string | undefined;
  /** Where the form goes. */
  readonly action: string;
  readonly session?: string | undefined;
  readonly proof: string;
}): string {
  const { partnerName, providerName, organizationId, userId, action, session, proof } = page;
  return html(
    `Connect ${providerName}`,
    `<h1>Connect ${escaped(providerName)} to ${escaped(partnerName)}?</h1>
<p>${escaped(partnerName)} will be able to work with the books of the company you choose at ${escaped(providerName)}. They will belong to:</p>
<dl>
<dt>Organisation at ${escaped(partnerName)}</dt><dd>${escaped(organizationId)}</dd>
${userId === undefined ? '' : `<dt>Started by</dt><dd>${escaped(userId)}</dd>`}
</dl>
<form method="post" action="${escaped(action)}">
${session === undefined ? '' : hidden('session', session)}${hidden('proof', proof)}
<button type="submit">Continue to ${escaped(providerName)}</button>
</form>
<p>Do you not know this organisation, or did somebody send you this link unasked? Then close this page: nothing has happened.</p>`,
  );
}

/** Lets the user choose one of the companies his authorisation opens; none is chosen beforehand. */
export function choosePage(page: {
  readonly partnerName: string;
  readonly providerName: string;
  readonly organizationId: string;
  readonly tenants: readonly Tenant[];
  /** Where the form goes. */
  readonly action: string;
  readonly flowId: string;
  readonly proof: string;
}): string {
  const { partnerName, providerName, organizationId, tenants, action, flowId, proof } = page;
  const options = tenants.map(
    ({ tenantId, name }) =>
      `<label><input type="radio" name="tenant_id" value="${escaped(tenantId)}" required> <span>${escaped(name ?? tenantId)}</span></label>`,
  );
  return html(
    'Choose a company',
    `<h1>Which company do you want to connect?</h1>
<p>Your ${escaped(providerName)} sign-in opens several companies. Choose the one that belongs to the organisation <strong>${escaped(organizationId)}</strong> at ${escaped(partnerName)}.</p>
<form method="post" action="${escaped(action)}">
${hidden('flow', flowId)}${hidden('proof', proof)}
<fieldset><legend>Companies</legend>
${options.join('\n')}
</fieldset>
<button type="submit">Connect this company</button>
</form>`,
  );
}

/** Tells a browser that a request was refused, in our own words: nothing it sent stands in it. */
export function refusalPage(page: {
  readonly code: ErrorCode;
  readonly message: string;
  readonly next: string;
  readonly correlationId: string;
}): string {
  const { code, message, next, correlationId } = page;
  return html(
    'This did not work',
    `<h1>This did not work</h1>
<p>${escaped(message)}</p>
<p>${escaped(next)}</p>
<p><small>${escaped(code)} · ${escaped(correlationId)}</small></p>`,
  );
}

function html(title: string, main: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
<title>${escaped(title)}</title><style>${STYLE}</style></head>
<body><main>
${main}
</main></body>
</html>
`;
}

function hidden(name: string, value: string): string {
  return `<input type="hidden" name="${name}" value="${escaped(value)}">`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Safe as text and as a quoted attribute. */
function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}
