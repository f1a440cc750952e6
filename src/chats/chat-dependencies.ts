/** What the chats' routes are handed by the composition root. */

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Runtimes } from '../runtimes/runtime-port.ts';
import type { Store } from '../store/store.ts';
import type { CredentialSource } from '../turns/credential-source.ts';
import type { TurnEngine } from '../turns/turn-engine.ts';
import type { UserEvents } from '../turns/user-events.ts';
import type { EventStreams } from '../wire/event-stream.ts';

export interface ChatDependencies {
  readonly store: Store;
  readonly engine: TurnEngine;
  readonly runtimes: Runtimes;
  readonly credentials: CredentialSource;
  readonly userEvents: UserEvents;
  readonly streams: EventStreams;
  /** `COPILOT_MODEL`; null: the first the user may use. */
  readonly defaultModel: string | null;
  readonly clock: () => number;
  /** Aborts when the right the request came with ends (sign-out, revoked token, block); over with the reply. */
  readonly untilRevoked: (request: FastifyRequest, reply: FastifyReply) => AbortSignal;
}
