import { expect, test } from 'vitest';
import { Secret } from '../../../lib/domain/secret.ts';
import { createStory, StepFailure } from '../../../local/demo/story.ts';

function tell() {
  const lines: string[] = [];
  return { lines, story: createStory((line) => lines.push(line)) };
}

test('numbers its chapters and counts the steps that passed', () => {
  const { lines, story } = tell();
  story.chapter('one');
  story.equal('a', [1, { b: 2 }], [1, { b: 2 }]);
  story.chapter('two');
  story.holds('c', true, { expected: 'so', seen: 1 });
  story.say('by the way');
  expect(lines).toEqual(['\n1. one', '   ✓ a', '\n2. two', '   ✓ c', '     by the way']);
  expect(story.steps()).toBe(2);
});

test('ends at the first step that is not so, with what was expected and seen', () => {
  const { story } = tell();
  const failure = caught(() => story.equal('the status', { connected: false }, { connected: true }));
  expect(failure).toMatchObject({
    message: 'the status',
    expected: '{ connected: true }',
    seen: '{ connected: false }',
  });
  expect(caught(() => story.holds('the time', false, { expected: 'less than 3 s', seen: 4 }))).toMatchObject({
    expected: 'less than 3 s',
    seen: '4',
  });
  expect(story.steps()).toBe(0);
});

test('shows no secret in a failure', () => {
  const { story } = tell();
  const failure = caught(() => story.equal('x', { accessToken: new Secret('very-secret') }, {}));
  expect(failure).toMatchObject({ seen: '{ accessToken: [redacted] }' });
});

test('waits for what comes later, and not for ever', async () => {
  const { lines, story } = tell();
  let reads = 0;
  const read = async () => {
    reads += 1;
    return reads;
  };
  expect(await story.eventually('it comes', read, { until: (seen) => seen === 3, expected: '3' })).toBe(3);
  expect(lines).toEqual(['   ✓ it comes']);
  const never = story.eventually('it does not', read, { until: () => false, expected: 'never', patienceMs: 60 });
  await expect(never).rejects.toMatchObject({ name: 'StepFailure', message: 'it does not', expected: 'never' });
});

function caught(act: () => void): unknown {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(StepFailure);
    return error;
  }
  return undefined;
}
