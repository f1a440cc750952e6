/** `GET /api/events`: what one device does, the other hears; nobody else does. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type Browser, parseEvents, type SseEvent } from '../support/http-browser.ts';
import { endOf, newChat, startTurn, until } from '../turns/support/turns.ts';

describe("A person's other devices", { timeout: 60_000 }, () => {
  let t: TestGateway;
  let phone: Browser;
  let laptop: Browser;
  const heard: SseEvent[] = [];
  const overheard: SseEvent[] = [];
  const leave = new AbortController();

  before(async () => {
    t = await startTestGateway();
    [phone, laptop] = [await t.signIn('mona'), await t.signIn('mona')];
    const stranger = await t.signIn('hubot');
    await Promise.all([listen(laptop, heard), listen(stranger, overheard)]);
  });
  after(async () => {
    leave.abort();
    await t.close();
  });

  /** Resolves once the device hears. */
  async function listen(device: Browser, into: SseEvent[]): Promise<void> {
    const response = await device.fetch('/api/events', {
      headers: { accept: 'text/event-stream' },
      signal: leave.signal,
    });
    assert.equal(response.status, 200);
    void (async () => {
      try {
        for await (const event of parseEvents(response.body as ReadableStream<Uint8Array>)) into.push(event);
      } catch {
        // We left.
      }
    })();
  }

  function heardOf(name: string, id: string): SseEvent | undefined {
    return heard.find(
      ({ event, data }) => event === name && [data.chat?.id, data.id, data.turn?.id, data.turn?.chatId].includes(id),
    );
  }

  it('hear of chats made, renamed and deleted', async () => {
    const chat = await newChat(phone, { title: 'Plans' });
    const created = await until('chat.created', () => heardOf('chat.created', chat));
    assert.equal(created.data.chat.title, 'Plans');
    assert.equal(created.id, null, 'no log: no number');
    await phone.patch(`/api/chats/${chat}`, { title: 'Better plans' });
    const updated = await until('chat.updated', () => heardOf('chat.updated', chat));
    assert.equal(updated.data.chat.title, 'Better plans');
    await phone.delete(`/api/chats/${chat}`);
    await until('chat.deleted', () => heardOf('chat.deleted', chat));
  });

  it('hear of turns queued, started and ended, and of the title a chat got by itself', async () => {
    const chat = await newChat(phone);
    const first = await startTurn(phone, chat, 'Where do plums grow? [[tokens:20]] [[pace:10]]');
    const second = await startTurn(phone, chat, 'And pears?', { delivery: 'queue' });
    await Promise.all([endOf(phone, first.id), endOf(phone, second.id)]);
    const titled = await until('the title', () => heardOf('chat.updated', chat));
    assert.match(titled.data.chat.title, /^Where do plums grow\?/);
    assert.equal((await phone.get(`/api/chats/${chat}`)).body.title, titled.data.chat.title);
    await until('both ends', () => heardOf('turn.ended', first.id) && heardOf('turn.ended', second.id));
    const order = heard
      .filter(({ data }) => data.turn?.chatId === chat)
      .map(({ event, data }) => `${event} ${data.turn.id === first.id ? 1 : 2}`);
    assert.deepEqual(order, ['turn.started 1', 'turn.queued 2', 'turn.ended 1', 'turn.started 2', 'turn.ended 2']);
  });

  it('hear of a waiting turn that was taken back, once', async () => {
    const chat = await newChat(phone);
    const running = await startTurn(phone, chat, '[[tokens:200]] [[pace:20]]');
    const queued = await startTurn(phone, chat, 'never mind', { delivery: 'queue' });
    await phone.post(`/api/turns/${queued.id}/cancel`);
    await phone.post(`/api/turns/${queued.id}/cancel`);
    await phone.post(`/api/turns/${running.id}/cancel`);
    await until('the other end', () => heardOf('turn.ended', running.id));
    const ends = heard.filter(({ event, data }) => event === 'turn.ended' && data.turn.id === queued.id);
    assert.equal(ends.length, 1);
    assert.equal(ends[0]?.data.turn.status, 'cancelled');
  });

  it('are the only ones to hear it', async () => {
    const stranger = await t.signIn('hubot');
    const own = await newChat(stranger);
    await until("the stranger's own event", () => overheard.some(({ data }) => data.chat?.id === own));
    assert.equal(overheard.filter(({ data }) => data.chat?.id !== own).length, 0);
    assert.ok(!heardOf('chat.created', own));
  });
});
