import { setTimeout as sleep } from 'node:timers/promises';
import { type DeveloperKeys, readDeveloperKeys } from '../../lib/domain/developer-keys.ts';
import type { ProviderId } from '../../lib/domain/names.ts';
import { PROVIDERS, providerHosts } from '../../lib/providers/index.ts';
import { type Given, positionalsNamed, providerOf, UsageError, wholeNumber } from '../arguments.ts';
import { defineCommand, type Outcome, type Session } from '../command.ts';
import type { ProbeOptions } from '../probe-sandbox/experiment.ts';
import type { Plan } from '../probe-sandbox/plan.ts';
import { QUICKBOOKS_PLAN } from '../probe-sandbox/quickbooks.ts';
import { type ProbeReport, reportText, reportTold } from '../probe-sandbox/report.ts';
import { runProbe } from '../probe-sandbox/run.ts';
import { Interrupted, ProbeStop } from '../probe-sandbox/wire.ts';
import { XERO_PLAN } from '../probe-sandbox/xero.ts';
import { confirm } from '../terminal.ts';

const PLANS: Readonly<Record<ProviderId, Plan>> = { quickbooks: QUICKBOOKS_PLAN, xero: XERO_PLAN };

const DEFAULT_PORT = 8723;

interface Asked extends ProbeOptions {
  readonly provider: ProviderId;
  /** Absent with --dry-run. */
  readonly keys?: DeveloperKeys;
  readonly port: number;
  readonly yes: boolean;
}

/** Asks a provider's sandbox what its documentation leaves open, with a developer's own keys. Needs no AWS. */
export const PROBE_SANDBOX = defineCommand<Asked>({
  name: 'probe-sandbox',
  usage:
    '--provider quickbooks|xero [--dry-run] [--yes] [--port N] [--wait-hours N] [--code-age-minutes N] [--other-user]',
  summary: "answers the open questions about a provider, in its sandbox, with a developer's own keys",
  details: [
    'Keys: QBO_CLIENT_ID and QBO_CLIENT_SECRET, or XERO_CLIENT_ID and XERO_CLIENT_SECRET; Development keys only, never those of production.',
    `Register http://localhost:${DEFAULT_PORT}/callback (with another --port that one) as a redirect URI of the app first.`,
    'It prints addresses to open in a browser, what it asked and saw, and what of ours that confirms or contradicts; never a token.',
    'What may end the authorisation comes last and is asked about; everything obtained is revoked at the end, also after Ctrl-C.',
    '--dry-run lists the questions and sends nothing. --yes asks nothing.',
    '--wait-hours 26 waits until QuickBooks changes its refresh token; --wait-hours 1 until the grace of Xero is over.',
    '--code-age-minutes 9 (QuickBooks) keeps a code that long before it is exchanged.',
    '--other-user (QuickBooks): the second authorisation is that of another administrator of the company.',
  ],
  examples: ['probe-sandbox --provider quickbooks', 'probe-sandbox --provider xero --dry-run'],
  options: {
    provider: { type: 'string' },
    yes: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    port: { type: 'string' },
    'wait-hours': { type: 'string' },
    'code-age-minutes': { type: 'string' },
    'other-user': { type: 'boolean' },
  },
  parse,
  run,
});

function parse(given: Given): Asked {
  positionalsNamed(given, []);
  const { values } = given;
  if (values.provider === undefined) throw new UsageError('--provider is missing: quickbooks or xero');
  const provider = providerOf(values.provider);
  return {
    provider,
    ...(values['dry-run'] === true ? {} : { keys: keysOf(given, provider) }),
    yes: values.yes === true,
    otherUser: values['other-user'] === true,
    port: wholeNumber(given, 'port', { least: 1, most: 65_535, otherwise: DEFAULT_PORT }),
    waitHours: wholeNumber(given, 'wait-hours', { least: 0, most: 30, otherwise: 0 }),
    codeAgeMinutes: wholeNumber(given, 'code-age-minutes', { least: 0, most: 30, otherwise: 0 }),
  };
}

function keysOf({ variables }: Given, provider: ProviderId): DeveloperKeys {
  const { keys, problems } = readDeveloperKeys(variables, [provider]);
  const own = keys[provider];
  if (own === undefined) throw new UsageError(problems.join('; '));
  return own;
}

async function run({ terminal, clock }: Session, asked: Asked): Promise<Outcome> {
  const { provider, keys, port, yes } = asked;
  const plan = PLANS[provider];
  if (keys === undefined) return listed(plan, asked);
  await confirm({ terminal }, { environment: 'sandbox', about: warning(plan, port), yes });
  const stop = new AbortController();
  const release = onSignal(() => stop.abort());
  try {
    const report = await runProbe(
      {
        descriptor: PROVIDERS[provider],
        plan,
        hosts: providerHosts(provider, 'sandbox'),
        client: keys,
        port,
        now: clock.now,
        pause: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
        signal: stop.signal,
        tell: terminal.tell,
        mayEnd: async () => yes || (await agrees(terminal)),
      },
      asked,
    );
    return outcomeOf(report);
  } catch (error) {
    // Before anything was sent: the port is taken.
    if (error instanceof ProbeStop) throw new UsageError(error.message);
    throw error;
  } finally {
    release();
  }
}

function warning({ experiments, where }: Plan, port: number): readonly string[] {
  return [
    'This is for the keys of a sandbox only: whatever is authorised is revoked at the end, and with it every other',
    'authorisation of the same company (at Xero: of the same user) by this app.',
    `You will be asked to authorise ${where}, ${1 + experiments.filter(({ needsConsent }) => needsConsent).length} times or more.`,
    `http://localhost:${port}/callback must be registered as a redirect URI of the app.`,
  ];
}

async function agrees(terminal: Session['terminal']): Promise<boolean> {
  try {
    return (await terminal.ask('What follows may end the authorisation. Type yes to go on: ')) === 'yes';
  } catch {
    throw new Interrupted();
  }
}

/** A second signal does not wait for anything to be given back. */
function onSignal(abort: () => void): () => void {
  let count = 0;
  const listener = (): void => {
    count += 1;
    if (count > 1) process.exit(130);
    process.stderr.write('\nStopping: what was obtained is being revoked.\n');
    abort();
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  return () => {
    for (const signal of SIGNALS) process.removeListener(signal, listener);
  };
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

function listed({ experiments, where }: Plan, options: ProbeOptions): Outcome {
  const rows = experiments.map(({ id, question, does, phase, needsConsent, leftOut }) => {
    const why = leftOut?.(options);
    return { id, question, does, phase, needsConsent, ...(why === undefined ? {} : { leftOut: why }) };
  });
  const texts = rows.map(({ question, does, phase, needsConsent, leftOut }, index) =>
    [
      `${index + 1}. ${question}`,
      `   ${does}`,
      `   ${PHASES[phase]}${needsConsent ? '; asks for an authorisation' : ''}${leftOut === undefined ? '' : `; left out: ${leftOut}`}`,
    ].join('\n'),
  );
  const first = `Nothing was sent. First somebody authorises ${where}; then, one after the other:`;
  return { text: `${[first, ...texts].join('\n\n')}\n`, told: { dryRun: true, experiments: rows } };
}

const PHASES = {
  keys: 'needs no authorisation',
  harmless: 'leaves the authorisation as it is',
  ending: 'may end an authorisation',
} as const satisfies Record<Plan['experiments'][number]['phase'], string>;

function outcomeOf(report: ProbeReport): Outcome {
  const isLeft = report.returned !== 'kept' && report.returned.failed > 0;
  const exitCode = report.isInterrupted ? 3 : report.stopped !== undefined || isLeft ? 1 : 0;
  return { text: reportText(report), told: reportTold(report), exitCode };
}
