/** Small makers for the store's contract: each test has users and chats of its own, so that tests share a database. */
import { randomUUIDv7 } from 'node:crypto';
import type { WebSessionRecord } from '../../../src/store/records.ts';
import type { NewTurn, OwnedChat, OwnedTurn, Store, TurnEnd } from '../../../src/store/store.ts';

/** A database of one engine that a suite runs on. */
export interface StoreUnderTest {
  readonly engine: Store['engine'];
  /** A store on a fresh database, closed with the suite. */
  fresh(): Promise<Store>;
  /** Another instance on the database of `store`; on SQLite another process would be one, so the same. */
  sibling(store: Store): Promise<Store>;
}

let users = 1000;

/** A person who has signed in at time 1. */
export async function newUser(store: Store): Promise<string> {
  users += 1;
  const id = String(users);
  await store.users.upsert({ id, login: `user${id}`, name: null, avatarUrl: null, now: 1 });
  return id;
}

/** A chat of theirs. */
export function newChat(store: Store, userId: string, title: string | null = null, now = 10): Promise<OwnedChat> {
  return store.chats.create({
    id: randomUUIDv7(),
    userId,
    sessionId: null,
    title,
    model: null,
    systemPrompt: null,
    now,
  });
}

/** A message to `chat` that asks for a turn and may start it. */
export function ask(chat: OwnedChat, changes: Partial<NewTurn> = {}): NewTurn {
  return {
    turnId: randomUUIDv7(),
    messageId: randomUUIDv7(),
    userId: chat.userId,
    chatId: chat.id,
    content: 'a question',
    attachments: [],
    model: null,
    delivery: 'reject',
    background: false,
    idempotency: null,
    owner: 'instance-1',
    now: 100,
    limits: { turnsPerUser: 100, queuePerChat: 5 },
    ...changes,
  };
}

/** Accepts and expects a turn. */
export async function accepted(store: Store, turn: NewTurn): Promise<OwnedTurn> {
  const outcome = await store.turns.accept(turn);
  if (outcome.kind !== 'accepted') throw new Error(`expected a turn, got ${outcome.kind}`);
  return outcome.turn;
}

/** The end of `turn` with an answer. */
export function endOf(turn: OwnedTurn, changes: Partial<TurnEnd> = {}): TurnEnd {
  return {
    turnId: turn.id,
    fence: turn.fence,
    status: 'completed',
    error: null,
    model: 'model-1',
    message: { id: randomUUIDv7(), content: 'an answer', model: 'model-1', status: 'complete', createdAt: 150 },
    frames: [{ id: 1, event: 'turn.completed', data: '{}' }],
    usage: [],
    contextLost: false,
    now: 200,
    ...changes,
  };
}

/** A signed-in browser. */
export function webSession(userId: string | null, changes: Partial<WebSessionRecord> = {}): WebSessionRecord {
  return {
    idHash: randomUUIDv7(),
    publicId: randomUUIDv7(),
    userId,
    data: '{"a":1}',
    userAgent: 'a browser',
    address: '192.0.2.1',
    createdAt: 1_000,
    lastSeenAt: 1_000,
    expiresAt: 100_000,
    ...changes,
  };
}

/** The results of `count` calls made at the same time. */
export function atOnce<T>(count: number, call: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => call(index)));
}

/** How many of `values` are equal to `value`. */
export function count<T>(values: readonly T[], value: T): number {
  return values.filter((each) => each === value).length;
}
