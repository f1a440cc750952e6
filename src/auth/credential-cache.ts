/** Opened credentials of people who are active right now, so that a warm turn costs no decryption. */
import type { GitHubTokens } from './credential-vault.ts';

interface Entry {
  readonly sealed: string;
  readonly tokens: GitHubTokens;
  readonly openedAt: number;
}

/**
 * Keyed by the sealed text as the store has it at this moment: a sign-in, refresh or erasure anywhere is a miss at once,
 * nothing has to be told to other instances. Few entries and a short life keep little in memory in clear.
 */
export class CredentialCache {
  readonly #entries = new Map<string, Entry>();
  readonly #limit: number;
  readonly #lifeMs: number;

  constructor(limit = 1_000, lifeMs = 10 * 60_000) {
    this.#limit = limit;
    this.#lifeMs = lifeMs;
  }

  get(userId: string, sealed: string, now: number): GitHubTokens | null {
    const entry = this.#entries.get(userId);
    if (entry === undefined) return null;
    if (entry.sealed === sealed && now - entry.openedAt < this.#lifeMs) return entry.tokens;
    this.#entries.delete(userId);
    return null;
  }

  put(userId: string, sealed: string, tokens: GitHubTokens, now: number): void {
    this.#entries.delete(userId);
    this.#entries.set(userId, { sealed, tokens, openedAt: now });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.#limit && oldest !== undefined) this.#entries.delete(oldest);
  }

  clear(): void {
    this.#entries.clear();
  }
}
