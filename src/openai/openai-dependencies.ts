/** What this room's routes are handed by the composition root. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { EventStreams } from '../wire/event-stream.ts';
import type { Completions } from './completion-run.ts';
import type { ModelDependencies } from './model-choice.ts';

export interface OpenAiDependencies extends ModelDependencies {
  readonly completions: Completions;
  readonly streams: EventStreams;
  readonly clock: () => number;
  /** Aborts when the right the request came with ends; over with the reply. */
  readonly untilRevoked: (request: FastifyRequest, reply: FastifyReply) => AbortSignal;
}
