/**
 * Opens the runtime session of a chat so that it agrees with our history: resumed where it does, created where nothing was
 * said, rebuilt from our history where it is gone or says something else.
 */
import { randomUUID } from 'node:crypto';
import type { SessionEvent } from '@github/copilot-sdk';
import { GatewayError } from '../errors.ts';
import { type ContextMarker, readMarker, WriteRight, writeMarker } from './context-marker.ts';
import { errorOf, failureOfCall, isSessionMissing } from './runtime-errors.ts';
import type { RuntimeHost } from './runtime-host.ts';
import type { RuntimeParts } from './runtime-parts.ts';
import type { HistoryEntry, LeaseRequest } from './runtime-port.ts';
import { type EventRelay, RuntimeSession } from './runtime-session.ts';
import { sessionConfig } from './session-config.ts';
import { SessionFiles, STATE_PATH } from './session-files.ts';
import { EVENTS_FILE, eventFile, transcriptOf } from './session-history.ts';
import { runtimeUnavailable } from './unavailable.ts';

/** An opened session and the note that tells whether it is still the last word. */
export interface Opening {
  readonly session: RuntimeSession;
  readonly opening: string;
}

/** Whether a session that was opened as `opening` still agrees with what is asked. */
export async function isCurrent(
  parts: RuntimeParts,
  host: RuntimeHost,
  request: LeaseRequest,
  opening: string,
): Promise<boolean> {
  const marker = await readMarker(parts.sessionFiles, request.sessionId);
  return marker !== null && marker.opening === opening && agrees(marker, host, request);
}

function agrees(marker: ContextMarker, host: RuntimeHost, request: LeaseRequest): boolean {
  return marker.contextVersion === request.contextVersion && marker.server === serverOf(host);
}

function serverOf(host: RuntimeHost): string | null {
  return host.state === 'store' ? null : host.slot;
}

/**
 * Opens the session.
 * @throws GatewayError as `SessionLease.run` does; the reason of `signal` when that is aborted
 */
export async function openSession(
  parts: RuntimeParts,
  host: RuntimeHost,
  request: LeaseRequest,
  signal: AbortSignal,
): Promise<Opening> {
  const opening = randomUUID();
  const right = new WriteRight(parts.sessionFiles, request.sessionId, opening, parts.clock);
  const opener = new SessionOpener(parts, host, request, { signal, right });
  const session = await opener.open();
  const marker: ContextMarker = { contextVersion: request.contextVersion, server: serverOf(host), opening };
  try {
    await writeMarker(parts.sessionFiles, request.sessionId, marker, parts.clock());
  } catch (error) {
    await session.close(); // nobody else knows of it: it would stay in the runtime, free to write to the store
    throw error;
  }
  right.begin();
  return { session, opening };
}

class SessionOpener {
  readonly #parts: RuntimeParts;
  readonly #host: RuntimeHost;
  readonly #request: LeaseRequest;
  readonly #signal: AbortSignal;
  readonly #right: WriteRight;

  constructor(
    parts: RuntimeParts,
    host: RuntimeHost,
    request: LeaseRequest,
    { signal, right }: { signal: AbortSignal; right: WriteRight },
  ) {
    this.#parts = parts;
    this.#host = host;
    this.#request = request;
    this.#signal = signal;
    this.#right = right;
  }

  async open(): Promise<RuntimeSession> {
    const marker = await readMarker(this.#parts.sessionFiles, this.#request.sessionId);
    if (marker && agrees(marker, this.#host, this.#request)) {
      const resumed = await this.#attempt('resume', null);
      if (resumed) return resumed;
    }
    const history = await this.#request.history();
    await this.#clear();
    if (history.length === 0) return this.#must('create', null);
    return this.#host.state === 'store' ? this.#rebuild(history) : this.#must('create', history);
  }

  async #rebuild(history: readonly HistoryEntry[]): Promise<RuntimeSession> {
    const { sessionId, model } = this.#request;
    const { sessionFiles, clock } = this.#parts;
    const content = eventFile({ id: sessionId, model, cwd: '/' }, history, clock());
    await sessionFiles.append(sessionId, `${STATE_PATH}/${EVENTS_FILE}`, content, clock());
    return this.#must('resume', history);
  }

  /** Creating over what is there would mix both histories at the next resume (1.0.85). */
  async #clear(): Promise<void> {
    const { sessionId } = this.#request;
    if (this.#host.state === 'runtime') await this.#host.deleteSession(sessionId, this.#signal);
    await this.#parts.sessionFiles.deleteSession(sessionId);
  }

  async #must(how: 'create' | 'resume', history: readonly HistoryEntry[] | null): Promise<RuntimeSession> {
    const session = await this.#attempt(how, history);
    if (!session) throw runtimeUnavailable('the runtime does not know the session it was just given');
    return session;
  }

  /** Null: the runtime knows no such session. `history`: what it must know; null for a resumed or a new one. */
  async #attempt(how: 'create' | 'resume', history: readonly HistoryEntry[] | null): Promise<RuntimeSession | null> {
    const { sessionId, user } = this.#request;
    const inStore = this.#host.state === 'store';
    const { sessionFiles, clock } = this.#parts;
    const files = inStore ? new SessionFiles(sessionFiles, sessionId, clock, this.#right.confirm) : null;
    const relay: EventRelay = { handler: null };
    const onEvent = (event: SessionEvent): void => relay.handler?.(event);
    const config = sessionConfig(
      this.#parts.config,
      { ...this.#request, credential: user.credential },
      { files, onEvent },
    );
    const seal = (): void => files?.seal();
    try {
      const sdk = await this.#host.openSession(how, sessionId, config, this.#signal);
      const fresh = how === 'create' && history === null;
      const preamble = how === 'create' && history !== null ? transcriptOf(history) : null;
      return new RuntimeSession(
        { sdk, host: this.#host, relay, request: this.#request, fresh, preamble, seal },
        this.#parts,
      );
    } catch (error) {
      seal();
      if (error instanceof GatewayError || this.#signal.aborted) throw error;
      if (how === 'resume' && isSessionMissing(error)) return null;
      throw errorOf(failureOfCall(error), user.credential.kind, error);
    }
  }
}
