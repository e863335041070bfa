import { describe, expect, test } from 'vitest';
import type { Session } from '../../../ops/command.ts';
import { PROBE_SANDBOX } from '../../../ops/commands/probe-sandbox.ts';

const KEYS = { QBO_CLIENT_ID: 'an-id', QBO_CLIENT_SECRET: 'a-secret-of-nobody' };

/** A session whose terminal answers with `typed`; without it there is nobody to ask. */
function session(typed?: string): { readonly session: Session; readonly told: string[] } {
  const told: string[] = [];
  const terminal: Session['terminal'] = {
    isInteractive: typed !== undefined,
    tell: (line) => void told.push(line),
    ask: async (question) => {
      told.push(question);
      return typed ?? '';
    },
  };
  return { session: { terminal } as Session, told };
}

describe('the command line', () => {
  test.for([
    [[], {}, '--provider is missing: quickbooks or xero'],
    [['--provider', 'sage'], {}, '"sage" is not one of quickbooks, xero'],
    [['--provider', 'xero', 'more'], {}, 'unexpected argument "more"'],
    [
      ['--provider', 'xero'],
      KEYS,
      'XERO_CLIENT_ID and XERO_CLIENT_SECRET are not set: https://developer.xero.com/app/manage (your app, Configuration)',
    ],
    [
      ['--provider', 'quickbooks'],
      { QBO_CLIENT_ID: 'an-id' },
      'QBO_CLIENT_SECRET is not set: https://developer.intuit.com (your app, Keys & credentials, Development)',
    ],
    [['--provider', 'quickbooks', '--port', '0'], KEYS, '--port must be a whole number from 1 to 65535'],
    [['--provider', 'quickbooks', '--wait-hours', '31'], KEYS, '--wait-hours must be a whole number from 0 to 30'],
    [['--provider', 'quickbooks', '--client-secret', 'x'], KEYS, "Unknown option '--client-secret'"],
  ] as const)('%j is not understood', ([words, variables, reason]) => {
    expect(() => PROBE_SANDBOX.prepare(words, variables)).toThrow(reason);
  });

  test('--dry-run lists what would be done, and needs no keys', async () => {
    const { run } = PROBE_SANDBOX.prepare(['--provider', 'quickbooks', '--dry-run', '--wait-hours', '26'], {});
    const { text, told, exitCode } = await run(session().session);
    expect(exitCode).toBeUndefined();
    expect(text).toContain('Nothing was sent. First somebody authorises a sandbox company of yours');
    expect(text).toContain(`4. §9.1 When does the value change?
   refreshes once an hour until the value is a new one
   leaves the authorisation as it is
`);
    expect(text).toContain('may end an authorisation; asks for an authorisation; left out: --code-age-minutes 9 asks');
    const { experiments } = told as { experiments: { id: string; leftOut?: string }[] };
    expect(experiments.filter(({ leftOut }) => leftOut !== undefined).map(({ id }) => id)).toEqual(['code-age']);
  });
});

describe('before anything is sent', () => {
  test('it asks, and says what it will do', async () => {
    const { session: asked, told } = session('no');
    const { run } = PROBE_SANDBOX.prepare(['--provider', 'quickbooks'], KEYS);
    await expect(run(asked)).rejects.toThrow('not confirmed; nothing was done');
    expect(told).toEqual([
      'This is for the keys of a sandbox only: whatever is authorised is revoked at the end, and with it every other',
      'authorisation of the same company (at Xero: of the same user) by this app.',
      'You will be asked to authorise a sandbox company of yours, with the Development keys of your app, 3 times or more.',
      'http://localhost:8723/callback must be registered as a redirect URI of the app.',
      'Type sandbox to go on: ',
    ]);
  });

  test('with nobody to ask it refuses, unless --yes was given', async () => {
    const { run } = PROBE_SANDBOX.prepare(['--provider', 'quickbooks'], KEYS);
    await expect(run(session().session)).rejects.toThrow('there is no terminal: --yes goes on, --dry-run only looks');
  });
});

test('the secret is in nothing that is said', () => {
  const prepared = PROBE_SANDBOX.prepare(['--provider', 'quickbooks'], KEYS);
  expect(JSON.stringify(prepared) + JSON.stringify(PROBE_SANDBOX)).not.toContain('a-secret-of-nobody');
});
