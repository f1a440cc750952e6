/** Everything stored about a person, as lines of JSON, except secrets. Read in pages: memory does not grow with history. */
import type { ChatKey, CreationKey, OwnedChat, Store } from '../store/store.ts';

const PAGE = 100;
const MONTH_MS = 30 * 86_400_000;

/** How the export is read. Times are milliseconds. */
export interface ExportOptions {
  readonly now: number;
  readonly idleMs: number;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

/** Lines `{"type": …, …}`: the user, their credential's dates, sessions, then each chat with its messages and turns, usage. */
export async function* exportAccount(store: Store, userId: string, options: ExportOptions): AsyncGenerator<string> {
  const user = await store.users.find(userId);
  if (user === null) return;
  yield line('user', user);
  const credential = await store.credentials.find(userId);
  if (credential !== null) {
    const { expiresAt, rejectedAt, checkedAt, updatedAt } = credential;
    yield line('credential', { expiresAt, rejectedAt, checkedAt, updatedAt });
  }
  for (const session of await store.webSessions.list(userId, options.now, options.idleMs)) {
    // The hash is what the cookie is checked against, the data is only our bookkeeping: neither is told.
    const { idHash: _hash, data: _data, ...shown } = session;
    yield line('session', shown);
  }
  yield* exportTokens(store, userId);
  for await (const chat of allChats(store, userId)) yield* exportChat(store, userId, chat, options.signal);
  for (let from = user.createdAt - MONTH_MS; from <= options.now; from += MONTH_MS) {
    options.signal.throwIfAborted();
    yield* exportUsage(store, userId, { from, to: from + MONTH_MS });
  }
}

async function* exportUsage(store: Store, userId: string, span: { from: number; to: number }): AsyncGenerator<string> {
  let after: CreationKey | undefined;
  do {
    const page = await store.usage.ofUser(userId, { ...span, limit: PAGE, ...(after === undefined ? {} : { after }) });
    for (const entry of page) yield line('usage', entry);
    after = page.length < PAGE ? undefined : page.at(-1);
  } while (after !== undefined);
}

/** API tokens have no secret to leave out: it was shown once and is not stored. */
async function* exportTokens(store: Store, userId: string): AsyncGenerator<string> {
  let after: CreationKey | undefined;
  do {
    const page = await store.apiTokens.list(userId, { limit: PAGE, ...(after === undefined ? {} : { after }) });
    for (const token of page.items) yield line('apiToken', token);
    after = page.next ?? undefined;
  } while (after !== undefined);
}

async function* allChats(store: Store, userId: string): AsyncGenerator<OwnedChat> {
  let after: ChatKey | undefined;
  do {
    const page = await store.chats.list(userId, { limit: PAGE, ...(after === undefined ? {} : { after }) });
    yield* page.items;
    after = page.next ?? undefined;
  } while (after !== undefined);
}

async function* exportChat(store: Store, userId: string, chat: OwnedChat, signal: AbortSignal): AsyncGenerator<string> {
  yield line('chat', chat);
  const turnsTold = new Set<string>();
  let after: number | undefined;
  do {
    signal.throwIfAborted();
    const page = await store.messages.list(chat.id, {
      order: 'asc',
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    for (const message of page.items) {
      yield line('message', message);
      if (turnsTold.has(message.turnId)) continue;
      turnsTold.add(message.turnId);
      const turn = await store.turns.findOwned(userId, message.turnId);
      if (turn !== null) yield line('turn', turn);
    }
    after = page.next ?? undefined;
  } while (after !== undefined);
}

function line(type: string, value: object): string {
  return `${JSON.stringify({ type, ...value })}\n`;
}
