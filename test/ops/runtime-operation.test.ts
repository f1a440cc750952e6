/** An operator drains, restarts and resumes one runtime of a real gateway, by the command. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { runAdmin } from '../../scripts/admin.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { Browser } from '../support/http-browser.ts';
import { endOf, newChat, startTurn } from '../turns/support/turns.ts';

interface Shown {
  readonly name: string;
  readonly busy: number;
  readonly detail: string | null;
}

describe('One runtime of several', { timeout: 60_000 }, () => {
  let t: TestGateway;
  let mona: Browser;

  before(async () => {
    t = await startTestGateway({
      env: { ADMIN_USERS: 'hubot', COPILOT_TOPOLOGY: 'shared', SHARED_RUNTIMES: '2', OPS_PORT: '0' },
    });
    mona = await t.signIn('mona');
  });
  after(() => t.close());

  // The ops listener has any free port: its log line says which.
  const admin = async (...args: string[]) => {
    const line = t.logLines.find((one) => one.includes('the ops listener is ready')) ?? '{}';
    return JSON.parse(await runAdmin(['--url', JSON.parse(line).address, ...args], t.env));
  };
  const runtimes = async (): Promise<Shown[]> => (await admin('runtimes')).items;
  const busy = async (): Promise<Shown> => {
    const found = (await runtimes()).find((one) => one.busy > 0);
    assert.ok(found, 'no runtime is at work');
    return found;
  };
  const begun = async (content: string) => {
    const turn = await startTurn(mona, await newChat(mona), content);
    for await (const { event } of mona.stream(`/api/turns/${turn.id}/events`)) if (event === 'message.delta') break;
    return turn;
  };

  it('takes no new turn while it is drained, ends after those that run, and serves again when resumed', async () => {
    const running = await begun('[[tokens:40]] [[pace:25]]');
    const { name: home } = await busy();
    await admin('runtimes', 'drain', home);
    const next = await begun('[[tokens:40]] [[pace:25]]');
    const at = (await runtimes()).filter((one) => one.busy > 0);
    assert.equal(at.length, 2);
    assert.equal(at.find(({ name }) => name === home)?.detail, 'draining');
    const [other] = at.filter(({ name }) => name !== home);
    await assert.rejects(admin('runtimes', 'drain', other?.name ?? ''), /No other runtime takes turns/);
    assert.equal((await endOf(mona, running.id)).status, 'completed');
    assert.equal((await endOf(mona, next.id)).status, 'completed');
    assert.equal((await runtimes()).find(({ name }) => name === home)?.detail, 'drained');

    await admin('runtimes', 'resume', home);
    const back = await begun('[[tokens:40]] [[pace:25]]');
    assert.equal((await busy()).name, home);
    assert.equal((await endOf(mona, back.id)).status, 'completed');
  });

  it('is replaced by a restart, while the turn that runs on it ends', async () => {
    const running = await begun('[[tokens:40]] [[pace:25]]');
    const { name } = await busy();
    await admin('runtimes', 'restart', name);
    const next = await begun('[[tokens:40]] [[pace:25]]');
    const both = (await runtimes()).filter((one) => one.name === name);
    assert.deepEqual(new Set(both.map(({ detail }) => detail)), new Set(['draining', null]));
    assert.equal((await endOf(mona, running.id)).status, 'completed');
    assert.equal((await endOf(mona, next.id)).status, 'completed');
  });

  it('is told apart from what is none, and every act is in the trail', async () => {
    await assert.rejects(admin('runtimes', 'restart', 'nothing'), /no such runtime/);
    await assert.rejects(admin('runtimes', 'explode', 'shared-1'), /cannot be told to explode/);
    const { items } = (await admin('audit')) as { items: { action: string; actor: string; detail: string | null }[] };
    const acts = items.filter(({ action }) => action.startsWith('admin.runtime.'));
    assert.deepEqual(
      acts.map(({ action }) => action),
      ['admin.runtime.restart', 'admin.runtime.resume', 'admin.runtime.drain'],
    );
    for (const { actor, detail } of acts) {
      assert.equal(actor, 'admin:hubot');
      assert.match(detail ?? '', /^shared-\d$/);
    }
  });
});
