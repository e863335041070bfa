import { briefly, defineExperiment, type Experiment, verdictOf, verdictOn } from './experiment.ts';
import { isAnswered, isRejected } from './seen.ts';

/** Whether a made-up code tells good keys from bad ones; every provider is asked that first. */
export function createKeysExperiment(question: string): Experiment {
  return defineExperiment<'our keys' | 'a wrong secret'>({
    id: 'keys',
    question,
    does: 'exchanges a code that nobody was given with our keys, then with a secret that is not ours',
    phase: 'keys',
    needsConsent: false,
    async run(lab, observe) {
      observe('our keys', await lab.sendBogusCode('ours'));
      observe('a wrong secret', await lab.sendBogusCode('wrong secret'));
    },
    judge({ 'our keys': ours, 'a wrong secret': wrong }) {
      return {
        answer: `Good keys get ${briefly(ours)}, a wrong secret ${briefly(wrong)}.`,
        ours: [
          {
            assumption: 'the probe of the circuit can tell them apart (lib/oauth/token-endpoint.ts)',
            verdict: isAnswered(wrong)
              ? verdictOn(ours, (answer) => isRejected(answer) && wrong.error === 'invalid_client')
              : 'open',
          },
          {
            assumption: 'invalid_client comes with 400 to 403 (lib/providers/error-rules.ts)',
            verdict: verdictOf(wrong?.error === 'invalid_client' ? isBetween(wrong.status ?? 0, 400, 403) : undefined),
          },
        ],
      };
    },
  });
}

function isBetween(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}
