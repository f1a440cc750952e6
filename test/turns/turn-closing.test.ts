/** A message may join through another instance at the very moment its turn ends: it is answered, never lost. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import type { MessageRecord } from '../../src/store/records.ts';
import type { OwnedTurn, Store, TurnEnd } from '../../src/store/store.ts';
import type { FrameWriter } from '../../src/turns/frame-writer.ts';
import { LiveTurn } from '../../src/turns/live-turn.ts';
import { storeEnd } from '../../src/turns/turn-closing.ts';
import { TURN } from './support/running-turn.ts';

const COMPLETED = { status: 'completed', error: null } as const;

function message(seq: number): MessageRecord {
  return { id: `m${seq}`, seq, content: `message ${seq}`, attachments: [] } as unknown as MessageRecord;
}

/** A turn whose first message was asked and answered, and a store that has `saved` behind it. */
async function answered(saved: readonly MessageRecord[]) {
  const live = new LiveTurn(TURN as OwnedTurn, message(1), { requestId: null, markDirty: () => undefined });
  await live.nextPrompt();
  assert.equal(await live.nextPrompt(), null);
  const ends: TurnEnd[] = [];
  const hooks: { onEnd: () => void } = { onEnd: () => undefined };
  const turns = {
    end: async (end: TurnEnd) => {
      hooks.onEnd();
      ends.push(end);
      return !saved.some(({ seq }) => seq > (end.joinedSeq ?? 0));
    },
    standing: async () => [{ id: 'turn', fence: 1 }],
    steered: async (_id: string, after: number) => saved.filter(({ seq }) => seq > after),
  };
  const deps = {
    store: { turns } as unknown as Store,
    writer: { forget: () => undefined } as unknown as FrameWriter,
    logger: pino({ enabled: false }),
    clock: () => 5,
  };
  return { live, ends, hooks, end: () => storeEnd(live, COMPLETED, deps) };
}

describe('The end of a turn that a message overtakes', () => {
  it('waits for the answer to what the store has', async () => {
    const { live, end } = await answered([message(3)]);
    assert.equal(await end(), 'joined');
    assert.equal((await live.nextPrompt())?.text, 'message 3');
  });

  it('waits also when a look at the turn has brought the message before the refusal came', async () => {
    const { live, hooks, end } = await answered([message(3)]);
    hooks.onEnd = () => live.steer(message(3));
    assert.equal(await end(), 'joined');
    assert.equal((await live.nextPrompt())?.text, 'message 3');
    assert.equal(await live.nextPrompt(), null, 'asked once');
  });

  it('is not even tried when a look has brought the message already', async () => {
    const { live, ends, end } = await answered([message(3)]);
    live.steer(message(3));
    assert.equal(await end(), 'joined');
    assert.deepEqual(ends, []);
    assert.equal((await live.nextPrompt())?.text, 'message 3');
  });

  it('is the end where nothing joined', async () => {
    const { end, ends } = await answered([]);
    const ended = await end();
    assert.ok(ended !== 'joined' && ended?.status === 'completed');
    assert.equal(ends.length, 1);
  });
});
