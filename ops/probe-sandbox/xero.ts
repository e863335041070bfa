import { isJsonObject } from '../../lib/oauth/json.ts';
import { newest } from './authorisation.ts';
import { aliveIn, briefly, defineExperiment, NotDone, takenOf, verdictOf, verdictOn } from './experiment.ts';
import { createKeysExperiment } from './keys-experiment.ts';
import { isDone, NotSandbox, type Plan } from './plan.ts';
import { isAnswered, isOk } from './seen.ts';

const MINUTE_MS = 60_000;
/** The accounting API's own description of a company. */
const ORGANISATION_PATH = '/api.xro/2.0/Organisation';
/** A developer's demo companies; more than these are customers. */
const MAX_COMPANIES = 3;

const keys = createKeysExperiment('§9.6 Which HTTP status has invalid_client?');

const shape = defineExperiment<'exchange' | 'refresh'>({
  id: 'shape',
  question: '§2.2 Do tokens look as documented?',
  does: 'looks at the exchange, and refreshes once',
  phase: 'harmless',
  needsConsent: false,
  async run(lab, observe) {
    const authorisation = await aliveIn(lab);
    observe('exchange', authorisation.exchanged);
    observe('refresh', await lab.refresh(authorisation));
  },
  judge({ exchange, refresh }, { lifetimes }) {
    const claims = exchange?.claims ?? [];
    return {
      answer: `The refresh token that came back was ${refresh?.refreshToken ?? 'none'}; an access token lives ${exchange?.seconds.expires_in ?? 'an untold number of'} s and has ${claims.length} of the two claims that we read.`,
      ours: [
        {
          assumption: 'rotation.kind every_use (lib/providers/xero.ts)',
          verdict: verdictOf(isOk(refresh) ? refresh?.refreshToken === 'new' : undefined),
        },
        {
          assumption: `lifetimes.accessSeconds: ${lifetimes.accessSeconds}`,
          verdict: verdictOn(exchange, ({ seconds }) => seconds.expires_in === lifetimes.accessSeconds),
        },
        {
          assumption: 'subject and tenants.authorization name claims of the access token',
          verdict: verdictOn(exchange, () => claims.length === 2),
        },
      ],
    };
  },
});

type ReuseStep =
  | 'refresh'
  | 'the same value again'
  | 'and again'
  | 'the value of the first answer'
  | 'the newest value';

const reuse = defineExperiment<ReuseStep>({
  id: 'reuse',
  question: '§9.6 What does using a value again within its grace give?',
  does: 'refreshes with one value three times, then with the value of the first answer, then with the newest',
  phase: 'ending',
  needsConsent: false,
  async run(lab, observe) {
    const authorisation = await aliveIn(lab);
    const value = newest(authorisation);
    observe('refresh', await lab.refresh(authorisation, value));
    const firstAnswer = newest(authorisation);
    const again = await lab.refresh(authorisation, value);
    observe('the same value again', again);
    if (isOk(again)) observe('and again', await lab.refresh(authorisation, value));
    if (firstAnswer !== value && firstAnswer !== newest(authorisation)) {
      observe('the value of the first answer', await lab.refresh(authorisation, firstAnswer));
    }
    observe('the newest value', await lab.refresh(authorisation));
  },
  judge(evidence, { rotation }) {
    const again = evidence['the same value again'];
    const first = evidence['the value of the first answer'];
    const last = evidence['the newest value'];
    return {
      answer: `The second use gets ${briefly(again)} (refresh token: ${again?.refreshToken ?? 'none'}), a third ${briefly(evidence['and again'])}. Then the value of the first answer gets ${briefly(first)}, and the newest ${briefly(last)}.`,
      ours: [
        {
          assumption: `rotation.graceSeconds ${rotation.graceSeconds}: a lost answer can be asked for again (lib/providers/xero.ts)`,
          verdict: verdictOf(takenOf(again)),
        },
        { assumption: 'asking again does not end the authorisation (design §5.4)', verdict: verdictOf(takenOf(last)) },
        {
          assumption: 'the answer that was lost dies when it is asked for again (local/simulators/refresh-chain.ts)',
          verdict: verdictOf(first === undefined || takenOf(first) === undefined ? undefined : !takenOf(first)),
        },
      ],
    };
  },
});

type GraceStep = 'refresh' | 'refresh with its answer' | 'the value before both' | 'the newest value';

const graceEnd = defineExperiment<GraceStep>({
  id: 'grace-end',
  question: '§9.6 Does using the new value end the grace of the old one?',
  does: 'refreshes twice in a row, then with the value from before both, then with the newest',
  phase: 'ending',
  needsConsent: false,
  async run(lab, observe) {
    const authorisation = await aliveIn(lab);
    const value = newest(authorisation);
    const refreshed = await lab.refresh(authorisation, value);
    observe('refresh', refreshed);
    if (refreshed.refreshToken !== 'new') throw new NotDone('the first refresh brought no new value');
    observe('refresh with its answer', await lab.refresh(authorisation));
    observe('the value before both', await lab.refresh(authorisation, value));
    observe('the newest value', await lab.refresh(authorisation));
  },
  judge({ 'the value before both': old, 'the newest value': last }) {
    const isTaken = takenOf(old);
    const answer = isTaken === undefined ? `It cannot be told (${briefly(old)})` : isTaken ? 'No' : 'Yes';
    return {
      answer: `${answer}: the old value gets ${briefly(old)} once the new one has been used; then the newest gets ${briefly(last)}.`,
      ours: [
        {
          assumption: 'only the value before the newest has a grace (local/simulators/refresh-chain.ts)',
          verdict: verdictOf(isTaken === undefined ? undefined : !isTaken),
        },
        {
          assumption: 'trying a value from before the newest does not end the authorisation (design §5.4)',
          verdict: verdictOf(takenOf(last)),
        },
      ],
    };
  },
});

type DetachStep = 'connections' | 'delete' | 'connections afterwards' | 'refresh' | 'delete again';

const lastConnection = defineExperiment<DetachStep>({
  id: 'last-connection',
  question: '§9.7 Does deleting the last connection leave the refresh token alive?',
  does: 'deletes the only connection of the user, lists, refreshes, deletes it again',
  phase: 'ending',
  needsConsent: false,
  async run(lab, observe) {
    const authorisation = await aliveIn(lab);
    const { seen, listed } = await lab.listCompanies(authorisation);
    observe('connections', seen);
    const [only, ...others] = listed ?? [];
    if (only === undefined || others.length > 0) {
      throw new NotDone('the user must have exactly one connection to the app: remove others in Xero, Connected apps');
    }
    observe('delete', await lab.detach(authorisation, only.connectionId));
    observe('connections afterwards', (await lab.listCompanies(authorisation)).seen);
    observe('refresh', await lab.refresh(authorisation));
    observe('delete again', await lab.detach(authorisation, only.connectionId));
  },
  judge(evidence, { disconnect }) {
    const { delete: deleted, refresh, 'delete again': again } = evidence;
    const left = evidence['connections afterwards']?.count;
    const isTaken = takenOf(refresh);
    const answer = isTaken === undefined ? `It cannot be told (${briefly(refresh)})` : isTaken ? 'Yes' : 'No';
    return {
      answer: `${answer}: DELETE gets ${briefly(deleted)}, ${left ?? 'an untold number'} are left, a refresh gets ${briefly(refresh)}, and DELETE a second time ${briefly(again)}.`,
      ours: [
        {
          assumption: 'disconnect.kind detach leaves the grant alive (lib/providers/xero.ts)',
          verdict: verdictOf(isTaken),
        },
        {
          assumption: `disconnect.doneStatuses ${disconnect.doneStatuses.join(', ')}`,
          verdict: isAnswered(deleted)
            ? verdictOn(again, ({ status }) => isDone(disconnect, deleted.status) && isDone(disconnect, status))
            : 'open',
        },
      ],
    };
  },
});

type AgainStep = 'exchange' | 'refresh of the first' | 'refresh of the first after its grace';

const reauthorise = defineExperiment<AgainStep>({
  id: 'reauthorise',
  question: '§9.6 Does a new authorisation of the same user kill the older refresh token, at once or after its grace?',
  does: 'asks for a second authorisation, refreshes with the newest value of the first; with --wait-hours again when its grace is over',
  phase: 'ending',
  needsConsent: true,
  async run(lab, observe, { waitHours }) {
    const first = await aliveIn(lab);
    const ask = 'Second authorisation: sign in as the same user, and choose the same demo company.';
    const [exchanged] = await lab.authorise({ ask });
    if (exchanged !== undefined) observe('exchange', exchanged.seen);
    const second = exchanged?.authorisation;
    if (second === undefined) throw new NotDone('the second code could not be exchanged');
    if (!lab.isSameSubject(first, second)) throw new NotDone('another user signed in the second time');
    const atOnce = await lab.refresh(first);
    observe('refresh of the first', atOnce);
    if (!isOk(atOnce) || waitHours === 0) return;
    await lab.wait(lab.descriptor.rotation.graceSeconds * 1000 + MINUTE_MS);
    observe('refresh of the first after its grace', await lab.refresh(first));
  },
  judge({ 'refresh of the first': atOnce, 'refresh of the first after its grace': later }) {
    const isTaken = takenOf(atOnce);
    const livesOn = takenOf(later);
    const after = later === undefined ? '' : `, after the grace ${briefly(later)}`;
    return {
      answer: `The first authorisation gets ${briefly(atOnce)} at once${after}.`,
      ours: [
        {
          assumption: 'a new authorisation supersedes the tokens of the same user (design §3)',
          verdict: verdictOf(isTaken === false ? true : livesOn === undefined ? undefined : !livesOn),
        },
        {
          assumption: 'it does so at once (local/simulators/xero-dialect.ts)',
          verdict: verdictOf(isTaken === undefined ? undefined : !isTaken),
        },
      ],
    };
  },
});

/**
 * What is asked of Xero. It has no sandbox hosts, so every company of the user in this app must call itself a demo company;
 * the revocation at the end is for all of them.
 */
export const XERO_PLAN: Plan = {
  experiments: [keys, shape, reuse, graceEnd, lastConnection, reauthorise],
  where: 'the Demo Company alone, as a user who has connected no other organisation to your app',
  revocation: { encoding: 'form', doneStatuses: [200] },
  async check(lab, authorisation) {
    const { seen, listed } = await lab.listCompanies(authorisation);
    if (listed === undefined) throw new NotSandbox(`the list of connections gets ${briefly(seen)}`);
    if (listed.length > MAX_COMPANIES) throw new NotSandbox(`the user has ${listed.length} connections in this app`);
    for (const { tenantId } of listed) {
      const { seen: answer, body } = await lab.read(authorisation, ORGANISATION_PATH, tenantId);
      if (!isDemo(body)) throw new NotSandbox(`a connected organisation is no demo company (${briefly(answer)})`);
    }
  },
};

function isDemo(body: unknown): boolean {
  const [organisation]: readonly unknown[] =
    isJsonObject(body) && Array.isArray(body.Organisations) ? body.Organisations : [];
  return isJsonObject(organisation) && organisation.IsDemoCompany === true;
}
