import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Consent,
  type ConsentDesk,
  type NoConsent,
  openConsentDesk,
} from '../../../ops/probe-sandbox/consent-desk.ts';

let desk: ConsentDesk;
beforeEach(async () => {
  desk = await openConsentDesk({ port: 0, signal: new AbortController().signal });
});
afterEach(() => desk.stop());

/** The answer to one request, without following it. */
async function get(
  query: Record<string, string>,
  path = '/callback',
  method = 'GET',
): Promise<[number, string | null]> {
  const url = new URL(`${path}?${new URLSearchParams(query)}`, desk.redirectUri);
  const answer = await fetch(url, { method, redirect: 'manual' });
  const location = answer.headers.get('location');
  // As a browser does, which the desk waits for before it closes.
  if (location !== null) await fetch(new URL(location, url));
  return [answer.status, location];
}

/** A question that waits for its answer. */
function ask(tenantParameter?: string): { readonly state: string; readonly answer: Promise<Consent | NoConsent> } {
  let state = '';
  const asked = desk.ask((shown) => {
    state = shown;
  }, tenantParameter);
  return { state, answer: asked.catch((error: unknown) => error as NoConsent) };
}

function opened(consent: Consent | NoConsent): object {
  if (consent instanceof Error) return { [consent.constructor.name]: consent.message };
  return { ...consent, code: consent.code.open() };
}

describe('the callback', () => {
  test('brings the code, and is answered with a redirect, so that no page has it in its address', async () => {
    const { state, answer } = ask('realmId');
    expect(await get({ state, code: 'a-code', realmId: '9341' })).toEqual([302, '/done']);
    expect(opened(await answer)).toEqual({ code: 'a-code', tenantId: '9341' });
    const page = await fetch(new URL('/done', desk.redirectUri));
    expect([page.status, page.headers.get('content-type'), page.headers.get('referrer-policy')]).toEqual([
      200,
      'text/plain; charset=utf-8',
      'no-referrer',
    ]);
  });

  test('counts once', async () => {
    const { state, answer } = ask();
    await get({ state, code: 'first' });
    expect(await get({ state, code: 'second' })).toEqual([400, null]);
    expect(opened(await answer)).toEqual({ code: 'first' });
  });

  test('with another state is refused and changes nothing', async () => {
    const { state, answer } = ask();
    expect(await get({ state: `${state}x`, code: 'foreign' })).toEqual([400, null]);
    expect(await get({ code: 'foreign' })).toEqual([400, null]);
    await get({ state, code: 'ours' });
    expect(opened(await answer)).toEqual({ code: 'ours' });
  });

  test('has a new state for each question', () => {
    const [one, other] = [ask(), ask()];
    expect(one.state).toMatch(/^[\w-]{43}$/);
    expect(other.state).not.toBe(one.state);
  });

  test.for([
    [{ error: 'access_denied' }, 'the provider said access_denied instead of a code'],
    [{ error: '<script>' }, 'the provider said no instead of a code'],
    [{}, 'the callback brought no code'],
    [{ code: 'a code' }, 'the callback brought no code'],
    [{ code: 'a-code' }, 'the callback brought no realmId'],
    [{ code: 'a-code', realmId: '../x' }, 'the callback brought no realmId'],
  ] as const)('with %o is no consent', async ([query, reason]) => {
    const { state, answer } = ask('realmId');
    await get({ state, ...query });
    expect(opened(await answer)).toEqual({ NoConsent: reason });
  });
});

test('nothing else is served', async () => {
  expect(await get({}, '/')).toEqual([404, null]);
  expect(await get({ state: 'x', code: 'y' }, '/callback', 'POST')).toEqual([404, null]);
  expect(await get({ state: 'x', code: 'y' })).toEqual([400, null]);
});

test('it is reached by localhost, on whichever address that is', async () => {
  expect(desk.redirectUri).toMatch(/^http:\/\/localhost:\d+\/callback$/);
  const { port } = new URL(desk.redirectUri);
  const statuses = ['127.0.0.1', '::1'].map(
    (host) =>
      new Promise((resolve, reject) => {
        request({ host, port, path: '/done' }, (response) => resolve(response.resume().statusCode))
          .on('error', reject)
          .end();
      }),
  );
  expect(await Promise.all(statuses)).toEqual([200, 200]);
});

test('a question without an answer ends with its time, and on Ctrl-C', async () => {
  const stop = new AbortController();
  const hasty = await openConsentDesk({ port: 0, signal: stop.signal, consentMs: 20 });
  await expect(hasty.ask(() => undefined)).rejects.toThrow('nobody agreed within the time');
  const patient = hasty.ask(() => stop.abort());
  await expect(patient).rejects.toThrow('interrupted');
  await expect(hasty.ask(() => undefined)).rejects.toThrow('interrupted');
  await hasty.stop();
});
