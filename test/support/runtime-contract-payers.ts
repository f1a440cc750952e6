import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Contract, seen } from './runtime-contract-parts.ts';
import { leaseRequest, runTurn, say } from './runtime-settings.ts';

const soon = (): AbortSignal => AbortSignal.timeout(60_000);

/** The proof that people stay apart. */
export function swarmContract(given: Contract): void {
  test('many people at once, some cancelling: no answer and no token crosses', async () => {
    const logins = ['mona', 'hubot', 'octavia', 'lovelace', 'samuel', 'renata'];
    const users = logins.map((login) => ({ login, user: given.ground.user(login, 9) }));
    const tokens = new Map(users.map(({ login, user }) => [login, user.credential.token]));
    const chat = async (who: (typeof users)[number], name: string, salt: number): Promise<void> => {
      for (let round = 0; round < 3; round += 1) {
        const lease = await given.runtimes.lease(leaseRequest(who.user, `swarm-${name}`), soon());
        const stop = new AbortController();
        const cancels = (salt + round) % 3 === 0;
        let heard = '';
        const prompt = `canary-${who.login}-${name}-${round} what did I say before? [[pace:2]]`;
        for await (const event of lease.run(say(prompt), stop.signal)) {
          if (event.type === 'text') heard += event.text;
          if (cancels && heard.length > 20) stop.abort();
        }
        lease.release({ keepWarm: true });
        const foreign = [...heard.matchAll(/canary-(\w+)-(\w+)-/g)].filter(([, l, n]) => l !== who.login || n !== name);
        assert.deepEqual(foreign, []);
        if (!cancels) assert.ok(heard.includes(`canary-${who.login}-${name}-${round}`));
      }
    };
    await Promise.all(users.flatMap((who, index) => ['a', 'b', 'c'].map((name, at) => chat(who, name, index + at))));
    const requests = given.ground.api.modelRequests.filter((request) =>
      JSON.stringify(request.messages).includes('canary-'),
    );
    for (const request of requests) {
      const names = new Set(
        [...JSON.stringify(request.messages).matchAll(/canary-(\w+?)-[abc]-/g)].map(([, login]) => login),
      );
      if (names.size === 0) continue;
      assert.equal(names.size, 1, 'one conversation holds one person’s words');
      assert.equal(request.token, tokens.get([...names][0] ?? ''), 'and is paid with that person’s token');
    }
  });
}

/** The other two ways to pay. */
export function payContract(given: Contract): void {
  test('COPILOT_AUTH=byok: the provider’s key and no GitHub token at all, also after a resume', async () => {
    const { api } = given.ground;
    const key = api.issueToken('mona');
    const provider = {
      type: 'openai' as const,
      baseUrl: api.copilotApiUrl,
      apiKey: key,
      models: ['gpt-5-mini', 'own'],
    };
    const copilot = { auth: 'byok' as const, provider };
    const user = { userId: '77', credential: { kind: 'byok' as const } };
    const request = leaseRequest(user, 'byok', { model: null });
    for (const text of ['I pay myself. (k1)', 'what did I say before? (k2)']) {
      const runtimes = await given.ground.open({ copilot });
      const { answer } = await runTurn(await runtimes.lease(request, soon()), say(text));
      assert.match(answer, /I pay myself\./);
      assert.deepEqual(
        (await runtimes.models(user, soon())).map(({ id }) => id),
        ['gpt-5-mini', 'own'],
      );
      assert.deepEqual(await runtimes.quota(user, soon()), []);
      await runtimes.close();
    }
    for (const mark of ['(k1)', '(k2)']) {
      assert.equal(seen(given, mark).token, key);
      assert.equal(seen(given, mark).model, 'gpt-5-mini');
    }
  });

  test('COPILOT_AUTH=service: one token pays, people stay apart, and its refusal blames nobody', async () => {
    const token = given.ground.api.issueToken('mona');
    const credential = { kind: 'service' as const, token };
    const turn = async (userId: string, text: string) =>
      runTurn(await given.runtimes.lease(leaseRequest({ userId, credential }, 'service'), soon()), say(text));
    await turn('81', 'canary-of-81 (s1)');
    const { answer } = await turn('82', 'what did I say before? (s2)');
    assert.doesNotMatch(answer, /canary-of-81/);
    assert.equal(seen(given, '(s2)').token, token);
    await assert.rejects(turn('82', '[[fault:403]]'), { code: 'upstream_failed' });
  });
}
