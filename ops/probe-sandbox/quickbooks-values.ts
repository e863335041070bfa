import { newest } from './authorisation.ts';
import { aliveIn, briefly, defineExperiment, type Experiment, NotDone, takenOf, verdictOf } from './experiment.ts';
import { createKeysExperiment } from './keys-experiment.ts';
import { durationText, isOk, isRejected, type Seen } from './seen.ts';

const HOUR_MS = 3_600_000;
/** providers.md §1.6: about every 24 to 26 hours. */
const DAILY_MS = { from: 20 * HOUR_MS, to: 28 * HOUR_MS } as const;

const keys = createKeysExperiment('§1.7 Does a code that nobody was given tell good keys from bad ones?');

const hardExpiry = defineExperiment<'exchange' | 'refresh' | 'refresh without the header'>({
  id: 'hard-expiry',
  question:
    '§9.5 Is x_refresh_token_hard_expires_in told in the sandbox, on exchange as well as refresh; 8726400 or 8640000?',
  does: 'looks at the exchange, refreshes with the header that asks for it, then without',
  phase: 'harmless',
  needsConsent: false,
  async run(lab, observe) {
    const authorisation = await aliveIn(lab);
    observe('exchange', authorisation.exchanged);
    observe('refresh', await lab.refresh(authorisation));
    observe(
      'refresh without the header',
      await lab.refresh(authorisation, newest(authorisation), { extraHeaders: false }),
    );
  },
  judge({ exchange, refresh, 'refresh without the header': without }, { tokenResponse, lifetimes }) {
    const told = (seen: Seen | undefined, field = tokenResponse.hardExpiresIn): number | undefined =>
      seen?.seconds[field ?? ''];
    const words = (seen: Seen | undefined) => (told(seen) === undefined ? 'not told' : 'told');
    const idle = told(exchange, tokenResponse.refreshExpiresIn);
    const hard = told(exchange) ?? told(refresh);
    return {
      answer: `${words(exchange)} on the exchange, ${words(refresh)} on a refresh that asks, ${words(without)} on one that does not; a new refresh token is announced for ${idle ?? 'an untold number of'} s.`,
      ours: [
        {
          assumption: 'tokenHeaders make it appear in tokenResponse.hardExpiresIn (lib/providers/quickbooks.ts)',
          verdict: verdictOf(isOk(refresh) ? told(exchange) !== undefined && told(refresh) !== undefined : undefined),
        },
        {
          assumption: `lifetimes.hardSeconds: it is not above ${lifetimes.hardSeconds}`,
          verdict: verdictOf(hard === undefined ? undefined : hard <= (lifetimes.hardSeconds ?? 0)),
        },
        {
          assumption: 'tokenResponse.refreshExpiresIn is told',
          verdict: verdictOf(isOk(exchange) ? idle !== undefined : undefined),
        },
        {
          assumption: `lifetimes.accessSeconds: ${lifetimes.accessSeconds}`,
          verdict: verdictOf(isOk(exchange) ? told(exchange, 'expires_in') === lifetimes.accessSeconds : undefined),
        },
      ],
    };
  },
});

const sameValue = defineExperiment<'refresh' | 'refresh again'>({
  id: 'same-value',
  question: '§9.1 Is a refresh that gives the same value safe to repeat?',
  does: 'refreshes twice, one second apart, always with the newest value',
  phase: 'harmless',
  needsConsent: false,
  async run(lab, observe) {
    const authorisation = await aliveIn(lab);
    observe('refresh', await lab.refresh(authorisation));
    observe('refresh again', await lab.refresh(authorisation));
  },
  judge({ refresh, 'refresh again': again }) {
    const values = [refresh?.refreshToken, again?.refreshToken];
    const isSame = values.every((value) => value === 'as sent');
    const isNewEachTime = values.every((value) => value === 'new');
    const answer = isSame
      ? 'The same value came back twice, and stayed good.'
      : `The values that came back were ${values.map((value) => value ?? 'none').join(', then ')} (${briefly(again)} to the second).`;
    return {
      answer,
      ours: [
        {
          assumption: 'rotation.kind periodic: the value does not change at every use (lib/providers/quickbooks.ts)',
          verdict: verdictOf(isSame ? true : isNewEachTime ? false : undefined),
        },
        { assumption: 'refreshing again at once does no harm', verdict: verdictOf(takenOf(again)) },
      ],
    };
  },
});

const rotation = defineExperiment<'last time it was the same' | 'first time it was new' | 'refused'>({
  id: 'rotation',
  question: '§9.1 When does the value change?',
  does: 'refreshes once an hour until the value is a new one',
  phase: 'harmless',
  needsConsent: false,
  leftOut: ({ waitHours }) => (waitHours === 0 ? '--wait-hours 26 waits for it' : undefined),
  async run(lab, observe, { waitHours }) {
    const authorisation = await aliveIn(lab);
    let changed: Seen | undefined;
    for (let hour = 0; hour < waitHours && changed === undefined; hour += 1) {
      await lab.wait(HOUR_MS);
      const seen = await lab.refresh(authorisation);
      if (seen.refreshToken === 'as sent') observe('last time it was the same', seen);
      // What says nothing about the value (an outage) is asked again an hour later.
      else if (isOk(seen) || isRejected(seen)) changed = seen;
    }
    if (changed !== undefined) observe(isOk(changed) ? 'first time it was new' : 'refused', changed);
  },
  judge({ 'last time it was the same': same, 'first time it was new': changed, refused }) {
    const assumption = 'rotation.kind periodic: about once a day (lib/providers/quickbooks.ts)';
    const from = same?.sentAgeMs ?? 0;
    const to = changed?.sentAgeMs;
    if (to === undefined) {
      const ended = refused === undefined ? '' : `, and refused at ${durationText(refused.sentAgeMs ?? 0)}`;
      return { answer: `It was the same at ${durationText(from)}${ended}.`, ours: [{ assumption, verdict: 'open' }] };
    }
    return {
      answer: `It changed when the value was between ${durationText(from)} and ${durationText(to)} old.`,
      ours: [{ assumption, verdict: verdictOf(to >= DAILY_MS.from && from <= DAILY_MS.to) }],
    };
  },
});

const oldValue = defineExperiment<'the replaced value' | 'the value that replaced it'>({
  id: 'old-value',
  question: '§9.1 Does the old value die when it is replaced, and does its reuse kill the new one?',
  does: 'refreshes with the value that was replaced last, then with the one that replaced it',
  phase: 'ending',
  needsConsent: false,
  async run(lab, observe) {
    const authorisation = await aliveIn(lab);
    const [replaced, current] = authorisation.values.slice(-2);
    if (replaced === undefined || current === undefined) {
      throw new NotDone('no value was replaced in this run; --wait-hours 26 waits for it');
    }
    observe('the replaced value', await lab.refresh(authorisation, replaced));
    observe('the value that replaced it', await lab.refresh(authorisation, current));
  },
  judge({ 'the replaced value': old, 'the value that replaced it': current }, { rotation }) {
    const [isOldTaken, isCurrentTaken] = [takenOf(old), takenOf(current)];
    return {
      answer: `The replaced value got ${briefly(old)}; the one that replaced it then got ${briefly(current)}.`,
      ours: [
        {
          assumption: `rotation.graceSeconds ${rotation.graceSeconds}: a replaced value is not taken any more`,
          verdict: verdictOf(isOldTaken === undefined ? undefined : !isOldTaken),
        },
        {
          assumption: 'trying a value that was replaced does not end the one in use (design §5.4)',
          verdict: verdictOf(isCurrentTaken),
        },
      ],
    };
  },
});

/** About keys and refresh tokens, in this order; the last one may end the authorisation. */
export const QUICKBOOKS_VALUES: readonly Experiment[] = [keys, hardExpiry, sameValue, rotation, oldValue];
