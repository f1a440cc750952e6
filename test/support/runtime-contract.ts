import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Runtimes } from '../../src/runtimes/runtime-port.ts';
import { contextContract } from './runtime-contract-context.ts';
import { credentialContract } from './runtime-contract-credentials.ts';
import { faultContract } from './runtime-contract-faults.ts';
import { lifeContract } from './runtime-contract-life.ts';
import { type Contract, PIXEL } from './runtime-contract-parts.ts';
import { type Arrangement, type Ground, layGround } from './runtime-ground.ts';
import { leaseRequest, runTurn, say } from './runtime-settings.ts';

/** The contract of `Runtimes`, whatever the arrangement. */
export function runtimeContract(arrangement: Arrangement): void {
  describe(`runtimes: ${arrangement}`, { concurrency: 4, timeout: 120_000 }, () => {
    let ground: Ground;
    let runtimes: Runtimes;
    before(async () => {
      ground = await layGround(arrangement);
      runtimes = await ground.open();
    });
    after(() => ground.close());
    const contract: Contract = {
      get ground() {
        return ground;
      },
      get runtimes() {
        return runtimes;
      },
    };
    turnContract(contract);
    contextContract(contract);
    credentialContract(contract);
    faultContract(contract);
    lifeContract(arrangement, contract);
  });
}

function turnContract(given: Contract): void {
  test('a turn streams its answer, and the first one names the chat', async () => {
    const user = given.ground.user('mona');
    const lease = await given.runtimes.lease(leaseRequest(user, 'turn'), AbortSignal.timeout(30_000));
    const { events, answer } = await runTurn(lease, say('Say [[tokens:5]] please'));
    assert.equal(answer, 'w1 w2 w3 w4 w5');
    assert.equal(events[0]?.type, 'accepted');
    assert.equal(events.filter((event) => event.type === 'text').length, 5);
    assert.deepEqual(
      events.filter((event) => event.type === 'title'),
      [{ type: 'title', title: 'Say [[tokens:5]] please' }],
    );
    const usage = events.find((event) => event.type === 'usage');
    assert.equal(usage?.usage.model, 'gpt-5.4');
    assert.equal(usage.usage.outputTokens, 5);
    assert.equal(lease.cold, true);
  });

  test('later turns find the session warm and know what was said', async () => {
    const user = given.ground.user('mona');
    const turn = async (text: string) => {
      const lease = await given.runtimes.lease(leaseRequest(user, 'warm'), AbortSignal.timeout(30_000));
      return { cold: lease.cold, ...(await runTurn(lease, say(text))) };
    };
    await turn('My dog is called Rex.');
    const second = await turn('what did I say before?');
    assert.equal(second.cold, false);
    assert.match(second.answer, /My dog is called Rex\./);
    assert.ok(!second.events.some((event) => event.type === 'title'), 'only the first prompt names the chat');
  });

  test('reasoning is told apart from the answer', async () => {
    const lease = await given.runtimes.lease(
      leaseRequest(given.ground.user('mona'), 'think'),
      AbortSignal.timeout(30_000),
    );
    const { events, answer } = await runTurn(lease, say('[[think:hm, well]] [[say:Done.]]'));
    assert.equal(answer, 'Done.');
    const thoughts = events.map((event) => (event.type === 'reasoning' ? event.text : ''));
    assert.equal(thoughts.join(''), 'hm, well');
  });

  test('an image reaches the model', async () => {
    const user = given.ground.user('mona');
    const lease = await given.runtimes.lease(leaseRequest(user, 'image'), AbortSignal.timeout(30_000));
    const { answer } = await runTurn(lease, { text: 'What is this?', attachments: [PIXEL] });
    assert.match(answer, /I can see 1 image\./);
  });

  test('one chat runs one turn at a time; a second lease waits its turn', async () => {
    const user = given.ground.user('mona');
    const signal = AbortSignal.timeout(30_000);
    const first = await given.runtimes.lease(leaseRequest(user, 'one'), signal);
    let second = false;
    const waiting = given.runtimes.lease(leaseRequest(user, 'one'), signal).then((lease) => {
      second = true;
      return lease;
    });
    await runTurnKeeping(first, 'first');
    assert.equal(second, false);
    const impatient = given.runtimes.lease(leaseRequest(user, 'one'), AbortSignal.abort(new Error('impatient')));
    await assert.rejects(impatient, /impatient/);
    first.release({ keepWarm: true });
    const { answer } = await runTurn(await waiting, say('what did I say before?'));
    assert.match(answer, /first/);
  });

  test('a further prompt joins the turn under way, and its answer the answer', async () => {
    const user = given.ground.user('mona');
    const lease = await given.runtimes.lease(leaseRequest(user, 'steer'), AbortSignal.timeout(30_000));
    const texts: string[] = [];
    try {
      let steered: Promise<void> | null = null;
      for await (const event of lease.run(say('[[tokens:20]] [[pace:10]]'), AbortSignal.timeout(30_000))) {
        if (event.type === 'text') texts.push(event.text);
        steered ??= event.type === 'text' ? lease.steer(say('[[say:And on.]]')) : null;
      }
      await steered;
      assert.match(texts.join(''), /^w1 w2 .*\n\nAnd on\.$/s);
      await assert.rejects(lease.steer(say('too late')), { code: 'conflict' });
    } finally {
      lease.release({ keepWarm: true });
    }
  });
}

async function runTurnKeeping(lease: Parameters<typeof runTurn>[0], text: string): Promise<void> {
  for await (const _ of lease.run(say(text), AbortSignal.timeout(30_000)));
}
