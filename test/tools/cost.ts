import { costTable } from '../../infra/cost.ts';

/** `npm run cost`: the table of the README, in dollars a month. */
process.stdout.write(`${costTable()}\n`);
