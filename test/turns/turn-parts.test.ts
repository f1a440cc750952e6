/** The small parts of turns, each alone. */
import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import type { RuntimeEvent } from '../../src/runtimes/runtime-port.ts';
import { firstWords, isRealTitle } from '../../src/turns/chat-title.ts';
import { untilStored } from '../../src/turns/patience.ts';
import { conclude } from '../../src/turns/turn-conclusion.ts';
import { TurnDeadlines } from '../../src/turns/turn-deadlines.ts';
import { publicEvent, type TurnEvent, textOf } from '../../src/turns/turn-events.ts';
import { TurnLog } from '../../src/turns/turn-log.ts';
import { turnView } from '../../src/turns/turn-shapes.ts';
import { LocalTurnSignals } from '../../src/turns/turn-signals.ts';
import { UserEvents } from '../../src/turns/user-events.ts';
import { TURN } from './support/running-turn.ts';

const NEVER = new AbortController().signal;

const delta = (text: string): TurnEvent => ({ event: 'message.delta', data: { text } });

describe("A turn's log", () => {
  it('gives each follower everything, at his own pace', async () => {
    const log = new TurnLog('turn');
    log.append(delta('a'));
    const slow = log.follow(0, NEVER);
    assert.equal((await slow.next()).value?.id, 1);
    const late = Array.fromAsync(log.follow(1, NEVER));
    log.append(delta('b'));
    log.append({ event: 'turn.completed', data: { turn: turnView(TURN) } });
    assert.deepEqual(
      (await late).map(({ id }) => id),
      [2, 3],
    );
    assert.deepEqual(
      (await Array.fromAsync(slow)).map(({ id }) => id),
      [2, 3],
    );
    await log.over;
  });

  it('shows its last frames only when told that they are stored', async () => {
    const log = new TurnLog('turn');
    log.append(delta('a'));
    const prepared = log.prepare([delta('b'), { event: 'turn.cancelled', data: { turn: turnView(TURN) } }]);
    assert.deepEqual(
      prepared.map(({ id }) => id),
      [2, 3],
    );
    assert.equal(log.lastId, 1);
    assert.equal(log.ended, false);
    log.publish(prepared);
    assert.equal(log.ended, true);
  });

  it('lets a follower go at once', async () => {
    const log = new TurnLog('turn');
    const gone = new AbortController();
    const following = Array.fromAsync(log.follow(0, gone.signal));
    gone.abort();
    assert.deepEqual(await following, []);
  });
});

describe('What is said', () => {
  it('is the deltas after the last reset', () => {
    const frame = ({ event, data }: TurnEvent) => ({ event, data: JSON.stringify(data) });
    const events: TurnEvent[] = [delta('no'), { event: 'message.reset', data: {} }, delta('ye'), delta('s')];
    assert.equal(textOf(events.map(frame)), 'yes');
  });

  it('leaves out what only concerns the runtime', () => {
    const told = (event: RuntimeEvent) => publicEvent(event)?.event ?? null;
    assert.equal(told({ type: 'retrying', status: 500 }), null);
    assert.equal(told({ type: 'accepted' }), null);
    assert.equal(told({ type: 'title', title: 'x' }), null);
    assert.equal(told({ type: 'text', text: 'x' }), 'message.delta');
    assert.equal(told({ type: 'reset' }), 'message.reset');
  });
});

describe('The end of a turn', () => {
  const ending = { error: null, said: null, model: 'm', now: 9 };

  it('has an answer when it is complete, however empty', () => {
    const { turn, message, events } = conclude(TURN, { ...ending, status: 'completed' });
    assert.equal(message?.status, 'complete');
    assert.equal(turn.messageId, message?.id);
    assert.deepEqual(
      events.map(({ event }) => event),
      ['message.completed', 'turn.completed'],
    );
  });

  it('keeps what was said as a part, and says nothing where nothing was said', () => {
    const said = { content: 'half', createdAt: 3 };
    assert.equal(conclude(TURN, { ...ending, status: 'cancelled', said }).message?.status, 'partial');
    const silent = conclude(TURN, { ...ending, status: 'cancelled' });
    assert.equal(silent.message, null);
    assert.deepEqual(
      silent.events.map(({ event }) => event),
      ['turn.cancelled'],
    );
  });

  it('tells a failure with the turn it was', () => {
    const error = new GatewayError('upstream_failed', 'No.').problem('request');
    const { turn, events } = conclude(TURN, { ...ending, status: 'failed', error });
    assert.equal(turn.error?.turnId, 'turn');
    assert.equal(events.at(-1)?.event, 'turn.failed');
  });
});

describe('Deadlines', () => {
  /** What expires when time passes as told: milliseconds, or a step. */
  function expired(steps: (number | 'accepted' | 'alive')[], silenceMs = 50): string[] {
    const limits = { startMs: 100, firstTokenMs: 200, silenceMs, totalMs: 1_000 };
    mock.timers.enable({ apis: ['setTimeout'] });
    const codes: string[] = [];
    const deadlines = new TurnDeadlines(limits, ({ code }) => codes.push(code));
    for (const step of steps) {
      if (typeof step === 'number') mock.timers.tick(step);
      else deadlines[step]();
    }
    deadlines.stop();
    mock.timers.tick(10_000);
    mock.timers.reset();
    return codes;
  }

  it('each have their own code, and only one strikes', () => {
    assert.deepEqual(expired([99]), []);
    assert.deepEqual(expired([100, 5_000]), ['turn_start_timeout']);
    assert.deepEqual(expired([99, 'accepted', 199]), []);
    assert.deepEqual(expired([99, 'accepted', 200]), ['first_token_timeout']);
    assert.deepEqual(expired(['accepted', 'alive', 50]), ['silence_timeout']);
    assert.deepEqual(expired(['accepted', 'alive', 999], 5_000), []);
    assert.deepEqual(expired(['accepted', 'alive', 1_000], 5_000), ['turn_timeout']);
  });
});

describe('Patience with the store', () => {
  const away = () => new GatewayError('store_unavailable', 'Away.');

  it('tries until it works, and gives up when told to', async () => {
    let tries = 0;
    const waits: unknown[] = [];
    const work = async () => {
      tries += 1;
      if (tries < 2) throw away();
      return 'stored';
    };
    assert.equal(await untilStored(work, { until: NEVER, onWait: (error) => waits.push(error) }), 'stored');
    assert.equal(waits.length, 1);
    const over = new AbortController();
    const waiting = untilStored(() => Promise.reject(away()), { until: over.signal, onWait: () => over.abort() });
    await assert.rejects(waiting, { code: 'store_unavailable' });
  });

  it('has none with what trying again cannot help', async () => {
    let tries = 0;
    const work = async () => {
      tries += 1;
      throw new Error('broken');
    };
    await assert.rejects(untilStored(work, { until: NEVER, onWait: () => undefined }), /broken/);
    assert.equal(tries, 1);
  });
});

describe('News of a turn', () => {
  it('wakes those who wait for it, and nobody else', async () => {
    const signals = new LocalTurnSignals();
    let other = false;
    const woken = signals.news('mine', 60_000, NEVER);
    const leave = new AbortController();
    const left = signals.news('other', 60_000, leave.signal).then(() => {
      other = true;
    });
    signals.tell('mine');
    await woken;
    assert.equal(other, false);
    leave.abort();
    await left;
    await signals.news('mine', 1, NEVER);
  });
});

describe("A user's events", () => {
  it('end for a listener who falls too far behind, and cost nothing after he left', async () => {
    const events = new UserEvents();
    const listening = events.follow('1', NEVER);
    const first = listening.next();
    for (let count = 0; count < 2_000; count += 1)
      events.publish('1', { event: 'chat.deleted', data: { id: `${count}` } });
    assert.equal((await first).done, true, 'he reads the lists again');
    events.publish('1', { event: 'chat.deleted', data: { id: 'nobody' } });
  });
});

describe('A title', () => {
  it('is the first words, on one line, cut at a word', () => {
    assert.equal(firstWords('  hello\n\tworld '), 'hello world');
    assert.equal(firstWords('```js\ncode()\n``` explain this'), 'explain this');
    assert.equal(firstWords('```\nonly code\n```'), 'only code');
    const cut = firstWords('word '.repeat(40));
    assert.ok(cut.length <= 61 && cut.endsWith('word…'), cut);
    assert.equal(Array.from(firstWords('👩‍🚀'.repeat(100))).length, 61);
  });

  it('of the runtime counts when it is more than the prompt again', () => {
    assert.equal(isRealTitle('Where do plums grow?', 'Where do plums grow? And pears?'), false);
    assert.equal(isRealTitle('Where do plums…', 'Where do plums grow?'), false);
    assert.equal(isRealTitle('Fruit geography', 'Where do plums grow?'), true);
    assert.equal(isRealTitle(' ', 'x'), false);
  });
});
