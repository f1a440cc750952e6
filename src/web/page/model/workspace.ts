/** Everything a signed-in person works with, and how its parts hear of each other. */
import type { ApiError } from '../api/api-error.ts';
import { followEvents } from '../api/event-stream.ts';
import type { GatewayApi } from '../api/gateway-api.ts';
import type { ChatView, Me, MessageView, OutgoingMessage, TurnView, UserEvent } from '../api/shapes.ts';
import { ChatList } from './chat-list.ts';
import { ChatSearch } from './chat-search.ts';
import { Conversation } from './conversation.ts';
import { DraftStore, NEW_CHAT } from './draft-store.ts';
import { ModelList } from './model-list.ts';
import { Observable } from './observable.ts';
import { PendingDeletes } from './pending-deletes.ts';
import { watchPresence, whenWorthTrying } from './presence.ts';
import type { Router } from './router.ts';

/** Conversations that stay in memory, so that going back to one is instant. */
const KEPT = 8;

export interface WorkspaceEvents {
  onAnswered(turn: TurnView, message: MessageView | null): void;
}

export class Workspace extends Observable {
  readonly me: Me;
  readonly api: GatewayApi;
  readonly chats: ChatList;
  readonly search: ChatSearch;
  readonly models: ModelList;
  readonly drafts: DraftStore;
  readonly deletes: PendingDeletes;
  /** The open chat; null: a new one. */
  conversation: Conversation | null = null;
  /** The model chosen for the chat that is not there yet. */
  newChatModel: string | null = null;
  online = true;
  readonly #router: Router;
  readonly #events: WorkspaceEvents;
  readonly #kept = new Map<string, Conversation>();
  #listening = new AbortController();

  constructor(me: Me, parts: { api: GatewayApi; router: Router; storage: Storage; events: WorkspaceEvents }) {
    super();
    this.me = me;
    this.api = parts.api;
    this.#router = parts.router;
    this.#events = parts.events;
    this.chats = new ChatList(parts.api);
    this.search = new ChatSearch(parts.api);
    this.models = new ModelList(parts.api);
    this.drafts = new DraftStore(parts.storage, me.id);
    this.deletes = new PendingDeletes(parts.api);
  }

  /** @returns what ends it */
  start(): () => void {
    const ends = [
      this.#router.subscribe(() => this.#route()),
      watchPresence((present) => (present ? this.#connect() : this.#disconnect())),
    ];
    const flush = () => void this.deletes.flush();
    window.addEventListener('pagehide', flush);
    this.#route();
    this.#connect();
    void this.models.load();
    return () => {
      for (const end of ends) end();
      window.removeEventListener('pagehide', flush);
      this.#disconnect();
    };
  }

  open(chatId: string | null): void {
    this.#router.go(chatId);
  }

  /** Opens a chat at a message of it. */
  openAt(chatId: string, messageId: string): void {
    this.#router.goTo(chatId, messageId);
  }

  /** For the chat that is about to begin. */
  chooseModel(modelId: string): void {
    this.newChatModel = modelId;
    this.changed();
  }

  /** Makes a chat of the first message. @throws ApiError when the chat cannot be made; nothing was sent then */
  async begin(message: OutgoingMessage, key: string): Promise<void> {
    const chat = await this.api.createChat(this.newChatModel);
    // From here on the message belongs to that chat, whatever becomes of it.
    this.drafts.set(chat.id, { text: message.content, key });
    this.drafts.clear(NEW_CHAT);
    this.chats.put(chat);
    this.#keep(new Conversation(chat.id, this.api, this.#conversationEvents(), chat));
    const sent = this.#kept.get(chat.id)?.send(message, key);
    if (this.#router.chatId === null) this.#router.go(chat.id);
    await sent;
  }

  /** Makes a new chat of what was said up to a message, and opens it. @throws ApiError */
  async fork(chatId: string, messageId: string): Promise<void> {
    const chat = await this.api.forkChat(chatId, messageId);
    this.chats.put(chat);
    this.#router.go(chat.id);
  }

  /** Takes a chat out of sight; {@link PendingDeletes} holds what happens next. */
  hide(chatId: string): void {
    this.chats.hide(chatId, true);
    this.deletes.add(chatId);
    if (this.#router.chatId === chatId) this.#router.go(null);
  }

  unhide(chatId: string): void {
    this.deletes.takeBack(chatId);
    this.chats.hide(chatId, false);
  }

  /** @throws ApiError; the chat is back in the list then */
  async remove(chatId: string): Promise<void> {
    try {
      await this.deletes.commit(chatId);
      this.#forget(chatId);
    } catch (error) {
      this.chats.hide(chatId, false);
      if ((error as ApiError).status !== 404) throw error;
      this.#forget(chatId);
    }
  }

  #forget(chatId: string): void {
    this.chats.drop(chatId);
    this.drafts.clear(chatId);
    this.#kept.get(chatId)?.deactivate();
    this.#kept.delete(chatId);
  }

  /** Makes a chat of a file that the gateway wrote, and opens it. @throws ApiError */
  async import(file: unknown): Promise<ChatView> {
    const chat = await this.api.importChat(file);
    this.chats.put(chat);
    this.#router.go(chat.id);
    return chat;
  }

  #route(): void {
    const { chatId, messageId } = this.#router;
    if (chatId !== (this.conversation?.chatId ?? null)) this.#show(chatId);
    if (messageId !== null) void this.conversation?.seek(messageId);
  }

  #show(chatId: string | null): void {
    this.conversation?.deactivate();
    if (chatId === null) {
      this.conversation = null;
    } else {
      const known = this.#kept.get(chatId);
      this.conversation = known ?? new Conversation(chatId, this.api, this.#conversationEvents(), null);
      this.#keep(this.conversation);
      this.conversation.activate();
    }
    this.changed();
  }

  #keep(conversation: Conversation): void {
    this.#kept.delete(conversation.chatId);
    this.#kept.set(conversation.chatId, conversation);
    for (const [chatId, old] of this.#kept) {
      if (this.#kept.size <= KEPT) break;
      if (old !== this.conversation && old.attempt === null) this.#kept.delete(chatId);
    }
  }

  #conversationEvents() {
    return {
      onChat: (chat: ChatView) => this.chats.put(chat),
      onTitle: (chatId: string, title: string) => this.chats.retitle(chatId, title),
      onAccepted: (chatId: string, key: string) => {
        if (this.drafts.get(chatId).key === key) this.drafts.clear(chatId);
      },
      onEnded: (turn: TurnView, message: MessageView | null) => this.#events.onAnswered(turn, message),
    };
  }

  #connect(): void {
    this.#listening.abort();
    this.#listening = new AbortController();
    this.conversation?.activate();
    void this.#listen(this.#listening.signal);
  }

  #disconnect(): void {
    this.#listening.abort();
    this.conversation?.deactivate();
  }

  async #listen(signal: AbortSignal): Promise<void> {
    let first = true;
    try {
      await followEvents({
        open: (_last, streamSignal) => this.api.userEvents(streamSignal),
        onEvent: (frame) => {
          this.#hear({ event: frame.event, data: JSON.parse(frame.data) } as UserEvent);
          return false;
        },
        onConnection: (connection) => {
          this.online = connection !== 'reconnecting';
          this.changed();
          if (connection !== 'open') return;
          // Nothing is kept for those who were not there: what may have been missed is read.
          void this.chats.refresh();
          if (!first) void this.conversation?.refresh();
          first = false;
        },
        signal,
        wake: whenWorthTrying,
      });
    } catch {
      // Refused for good: signed out, which the session tells.
      this.online = true;
      this.changed();
    }
  }

  #hear(event: UserEvent): void {
    this.chats.hear(event);
    this.search.hear(event);
    if (event.event === 'chat.deleted') {
      this.#forget(event.data.id);
      if (this.#router.chatId === event.data.id) this.#router.go(null, true);
      return;
    }
    const chatId = 'chat' in event.data ? event.data.chat.id : 'turn' in event.data ? event.data.turn.chatId : null;
    if (chatId !== null && chatId === this.conversation?.chatId) void this.conversation.hear(event);
    else if (event.event === 'turn.ended' && chatId !== null) void this.#updateListed(chatId);
  }

  /** An answer gives a chat its title and its place, in the list of tabs that do not show it as well. */
  async #updateListed(chatId: string): Promise<void> {
    try {
      this.chats.put(await this.api.chat(chatId, this.#listening.signal));
    } catch {
      // Deleted meanwhile, or the network is away: the next reading of the list will tell.
    }
  }
}
