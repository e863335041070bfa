import type { Instant } from '../../lib/domain/grant.ts';
import type { Experiment, Judgement, Verdict } from './experiment.ts';
import type { Returned } from './give-back.ts';
import { describeSeen, type Seen } from './seen.ts';

/** What became of one question. Without `judged` it stays open, and `notDone` says why. */
export interface Result {
  readonly experiment: Experiment;
  readonly steps: readonly { readonly step: string; readonly seen: Seen }[];
  readonly judged?: Judgement;
  readonly notDone?: string;
}

export interface ProbeReport {
  readonly provider: string;
  readonly startedAt: Instant;
  readonly results: readonly Result[];
  readonly returned: Returned;
  readonly hasLostTokens: boolean;
  readonly requests: number;
  /** Why it ended before the last question. */
  readonly stopped?: string;
  readonly isInterrupted: boolean;
}

/** For people. */
export function reportText(report: ProbeReport): string {
  const verdicts = report.results.flatMap(({ judged }) => judged?.ours ?? []).map(({ verdict }) => verdict);
  const count = (wanted: Verdict) => `${verdicts.filter((verdict) => verdict === wanted).length} ${wanted}`;
  const open = report.results.filter(({ judged }) => judged === undefined).length;
  const parts = [
    `${report.provider}, sandbox, ${new Date(report.startedAt).toISOString()}`,
    ...report.results.map(resultText),
    [
      ...(report.stopped === undefined ? [] : [`Stopped: ${report.stopped}.`]),
      `What we rely on: ${(['confirmed', 'contradicted', 'open'] as const).map(count).join(', ')}. Questions left open: ${open}. Requests: ${report.requests}.`,
      returnedText(report),
    ].join('\n'),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** For programs. */
export function reportTold(report: ProbeReport): object {
  const { provider, startedAt, returned, hasLostTokens, requests, stopped } = report;
  return {
    provider,
    environment: 'sandbox',
    startedAt: new Date(startedAt).toISOString(),
    results: report.results.map(({ experiment: { id, question, does }, steps, judged, notDone }) => ({
      id,
      question,
      does,
      steps,
      ...(judged ?? { notDone }),
    })),
    returned,
    hasLostTokens,
    requests,
    ...(stopped === undefined ? {} : { stopped }),
  };
}

function resultText({ experiment, steps, judged, notDone }: Result): string {
  const width = Math.max(0, ...steps.map(({ step }) => step.length)) + 1;
  return [
    experiment.question,
    `  does     ${experiment.does}`,
    ...steps.map(({ step, seen }) => `  saw      ${`${step}:`.padEnd(width)} ${describeSeen(seen)}`),
    ...(judged === undefined ? [`  not done ${notDone}`] : [`  so       ${judged.answer}`]),
    ...(judged?.ours ?? []).map(({ assumption, verdict }) => `  ours     ${`${verdict}:`.padEnd(13)} ${assumption}`),
  ].join('\n');
}

function returnedText({ returned, hasLostTokens }: ProbeReport): string {
  if (returned === 'kept') {
    return 'Nothing was revoked, because that could end a connection that is in use: if it is not, remove the app’s access at the provider.';
  }
  const { revoked, gone, failed } = returned;
  return [
    `Authorisations at the end: ${revoked} revoked, ${gone} ended before, ${failed} left, by what the provider said.`,
    ...(failed > 0 || hasLostTokens
      ? ['Something may be left at the provider: remove the app’s access there (Intuit: Apps; Xero: Connected apps).']
      : []),
  ].join('\n');
}
