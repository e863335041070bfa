import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { choosePage, interstitialPage, PAGE_HEADERS, refusalPage } from '../../../lib/runtime/pages.ts';

const EVIL = `"><script>alert('x')</script>&`;
const ESCAPED = '&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;';

const interstitial = {
  partnerName: 'Ledgerly',
  providerName: 'Xero',
  organizationId: 'acme',
  userId: 'ann',
  action: 'https://gk.example/api/v1/oauth/xero/connect/acme',
  session: 's.1',
  proof: 'p-1',
};
const choice = {
  partnerName: 'Ledgerly',
  providerName: 'Xero',
  organizationId: 'acme',
  tenants: [{ tenantId: 't-1', name: 'One & Co' }, { tenantId: 't-2' }],
  action: 'https://gk.example/api/v1/oauth/xero/choose',
  flowId: 'f-1',
  proof: 'p-1',
};

test('the page before the provider names who asks, for whom, and who began', () => {
  const html = interstitialPage(interstitial);
  expect(html).toContain('<h1>Connect Xero to Ledgerly?</h1>');
  expect(html).toContain('<dd>acme</dd>');
  expect(html).toContain('<dt>Started by</dt><dd>ann</dd>');
  expect(html).toContain('<form method="post" action="https://gk.example/api/v1/oauth/xero/connect/acme">');
  expect(html).toContain(
    '<input type="hidden" name="session" value="s.1"><input type="hidden" name="proof" value="p-1">',
  );
});

test('without a session or a user it names neither', () => {
  const { session: _s, userId: _u, ...open } = interstitial;
  const html = interstitialPage(open);
  expect(html).not.toContain('name="session"');
  expect(html).not.toContain('Started by');
});

test('the choice offers each company, named or by its id, and none beforehand', () => {
  const html = choosePage(choice);
  expect(html).toContain('<input type="radio" name="tenant_id" value="t-1" required> <span>One &amp; Co</span>');
  expect(html).toContain('<input type="radio" name="tenant_id" value="t-2" required> <span>t-2</span>');
  expect(html).toContain('<input type="hidden" name="flow" value="f-1"><input type="hidden" name="proof" value="p-1">');
  expect(html).not.toContain('checked');
});

test('every value is escaped, whoever wrote it', () => {
  const evil = (page: object) => Object.fromEntries(Object.keys(page).map((name) => [name, EVIL]));
  const pages = [
    interstitialPage(evil(interstitial) as typeof interstitial),
    choosePage({ ...(evil(choice) as unknown as typeof choice), tenants: [{ tenantId: EVIL, name: EVIL }] }),
    refusalPage({ code: 'invalid_state', message: EVIL, next: EVIL, correlationId: EVIL }),
  ];
  for (const html of pages) {
    expect(html).not.toContain('<script');
    expect(html).not.toContain(`'x'`);
    expect(html).toContain(ESCAPED);
  }
});

test('the policy allows the style of the page and nothing else', () => {
  const html = refusalPage({ code: 'invalid_state', message: 'No.', next: 'Again.', correlationId: 'c-1' });
  const style = /<style>(.*)<\/style>/s.exec(html)?.[1] ?? '';
  const hash = createHash('sha256').update(style).digest('base64');
  expect(PAGE_HEADERS['content-security-policy']).toBe(
    `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; frame-ancestors 'none'`,
  );
  expect(html).toContain('<p>No.</p>');
  expect(html).toContain('invalid_state · c-1');
});

test('a page tells its language, has one heading and follows the reader’s colours', () => {
  for (const html of [interstitialPage(interstitial), choosePage(choice)]) {
    expect(html).toContain('<html lang="en">');
    expect(html.match(/<h1>/g)).toHaveLength(1);
    expect(html).toContain('color-scheme:light dark');
    expect(html).toContain('<main>');
  }
});
