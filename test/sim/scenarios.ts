import { deadProber, poisonGrant, thousandReaders, undecryptable } from './scenarios/disturbers.ts';
import { everybodyDenied, secretWrong } from './scenarios/outages.ts';
import { partlyDenied } from './scenarios/partly-denied.ts';
import { oneRevokes } from './scenarios/revoked.ts';

/** What a scenario has come to. */
export interface Finding {
  readonly scenario: string;
  readonly figures: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly isGood: boolean;
  /** An invariant that broke on the way. */
  readonly problem: string | undefined;
}

const LARGE = 10_000;
const SMALL = 300;

/** Runs the outages over whole fleets and prints the figures of each. False when one is not as promised. */
export async function runScenarios({ isSmall }: { readonly isSmall: boolean }): Promise<boolean> {
  const large = isSmall ? SMALL : LARGE;
  const runs: (() => Promise<Finding>)[] = [
    ...[1, 6, large].flatMap((grants) => [40, 110].map((minutes) => () => everybodyDenied(grants, minutes))),
    partlyDenied,
    () => oneRevokes(6),
    () => oneRevokes(SMALL),
    ...[1, 6, large].map((grants) => () => secretWrong(grants)),
    poisonGrant,
    undecryptable,
    deadProber,
    thousandReaders,
  ];
  let isGood = true;
  for (const run of runs) {
    const startedAt = performance.now();
    const found = await run();
    isGood &&= found.isGood;
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
    const { scenario, figures, problem } = found;
    console.log(
      JSON.stringify({
        scenario,
        good: found.isGood,
        ...figures,
        seconds,
        ...(problem === undefined ? {} : { problem }),
      }),
    );
  }
  return isGood;
}
