import { Secret } from '../../../lib/domain/secret.ts';
import { PROVIDERS, providerHosts } from '../../../lib/providers/index.ts';
import type { ProbeOptions } from '../../../ops/probe-sandbox/experiment.ts';
import { QUICKBOOKS_PLAN } from '../../../ops/probe-sandbox/quickbooks.ts';
import { type ProbeReport, reportText, reportTold } from '../../../ops/probe-sandbox/report.ts';
import { type ProbeWorld, runProbe } from '../../../ops/probe-sandbox/run.ts';
import { XERO_PLAN } from '../../../ops/probe-sandbox/xero.ts';
import { ACME_REALM, ACME_TENANT, Bench, basic, consent, postForm } from '../../local/simulators/harness.ts';

export type Fields = readonly (readonly [string, string])[];

/** What a person chooses on the consent page. */
export const CHOICES = {
  quickbooks: [
    ['decision', 'allow'],
    ['company', ACME_REALM],
  ],
  xero: [
    ['decision', 'allow'],
    ['user', 'owner'],
    ['tenant', ACME_TENANT],
  ],
} as const satisfies Record<string, Fields>;

export const NO_OPTIONS: ProbeOptions = { waitHours: 0, codeAgeMinutes: 0, otherUser: false };

/** Long enough to be found wherever it stands. */
const KEYS = {
  quickbooks: { clientId: 'developer-at-intuit', clientSecret: 'Bq7Zr2Kd9XwTnL4sVhYc' },
  xero: { clientId: 'developer-at-xero', clientSecret: 'Jm3Ux8Pe5GfQoA6iRtDb' },
} as const;

const PLANS = { quickbooks: QUICKBOOKS_PLAN, xero: XERO_PLAN } as const;

/** Simulators that know the developer's keys, and answer at once. */
export async function startBench(): Promise<Bench> {
  const bench = await Bench.start({ credentials: KEYS });
  await bench.reset();
  return bench;
}

/** How many of the refresh tokens that the provider ever issued are still good. */
export async function goodTokens(bench: Bench, provider: 'quickbooks' | 'xero'): Promise<number> {
  const { paths } = PROVIDERS[provider];
  const answers = bench.issuedSecrets().map(async (secret) => {
    const form = { grant_type: 'refresh_token', refresh_token: secret };
    return (await postForm(`${bench[provider]}${paths.token}`, form, basic(KEYS[provider]))).status;
  });
  return (await Promise.all(answers)).filter((status) => status === 200).length;
}

export interface Run {
  readonly report: ProbeReport;
  readonly text: string;
  /** Everything that was printed or could be. */
  readonly output: string;
  /** Where the browser was sent, the queries without the random parts. */
  readonly asked: readonly URL[];
}

/** Runs the probe against a simulator: pauses move its clock, and a person agrees to everything, as `choose` says. */
export async function probe(
  bench: Bench,
  provider: 'quickbooks' | 'xero',
  {
    options = {},
    choose = () => CHOICES[provider],
    world = {},
  }: {
    readonly options?: Partial<ProbeOptions>;
    /** By how many were asked before; undefined: nobody answers. */
    readonly choose?: (asked: number) => Fields | undefined;
    readonly world?: Partial<ProbeWorld>;
  } = {},
): Promise<Run> {
  const client = KEYS[provider];
  const told: string[] = [];
  const asked: URL[] = [];
  const answering: Promise<unknown>[] = [];
  const report = await runProbe(
    {
      descriptor: PROVIDERS[provider],
      plan: PLANS[provider],
      hosts: providerHosts(provider, 'sandbox', { [provider]: bench[provider] }),
      client: { clientId: client.clientId, clientSecret: new Secret(client.clientSecret) },
      port: 0,
      now: bench.clock.now,
      pause: async (ms) => bench.clock.advance(ms / 1000),
      signal: new AbortController().signal,
      mayEnd: async () => true,
      tell(line) {
        told.push(line);
        const url = /^http\S+$/m.exec(line)?.[0];
        if (url === undefined) return;
        const fields = choose(asked.length);
        asked.push(new URL(url));
        if (fields !== undefined) answering.push(consent(url, fields).then((callback) => fetch(callback)));
      },
      ...world,
    },
    { ...NO_OPTIONS, ...options },
  );
  await Promise.all(answering);
  const text = reportText(report);
  return { report, text, asked, output: [...told, text, JSON.stringify(reportTold(report))].join('\n') };
}
