import { expect, test } from 'vitest';
import { faultOf } from '../../../lib/oauth/api-fault.ts';

/** The shapes of providers.md §1.9. */
test.for<[string, string, object | undefined]>([
  [
    'capitals',
    '{"Fault":{"Error":[{"Message":"m","Detail":"Token expired","code":"3200"}],"type":"AUTHENTICATION"},"time":1}',
    { code: '3200', isAuthentication: true },
  ],
  [
    'lower case',
    '{"fault":{"error":[{"message":"m","detail":"d","code":"3200"}],"type":"SERVICE"},"time":1}',
    { code: '3200', isAuthentication: true },
  ],
  [
    'a number as code',
    '{"Fault":{"Error":[{"code":6190}],"type":"ValidationFault"}}',
    { code: '6190', isAuthentication: false },
  ],
  ['leading zeros', '{"Fault":{"Error":[{"code":"007001"}]}}', { code: '007001', isAuthentication: false }],
  [
    'authorisation',
    '{"Fault":{"Error":[{"code":"120"}],"type":"AuthorizationFault"}}',
    { code: '120', isAuthentication: false },
  ],
  ['only a type', '{"fault":{"type":"AUTHENTICATION"}}', { isAuthentication: true }],
  ['text as code', '{"Fault":{"Error":[{"code":"<b>"}]}}', { isAuthentication: false }],
  ['one error without a list', '{"Fault":{"Error":{"code":"3100"}}}', { code: '3100', isAuthentication: false }],
  ['an empty fault', '{"Fault":{}}', { isAuthentication: false }],
  [
    'XML',
    '<?xml version="1.0"?><IntuitResponse time="t"><Fault type="AUTHENTICATION"><Error code="3200"><Message>m</Message></Error></Fault></IntuitResponse>',
    { code: '3200', isAuthentication: true },
  ],
  ['XML without code', '<Fault type="SystemFault"/>', { isAuthentication: false }],
  ['XML after 4 KiB of something else', `${' '.repeat(4_096)}<Fault/>`, undefined],
  ['a company', '{"CompanyInfo":{"CompanyName":"Fault Ltd"}}', undefined],
  ['a list', '[]', undefined],
  ['HTML', '<html>default</html>', undefined],
  ['nothing', '', undefined],
])('%s', ([, body, expected]) => {
  expect(faultOf(Buffer.from(body))).toEqual(expected);
});

test('a hostile body does not hold us up', () => {
  const startedMs = performance.now();
  expect(faultOf(Buffer.from('<fault type='.repeat(20_000)))).toEqual({ isAuthentication: false });
  expect(performance.now() - startedMs).toBeLessThan(200);
});
