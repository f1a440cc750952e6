/** The wire shapes of chats, messages and turns, and how records become them. Absent is `null`, never missing. */
import { type Static, Type } from 'typebox';
import type { ChatRecord, MessageRecord, TurnRecord } from '../store/records.ts';
import { isoTime, isoTimeOrNull, Nullable, ProblemShape, Time } from '../wire/shapes.ts';

export const ChatShape = Type.Object(
  {
    id: Type.String(),
    sessionId: Type.String({ description: "The caller's own name for the chat, or its id" }),
    title: Nullable(Type.String()),
    model: Nullable(Type.String()),
    systemPrompt: Nullable(Type.String()),
    pinned: Type.Boolean(),
    archived: Type.Boolean(),
    createdAt: Time,
    updatedAt: Time,
  },
  { title: 'Chat' },
);

const AttachmentShape = Type.Object({
  type: Type.Literal('image'),
  mimeType: Type.String(),
  data: Type.String({ description: 'base64' }),
  name: Nullable(Type.String()),
});

export const MessageShape = Type.Object(
  {
    id: Type.String(),
    chatId: Type.String(),
    turnId: Type.String(),
    role: Type.Union([Type.Literal('user'), Type.Literal('assistant')]),
    content: Type.String(),
    attachments: Type.Array(AttachmentShape),
    model: Nullable(Type.String()),
    status: Type.Union([Type.Literal('complete'), Type.Literal('partial')]),
    createdAt: Time,
  },
  { title: 'Message' },
);

export const TurnShape = Type.Object(
  {
    id: Type.String(),
    chatId: Type.String(),
    status: Type.Union([
      Type.Literal('queued'),
      Type.Literal('running'),
      Type.Literal('completed'),
      Type.Literal('failed'),
      Type.Literal('cancelled'),
      Type.Literal('interrupted'),
    ]),
    userMessageId: Type.String(),
    messageId: Nullable(Type.String()),
    model: Nullable(Type.String()),
    createdAt: Time,
    startedAt: Nullable(Time),
    endedAt: Nullable(Time),
    error: Nullable(ProblemShape),
  },
  { title: 'Turn' },
);

export type ChatView = Static<typeof ChatShape>;
export type MessageView = Static<typeof MessageShape>;
export type TurnView = Static<typeof TurnShape>;

export function chatView(chat: ChatRecord): ChatView {
  const { id, title, model, systemPrompt, pinned, archived } = chat;
  return {
    id,
    sessionId: chat.sessionId ?? id,
    title,
    model,
    systemPrompt,
    pinned,
    archived,
    createdAt: isoTime(chat.createdAt),
    updatedAt: isoTime(chat.updatedAt),
  };
}

export function messageView(message: MessageRecord): MessageView {
  const { id, chatId, turnId, role, content, attachments, model, status } = message;
  return { id, chatId, turnId, role, content, attachments, model, status, createdAt: isoTime(message.createdAt) };
}

export function turnView(turn: TurnRecord): TurnView {
  const { id, chatId, status, userMessageId, messageId, model, error } = turn;
  return {
    id,
    chatId,
    status,
    userMessageId,
    messageId,
    model,
    createdAt: isoTime(turn.createdAt),
    startedAt: isoTimeOrNull(turn.startedAt),
    endedAt: isoTimeOrNull(turn.endedAt),
    error,
  };
}
