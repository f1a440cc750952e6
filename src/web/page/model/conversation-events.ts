import type { ChatView, MessageView, TurnView } from '../api/shapes.ts';

/** What a conversation tells the page. */
export interface ConversationEvents {
  onChat(chat: ChatView): void;
  onTitle(chatId: string, title: string): void;
  /** The gateway has the message: the draft is not needed any more. */
  onAccepted(chatId: string, key: string): void;
  onEnded(turn: TurnView, message: MessageView | null): void;
}
