import { expect, test } from 'vitest';
import { confirm } from '../../ops/terminal.ts';

function terminalOf(typed: string | undefined) {
  const said: string[] = [];
  const ask = async (question: string) => {
    said.push(question);
    return typed ?? '';
  };
  return { said, terminal: { isInteractive: typed !== undefined, tell: (line: string) => void said.push(line), ask } };
}
const ASKED = { environment: 'prod', about: ['This ends everything.'] };

test('whoever types the environment’s name goes on', async () => {
  const { terminal, said } = terminalOf('prod');
  await confirm({ terminal }, { ...ASKED, yes: false });
  expect(said).toEqual(['This ends everything.', 'Type prod to go on: ']);
});

test('--yes goes on without a word, also without a terminal', async () => {
  const { terminal, said } = terminalOf(undefined);
  await confirm({ terminal }, { ...ASKED, yes: true });
  expect(said).toEqual([]);
});

test.for([['y'], ['PROD'], ['']])('"%s" is no confirmation', async ([typed]) => {
  const { terminal } = terminalOf(typed);
  const message = 'not confirmed; nothing was done';
  await expect(confirm({ terminal }, { ...ASKED, yes: false })).rejects.toMatchObject({ name: 'Refused', message });
});

test('without a terminal nobody is asked', async () => {
  const { terminal, said } = terminalOf(undefined);
  await expect(confirm({ terminal }, { ...ASKED, yes: false })).rejects.toMatchObject({
    name: 'Refused',
    message: 'this asks before it begins and there is no terminal: --yes goes on, --dry-run only looks',
  });
  expect(said).toEqual([]);
});
