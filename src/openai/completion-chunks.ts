/** A completion as OpenAI puts it on the wire, whole or in chunks. Pure. */
import type { SseFrame } from '../wire/event-stream.ts';
import type { CompletionUsage, FinishReason } from './openai-shapes.ts';

/** What every chunk of a completion, or the whole, begins with. */
export interface CompletionHead {
  readonly id: string;
  /** Seconds since the epoch. */
  readonly created: number;
  readonly model: string;
}

/** How it ended. */
export interface CompletionEnd {
  readonly finishReason: FinishReason;
  /** Null: not told, because the model was stopped before it had ended. */
  readonly usage: CompletionUsage | null;
}

/** The answer in one piece. */
export function completion(head: CompletionHead, content: string, { finishReason, usage }: CompletionEnd) {
  return {
    id: head.id,
    object: 'chat.completion' as const,
    created: head.created,
    model: head.model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant' as const, content, refusal: null },
        logprobs: null,
        finish_reason: finishReason,
      },
    ],
    ...(usage === null ? {} : { usage }),
  };
}

/** The chunks of one completion. */
export class ChunkWriter {
  readonly #head: CompletionHead;
  readonly #includeUsage: boolean;

  constructor(head: CompletionHead, includeUsage: boolean) {
    this.#head = head;
    this.#includeUsage = includeUsage;
  }

  first(): SseFrame {
    return this.#chunk({ role: 'assistant', content: '', refusal: null }, null);
  }

  delta(content: string): SseFrame {
    return this.#chunk({ content }, null);
  }

  /** The last chunks and the mark after them. */
  last({ finishReason, usage }: CompletionEnd): SseFrame[] {
    const frames = [this.#chunk({}, finishReason)];
    if (this.#includeUsage && usage !== null) {
      frames.push(frame({ ...this.#shape(), choices: [], usage }));
    }
    return [...frames, { id: null, event: null, data: '[DONE]' }];
  }

  #chunk(delta: object, finishReason: FinishReason | null): SseFrame {
    const choices = [{ index: 0, delta, logprobs: null, finish_reason: finishReason }];
    return frame({ ...this.#shape(), choices, ...(this.#includeUsage ? { usage: null } : {}) });
  }

  #shape() {
    const { id, created, model } = this.#head;
    return { id, object: 'chat.completion.chunk', created, model };
  }
}

/** One frame that is only data. */
export function frame(value: object): SseFrame {
  return { id: null, event: null, data: JSON.stringify(value) };
}
