import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Exchange } from './exchange.ts';
import type { Fault } from './faults.ts';
import { halfOf, type ModelAnswer } from './model-answers.ts';

/** One answer on its way to the client. */
export interface ChatStream {
  id: string;
  model: string;
  answer: ModelAnswer;
  fault: Fault | null;
  firstTokenMs: number;
  tokenMs: number;
  usage: Record<string, unknown>;
  copilotUsage: Record<string, unknown>;
}

/**
 * Streams an answer as chunks of a chat completion.
 * @throws AbortError when the client goes away
 */
export async function streamAnswer(exchange: Exchange, stream: ChatStream): Promise<void> {
  const { response, signal } = exchange;
  const { answer, fault } = stream;
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  response.flushHeaders();
  if (fault?.kind === 'hang') return waitForEnd(signal);
  await pause(stream.firstTokenMs, signal);
  await writeChunk(exchange, stream, { role: 'assistant', content: '' });
  for (const thought of answer.thoughts) await writeChunk(exchange, stream, { reasoning_text: thought });
  const deltas = endsHalfway(fault) ? answer.deltas.slice(0, halfOf(answer.deltas)) : answer.deltas;
  for (const [index, content] of deltas.entries()) {
    if (breaksAt(fault, index)) return breakOff(exchange, fault);
    if (index > 0) await pause(stream.tokenMs, signal);
    await writeChunk(exchange, stream, { content });
  }
  if (breaksAt(fault, Number.POSITIVE_INFINITY)) return breakOff(exchange, fault);
  if (answer.tools.length > 0) await writeChunk(exchange, stream, { tool_calls: toolCalls(stream) });
  const { usage, copilotUsage } = stream;
  await writeChunk(exchange, stream, {}, { finish: finishReason(stream), usage, copilot_usage: copilotUsage });
  response.end('data: [DONE]\n\n');
}

/** The same answer in one piece, for a request without `stream`. */
export function completionBody(stream: ChatStream): Record<string, unknown> {
  const { answer, fault } = stream;
  const deltas = endsHalfway(fault) ? answer.deltas.slice(0, halfOf(answer.deltas)) : answer.deltas;
  const message = {
    role: 'assistant',
    content: answer.tools.length > 0 ? null : deltas.join(''),
    ...(answer.thoughts.length > 0 && { reasoning_text: answer.thoughts.join('') }),
    ...(answer.tools.length > 0 && { tool_calls: toolCalls(stream) }),
  };
  return {
    id: stream.id,
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model: stream.model,
    choices: [{ index: 0, message, finish_reason: finishReason(stream) }],
    usage: stream.usage,
    copilot_usage: stream.copilotUsage,
  };
}

function finishReason({ answer, fault }: ChatStream): string {
  if (fault?.kind === 'length' || fault?.kind === 'content_filter') return fault.kind;
  return answer.tools.length > 0 ? 'tool_calls' : 'stop';
}

function toolCalls({ id, answer }: ChatStream): unknown[] {
  return answer.tools.map((tool, index) => ({
    index,
    id: `call_${id.slice(-12)}_${index}`,
    type: 'function',
    function: { name: tool.name, arguments: tool.arguments },
  }));
}

function endsHalfway(fault: Fault | null): boolean {
  return fault?.kind === 'length' || fault?.kind === 'content_filter';
}

function breaksAt(fault: Fault | null, delta: number): fault is Fault {
  const breaks = fault?.kind === 'cut' || fault?.kind === 'stall' || fault?.kind === 'error';
  return breaks && delta >= (fault.after ?? 0);
}

async function breakOff({ response, signal }: Exchange, fault: Fault): Promise<void> {
  if (fault.kind === 'stall') return waitForEnd(signal);
  if (fault.kind === 'cut') {
    // What was written must leave the process first, or the client would see fewer deltas than were asked for.
    await new Promise<void>((resolve) => response.write('', () => resolve()));
    response.destroy();
    return;
  }
  const error = { error: { message: 'The model stopped unexpectedly.', code: fault.code ?? 'internal_error' } };
  response.end(`data: ${JSON.stringify(error)}\n\n`);
}

async function writeChunk(
  exchange: Exchange,
  stream: ChatStream,
  delta: Record<string, unknown>,
  last?: { finish: string; usage: unknown; copilot_usage: unknown },
): Promise<void> {
  const { response, signal } = exchange;
  const chunk = {
    id: stream.id,
    object: 'chat.completion.chunk',
    created: Math.floor(Date.now() / 1000),
    model: stream.model,
    choices: [{ index: 0, delta, finish_reason: last?.finish ?? null }],
    ...(last && { usage: last.usage, copilot_usage: last.copilot_usage }),
  };
  signal.throwIfAborted();
  if (!response.write(`data: ${JSON.stringify(chunk)}\n\n`)) await once(response, 'drain', { signal });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await delay(ms, undefined, { signal });
}

/** Until the client has enough or the stand-in closes: whichever ends the connection. */
async function waitForEnd(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
