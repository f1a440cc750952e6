import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RuntimeEvent } from '../../src/runtimes/runtime-port.ts';
import type { Contract } from './runtime-contract-parts.ts';
import { leaseRequest, runTurn, say } from './runtime-settings.ts';

/** What the upstream does wrong, and what comes of it. */
const REFUSALS: readonly [fault: string, code: string, retryAfter?: number][] = [
  ['401', 'reauth_required'],
  ['402', 'quota_exceeded'],
  ['403', 'copilot_access_denied'],
  ['422', 'upstream_failed'],
  ['429 retry-after=3600', 'upstream_rate_limited', 3_600],
];

export function faultContract(given: Contract): void {
  const soon = (): AbortSignal => AbortSignal.timeout(60_000);
  const turn = async (chat: string, text: string) =>
    runTurn(await given.runtimes.lease(leaseRequest(given.ground.user('lovelace'), chat), soon()), say(text));

  for (const [fault, code, retryAfter] of REFUSALS) {
    test(`the model API refuses with ${fault}: ${code}, and the next turn works`, async () => {
      const chat = `refused-${fault.replaceAll(/\W/g, '-')}`;
      await assert.rejects(turn(chat, `[[fault:${fault}]] no`), { code, ...(retryAfter && { retryAfter }) });
      assert.match((await turn(chat, 'And now?')).answer, /And now\?/);
    });
  }

  test('rate limits that go on are told before the runtime gives up', async () => {
    const started = performance.now();
    const refused = turn('limited', '[[fault:429 retry-after=2]] no');
    await assert.rejects(refused, { code: 'upstream_rate_limited' });
    assert.ok(performance.now() - started < 8_000, 'the runtime itself takes 11 s');
    assert.match((await turn('limited', 'And now?')).answer, /And now\?/);
  });

  test('an answer cut off is withdrawn when it begins anew', async () => {
    const { events, answer } = await turn('cut', '[[fault:cut after=3 times=1]] [[tokens:6]]');
    assert.equal(answer, 'w1 w2 w3 w4 w5 w6');
    const story = compact(events).filter((type) => type !== 'title');
    assert.deepEqual(story, ['accepted', 'text', 'retrying', 'reset', 'text', 'usage']);
  });

  test('a passing failure of the upstream is retried unseen', async () => {
    const { events, answer } = await turn('passing', '[[fault:500 times=1]] [[tokens:2]]');
    assert.equal(answer, 'w1 w2');
    assert.ok(events.some((event) => event.type === 'retrying' && event.status === 500));
    assert.ok(!events.some((event) => event.type === 'reset'), 'nothing was said that could be withdrawn');
  });

  test('an answer cut by its length goes on', async () => {
    const { answer } = await turn('length', '[[fault:length]] [[tokens:6]]');
    assert.equal(answer, 'w1 w2 w3 w4 w5 w6');
  });

  test('a cancelled turn stops the model call within a second, and the chat goes on', async () => {
    for (const when of ['accepted', 'text'] as const) {
      const chat = `cancel-${when}`;
      const lease = await given.runtimes.lease(leaseRequest(given.ground.user('lovelace'), chat), soon());
      const stop = new AbortController();
      let aborted = 0;
      for await (const event of lease.run(say(`[[tokens:500]] [[pace:20]] (${chat})`), stop.signal)) {
        if (event.type !== when || stop.signal.aborted) continue;
        aborted = performance.now();
        stop.abort();
      }
      assert.ok(performance.now() - aborted < 1_000, `${when}: ${performance.now() - aborted} ms`);
      lease.release({ keepWarm: true });
      const call = given.ground.api.modelRequests.find((request) =>
        JSON.stringify(request.messages.at(-1)).includes(chat),
      );
      assert.ok(!call || call.aborted, 'the upstream call was closed');
      assert.match((await turn(chat, '[[say:Still here.]]')).answer, /Still here\./);
    }
  });

  test('a reader that leaves early stops the model call', async () => {
    const lease = await given.runtimes.lease(leaseRequest(given.ground.user('lovelace'), 'leaves'), soon());
    for await (const event of lease.run(say('[[tokens:500]] [[pace:20]] (leaves)'), soon())) {
      if (event.type === 'text') break;
    }
    lease.release({ keepWarm: true });
    assert.match((await turn('leaves', '[[say:Still here.]]')).answer, /Still here\./);
  });

  test('a store that does not answer is told as that, and nothing pretends success', async () => {
    if (!given.ground.stateInStore) return;
    const { files } = given.ground;
    const failing: typeof files = {
      read: (...to) => files.read(...to),
      write: (...to) => files.write(...to),
      append: () => Promise.reject(new Error('disk full')),
      stat: (...to) => files.stat(...to),
      mkdir: (...to) => files.mkdir(...to),
      list: (...to) => files.list(...to),
      remove: (...to) => files.remove(...to),
      rename: (...to) => files.rename(...to),
      deleteSession: (...to) => files.deleteSession(...to),
      orphans: (...to) => files.orphans(...to),
      noteDeletion: (...to) => files.noteDeletion(...to),
      confirmDeletion: (...to) => files.confirmDeletion(...to),
      unconfirmedDeletions: (...to) => files.unconfirmedDeletions(...to),
    };
    const runtimes = await given.ground.open({ dependencies: { sessionFiles: failing } });
    const lease = await runtimes.lease(leaseRequest(given.ground.user('lovelace'), 'full'), soon());
    await assert.rejects(runTurn(lease, say('Keep this.')), { code: 'store_unavailable' });
    await runtimes.close();
  });
}

/** Types of the events, each run of equals as one. */
function compact(events: readonly RuntimeEvent[]): string[] {
  return events.map((event) => event.type).filter((type, index, all) => type !== all[index - 1]);
}
