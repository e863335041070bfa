import type { Command } from './command.ts';

const RUN = 'npm run ops --';

const COMMON = `Every command takes --json. What deletes or ends something takes --dry-run, which only looks, and asks for the environment's
name before it begins; --yes answers, and without a terminal it is needed.
Identity and region are those of the shell (AWS_PROFILE, AWS_REGION, …); npm start prints what to export for the local platform.
Exit codes: 0 done; 1 failed, the line says what and what next; 2 not begun, not understood or not confirmed; 3 done in part, or
not ready yet: run it again.`;

/** All commands with one line each. */
export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2;
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`);
  return `usage: ${RUN} COMMAND --env ENV [options]

${lines.join('\n')}

  ${'help COMMAND'.padEnd(width)}tells more of one of them

${COMMON}
`;
}

/** One command, or the few that begin alike, with usage, details and examples. */
export function commandHelp(commands: readonly Command[]): string {
  return commands.map(sectionOf).join('\n');
}

function sectionOf({ name, usage, summary, details, examples }: Command): string {
  const lines = [
    `usage: ${RUN} ${name} ${usage} [--json]`,
    `  ${summary}`,
    ...(details.length === 0 ? [] : ['', ...details.map((line) => `  ${line}`)]),
    ...(examples.length === 0 ? [] : ['', ...examples.map((example) => `  ${RUN} ${example}`)]),
  ];
  return `${lines.join('\n')}\n`;
}
