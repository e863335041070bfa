import { PROVIDER_IDS } from '../../lib/domain/names.ts';
import type { World } from './world.ts';

/** The numbers of a run, for its end. */
export async function summaryOf(
  { api, tokens, providers, platform }: World,
  run: { readonly warmMs: readonly number[]; readonly seconds: string },
): Promise<string> {
  const lines = await Promise.all(
    PROVIDER_IDS.map(async (provider) => {
      const ledger = await providers[provider].ledger();
      const refreshes = ledger.filter(({ grantType }) => grantType === 'refresh_token');
      const accepted = refreshes.filter(({ committed }) => committed).length;
      return `  ${provider}: ${ledger.length} requests to token and revoke endpoints, ${refreshes.length} of them refreshes (${accepted} accepted)`;
    }),
  );
  const [p50, p95] = [percentile(run.warmMs, 50), percentile(run.warmMs, 95)];
  return `
In numbers
${lines.join('\n')}
  ${tokens.durationsMs.length} get-token calls, ${api.requests} API requests, ${platform.logs().length} log lines, ${run.seconds} s in all
  get-token, ${run.warmMs.length} warm calls one after the other: p50 ${p50} ms, p95 ${p95} ms (this machine with everything embedded, not a benchmark)
`;
}

/** Nearest rank, one decimal. */
export function percentile(values: readonly number[], percent: number): string {
  const sorted = values.toSorted((one, other) => one - other);
  return (sorted[Math.ceil((percent / 100) * sorted.length) - 1] ?? Number.NaN).toFixed(1);
}
