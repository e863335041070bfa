import { expect, test } from 'vitest';
import { explain } from '../../../lib/service/explain.ts';
import { CASES } from './explain-cases.ts';

/** Situation and health, headline, what get-token answers (=), why (?), what is next (>), what can be done (!). */
const EXPECTED: Readonly<Record<string, string>> = {
  'unknown organisation': `unknown, disconnected
acme has never been connected to quickbooks: nothing is known of it
= not_connected: The organisation is not connected.
! check the id: it is the one the partner’s system uses
! its user can connect`,
  'tried to connect': `never_connected, disconnected
acme has never been connected to quickbooks, but its user has tried
= not_connected: The organisation is not connected.
? a connect flow began 2026-11-20 12:00:00Z (10 min ago)
? one failed 2026-11-20 12:01:00Z (9 min ago): access_denied
! its user can connect`,
  'in use': `healthy, expiring
acme is connected and well
= the stored access token, which expires 2026-11-20 13:00:00Z (in 50 min)
? its access token is valid until 2026-11-20 13:00:00Z (in 50 min)
? “Acme Books” (9341453) through quickbooks#9341453, token version 7, refreshed 6 times, last 2026-11-20 12:00:00Z (10 min ago)
? unused it would end 2027-02-28 12:00:00Z (in 100 days)
? it ends in any case 2026-11-25 12:00:00Z (in 5 days)
> it is refreshed 2026-11-20 12:32:38Z (in 23 min), ahead of its expiry, because it is in use
! the authorisation ends within 30 days: its user reconnects before`,
  'not in use, token expired': `healthy, healthy
acme is connected and well
= it refreshes first, because the access token expired 2026-11-20 13:00:00Z (60 min ago)
? its access token expired 2026-11-20 13:00:00Z (60 min ago): nobody asked for it; the next reader has it refreshed
? “Acme Books” (9341453) through quickbooks#9341453, token version 7, refreshed 6 times, last 2026-11-20 12:00:00Z (2 h ago)
> it is refreshed 2026-12-03 21:10:13Z (in 13 days) to keep it alive, or when somebody asks (nobody has asked for it)`,
  'shared and owing a detach, sweep paused': `healthy, healthy
acme is connected and well
= the stored access token, which expires 2026-11-20 12:30:00Z (in 29 min)
? its access token is valid until 2026-11-20 12:30:00Z (in 29 min)
? “Acme Books” (t-1) through xero#user-1, token version 7, refreshed 6 times, last 2026-11-20 12:00:00Z (60 s ago)
? the authorisation serves 2 organisations
? 1 company still to be taken off it at the provider
> it is refreshed 2026-12-03 16:34:14Z (in 13 days) to keep it alive, or when somebody asks (nobody has asked for it)
> what it owes is done at the next sweep, within a minute
> the provider is asked whether it still covers the company 2026-11-20 12:02:00Z (in 60 s)
> the sweep is paused: none of this happens until npm run ops -- resume`,
  'refresh under way': `refreshing, healthy
acme: a refresh is under way
= it waits up to 10 s for the refresh that runs
? attempt 8 began 2026-11-20 12:59:00Z (60 s ago)
? “Acme Books” (9341453) through quickbooks#9341453, token version 7, refreshed 6 times, last 2026-11-20 12:00:00Z (60 min ago)
> it ends within seconds; if it died, the sweep takes over 2026-11-20 13:01:05Z (in 65 s), when its lease ends`,
  'attempt that died': `backing_off, healthy
acme: its last refresh did not succeed; it is tried again
= the stored access token, which expires 2026-11-20 13:00:00Z (in 50 min)
? attempt 8 of 2026-11-20 12:00:00Z (10 min ago) never said how it ended
? “Acme Books” (9341453) through quickbooks#9341453, token version 7, refreshed 6 times, last 2026-11-20 12:00:00Z (10 min ago)
> it is tried again at the next sweep, within a minute`,
  'backing off': `backing_off, healthy
acme: its last refresh did not succeed; it is tried again
= the stored access token, which expires 2026-11-20 13:00:00Z (in 50 min)
? the provider gave no usable answer (http_503) 2026-11-20 12:09:00Z (60 s ago); 4 in a row
? an answer may have been lost 2026-11-20 12:00:00Z (10 min ago)
? “Acme Books” (9341453) through quickbooks#9341453, token version 7, refreshed 6 times, last 2026-11-20 12:00:00Z (10 min ago)
> it is tried again 2026-11-20 12:12:00Z (in 2 min)`,
  'our client refused': `backing_off, healthy
acme: its last refresh did not succeed; it is tried again
= the stored access token, which expires 2026-11-20 13:00:00Z (in 50 min)
? the provider refused our client (invalid_client) 2026-11-20 12:00:00Z (10 min ago); 1 in a row
? “Acme Books” (9341453) through quickbooks#9341453, token version 7, refreshed 6 times, last 2026-11-20 12:00:00Z (10 min ago)
> it is tried again 2026-11-20 12:11:00Z (in 60 s)
! compare client id and secret with the provider’s portal`,
  'refreshers paused, token expired': `healthy, healthy
acme is connected and well
= no token: the access token expired 2026-11-20 13:00:00Z (60 min ago), and refresh-grant is paused
? its access token expired 2026-11-20 13:00:00Z (60 min ago): nobody asked for it; the next reader has it refreshed
? “Acme Books” (9341453) through quickbooks#9341453, token version 7, refreshed 6 times, last 2026-11-20 12:00:00Z (2 h ago)
> it is refreshed at the next sweep, within a minute, ahead of its expiry, because it is in use
> the sweep is paused: none of this happens until npm run ops -- resume`,
  'circuit open, token expired': `circuit_open, healthy
acme: nothing is refreshed at QuickBooks Online at present
= refresh_failed: the access token expired 2026-11-20 13:00:00Z (60 min ago), and the circuit is open; to be tried again 2026-11-20 14:00:45Z (in 45 s)
? its circuit is open since 2026-11-20 13:00:00Z (60 min ago): it does not answer, or answers errors
? “Acme Books” (9341453) through quickbooks#9341453, token version 7, refreshed 6 times, last 2026-11-20 12:00:00Z (2 h ago)
> the sweep probes the provider 2026-11-20 14:00:30Z (in 30 s), with a request that risks no token
> when it answers again, this one is refreshed in its turn, within minutes
! the runbook’s circuit-open, and config-refused where our client is refused`,
  'circuit open, token valid': `healthy, healthy
acme is connected and well
= the stored access token, which expires 2026-11-20 13:00:00Z (in 50 min)
? its access token is valid until 2026-11-20 13:00:00Z (in 50 min)
? “Acme Books” (9341453) through quickbooks#9341453, token version 7, refreshed 6 times, last 2026-11-20 12:00:00Z (10 min ago)
? the provider’s circuit is open
> it is refreshed 2026-11-20 12:32:38Z (in 23 min), ahead of its expiry, because it is in use`,
  'suspect, nothing missing': `suspect, suspect
acme: QuickBooks Online refuses its tokens, which is not believed yet
= the stored access token, which expires 2026-11-20 13:00:00Z (in 50 min)
? 2 rejections of all its tokens, the first 2026-11-20 11:40:00Z (30 min ago)
? “Acme Books” (9341453) through quickbooks#9341453, token version 7, refreshed 6 times, last 2026-11-20 12:00:00Z (10 min ago)
> it is tried again 2026-11-20 12:12:00Z (in 2 min); a success makes it active again
> if it is refused then, it is given up and its user has to reconnect
! wait; if many are suspect at once, npm run ops -- status and the runbook’s verdicts-frozen`,
  'suspect, everything missing': `suspect, suspect
acme: QuickBooks Online refuses its tokens, which is not believed yet
= the stored access token, which expires 2026-11-20 13:00:00Z (in 50 min)
? 1 rejection of all its tokens, the first 2026-11-20 12:00:00Z (10 min ago)
? 1 older token tried too
? “Acme Books” (9341453) through quickbooks#9341453, token version 7, refreshed 6 times, last 2026-11-20 12:00:00Z (10 min ago)
> it is tried again 2026-11-20 12:12:00Z (in 2 min); a success makes it active again
> before it could be given up: 3 rejections of all its tokens (so far 1)
> before it could be given up: the first rejection a quarter of an hour ago, which is 2026-11-20 12:15:00Z (in 5 min)
> before it could be given up: every attempt that never reported settled, at the latest 2026-11-20 12:30:00Z (in 20 min)
> before it could be given up: fewer suspects: with 9 of them no verdict is given on anybody
> before it could be given up: empty rescue queues: tokens that wait there may be this one’s
> before it could be given up: another grant of this provider refreshed since the first rejection; without one it takes two hours, until 2026-11-20 14:00:00Z (in 110 min)
! wait; if many are suspect at once, npm run ops -- status and the runbook’s verdicts-frozen`,
  'suspect, nobody looks': `suspect, suspect
acme: QuickBooks Online refuses its tokens, which is not believed yet
= the stored access token, which expires 2026-11-20 13:00:00Z (in 50 min)
? 2 rejections of all its tokens, the first 2026-11-20 11:40:00Z (30 min ago)
? “Acme Books” (9341453) through quickbooks#9341453, token version 7, refreshed 6 times, last 2026-11-20 12:00:00Z (10 min ago)
> it is tried again 2026-11-20 12:12:00Z (in 2 min); a success makes it active again
> before it could be given up: a sweep that has looked at the provider within three minutes (are the refreshers paused?)
! wait; if many are suspect at once, npm run ops -- status and the runbook’s verdicts-frozen`,
  'suspect within a grace': `suspect, suspect
acme: Xero refuses its tokens, which is not believed yet
= the stored access token, which expires 2026-11-20 12:30:00Z (in 20 min)
? 3 rejections of all its tokens, the first 2026-11-20 11:40:00Z (30 min ago)
? “Acme Books” (t-1) through xero#user-1, token version 7, refreshed 6 times, last 2026-11-20 12:00:00Z (10 min ago)
> it is tried again at the next sweep, within a minute; a success makes it active again
> before it could be given up: the provider’s grace for a lost answer over, which ends 2026-11-20 12:30:00Z (in 20 min)
> before it could be given up: rescue queues seen empty for a minute, which is 2026-11-20 12:11:00Z (in 60 s)
! wait; if many are suspect at once, npm run ops -- status and the runbook’s verdicts-frozen`,
  'given up': `needs_reauth, needs_reauth
acme: the authorisation was given up; only its user can renew it
= the stored access token, which expires 2026-11-20 13:00:00Z (in 59 min)
? given up 2026-11-20 12:00:00Z (60 s ago): the provider refuses it while it accepts others: somebody revoked it there
? 4 rejections of all its tokens, the first 2026-11-20 11:00:00Z (61 min ago)
? “Acme Books” (9341453) through quickbooks#9341453, token version 7, refreshed 6 times, last 2026-11-20 12:00:00Z (60 s ago)
> it is tried again 2026-11-20 13:00:00Z (in 59 min) (0 such tries so far); a success makes it active again
! its user reconnects, with the same company`,
  'tenant lost': `tenant_lost, tenant_lost
acme: its authorisation does not cover “Acme Books” (9341453) any more
= tenant_lost: The authorisation no longer covers this company.
? the provider said so 2026-11-20 12:00:00Z (10 min ago); somebody took the company off there
? nothing is served; the company stays reserved for this organisation
> the provider is asked again 2026-11-21 12:00:00Z (in 24 h); if it is back, so is the connection
! its user can reconnect, with the same company
! or it can be disconnected, which frees the company`,
  'disconnected, to be revoked': `disconnecting, disconnected
acme is not connected to quickbooks any more
= not_connected: The organisation is not connected.
? “Acme Books” (9341453) was disconnected 2026-11-20 12:00:00Z (10 min ago), by an operator
? nothing is served from that moment
> the authorisation is revoked at the provider at the next sweep, within a minute
! its user can connect again`,
  'disconnected, revocation fails': `disconnecting, disconnected
acme is not connected to quickbooks any more
= not_connected: The organisation is not connected.
? “Acme Books” (9341453) was disconnected 2026-11-20 12:00:00Z (10 min ago), by API key k1
? nothing is served from that moment
? the last try failed 2026-11-20 12:08:00Z (2 min ago): http_500, 3 in a row
> the authorisation is revoked at the provider 2026-11-20 12:12:00Z (in 2 min)
! its user can connect again`,
  'disconnected and closed': `disconnected, disconnected
acme is not connected to quickbooks any more
= not_connected: The organisation is not connected.
? “Acme Books” (9341453) was disconnected 2026-11-20 12:00:00Z (10 min ago)
? nothing is served from that moment
? its authorisation is closed: we hold no token of it
! its user can connect again`,
  'left at Xero, to be detached now': `disconnecting, disconnected
acme is not connected to xero any more
= not_connected: The organisation is not connected.
? “Acme Books” (t-1) was disconnected 2026-11-20 12:00:00Z (10 min ago)
? nothing is served from that moment
> the provider is told that this company left now (attempt 8, until 2026-11-20 12:12:00Z (in 2 min) at the latest)
! its user can connect again`,
  'left at Xero, to be closed': `disconnecting, disconnected
acme is not connected to xero any more
= not_connected: The organisation is not connected.
? “Acme Books” (t-1) was disconnected 2026-11-20 12:09:00Z (60 s ago)
? nothing is served from that moment
> the authorisation, which serves nobody any more, is closed and its tokens are deleted 2026-11-20 12:30:00Z (in 20 min)
! its user can connect again`,
  'left at Xero, others stay': `disconnected, disconnected
acme is not connected to xero any more
= not_connected: The organisation is not connected.
? “Acme Books” (t-1) was disconnected 2026-11-20 12:00:00Z (10 min ago)
? nothing is served from that moment
? its authorisation lives on, because it serves other organisations
! its user can connect again`,
  'connected without a grant': `inconsistent, needs_reauth
acme is connected, but its authorisation quickbooks#9341453 is not in the table
= needs_reauth: The provider no longer accepts the authorisation.
? our own writes do not lead there: a table was restored, or changed by hand
! look in the runbook at “Restore from a point in time”; its dry run names such grants
! its user can reconnect`,
  'connected to a closed grant': `inconsistent, needs_reauth
acme is connected, but its authorisation quickbooks#9341453 is closed
= needs_reauth: The provider no longer accepts the authorisation.
? our own writes do not lead there: a table was restored, or changed by hand
! look in the runbook at “Restore from a point in time”; its dry run names such grants
! its user can reconnect`,
  'connected to a grant of others': `inconsistent, healthy
acme is connected, but its authorisation quickbooks#9341453 does not serve it
= needs_reauth: The provider no longer accepts the authorisation.
? our own writes do not lead there: a table was restored, or changed by hand
! look in the runbook at “Restore from a point in time”; its dry run names such grants
! its user can reconnect`,
};

test.for(Object.entries(CASES))('%s', ([name, facts]) => {
  const { situation, health, headline, answer, why, next, advice } = explain(facts);
  const lines = [
    `${situation}, ${health}`,
    headline,
    `= ${answer}`,
    ...why.map((line) => `? ${line}`),
    ...next.map((line) => `> ${line}`),
    ...advice.map((line) => `! ${line}`),
  ];
  expect(lines.join('\n')).toBe(EXPECTED[name]);
});

test('there is a case for every text, and no other', () => {
  expect(Object.keys(EXPECTED)).toEqual(Object.keys(CASES));
});
