/** `POST /v1/chat/completions`: checks the request, runs it, and answers in one piece or in chunks. */
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import { EventQueue } from '../runtimes/event-queue.ts';
import type { SseFrame } from '../wire/event-stream.ts';
import { newId } from '../wire/ids.ts';
import { toGatewayError } from '../wire/problem-replies.ts';
import type { TypedApp } from '../wire/typed-app.ts';
import { ChunkWriter, type CompletionHead, completion, frame } from './completion-chunks.ts';
import type { CompletionOutcome, CompletionPlan } from './completion-run.ts';
import { translateMessages } from './message-translation.ts';
import { chooseModel } from './model-choice.ts';
import type { OpenAiDependencies } from './openai-dependencies.ts';
import { openAiError } from './openai-errors.ts';
import { Completion, CompletionRequest, type CompletionRequestBody, openAiErrors } from './openai-shapes.ts';
import { ignoredParameters, invalidRequest, refuseUnsupported } from './parameter-policy.ts';

/** Largest request in bytes: a long conversation with images, sent whole every time. */
export const COMPLETION_BODY_LIMIT = 8 * 1024 * 1024;

/**
 * For so long, in milliseconds, a stream's status waits for the model's first word, so that an error is told by its status.
 * Then headers and pings go, because proxies give up on what is silent.
 */
const FIRST_WORD_MS = 10_000;

/** Registers the route. */
export function completionRoutes(app: TypedApp, deps: OpenAiDependencies): void {
  app.post(
    '/v1/chat/completions',
    {
      config: { scope: 'chats:write' },
      bodyLimit: COMPLETION_BODY_LIMIT,
      schema: {
        tags: ['openai'],
        summary: 'A completion, as OpenAI gives it',
        description: 'Keeps nothing: the request holds the whole conversation. With `stream`, chunks as SSE.',
        body: CompletionRequest,
        response: { 200: Completion, ...openAiErrors },
      },
    },
    async (request, reply) => {
      const { body } = request;
      if (body.stream === true) deps.streams.admit(request.principal.userId, reply);
      const plan = { ...(await planOf(body, request.principal.userId, deps)), trace: request.trace };
      const ignored = ignoredParameters(body);
      if (ignored.length > 0) void reply.header('pilothouse-ignored-parameters', ignored.join(', '));
      const ended = untilNobodyWaits(request, reply, deps);
      const head = { id: `chatcmpl-${newId()}`, created: Math.floor(deps.clock() / 1000), model: plan.model };
      if (body.stream === true) {
        const includeUsage = body.stream_options?.include_usage === true;
        return streamed(reply, plan, new ChunkWriter(head, includeUsage), ended, deps);
      }
      return whole(plan, head, ended, deps);
    },
  );
}

async function planOf(body: CompletionRequestBody, userId: string, deps: OpenAiDependencies): Promise<CompletionPlan> {
  refuseUnsupported(body);
  const conversation = translateMessages(body.messages);
  const model = await chooseModel(deps, userId, body.model ?? null);
  const images = [conversation.prompt, ...conversation.history].some(({ attachments }) => attachments.length > 0);
  if (images && !model.vision) throw invalidRequest('model', `The model \`${model.id}\` cannot see images.`);
  return {
    ...conversation,
    userId,
    model: model.id,
    stop: [body.stop ?? []].flat(),
    maxTokens: body.max_completion_tokens ?? body.max_tokens ?? null,
  };
}

/** Aborts when the client goes away or its token is revoked: a completion is of use to nobody else. */
function untilNobodyWaits(request: FastifyRequest, reply: FastifyReply, deps: OpenAiDependencies): AbortSignal {
  const gone = new AbortController();
  const leave = (): void => gone.abort(new GatewayError('cancelled', 'The client went away.'));
  if (reply.raw.destroyed) leave();
  else reply.raw.once('close', leave);
  return AbortSignal.any([gone.signal, deps.untilRevoked(request, reply)]);
}

async function whole(plan: CompletionPlan, head: CompletionHead, ended: AbortSignal, deps: OpenAiDependencies) {
  const outcome = await deps.completions.run(plan, null, ended);
  return completion({ ...head, model: outcome.model }, outcome.text, outcome);
}

async function streamed(
  reply: FastifyReply,
  plan: CompletionPlan,
  chunks: ChunkWriter,
  ended: AbortSignal,
  deps: OpenAiDependencies,
): Promise<FastifyReply> {
  // Read as fast as the model speaks, whatever the client takes: a slow one must not look like a silent model.
  const words = new EventQueue<string>();
  const spoke = Promise.withResolvers<void>();
  const cut = new AbortController();
  const sink = (text: string): void => {
    words.push(text);
    spoke.resolve();
  };
  const running = deps.completions.run(plan, sink, AbortSignal.any([ended, cut.signal])).finally(() => words.end());
  await firstWord(running, spoke.promise);
  return deps.streams.send(reply, (gone) => {
    gone.addEventListener('abort', () => cut.abort(new GatewayError('cancelled', 'The stream was cut.')), {
      once: true,
    });
    return framesOf(chunks, words, running);
  });
}

/** @throws what the completion failed with before it said anything */
async function firstWord(running: Promise<CompletionOutcome>, spoke: Promise<void>): Promise<void> {
  const waited = new AbortController();
  const patience = delay(FIRST_WORD_MS, undefined, { signal: waited.signal }).catch(() => undefined);
  try {
    await Promise.race([running, spoke, patience]);
  } finally {
    waited.abort();
  }
}

async function* framesOf(
  chunks: ChunkWriter,
  words: AsyncIterable<string>,
  running: Promise<CompletionOutcome>,
): AsyncGenerator<SseFrame> {
  yield chunks.first();
  for await (const text of words) yield chunks.delta(text);
  try {
    yield* chunks.last(await running);
  } catch (error) {
    yield frame(openAiError(toGatewayError(error)).body);
  }
}
