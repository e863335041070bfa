import type { Company, XeroUser } from './companies.ts';

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
fieldset{border:1px solid #767676;border-radius:6px;margin:0 0 1rem;padding:.75rem 1rem}label{display:block;padding:.3rem 0}
button{font:inherit;padding:.5rem 1.25rem;margin-right:.5rem;border:1px solid #1a1a1a;border-radius:6px;background:#fff;cursor:pointer}
button.allow{background:#0b5d2a;border-color:#0b5d2a;color:#fff}[role=alert]{border-left:4px solid #b00020;padding-left:.75rem}
small{color:#555}`;

/** QuickBooks: one company. Form fields `company` and `decision`; `problem` is told above the form. */
export function quickBooksConsentPage(app: string, companies: readonly Company[], problem?: string): string {
  const choices = companies.map(({ realmId, name }, index) =>
    choice({ type: 'radio', name: 'company', value: realmId, checked: index === 0 }, name, realmId),
  );
  return page(
    'Connect to QuickBooks',
    `<h1>Connect to QuickBooks</h1>${alert(problem)}
<p>The app <strong>${escapeHtml(app)}</strong> asks to read and change one company's books.</p>
<form method="post"><fieldset><legend>Which company?</legend>${choices.join('')}</fieldset>${BUTTONS}</form>`,
  );
}

/** Xero: a form per person who could be signed in. Fields `user`, `tenant` (repeated) and `decision`. */
export function xeroConsentPage(app: string, users: readonly XeroUser[], problem?: string): string {
  const forms = users.map(({ key, name, organisations }) => {
    const choices = organisations.map((organisation) =>
      choice(
        { type: 'checkbox', name: 'tenant', value: organisation.tenantId, checked: organisations.length === 1 },
        organisation.name,
        organisation.tenantId,
      ),
    );
    return `<h2>Signed in as ${escapeHtml(name)}</h2>
<form method="post"><input type="hidden" name="user" value="${escapeHtml(key)}">
<fieldset><legend>Which organisations?</legend>${choices.join('')}</fieldset>${BUTTONS}</form>`;
  });
  return page(
    'Connect to Xero',
    `<h1>Connect to Xero</h1>${alert(problem)}
<p>The app <strong>${escapeHtml(app)}</strong> asks for access to organisations in Xero.</p>${forms.join('')}`,
  );
}

/** Intuit's error page: the same bytes whatever the cause, and no way back to the app. */
export const QUICKBOOKS_ERROR_PAGE = page(
  'QuickBooks',
  '<h1>Sorry, but undefined didn’t connect</h1><p>Please try again later, or contact the app’s support.</p>',
);

export function xeroErrorPage(reason: string): string {
  return page('Xero', `<h1>Error</h1><p>Error: unauthorized_client : ${escapeHtml(reason)}</p>`);
}

const BUTTONS = `<button class="allow" name="decision" value="allow">Allow access</button>
<button name="decision" value="deny">Deny</button>`;

function choice(
  input: { type: 'radio' | 'checkbox'; name: string; value: string; checked: boolean },
  text: string,
  detail: string,
): string {
  const checked = input.checked ? ' checked' : '';
  return `<label><input type="${input.type}" name="${input.name}" value="${escapeHtml(input.value)}"${checked}> ${escapeHtml(text)} <small>${escapeHtml(detail)}</small></label>`;
}

function alert(problem: string | undefined): string {
  return problem === undefined ? '' : `<p role="alert">${escapeHtml(problem)}</p>`;
}

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)} (simulator)</title><style>${STYLE}</style></head><body><main>${body}
<p><small>This is a simulator on your own machine. Nothing here reaches the real provider.</small></p></main></body></html>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
