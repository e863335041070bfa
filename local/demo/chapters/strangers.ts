import type { Story } from '../story.ts';
import { issueApiKey, type World } from '../world.ts';

/** Who may not ask is refused. */
export async function strangers(world: World, story: Story): Promise<void> {
  story.chapter('strangers are refused');
  const { api, tokens, platform } = world;
  const status = '/v1/oauth/xero/status/birch';
  story.equal('without an API key', await codeOf(api.send(status, { key: null })), [401, 'unauthorized']);
  const mistyped = `${platform.apiKey.slice(0, -1)}${platform.apiKey.endsWith('a') ? 'b' : 'a'}`;
  story.equal('with a mistyped one', await codeOf(api.send(status, { key: mistyped })), [401, 'unauthorized']);

  const key = await issueApiKey(world, { scopes: ['connections:read'], organizations: ['acme'] });
  story.equal('acme’s key, for acme', (await api.send('/v1/oauth/xero/status/acme', { key })).status, 200);
  story.equal('acme’s key, for birch', await codeOf(api.send(status, { key })), [404, 'not_found']);
  story.equal('as for one that does not exist', await codeOf(api.send('/v1/oauth/xero/status/nobody', { key })), [
    404,
    'not_found',
  ]);
  const disconnect = api.send('/v1/oauth/xero/disconnect/acme', { method: 'POST', key });
  story.equal('acme’s key, without the scope', await codeOf(disconnect), [403, 'forbidden']);

  const question = { organizationId: 'birch', provider: 'xero' } as const;
  const arn = platform.functions['get-token'].split(':').slice(0, 7).join(':');
  for (const [who, name] of [
    ['without an alias', arn],
    ['by $LATEST', `${arn}:$LATEST`],
  ] as const) {
    const answer = await tokens.get(question, name);
    story.equal(`get-token ${who}`, answer.status === 'error' && answer.code, 'consumer_refused');
  }
}

async function codeOf(sent: ReturnType<World['api']['send']>): Promise<readonly [number, unknown]> {
  const { status, body } = await sent;
  return [status, (body.error as { code?: unknown } | undefined)?.code];
}
