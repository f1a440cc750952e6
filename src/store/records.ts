/**
 * What the store keeps, as values. Times are milliseconds since the epoch (UTC) of the instance's clock; ids are UUIDv7
 * strings unless said; absent is `null`. Rows in SQL have the same names in snake_case.
 */
import type { Problem } from '../errors.ts';
import type { Scope } from '../principal.ts';

/** A person. `id` is GitHub's numeric id as a decimal string. */
export interface UserRecord {
  id: string;
  login: string;
  name: string | null;
  avatarUrl: string | null;
  createdAt: number;
  updatedAt: number;
  /** Not null: an operator blocked this person. */
  blockedAt: number | null;
  /** Credentials of the gateway (sessions, API tokens) issued before this moment are void. */
  validAfter: number;
}

/** A user's GitHub tokens, sealed. The store never sees them in clear. */
export interface CredentialRecord {
  userId: string;
  /** JWE compact serialisation. */
  sealed: string;
  /** `kid` of the key it is sealed with, so that rotation can find what is left. */
  keyId: string;
  /** Counts up with every write; a refresh writes only over the version it read. */
  version: number;
  /** When the access token ends; null: it does not. */
  expiresAt: number | null;
  /** GitHub said 401 for it: no turn may use it before a new sign-in. */
  rejectedAt: number | null;
  /** When organisation membership was last verified. */
  checkedAt: number;
  updatedAt: number;
}

/** One browser's session as `@fastify/session` sees it, plus what the list of devices shows. */
export interface WebSessionRecord {
  /** SHA-256 of the session id, base64url. The id itself is only in the cookie. */
  idHash: string;
  /** The id that the API shows. */
  publicId: string;
  userId: string | null;
  /** JSON of `@fastify/session`'s session object. */
  data: string;
  userAgent: string | null;
  address: string | null;
  createdAt: number;
  lastSeenAt: number;
  /** Absolute end, never moved. */
  expiresAt: number;
}

/** A personal API token that may be used. The token itself is a JWT whose `jti` is `id`; the store has no copy of it. */
export interface ApiTokenRecord {
  id: string;
  userId: string;
  name: string;
  scopes: Scope[];
  createdAt: number;
  expiresAt: number;
  lastUsedAt: number | null;
}

/** A key that signs API tokens. The private part is sealed; the store never sees it in clear. */
export interface SigningKeyRecord {
  /** Counts up; of two instances that make the next one at once, one wins. */
  generation: number;
  /** RFC 7638 thumbprint. */
  kid: string;
  /** JSON of the public JWK. */
  publicJwk: string;
  /** JWE of the private JWK. */
  sealed: string;
  /** `kid` of the key it is sealed with. */
  sealedWith: string;
  createdAt: number;
  /** From then on nothing signed with it can be valid. */
  retiresAt: number;
}

/** One conversation of one user. */
export interface ChatRecord {
  id: string;
  userId: string;
  /** The caller's own name for it (`POST /api/chat`), unique within the user; null: none. */
  sessionId: string | null;
  title: string | null;
  /** A title a person set is never replaced by an automatic one. */
  titleSource: 'none' | 'auto' | 'user';
  model: string | null;
  systemPrompt: string | null;
  pinned: boolean;
  archived: boolean;
  createdAt: number;
  /** Last activity; the order of the list. */
  updatedAt: number;
  /**
   * Counts up when the runtime session can no longer be trusted to agree with our history (a turn ended early, history
   * was edited): the runtime session is rebuilt from history before the next turn. Part of the runtime session's state.
   */
  contextVersion: number;
  /** Counts up with every change of the messages: what was read under it is still so while it stands. */
  historyVersion: number;
}

/** An inline image of a message. */
export interface AttachmentRecord {
  type: 'image';
  mimeType: string;
  /** base64 */
  data: string;
  name: string | null;
}

/** One entry of a chat's history. */
export interface MessageRecord {
  id: string;
  chatId: string;
  turnId: string;
  role: 'user' | 'assistant';
  content: string;
  attachments: AttachmentRecord[];
  model: string | null;
  status: 'complete' | 'partial';
  createdAt: number;
  /**
   * Place in the chat, counted up under the chat's row lock. A turn reserves the place of its answer when its question is
   * saved, so that queued turns read as question, answer, question, answer.
   */
  seq: number;
}

/** Where a turn stands. The last four are ends and never change again. */
export type TurnStatus = 'queued' | 'running' | 'completed' | 'failed' | 'cancelled' | 'interrupted';

/** One user message and the work that answers it. */
export interface TurnRecord {
  id: string;
  chatId: string;
  userId: string;
  status: TurnStatus;
  userMessageId: string;
  /** The answer; null while there is none. */
  messageId: string | null;
  model: string | null;
  createdAt: number;
  startedAt: number | null;
  endedAt: number | null;
  error: Problem | null;
  /** Reserved place of the answer. */
  answerSeq: number;
  /** Someone asked to stop it; its owner obeys. */
  cancelRequestedAt: number | null;
  /** Instance that runs it; null while queued. */
  owner: string | null;
  /** Fencing: counts up with every claim; writes of an older claim are refused. */
  fence: number;
  /** Last sign of life of the owner. */
  heartbeatAt: number | null;
  /** `true`: nobody waits on the connection, any worker may run it. */
  background: boolean;
}

/** One frame of a turn's event log. `id` counts from 1 within the turn. */
export interface TurnFrame {
  id: number;
  event: string;
  /** JSON, one line. */
  data: string;
}

/** One model call. Turn and chat are null where it belonged to none: the OpenAI-compatible API keeps no conversation. */
export interface UsageRecord {
  id: string;
  turnId: string | null;
  chatId: string | null;
  userId: string;
  model: string | null;
  inputTokens: number;
  outputTokens: number;
  cachedTokens: number;
  /** Premium requests or AI units as the runtime reports them; null: not told. */
  cost: number | null;
  createdAt: number;
}
