import { expect, test } from 'vitest';
import { COMPANIES, XERO_USERS } from '../../../local/simulators/companies.ts';
import { quickBooksConsentPage, xeroConsentPage } from '../../../local/simulators/consent-page.ts';

function attributes(page: string, name: string): string[] {
  return [...page.matchAll(new RegExp(`name="${name}" value="([^"]*)"`, 'g'))].map((match) => match[1] ?? '');
}

test('the QuickBooks page offers every company, the first one chosen, and Allow and Deny', () => {
  const page = quickBooksConsentPage('app-1', COMPANIES);
  expect(attributes(page, 'company')).toEqual(COMPANIES.map((company) => company.realmId));
  expect(page.match(/ checked/g)).toEqual([' checked']);
  expect(attributes(page, 'decision')).toEqual(['allow', 'deny']);
  expect(page).not.toContain('role="alert"');
});

test('the Xero page has a form per user with that user’s organisations', () => {
  const page = xeroConsentPage('app-1', XERO_USERS, 'Choose one.');
  const forms = page.split('<form').slice(1);
  expect(forms.map((form) => [attributes(form, 'user'), attributes(form, 'tenant').length])).toEqual([
    [['accountant'], 3],
    [['owner'], 1],
  ]);
  expect(page).toContain('<p role="alert">Choose one.</p>');
});

test('what comes from outside is escaped', () => {
  const page = quickBooksConsentPage('<script>"app"</script>', [{ realmId: '1', name: 'A & B' }]);
  expect(page).toContain('&#60;script&#62;&#34;app&#34;&#60;/script&#62;');
  expect(page).toContain('A &#38; B');
  expect(page).not.toContain('<script>');
});
