/** One open chat: its history as far as it was read, the answers being made, the message on its way. */
import { type ApiError, apiErrorOf } from '../api/api-error.ts';
import type { GatewayApi } from '../api/gateway-api.ts';
import type { ChatView, MessageView, OutgoingMessage, TurnView, UserEvent } from '../api/shapes.ts';
import { newerChat } from './chat-order.ts';
import type { ConversationEvents } from './conversation-events.ts';
import type { LiveAnswer } from './live-answer.ts';
import { LiveAnswers } from './live-answers.ts';
import { MessageHistory } from './message-history.ts';
import { pendingId, type TurnGroup } from './message-order.ts';
import { Observable } from './observable.ts';
import { type Editing, groupsBefore, questionOf, type Retake, regenerationOf } from './retake.ts';
import { type Sought, seekMessage } from './seek-message.ts';
import { SendAttempt } from './send-attempt.ts';

export class Conversation extends Observable {
  readonly chatId: string;
  chat: ChatView | null;
  status: 'loading' | 'ready' | 'missing' | 'failed' = 'loading';
  error: ApiError | null = null;
  readonly answers: LiveAnswers;
  attempt: SendAttempt | null = null;
  /** The message of one's own that is being put differently. */
  editing: Editing | null = null;
  loadingOlder = false;
  /** The message that was looked for, until the view has led to it. */
  sought: Sought | null = null;
  /** The box that takes a message back which was not taken. */
  onTakenBack: ((attempt: SendAttempt) => void) | null = null;
  readonly #api: GatewayApi;
  readonly #events: ConversationEvents;
  readonly #history: MessageHistory;
  #active = new AbortController();
  #refreshed: Promise<void> = Promise.resolve();

  constructor(chatId: string, api: GatewayApi, events: ConversationEvents, chat: ChatView | null = null) {
    super();
    this.chatId = chatId;
    this.#api = api;
    this.#events = events;
    this.#history = new MessageHistory(chatId, api);
    this.answers = new LiveAnswers(api, {
      onChange: () => this.changed(),
      onStarted: (turn) => this.#started(turn),
      onTitle: (title) => this.#titled(title),
      onEnded: (turn, message) => this.#ended(turn, message),
      onLost: () => void this.refresh(),
    });
    this.chat = chat;
    if (chat !== null) this.status = 'ready';
    this.#active.abort();
  }

  get groups(): readonly TurnGroup[] {
    const { groups } = this.#history;
    const retake = this.attempt?.error === null ? this.attempt.retake : null;
    return retake === null ? groups : groupsBefore(groups, retake.questionId);
  }

  get hasOlder(): boolean {
    return this.#history.hasOlder;
  }

  /** The newest turn that is being answered; null: none is. */
  get running(): LiveAnswer | null {
    return this.answers.newest;
  }

  /** Nothing is on its way and nothing is being answered. */
  get idle(): boolean {
    return this.attempt === null && this.running === null;
  }

  /** Somebody looks at it: brings it up to date and follows what happens. */
  activate(): void {
    if (!this.#active.signal.aborted) return;
    this.#active = new AbortController();
    this.answers.resume(this.#active.signal);
    this.#refreshed = this.refresh();
  }

  /** Nobody looks: gives its connections back. Answers go on being made at the gateway. */
  deactivate(): void {
    this.#active.abort();
  }

  /** Reads what is new. Called again after every gap in what could be heard. */
  async refresh(): Promise<void> {
    const { signal } = this.#active;
    try {
      const [chat, page] = await Promise.all([this.#api.chat(this.chatId, signal), this.#history.readNewest(signal)]);
      // Our own message may be in the page before we know that it was taken.
      await this.attempt?.settled;
      this.chat = newerChat(this.chat, chat);
      this.#events.onChat(chat);
      this.#history.takeNewest(page);
      this.status = 'ready';
      this.error = null;
      this.changed();
      await this.answers.explain(this.#history.unexplained(), signal);
    } catch (error) {
      this.#failed(apiErrorOf(error), signal);
    }
  }

  /** Reads one page further back. */
  async loadOlder(): Promise<void> {
    if (this.loadingOlder || !this.hasOlder) return;
    this.loadingOlder = true;
    if (!this.#history.isAhead) this.changed();
    const { signal } = this.#active;
    try {
      await this.#history.readOlder(signal);
    } catch (error) {
      this.#failed(apiErrorOf(error), signal);
    } finally {
      this.loadingOlder = false;
      this.changed();
    }
  }

  /** Brings a message into what is shown, however long ago it was. */
  async seek(messageId: string): Promise<void> {
    const { signal } = this.#active;
    await this.#refreshed;
    if (this.status !== 'ready' || signal.aborted) return;
    this.loadingOlder = true;
    try {
      const found = await seekMessage(this.#history, messageId, signal, () => this.changed());
      this.sought = { messageId, found };
    } catch (error) {
      this.#failed(apiErrorOf(error), signal);
    } finally {
      this.loadingOlder = false;
      this.changed();
    }
  }

  /** Sends a message. A second try with the same `key` cannot make a second message. */
  async send(message: OutgoingMessage, key: string, retake: Retake | null = null): Promise<void> {
    const attempt = new SendAttempt(message, key, retake, () => this.changed());
    this.attempt = attempt;
    this.editing = null;
    this.changed();
    await this.#submit(attempt);
  }

  /** Tries the message again that was not taken. */
  async sendAgain(): Promise<void> {
    if (this.attempt !== null && this.attempt.error !== null) await this.#submit(this.attempt);
  }

  /** Gives the message up that was not taken: it goes back to where it was written. */
  takeBack(): void {
    const attempt = this.attempt;
    if (attempt === null || attempt.error === null) return;
    this.attempt = null;
    const { retake, message } = attempt;
    const group = retake?.kind === 'edit' ? this.#history.groupOf(retake.questionId) : undefined;
    if (group !== undefined && retake !== null)
      this.edit({ turnId: group.turnId, questionId: retake.questionId, text: message.content });
    if (retake === null) this.onTakenBack?.(attempt);
    this.changed();
  }

  /** Opens a message of one's own for changes; null: leaves it as it is. */
  edit(editing: Editing | null): void {
    this.editing = editing;
    this.changed();
  }

  /** Asks for another answer. The key follows from the turn: two tabs asking at once ask once. */
  async regenerate(group: TurnGroup): Promise<void> {
    const again = regenerationOf(group);
    if (again !== null && this.idle) await this.send(again.message, `anew-${group.turnId}`, again.retake);
  }

  /** Asks the question of a failed turn again. The key follows from the turn: two tabs asking at once ask once. */
  async askAgain(group: TurnGroup): Promise<void> {
    await this.send(questionOf(group), `again-${group.turnId}`);
  }

  /** Stops the running answer, or the message that is still on its way as soon as it has a turn. @throws ApiError */
  async stop(): Promise<void> {
    if (this.attempt !== null) this.attempt.stopRequested = true;
    const live = this.running;
    if (live !== null) await this.answers.stop(live);
  }

  /** Something happened to this chat, perhaps in another tab. */
  async hear(event: UserEvent): Promise<void> {
    if (event.event === 'chat.updated') {
      this.chat = newerChat(this.chat, event.data.chat);
      this.changed();
    }
    if (event.event !== 'turn.started' && event.event !== 'turn.queued' && event.event !== 'turn.ended') return;
    // Our own message may be told about before its answer's first byte: wait to see whose turn it is.
    await this.attempt?.settled;
    const { id } = event.data.turn;
    if (!this.answers.knows(id) && !this.#history.isAnswered(id)) await this.refresh();
  }

  async #submit(attempt: SendAttempt): Promise<void> {
    const accepted = await attempt.submit((key, message, signal) =>
      this.#api.sendMessage(this.chatId, message, { key, signal, retake: attempt.retake }),
    );
    if (accepted === null) {
      attempt.settle();
      return;
    }
    const { turnId, response } = accepted;
    this.attempt = null;
    if (attempt.retake !== null) this.#history.dropFrom(attempt.retake.questionId);
    this.#history.addQuestion(attempt.asMessage(this.chatId, turnId, pendingId(turnId)), attempt.key);
    const live = this.answers.add(turnId);
    attempt.settle();
    this.#events.onAccepted(this.chatId, attempt.key);
    this.changed();
    if (attempt.stopRequested) void this.stop().catch(() => undefined); // The button is still there to be pressed.
    await this.answers.follow(live, { response, abort: () => attempt.abort() }, this.#active.signal);
  }

  #started(turn: TurnView): void {
    this.#history.confirmQuestion(turn);
    this.changed();
  }

  #titled(title: string): void {
    if (this.chat !== null) this.chat = { ...this.chat, title };
    this.#events.onTitle(this.chatId, title);
  }

  #ended(turn: TurnView, message: MessageView | null): void {
    if (message !== null) this.#history.add(message);
    this.changed();
    this.#events.onEnded(turn, message);
  }

  #failed(error: ApiError | null, signal: AbortSignal): void {
    if (error === null || signal.aborted) return;
    if (error.status === 404) this.status = 'missing';
    else if (this.status === 'loading') this.status = 'failed';
    this.error = error;
    this.changed();
  }
}
