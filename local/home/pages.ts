import { ORGANIZATION_ID_PATTERN, PROVIDER_IDS, type ProviderId } from '../../lib/domain/names.ts';
import { Html, html } from './html.ts';

/** A connection as the status route describes it; `undefined` fields were not told. */
export interface ConnectionRow {
  readonly organizationId: string;
  readonly provider: ProviderId;
  readonly companyName: string | undefined;
  readonly health: string | undefined;
  readonly expiresAt: string | undefined;
  readonly connected: boolean;
}

/** The result of a connect flow, as the redirect's query tells it. */
export interface ConnectResult {
  readonly connected: string | null;
  readonly system: string | null;
  readonly error: string | null;
}

/** As people know them. */
const PROVIDER_NAMES: Readonly<Record<ProviderId, string>> = { quickbooks: 'QuickBooks', xero: 'Xero' };

/** Browsers compile `pattern` with the `v` flag, in which a hyphen in a class must be escaped. */
const ORGANIZATION_ID_HTML_PATTERN = ORGANIZATION_ID_PATTERN.source.slice(1, -1).replace('_-]', '_\\-]');

const STYLE = new Html(`
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:52rem;margin:2rem auto;padding:0 1rem}
form{margin:0}fieldset{border:1px solid GrayText;border-radius:.5rem;padding:1rem;margin:0 0 2rem}
label{display:block;margin-bottom:.25rem}
input,button{font:inherit;padding:.4rem .8rem;border-radius:.4rem;border:1px solid GrayText}
button{cursor:pointer;margin:0 .25rem .25rem 0}:focus-visible{outline:3px solid Highlight;outline-offset:2px}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid GrayText}
[role=status],[role=alert]{border-left:.3rem solid;padding:.5rem 1rem;margin:0 0 1.5rem}
.scroll{overflow-x:auto}`);

/** The whole page around a body. */
function page(title: string, body: Html): string {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title}</title><style>${STYLE}</style></head><body><main>${body}</main></body></html>
`.text;
}

/**
 * The start page: a form that starts a connect flow, and the connections. `notice` says what just happened, `problem`
 * what went wrong; `now` is the platform's clock, which may be ahead of the reader's. `alarms` are those in ALARM, absent where
 * nobody watches. `realProviders`, absent where they are simulated, are those that can be connected.
 */
export function homePage(options: {
  readonly connections: readonly ConnectionRow[];
  readonly now: number;
  readonly organizationId: string;
  readonly notice?: string;
  readonly problem?: string;
  readonly alarms?: readonly string[];
  readonly realProviders?: readonly ProviderId[];
}): string {
  const buttons = (options.realProviders ?? PROVIDER_IDS).map(
    (provider) => html`<button name="provider" value="${provider}">Connect to ${PROVIDER_NAMES[provider]}</button> `,
  );
  return page(
    'Grantkeeper (local)',
    html`<h1>Grantkeeper, on this machine</h1>
${options.problem && html`<p role="alert">${options.problem}</p>`}
${options.notice && html`<p role="status">${options.notice}</p>`}
<form method="post" action="/connect"><fieldset><legend>Connect a company</legend>
<label for="organization_id">Organisation id in your application</label>
<p><input id="organization_id" name="organization_id" value="${options.organizationId}" required maxlength="64"
 pattern="${ORGANIZATION_ID_HTML_PATTERN}" autocomplete="off" spellcheck="false"></p>
<p>${buttons}</p></fieldset></form>
<h2>Connections</h2>
${options.connections.length === 0 ? html`<p>None yet.</p>` : connectionTable(options.connections)}
<footer>${options.alarms && alarmText(options.alarms)}
<p><small>The platform’s clock says ${new Date(options.now).toISOString()}.${options.realProviders && REAL_TIME}</small></p></footer>`,
  );
}

const REAL_TIME =
  ' The providers are real, so it cannot be moved. Disconnect before you stop: what is stored here is gone then, and the provider keeps the access it gave.';

function alarmText(alarms: readonly string[]): Html {
  return html`<p><small>${alarms.length === 0 ? 'No alarm is in ALARM.' : `In ALARM: ${alarms.join(', ')}.`}</small></p>`;
}

function connectionTable(connections: readonly ConnectionRow[]): Html {
  const rows = connections.map(
    (row) => html`<tr><th scope="row">${row.organizationId}</th><td>${PROVIDER_NAMES[row.provider]}</td>
<td>${row.companyName ?? '–'}</td><td>${row.health ?? 'unknown'}</td><td>${row.expiresAt ?? '–'}</td>
<td>${row.connected ? disconnectForm(row) : ''}</td></tr>`,
  );
  return html`<div class="scroll" role="region" aria-label="Connections" tabindex="0"><table><thead><tr><th scope="col">Organisation</th><th scope="col">System</th>
<th scope="col">Company</th><th scope="col">Health</th><th scope="col">Access token until</th><th scope="col">Action</th>
</tr></thead><tbody>${rows}</tbody></table></div>`;
}

function disconnectForm({ organizationId, provider }: ConnectionRow): Html {
  return html`<form method="post" action="/disconnect"><input type="hidden" name="organization_id" value="${organizationId}">
<button name="provider" value="${provider}" aria-label="Disconnect ${organizationId} from ${PROVIDER_NAMES[provider]}">Disconnect</button></form>`;
}

/** What a partner's frontend shows when the browser comes back: connected, refused with a code, or still going on. */
export function resultPage({ connected, system, error }: ConnectResult): string {
  const name = PROVIDER_IDS.find((provider) => provider === system);
  const where = name === undefined ? 'The accounting system' : PROVIDER_NAMES[name];
  return page(
    'Connection result',
    html`<h1>${where}</h1>${resultText(connected, error)}
<p><a href="/">Back to the start</a></p>`,
  );
}

function resultText(connected: string | null, error: string | null): Html {
  if (connected === 'true') return html`<p role="status">Connected.</p>`;
  if (connected === 'pending') {
    return html`<p role="status">The connection is still being made. Look at the start page in a moment.</p>`;
  }
  return html`<p role="alert">Not connected. Error code: <code>${error ?? 'none was given'}</code></p>`;
}
