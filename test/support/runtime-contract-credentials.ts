import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import type { RuntimeUser } from '../../src/runtimes/runtime-port.ts';
import { type Contract, seen } from './runtime-contract-parts.ts';
import { leaseRequest, runTurn, say } from './runtime-settings.ts';

/** Who pays, and that nobody sees or pays for anybody else. */
export function credentialContract(given: Contract): void {
  const soon = (): AbortSignal => AbortSignal.timeout(30_000);
  const turn = async (user: RuntimeUser, chat: string, text: string) =>
    runTurn(await given.runtimes.lease(leaseRequest(user, chat), soon()), say(text));

  test('two people, one chat name: own token, own history', async () => {
    const mona = given.ground.user('mona');
    const hubot = given.ground.user('hubot');
    await Promise.all([turn(mona, 'both', 'canary-of-mona (m1)'), turn(hubot, 'both', 'canary-of-hubot (h1)')]);
    const [a, b] = await Promise.all([
      turn(mona, 'both', 'what did I say before? (m2)'),
      turn(hubot, 'both', 'what did I say before? (h2)'),
    ]);
    assert.match(a.answer, /canary-of-mona/);
    assert.doesNotMatch(a.answer, /canary-of-hubot/);
    assert.match(b.answer, /canary-of-hubot/);
    assert.doesNotMatch(b.answer, /canary-of-mona/);
    for (const mark of ['(m1)', '(m2)']) assert.equal(seen(given, mark).token, mona.credential.token);
    for (const mark of ['(h1)', '(h2)']) assert.equal(seen(given, mark).token, hubot.credential.token);
  });

  test('a new token is used from the next turn on', async () => {
    const old = given.ground.user('hubot', 1);
    await turn(old, 'rotate', 'With the old one. (r1)');
    const renewed = given.ground.user('hubot', 2);
    given.ground.api.revokeToken(old.credential.token);
    const { answer } = await turn(renewed, 'rotate', 'what did I say before? (r2)');
    assert.match(answer, /With the old one\./);
    assert.equal(seen(given, '(r2)').token, renewed.credential.token);
  });

  test('models and quota are the person’s own, asked once for all who want them', async () => {
    const { api } = given.ground;
    const picky = given.ground.user('picky', 7);
    api.setModels('picky', [{ id: 'gpt-5-mini', vision: true, multiplier: 0 }]);
    const before = api.requests.length;
    const answers = await Promise.all([1, 2, 3].map(() => given.runtimes.models(picky, soon())));
    api.setModels('picky', null);
    assert.deepEqual(
      answers.map((models) => models.map((model) => model.id)),
      [['gpt-5-mini'], ['gpt-5-mini'], ['gpt-5-mini']],
    );
    assert.equal(answers[0]?.[0]?.vision, true);
    assert.equal(answers[0][0].contextWindow, 128_000);
    const asked = api.requests
      .slice(before)
      .filter(({ path, token }) => path === '/models' && token === picky.credential.token);
    assert.ok(asked.length <= 1, `asked ${asked.length} times`);
    const mona = await given.runtimes.models(given.ground.user('mona', 7), soon());
    assert.ok(mona.length > 1);
    const quota = await given.runtimes.quota(picky, soon());
    assert.ok(quota.some(({ name, entitlement }) => name === 'premium_interactions' && entitlement !== null));
  });

  test('who has no Copilot is told so', async () => {
    await assert.rejects(given.runtimes.models(given.ground.user('nocopilot'), soon()), {
      code: 'copilot_access_denied',
    });
  });

  test('a dead token asks for a new sign-in', async () => {
    const user = given.ground.user('lovelace', 3);
    given.ground.api.revokeToken(user.credential.token);
    await assert.rejects(given.runtimes.lease(leaseRequest(user, 'dead'), soon()), { code: 'reauth_required' });
    await assert.rejects(given.runtimes.models(user, soon()), { code: 'reauth_required' });
  });

  test('ending a user ends his turns at once, and nobody else’s', async () => {
    const runtimes = await given.ground.open();
    const [samuel, renata] = [given.ground.user('samuel'), given.ground.user('renata')];
    const other = runTurn(
      await runtimes.lease(leaseRequest(renata, 'stays'), soon()),
      say('[[tokens:15]] [[pace:20]]'),
    );
    const lease = await runtimes.lease(leaseRequest(samuel, 'ends'), soon());
    const reason = new GatewayError('account_blocked', 'Blocked.');
    const run = (async () => {
      for await (const event of lease.run(say('[[tokens:200]] [[pace:50]]'), soon())) {
        if (event.type === 'text') await runtimes.endUser(samuel.userId, reason);
      }
    })();
    await assert.rejects(run, { code: 'account_blocked' });
    lease.release({ keepWarm: true });
    assert.match((await other).answer, /w15$/);
    const { answer } = await runTurn(await runtimes.lease(leaseRequest(samuel, 'again'), soon()), say('Hello'));
    assert.match(answer, /Hello/);
    await runtimes.close();
  });
}
