/**
 * The port through which turns use Copilot. A topology decides which runtime process serves which user; the pool lends a
 * runtime session of a chat for one turn at a time (a lease). Only this room knows the SDK.
 */
import type { GatewayError } from '../errors.ts';

/** What pays for and authorises model calls of one user. */
export type RuntimeCredential =
  /** `COPILOT_AUTH=user`: that person's own token. `version` changes whenever the token does. */
  | { readonly kind: 'github'; readonly token: string; readonly version: number }
  /** `COPILOT_AUTH=service`: one token for all; people stay apart by user id. */
  | { readonly kind: 'service'; readonly token: string }
  /** `COPILOT_AUTH=byok`: no GitHub token at all; the provider comes from the configuration. */
  | { readonly kind: 'byok' };

/** A person as the runtimes see them. */
export interface RuntimeUser {
  readonly userId: string;
  readonly credential: RuntimeCredential;
}

/** One earlier entry of the conversation, for rebuilding a runtime session that is gone or no longer agrees. */
export interface HistoryEntry {
  readonly role: 'user' | 'assistant';
  readonly content: string;
  readonly attachments: readonly ImageAttachment[];
}

/** An inline image. Nothing that names a path on the runtime's host exists in this port. */
export interface ImageAttachment {
  readonly type: 'image';
  readonly mimeType: string;
  /** base64 */
  readonly data: string;
  readonly name: string | null;
}

/** Which runtime session, with its complete configuration: create and resume both need all of it. */
export interface LeaseRequest {
  readonly user: RuntimeUser;
  readonly chatId: string;
  /** `user-<userId>-<chatId>` */
  readonly sessionId: string;
  /** Already checked against the user's models; null: the runtime's own choice. */
  readonly model: string | null;
  /** Complete system message: the operator's, then the chat's own. */
  readonly systemMessage: string;
  /**
   * Version of our history's context. A runtime session that was last used under another version (or that is missing
   * though history exists) is rebuilt from `history()` before it is used.
   */
  readonly contextVersion: number;
  /** Everything said before this turn, oldest first. Called only when a rebuild is needed. */
  readonly history: () => Promise<readonly HistoryEntry[]>;
}

/** What the user says in a turn. */
export interface Prompt {
  readonly text: string;
  readonly attachments: readonly ImageAttachment[];
}

/** One model call's account. Numbers are tokens; `cost` is premium requests or AI units as reported, null if not told. */
export interface ModelUsage {
  readonly model: string | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number;
  readonly cost: number | null;
  readonly timeToFirstTokenMs: number | null;
}

/**
 * What happens in a turn, in our words. The `text` deltas after the last `reset`, joined, are the whole answer.
 * A run ends by returning (the runtime is idle again) or by throwing a `GatewayError`.
 */
export type RuntimeEvent =
  | { readonly type: 'accepted' /* the runtime has the prompt */ }
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'reset' /* the runtime began the answer anew */ }
  | { readonly type: 'reasoning'; readonly text: string }
  | { readonly type: 'tool.started'; readonly toolCallId: string; readonly name: string }
  | { readonly type: 'tool.completed'; readonly toolCallId: string; readonly name: string; readonly success: boolean }
  | {
      readonly type: 'input.requested';
      readonly requestId: string;
      readonly question: string;
      readonly choices: readonly string[];
    }
  | { readonly type: 'usage'; readonly usage: ModelUsage }
  | { readonly type: 'title'; readonly title: string }
  /** A model call failed and will be tried again by the runtime; `status` is the upstream's. */
  | { readonly type: 'retrying'; readonly status: number | null };

/** The use of a runtime session for one turn. Its taker calls `release` exactly once, whatever happened. */
export interface SessionLease {
  /** True when the session was created or rebuilt for this lease (the first turn of a session costs more). */
  readonly cold: boolean;
  /**
   * Sends the prompt and yields until the runtime is idle. Aborting `signal` stops the model call in the runtime (felt
   * within 1 s) and ends the sequence without throwing.
   * @throws GatewayError `runtime_unavailable` within 2 s of the runtime's death; `reauth_required`,
   * `copilot_access_denied`, `upstream_rate_limited` (with `retryAfter`), `quota_exceeded`, `context_too_long`,
   * `content_filtered`, `model_unavailable`, `upstream_failed`.
   */
  run(prompt: Prompt, signal: AbortSignal): AsyncIterable<RuntimeEvent>;
  /** Gives a further prompt to the run under way. @throws GatewayError when nothing runs any more. */
  steer(prompt: Prompt): Promise<void>;
  /** `keepWarm: false` when the runtime session must not be used again as it is. Never throws. */
  release(options: { keepWarm: boolean }): void;
}

/** A model this user may use. */
export interface ModelInfo {
  readonly id: string;
  readonly name: string;
  readonly vision: boolean;
  readonly contextWindow: number | null;
  readonly maxOutputTokens: number | null;
  /** Premium request multiplier; null: not told. */
  readonly multiplier: number | null;
  readonly reasoningEfforts: readonly string[];
}

/** One quota of the user, e.g. `premium_interactions`. */
export interface QuotaInfo {
  readonly name: string;
  readonly entitlement: number | null;
  readonly used: number | null;
  readonly remainingPercentage: number | null;
  readonly unlimited: boolean;
  readonly overageAllowed: boolean;
  readonly resetsAt: string | null;
}

/** How one runtime is, for `/readyz`, metrics and routing. */
export interface RuntimeStatus {
  readonly name: string;
  readonly healthy: boolean;
  readonly version: string | null;
  readonly sessions: number;
  readonly busy: number;
  readonly detail: string | null;
}

/** What an operator can do with one runtime. */
export type RuntimeAct = 'drain' | 'restart' | 'resume';

/** What became of it. `only`: everybody would be left without one. */
export type RuntimeOperation = 'done' | 'unknown' | 'only';

/**
 * All runtimes of this instance. Every method ends within its own deadlines and rejects with `GatewayError`;
 * `runtimes_busy` (503, Retry-After) when `MAX_RUNTIMES` is reached and nothing can give way.
 */
export interface Runtimes {
  readonly topology: 'isolated' | 'shared' | 'external';
  lease(request: LeaseRequest, signal: AbortSignal): Promise<SessionLease>;
  /** Opens what a coming turn will need, ahead of it; failures are only logged, limits are respected. */
  warm(user: RuntimeUser): void;
  /** Cached per user, one call at a time per user; `[]` never means "unknown". */
  models(user: RuntimeUser, signal: AbortSignal): Promise<readonly ModelInfo[]>;
  quota(user: RuntimeUser, signal: AbortSignal): Promise<readonly QuotaInfo[]>;
  /**
   * Removes the runtime session wherever it lives. Missing is fine. Rejects with `runtime_unavailable` when a server was
   * away: that is noted (`SessionFileRepository.unconfirmedDeletions`) and is to be asked for again.
   */
  deleteSession(user: RuntimeUser | { userId: string }, sessionId: string, signal: AbortSignal): Promise<void>;
  /** Sign-out everywhere, block, erase, a new token: his runs end with `error`, his warm sessions go. */
  endUser(userId: string, error: GatewayError): Promise<void>;
  status(): readonly RuntimeStatus[];
  /**
   * `restart`: it takes no further leases, ends after its last turn, and the next who comes has a fresh one (of a server of
   * others: a fresh connection). `drain`: the same, and nobody is sent there until `resume`; a user's own is just restarted.
   */
  operate(name: string, act: RuntimeAct): RuntimeOperation;
  /** Ends every process and connection this instance started; runs under way fail. */
  close(): Promise<void>;
}
