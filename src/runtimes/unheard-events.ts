/**
 * What a runtime tells in every turn and nobody here wants to know. `model.messages_snapshot` alone is the whole history again
 * (550 KB after 500 turns), so that the cost of a turn would grow with the length of its chat; the others are half of all
 * messages. They are known by their first bytes and not read any further.
 */

/** Runtimes 1.0.85 and 1.0.102. What is not named here is read. */
const UNHEARD: ReadonlySet<string> = new Set([
  'assistant.streaming_delta',
  'model.call_finished',
  'model.call_start',
  'model.message',
  'model.messages_snapshot',
  'model.model_call_started',
  'model.model_call_success',
  'model.response',
  'model.turn_ended',
  'model.turn_started',
  'pending_messages.modified',
  'prompt_cache_break',
  'session.mcp_servers_loaded',
  'session.tools_updated',
  'session.usage_checkpoint',
  'session.usage_info',
]);

/** A session's id has at most 64 characters of each of its two parts; the type stands right after it. */
const HEAD_BYTES = 320;

const EVENT =
  /^\{"jsonrpc":"2\.0","method":"session\.event","params":\{"sessionId":"[^"\\]*","event":\{"type":"([a-z_.]+)"/;
const LIFECYCLE = '{"jsonrpc":"2.0","method":"session.lifecycle",';

/** Whether the JSON-RPC message that begins with `bytes` is one of those. */
export function isUnheard(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, HEAD_BYTES)).toString('latin1');
  const type = EVENT.exec(head)?.[1];
  return type === undefined ? head.startsWith(LIFECYCLE) : UNHEARD.has(type);
}
