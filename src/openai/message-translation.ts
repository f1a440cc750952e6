/** OpenAI's messages as a conversation of ours: system message, what was said before, what is asked now. Pure. */
import type { HistoryEntry, ImageAttachment, Prompt } from '../runtimes/runtime-port.ts';
import { isImageOf, isImageType } from '../wire/inline-images.ts';
import type { CompletionRequestBody } from './openai-shapes.ts';
import { invalidRequest } from './parameter-policy.ts';

type RequestMessage = CompletionRequestBody['messages'][number];
type ContentPart = Extract<NonNullable<RequestMessage['content']>, readonly unknown[]>[number];

/** A conversation that waits for an answer. */
export interface Conversation {
  /** All system and developer messages; null: none. */
  readonly systemMessage: string | null;
  readonly history: readonly HistoryEntry[];
  readonly prompt: Prompt;
}

/** @throws GatewayError naming the message that is wrong */
export function translateMessages(messages: readonly RequestMessage[]): Conversation {
  const system: string[] = [];
  const said: HistoryEntry[] = [];
  for (const [index, message] of messages.entries()) {
    const entry = translateMessage(message, `messages[${index}]`);
    if (entry.role === 'system') system.push(entry.content);
    else said.push({ ...entry, role: entry.role });
  }
  const last = said.pop();
  if (last?.role !== 'user') {
    throw invalidRequest('messages', 'The last message must be one of the role `user`.');
  }
  if (isEmpty(last)) throw invalidRequest('messages', 'The last message is empty.');
  return {
    systemMessage: system.length === 0 ? null : system.join('\n\n'),
    // An empty message says nothing, and some models refuse it.
    history: said.filter((entry) => !isEmpty(entry)),
    prompt: { text: last.content, attachments: last.attachments },
  };
}

interface Entry {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
  readonly attachments: readonly ImageAttachment[];
}

const ROLES: Readonly<Record<string, Entry['role']>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
};

function translateMessage(message: RequestMessage, path: string): Entry {
  const role = ROLES[message.role];
  if (role === undefined) {
    throw invalidRequest(
      `${path}.role`,
      `Messages of the role \`${message.role.slice(0, 40)}\` are not supported: tools are not.`,
      'unsupported_value',
    );
  }
  if ((message.tool_calls?.length ?? 0) > 0 || (message.function_call ?? null) !== null) {
    throw invalidRequest(`${path}.tool_calls`, 'Calls of tools are not supported.', 'unsupported_value');
  }
  const { content } = message;
  if (typeof content === 'string') return { role, content, attachments: [] };
  const parts = (content ?? []).map((part, index) => translatePart(part, role, `${path}.content[${index}]`));
  return {
    role,
    content: parts
      .map((part) => part.text)
      .filter((text) => text !== null)
      .join('\n'),
    attachments: parts.map((part) => part.image).filter((image) => image !== null),
  };
}

function translatePart(
  part: ContentPart,
  role: Entry['role'],
  path: string,
): { text: string | null; image: ImageAttachment | null } {
  const text = part.type === 'refusal' && role === 'assistant' ? part.refusal : part.text;
  if ((part.type === 'text' || part.type === 'refusal') && text !== undefined) return { text, image: null };
  if (part.type === 'image_url' && role === 'user') return { text: null, image: imageOf(part, path) };
  throw invalidRequest(
    path,
    `A part of the type \`${part.type.slice(0, 40)}\` is not supported here: text is, and images of the user are.`,
    'unsupported_value',
  );
}

function imageOf(part: ContentPart, path: string): ImageAttachment {
  const [, mimeType = '', data = ''] = /^data:([^;,]{1,40});base64,(.*)$/s.exec(part.image_url?.url ?? '') ?? [];
  if (isImageType(mimeType) && isImageOf(mimeType, data)) return { type: 'image', mimeType, data, name: null };
  throw invalidRequest(
    `${path}.image_url.url`,
    'An image must be a data URL with base64 of a PNG, JPEG, GIF or WebP: the gateway fetches nothing from elsewhere.',
    'invalid_image_url',
  );
}

function isEmpty({ content, attachments }: Pick<HistoryEntry, 'content' | 'attachments'>): boolean {
  return attachments.length === 0 && content.trim() === '';
}
