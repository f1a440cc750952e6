/**
 * One runtime and our one connection to it, whoever started it. Every call has a deadline and ends when the runtime does;
 * a call that ran out of time makes the runtime prove that it lives.
 */
import type { CopilotClient, CopilotSession, ResumeSessionConfig } from '@github/copilot-sdk';
import { DeadlineError, within } from './deadline.ts';
import type { RuntimeParts } from './runtime-parts.ts';
import type { RuntimeStatus } from './runtime-port.ts';
import { runtimeUnavailable } from './unavailable.ts';

/** What a topology hands over once a runtime answers. */
export interface RuntimeConnectionParts {
  /** For logs and `status()`; of an isolated runtime it names nobody. */
  readonly name: string;
  /** Which place of the topology it fills: a user's id, a number, a server. */
  readonly slot: string;
  /** Connected. */
  readonly client: CopilotClient;
  /** Process id; null for a server of others. */
  readonly pid: number | null;
  /** Where the runtime keeps sessions' state. */
  readonly state: 'store' | 'runtime';
  /** Aborted with the reason when the process exits or the connection closes. */
  readonly gone: AbortController;
  /** Frees what the topology made for it (the process is dead by then). Called once. */
  readonly dispose: () => Promise<void>;
}

/** A live runtime. */
export class RuntimeHost {
  readonly name: string;
  readonly slot: string;
  readonly pid: number | null;
  readonly state: 'store' | 'runtime';
  readonly startedAt: number;
  lastUsedAt: number;
  /** When a session of it last said anything. */
  lastHeardAt = 0;
  /** Leases and other uses under way. */
  uses = 0;
  /** Warm sessions, counted by the pool. */
  sessions = 0;
  sessionsOpened = 0;
  healthy = true;
  version: string | null = null;
  /** Its first turn will cost no more than the next. */
  primed = false;
  /** No new uses; it ends after the last one. */
  draining = false;
  readonly #client: CopilotClient;
  readonly #gone: AbortController;
  readonly #dispose: () => Promise<void>;
  readonly #parts: RuntimeParts;
  #ending: Promise<void> | null = null;
  #probing: Promise<boolean> | null = null;
  readonly #late = new Map<string, Promise<void>>();

  constructor(made: RuntimeConnectionParts, parts: RuntimeParts) {
    this.name = made.name;
    this.slot = made.slot;
    this.pid = made.pid;
    this.state = made.state;
    this.#client = made.client;
    this.#gone = made.gone;
    this.#dispose = made.dispose;
    this.#parts = parts;
    this.startedAt = parts.clock();
    this.lastUsedAt = this.startedAt;
  }

  /** Aborted when the runtime is no longer there; its reason is a `runtime_unavailable`. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  get usable(): boolean {
    return !this.draining && !this.gone.aborted;
  }

  /**
   * Waits for a call to the runtime.
   * @throws GatewayError `runtime_unavailable` when it died or was silent for `ms`; what the call itself threw otherwise
   */
  async call<T>(what: string, ms: number, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.gone.aborted) throw this.gone.reason;
    try {
      return await within(work(), { what: `${what} (${this.name})`, ms, signals: [this.gone, signal] });
    } catch (error) {
      if (signal?.aborted) throw error;
      if (this.gone.aborted) throw this.gone.reason;
      if (!(error instanceof DeadlineError)) throw error;
      void this.probe();
      throw runtimeUnavailable(error);
    }
  }

  /** Creates or resumes a session. @throws GatewayError as `call` does, or what the runtime says */
  async openSession(
    how: 'create' | 'resume',
    sessionId: string,
    config: ResumeSessionConfig,
    signal: AbortSignal,
  ): Promise<CopilotSession> {
    const { open } = this.#parts.timings;
    await this.call('an earlier opening', open, async () => this.#late.get(sessionId), signal);
    this.sessionsOpened += 1;
    const opening =
      how === 'create'
        ? this.#client.createSession({ ...config, sessionId })
        : this.#client.resumeSession(sessionId, config);
    try {
      return await this.call(`session.${how}`, open, () => opening, signal);
    } catch (error) {
      this.#leaveLate(sessionId, opening);
      throw error;
    }
  }

  /** An opening nobody waits for any more leaves no session behind, and no other one of that name overtakes it. */
  #leaveLate(sessionId: string, opening: Promise<CopilotSession>): void {
    const left = opening
      .then((session) => session.disconnect())
      .catch(() => undefined) // it failed by itself, or the runtime is gone
      .finally(() => {
        if (this.#late.get(sessionId) === left) this.#late.delete(sessionId);
      });
    this.#late.set(sessionId, left);
  }

  /** Removes the session from the runtime. One that is not there is fine. */
  async deleteSession(sessionId: string, signal?: AbortSignal): Promise<void> {
    const { open } = this.#parts.timings;
    const find = () => this.#client.getSessionMetadata(sessionId);
    const known = await this.call('session.getMetadata', open, find, signal);
    if (known) await this.call('session.delete', open, () => this.#client.deleteSession(sessionId), signal);
  }

  /** Models of that token's user; an empty one: of the account the server itself has. */
  models(token: string, signal: AbortSignal) {
    const { account } = this.#parts.timings;
    const who = token === '' ? {} : { gitHubToken: token };
    return this.call('models.list', account, () => this.#client.rpc.models.list(who), signal);
  }

  /** Quota of that token's user, likewise. */
  quota(token: string, signal: AbortSignal) {
    const { account } = this.#parts.timings;
    const who = token === '' ? {} : { gitHubToken: token };
    return this.call('account.getQuota', account, () => this.#client.rpc.account.getQuota(who), signal);
  }

  /** Asks for a sign of life; silence for the deadline ends the runtime. One question at a time. */
  probe(): Promise<boolean> {
    this.#probing ??= this.#ask().finally(() => {
      this.#probing = null;
    });
    return this.#probing;
  }

  /**
   * Ends it at once; runs under way fail with `reason`. Idle sessions lose nothing: all they had is saved. Never rejects:
   * many call it without waiting, and what could not be cleared away is no reason for anything else to fail.
   */
  end(reason: unknown = 'ended by us'): Promise<void> {
    if (this.#ending !== null) return this.#ending;
    const ended = Promise.withResolvers<void>();
    this.#ending = ended.promise; // before it begins: those who hear that it is gone end it too
    void this.#end(reason).then(ended.resolve);
    return this.#ending;
  }

  status(): RuntimeStatus {
    return {
      name: this.name,
      healthy: this.healthy && !this.gone.aborted,
      version: this.version,
      sessions: this.sessions,
      busy: this.uses,
      detail: this.draining ? 'draining' : null,
    };
  }

  async #ask(): Promise<boolean> {
    try {
      this.version = await this.#signOfLife();
      this.healthy = true;
    } catch (error) {
      this.healthy = false;
      if (!this.gone.aborted) {
        this.#parts.logger.warn({ runtime: this.name, err: error }, 'a runtime gave no sign of life and is ended');
        await this.end(error);
      }
    }
    return this.healthy;
  }

  /**
   * Where it was our own process that stood still, the answer lies there already: a second, short look finds it. An answer
   * also waits its turn behind what sessions say: a runtime that talks lives.
   */
  async #signOfLife(): Promise<string | null> {
    const { timings, clock } = this.#parts;
    const begun = clock();
    const ask = (ms: number) => within(this.#client.getStatus(), { what: 'status.get', ms, signals: [this.gone] });
    try {
      return (await ask(timings.probe)).version;
    } catch (error) {
      if (!(error instanceof DeadlineError)) throw error;
      return this.lastHeardAt > begun ? this.version : (await ask(timings.probe / 4)).version;
    }
  }

  async #end(reason: unknown): Promise<void> {
    this.draining = true;
    if (!this.gone.aborted) this.#gone.abort(runtimeUnavailable(reason));
    // SIGKILL or a destroyed socket: `stop()` would spend 270 ms, and a hung runtime would never answer it.
    await this.#must('stopped', () => this.#client.forceStop());
    await this.#must('cleared away', () => this.#dispose());
  }

  async #must(be: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#parts.logger.error({ runtime: this.name, err: error }, `a runtime could not be ${be}`);
    }
  }
}
