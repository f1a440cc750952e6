/** What goes over the wire. Where the server's schemas can be reached they are the only description. */
import type { Problem } from '../../../errors.ts';
import type { TurnEvent, TurnEventData } from '../../../turns/turn-events.ts';
import type { ChatView, MessageView, TurnView } from '../../../turns/turn-shapes.ts';
import type { UserEvent } from '../../../turns/user-events.ts';

export type { ChatView, MessageView, Problem, TurnEvent, TurnEventData, TurnView, UserEvent };

export type Attachment = MessageView['attachments'][number];

export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

export interface Me {
  id: string;
  login: string;
  name: string | null;
  avatarUrl: string | null;
  createdAt: string;
}

export interface Model {
  id: string;
  name: string;
  vision: boolean;
  contextWindow: number | null;
  multiplier: number | null;
  default: boolean;
}

export interface Device {
  id: string;
  current: boolean;
  createdAt: string;
  lastSeenAt: string;
  expiresAt: string;
  userAgent: string | null;
  address: string | null;
}

export interface ApiToken {
  id: string;
  name: string;
  scopes: string[];
  createdAt: string;
  expiresAt: string;
  lastUsedAt: string | null;
}

/** The only answer that has the secret. */
export interface NewApiToken extends ApiToken {
  token: string;
}

export interface Quota {
  name: string;
  entitlement: number | null;
  used: number | null;
  remainingPercentage: number | null;
  unlimited: boolean;
  overageAllowed: boolean;
  resetsAt: string | null;
}

/** A title or a message that has the words that were looked for. */
export interface SearchHit {
  chat: ChatView;
  /** null: the words are in the title. */
  message: { id: string; role: 'user' | 'assistant'; createdAt: string } | null;
  snippet: string;
  /** [start, end) in the snippet. */
  highlights: [number, number][];
}

/** What one model was used for in the last 30 days. */
export interface UsageRow {
  model: string | null;
  requests: number;
  inputTokens: number;
  outputTokens: number;
}

/** What a message is sent with. */
export interface OutgoingMessage {
  content: string;
  attachments: Attachment[];
}
