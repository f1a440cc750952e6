/** Each job of the table on a real store: what it removes, and what it leaves alone. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import type { Job } from '../../src/jobs/job.ts';
import { type JobTableParts, jobTable } from '../../src/jobs/job-table.ts';
import type { Runtimes } from '../../src/runtimes/runtime-port.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { OwnedChat, Store } from '../../src/store/store.ts';
import { UserEvents } from '../../src/turns/user-events.ts';
import { newId } from '../../src/wire/ids.ts';
import { recordingLogger } from '../support/runtime-settings.ts';

const DAY = 86_400_000;
const NOW = 1_800_000_000_000;

describe('The table of jobs', () => {
  let store: Store;
  let forgotten: string[];
  let stopped: string[];
  let parts: JobTableParts;

  beforeEach(async () => {
    store = await openStore({ kind: 'sqlite', path: ':memory:' });
    [forgotten, stopped] = [[], []];
    // A fake of the runtimes: only what they are told to forget is of interest here.
    const runtimes = {
      deleteSession: async (_user: unknown, session: string) => {
        forgotten.push(session);
        await store.sessionFiles.deleteSession(session);
      },
    } as unknown as Runtimes;
    parts = {
      store,
      runtimes,
      engine: { stopChat: async (chatId) => void stopped.push(chatId) },
      userEvents: new UserEvents(),
      logger: recordingLogger(),
      accounts: {
        recheckDue: async () => ({ stillAllowed: 2, ended: 1, unknown: 0 }),
        reencryptAll: async () => ({ resealed: 3, unreadable: 0 }),
      },
      sessionIdleMs: DAY,
      turnEventsKeptMs: DAY,
      chatRetentionMs: 30 * DAY,
    };
    await store.users.upsert({ id: '1001', login: 'mona', name: null, avatarUrl: null, now: NOW - 90 * DAY });
  });
  afterEach(() => store.close());

  const run = (name: string, now = NOW, jobs: Job[] = jobTable(parts)) => {
    const job = jobs.find((candidate) => candidate.name === name);
    assert.ok(job, `there is no job ${name}`);
    return job.run({ now, signal: AbortSignal.timeout(20_000) });
  };

  const chat = (at: number): Promise<OwnedChat> =>
    store.chats.create({
      id: newId(),
      userId: '1001',
      sessionId: null,
      title: null,
      model: null,
      systemPrompt: null,
      now: at,
    });

  const endedTurn = async (of: OwnedChat, at: number) => {
    const turnId = newId();
    const outcome = await store.turns.accept({
      ...{ turnId, messageId: newId(), userId: '1001', chatId: of.id, content: 'hello', attachments: [], model: null },
      ...{ delivery: 'reject', background: false, idempotency: { key: turnId, bodyHash: 'x' }, owner: 'one', now: at },
      limits: { turnsPerUser: 10, queuePerChat: 10 },
    });
    assert.equal(outcome.kind, 'accepted');
    if (outcome.kind !== 'accepted') return turnId;
    const frames = [{ id: 1, event: 'turn.completed', data: '{}' }];
    const rest = { error: null, model: null, message: null, usage: [], contextLost: false, now: at };
    await store.turns.end({ turnId, fence: outcome.turn.fence, status: 'completed', frames, ...rest });
    return turnId;
  };

  it('names each job once', () => {
    const names = jobTable(parts).map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    assert.ok(names.includes('chat-retention'));
    assert.ok(!jobTable({ ...parts, chatRetentionMs: 0 }).some(({ name }) => name === 'chat-retention'));
  });

  it('removes web sessions that are over, and keeps the others', async () => {
    const session = { userId: '1001', data: '{}', userAgent: null, address: null };
    const made = NOW - 3 * DAY;
    for (const [idHash, lastSeenAt, expiresAt] of [
      ['idle', NOW - 2 * DAY, NOW + DAY],
      ['old', NOW - 1_000, NOW - 1],
      ['good', NOW - 1_000, NOW + DAY],
    ] as const)
      await store.webSessions.save({ ...session, idHash, publicId: idHash, createdAt: made, lastSeenAt, expiresAt });
    assert.deepEqual(await run('expired-web-sessions'), { deleted: 2 });
    assert.deepEqual(
      (await store.webSessions.list('1001', NOW, DAY)).map(({ idHash }) => idHash),
      ['good'],
    );
  });

  it('forgets events and idempotency keys of turns that ended a day ago; the turns stay', async () => {
    const of = await chat(NOW - 10 * DAY);
    const old = await endedTurn(of, NOW - 2 * DAY);
    const fresh = await endedTurn(of, NOW - 1_000);
    assert.deepEqual(await run('old-turn-events'), { deleted: 1 });
    assert.equal((await store.turns.frames(old, 0, 1_000)).length, 0);
    assert.equal((await store.turns.frames(fresh, 0, 1_000)).length, 1);
    assert.deepEqual(await run('old-idempotency-keys'), { deleted: 1 });
    assert.notEqual(await store.turns.findOwned('1001', old), null);
  });

  it('deletes chats beyond retention everywhere, and tells open lists', async () => {
    const expired = await chat(NOW - 40 * DAY);
    const kept = await chat(NOW - 20 * DAY);
    const listening = new AbortController();
    const told = parts.userEvents.follow('1001', listening.signal).next();
    assert.deepEqual(await run('chat-retention'), { deleted: 1 });
    assert.equal(await store.chats.findOwned('1001', expired.id), null);
    assert.notEqual(await store.chats.findOwned('1001', kept.id), null);
    assert.deepEqual(stopped, [expired.id]);
    assert.deepEqual(forgotten, [`user-1001-${expired.id}`]);
    assert.deepEqual((await told).value, { event: 'chat.deleted', data: { id: expired.id } });
    listening.abort();
  });

  it('removes runtime files of chats that are gone, at the second sight', async () => {
    const kept = await chat(NOW);
    const orphan = `user-1001-${newId()}`;
    for (const session of [orphan, `user-1001-${kept.id}`])
      await store.sessionFiles.write(session, '/events.jsonl', '{}', NOW);
    const jobs = jobTable(parts);
    assert.deepEqual(await run('orphaned-runtime-sessions', NOW, jobs), { found: 1, deleted: 0 });
    assert.deepEqual(await run('orphaned-runtime-sessions', NOW, jobs), { found: 1, deleted: 1 });
    assert.deepEqual(forgotten, [orphan]);
    assert.equal(await store.sessionFiles.read(`user-1001-${kept.id}`, '/events.jsonl'), '{}');
  });

  it('asks for sessions of deleted chats until every server has confirmed, whatever one of them fails', async () => {
    const gone = await Promise.all([chat(NOW), chat(NOW), chat(NOW)]);
    const kept = await chat(NOW);
    for (const { id } of gone) await store.chats.delete('1001', id);
    const names = gone.map(({ id }) => `user-1001-${id}`);
    const asked: string[] = [];
    let away = names[0];
    parts.runtimes.deleteSession = async (_user, session) => {
      asked.push(session);
      if (session === away) throw new GatewayError('runtime_unavailable', 'A server is away.');
      await store.sessionFiles.confirmDeletion(session);
    };
    assert.deepEqual(await run('deleted-runtime-sessions'), { deleted: 2, left: 1 });
    away = '';
    assert.deepEqual(await run('deleted-runtime-sessions'), { deleted: 1, left: 0 });
    assert.deepEqual(await run('deleted-runtime-sessions'), { deleted: 0, left: 0 });
    assert.deepEqual(new Set(asked), new Set(names));
    assert.notEqual(await store.chats.findOwned('1001', kept.id), null);
  });

  it('forgets the audit trail after its time', async () => {
    const event = { action: 'sign_in', actor: '1001', subject: '1001', detail: null };
    await store.audit.add({ ...event, id: newId(), at: NOW - 500 * DAY });
    await store.audit.add({ ...event, id: newId(), at: NOW });
    assert.deepEqual(await run('old-audit-events'), { deleted: 1 });
    assert.equal((await store.audit.list({ limit: 10 })).length, 1);
  });

  it('reports what the work on accounts came to', async () => {
    assert.deepEqual(await run('membership-recheck'), { stillAllowed: 2, ended: 1, unknown: 0 });
    assert.deepEqual(await run('credential-reencryption'), { resealed: 3, unreadable: 0 });
  });

  it('does a lot in small steps and stops when told', async () => {
    for (let index = 0; index < 450; index += 1)
      await store.audit.add({ id: newId(), at: 0, action: 'sign_in', actor: null, subject: null, detail: null });
    assert.deepEqual(await run('old-audit-events'), { deleted: 450 });
    const job = jobTable(parts).find(({ name }) => name === 'old-audit-events');
    await assert.rejects(async () => job?.run({ now: NOW, signal: AbortSignal.abort(new Error('stop')) }), /stop/);
  });
});
