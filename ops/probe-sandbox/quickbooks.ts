import type { Authorisation } from './authorisation.ts';
import { aliveIn, briefly, defineExperiment, NotDone, takenOf, verdictOf, verdictOn } from './experiment.ts';
import type { Lab } from './lab.ts';
import { isDone, NotSandbox, type Plan } from './plan.ts';
import { QUICKBOOKS_VALUES } from './quickbooks-values.ts';
import { durationText, isOk, isRejected, type Seen } from './seen.ts';

const MINUTE_MS = 60_000;

const reauthorise = defineExperiment<'exchange without verifier' | 'exchange with verifier' | 'refresh of the first'>({
  id: 'reauthorise',
  question:
    '§9.2 What does a code_challenge do? §9.3 Does authorising the same company again end the earlier authorisation?',
  does: 'asks for a second authorisation, with a PKCE challenge; exchanges its code without the verifier (where that is refused, with it); refreshes the first',
  phase: 'ending',
  needsConsent: true,
  async run(lab, observe, { otherUser }) {
    const first = await aliveIn(lab);
    const who = otherUser ? 'as another administrator' : 'as the same user';
    const ask = `Second authorisation: sign in ${who}, and choose the same company.`;
    const [without, withVerifier] = await lab.authorise({ ask, challenge: true });
    if (without !== undefined) observe('exchange without verifier', without.seen);
    if (withVerifier !== undefined) observe('exchange with verifier', withVerifier.seen);
    const second = without?.authorisation ?? withVerifier?.authorisation;
    if (second === undefined) throw new NotDone('the second code could not be exchanged');
    if (!lab.isSameSubject(first, second)) throw new NotDone('another company was chosen the second time');
    observe('refresh of the first', await lab.refresh(first));
  },
  judge(
    { 'exchange without verifier': without, 'exchange with verifier': withVerifier, 'refresh of the first': first },
    _descriptor,
    { otherUser },
  ) {
    const challenge = isOk(without)
      ? 'ignored: a code is exchanged without its verifier'
      : `not ignored: ${briefly(without)} without the verifier, ${briefly(withVerifier)} with it`;
    const isAlive = takenOf(first);
    const fate = isAlive === undefined ? `gets ${briefly(first)}` : isAlive ? 'works on' : 'has ended';
    const who = otherUser ? 'by another administrator' : 'by the same user (--other-user asks for another)';
    return {
      answer: `A code_challenge is ${challenge}. After a second authorisation of the company ${who} the first ${fate}.`,
      ours: [
        {
          assumption: 'there is nothing to be had from PKCE (lib/oauth/authorization-url.ts)',
          verdict: verdictOf(isOk(without) ? true : isOk(withVerifier) ? false : undefined),
        },
        {
          assumption: 'a reconnect brings tokens of its own, whatever becomes of the earlier ones (design §7.5)',
          verdict: verdictOf(isOk(without) || isOk(withVerifier) ? true : undefined),
        },
      ],
    };
  },
});

type RevokeStep =
  | 'revoke as form'
  | 'API with the access token'
  | 'refresh'
  | 'revoke as form again'
  | 'refresh of the other authorisation';

const revokeForm = defineExperiment<RevokeStep>({
  id: 'revoke-form',
  question:
    '§9.4 Is a form taken by the revocation as well as JSON; what says a second revocation? §9.2 What says the API to a revoked token?',
  does: 'revokes one authorisation with a form, calls the API, refreshes, revokes again, refreshes the other authorisation',
  phase: 'ending',
  needsConsent: false,
  async run(lab, observe) {
    const one = await aliveIn(lab);
    const revoked = await lab.revoke(one, 'form');
    observe('revoke as form', revoked);
    if (!isOk(revoked)) return;
    observe('API with the access token', await readCompany(lab, one));
    observe('refresh', await lab.refresh(one));
    observe('revoke as form again', await lab.revoke(one, 'form'));
    const other = lab.findAlive();
    if (other !== undefined) observe('refresh of the other authorisation', await lab.refresh(other));
  },
  judge(evidence, { disconnect }) {
    const {
      'revoke as form': form,
      'API with the access token': api,
      refresh,
      'revoke as form again': again,
    } = evidence;
    const other = evidence['refresh of the other authorisation'];
    const others = other === undefined ? '' : ` The other authorisation of the company then got ${briefly(other)}.`;
    return {
      answer: `A form gets ${briefly(form)}, a second one ${briefly(again)}. After it the API says ${briefly(api)}, and a refresh ${briefly(refresh)}.${others}`,
      ours: [
        {
          assumption: `disconnect.doneStatuses ${disconnect.doneStatuses.join(', ')} (lib/providers/quickbooks.ts)`,
          verdict: verdictOn(again, ({ status }) => isDone(disconnect, status)),
        },
        {
          assumption: 'the API refuses a dead token with 401 and a fault of authentication (lib/oauth/api-fault.ts)',
          verdict: verdictOn(api, ({ status, fault }) => status === 401 && fault?.isAuthentication === true),
        },
        {
          assumption: 'a revoked refresh token is invalid_grant (lib/providers/error-rules.ts)',
          verdict: verdictOn(refresh, isRejected),
        },
      ],
    };
  },
});

const codeAge = defineExperiment<'exchange'>({
  id: 'code-age',
  question: '§9.2 How long does an authorization code live?',
  does: 'asks for one more authorisation, and keeps its code for --code-age-minutes before it is exchanged',
  phase: 'ending',
  needsConsent: true,
  leftOut: ({ codeAgeMinutes }) =>
    codeAgeMinutes === 0 ? '--code-age-minutes 9 asks whether it lives that long' : undefined,
  async run(lab, observe, { codeAgeMinutes }) {
    const ask = `One more authorisation; its code is exchanged after ${codeAgeMinutes} min.`;
    const [exchanged] = await lab.authorise({ ask, holdMs: codeAgeMinutes * MINUTE_MS });
    if (exchanged !== undefined) observe('exchange', exchanged.seen);
  },
  judge({ exchange }) {
    const age = durationText(exchange?.sentAgeMs ?? 0);
    const isTaken = takenOf(exchange);
    return {
      answer: `At ${age} a code ${isTaken === undefined ? `gets ${briefly(exchange)}` : isTaken ? 'is good' : 'is dead'}.`,
      ours: [
        {
          assumption: 'a code that is exchanged within a minute is good (functions/finish-connect.ts)',
          verdict: verdictOf(isTaken === true && (exchange?.sentAgeMs ?? 0) >= MINUTE_MS ? true : undefined),
        },
      ],
    };
  },
});

const revokeJson = defineExperiment<'revoke as JSON' | 'revoke as JSON again'>({
  id: 'revoke-json',
  question: '§9.4 Is JSON taken by the revocation?',
  does: 'revokes an authorisation that is left with JSON, twice',
  phase: 'ending',
  needsConsent: false,
  async run(lab, observe) {
    const one = await aliveIn(lab);
    observe('revoke as JSON', await lab.revoke(one, 'json'));
    observe('revoke as JSON again', await lab.revoke(one, 'json'));
  },
  judge({ 'revoke as JSON': json, 'revoke as JSON again': again }, { disconnect }) {
    return {
      answer: `JSON gets ${briefly(json)}, a second time ${briefly(again)}.`,
      ours: [
        {
          assumption: 'disconnect.encoding json (lib/providers/quickbooks.ts)',
          verdict: verdictOn(json, isOk),
        },
        {
          assumption: `disconnect.doneStatuses ${disconnect.doneStatuses.join(', ')}`,
          verdict: verdictOn(again, ({ status }) => isDone(disconnect, status)),
        },
      ],
    };
  },
});

/** What is asked of Intuit. A company is a sandbox's when the sandbox's API has it: production keys and companies get 403 there. */
export const QUICKBOOKS_PLAN: Plan = {
  experiments: [...QUICKBOOKS_VALUES, reauthorise, revokeForm, codeAge, revokeJson],
  where: 'a sandbox company of yours, with the Development keys of your app',
  revocation: { encoding: 'json', doneStatuses: [200, 400] },
  async check(lab, authorisation) {
    const seen = await readCompany(lab, authorisation);
    if (seen.status === 200 && seen.fields.includes('CompanyInfo')) return;
    throw new NotSandbox(`the sandbox API says ${briefly(seen)} to this company`);
  },
};

async function readCompany(lab: Lab, authorisation: Authorisation): Promise<Seen> {
  const { tenants } = lab.descriptor;
  const path = tenants.kind === 'callback' ? tenants.companyName.path : tenants.path;
  return (await lab.read(authorisation, path.replaceAll('{tenantId}', authorisation.tenantId ?? ''))).seen;
}
