/** Examples of the main requests and answers, by operation. A test holds each to its schema. */

/** One operation's. */
export interface Examples {
  readonly body?: unknown;
  /** By status. */
  readonly answers?: Readonly<Record<string, unknown>>;
}

const CHAT = '019a6f00-1c00-7000-8000-00000000c001';
const TURN = '019a6f00-1c00-7000-8000-00000000a001';
const QUESTION = '019a6f00-1c00-7000-8000-00000000b001';
const ANSWER = '019a6f00-1c00-7000-8000-00000000b002';
const TOKEN = '019a6f00-1c00-7000-8000-00000000d001';
const TIME = '2026-01-31T09:00:00.000Z';
const LATER = '2026-01-31T09:00:02.000Z';

const chat = {
  ...{ id: CHAT, sessionId: CHAT, title: 'Tombstones', model: null, systemPrompt: null },
  ...{ pinned: false, archived: false, createdAt: TIME, updatedAt: TIME },
};
const turn = {
  ...{ id: TURN, chatId: CHAT, status: 'completed', userMessageId: QUESTION, messageId: ANSWER, model: 'gpt-5.4' },
  ...{ createdAt: TIME, startedAt: TIME, endedAt: LATER, error: null },
};
const running = { ...turn, status: 'running', messageId: null, endedAt: null };
const message = {
  ...{ id: ANSWER, chatId: CHAT, turnId: TURN, role: 'assistant', content: 'A mark that says: this one is gone.' },
  ...{ attachments: [], model: 'gpt-5.4', status: 'complete', createdAt: LATER },
};
const token = {
  ...{ id: TOKEN, name: 'nightly report', scopes: ['chats:read', 'chats:write'] },
  ...{ createdAt: TIME, expiresAt: '2026-05-01T09:00:00.000Z', lastUsedAt: null },
};
const model = {
  ...{ id: 'gpt-5.4', name: 'GPT-5.4', vision: true, contextWindow: 400_000, maxOutputTokens: 128_000 },
  ...{ multiplier: 1, reasoningEfforts: ['low', 'medium', 'high'], default: true },
};
const used = { requests: 12, turns: 10, inputTokens: 52_000, outputTokens: 6_100, cachedTokens: 31_000, cost: 10 };
const listed = (item: unknown) => ({ items: [item], nextCursor: null });

export const EXAMPLES: Readonly<Record<string, Examples>> = {
  createChat: { body: { title: 'Tombstones', systemPrompt: 'Answer in one sentence.' }, answers: { 201: chat } },
  listChats: { answers: { 200: listed(chat) } },
  getChat: { answers: { 200: chat } },
  updateChat: { body: { pinned: true }, answers: { 200: { ...chat, pinned: true } } },
  listMessages: { answers: { 200: listed(message) } },
  sendMessage: {
    body: { content: 'What is a tombstone in a session store?' },
    answers: { 200: { turn, message }, 202: { turn: running } },
  },
  ask: {
    body: { sessionId: 'support', message: 'What is a tombstone in a session store?' },
    answers: { 200: { sessionId: 'support', content: message.content } },
  },
  getTurn: { answers: { 200: turn } },
  cancelTurn: { answers: { 202: running } },
  listModels: { answers: { 200: listed(model) } },
  getUsage: {
    answers: {
      200: {
        ...{ from: '2026-01-01T00:00:00.000Z', to: TIME, groupBy: 'day' },
        ...{ items: [{ day: '2026-01-31', model: null, chatId: null, ...used }], totals: used, nextCursor: null },
      },
    },
  },
  getMe: { answers: { 200: { id: '1001', login: 'mona', name: 'Mona Lisa', avatarUrl: null, createdAt: TIME } } },
  createToken: {
    body: { name: token.name, scopes: token.scopes },
    answers: { 201: { ...token, token: '<header>.<payload>.<signature>' } },
  },
  listTokens: { answers: { 200: listed(token) } },
  listOpenAiModels: {
    answers: {
      200: { object: 'list', data: [{ id: 'gpt-5.4', object: 'model', created: 0, owned_by: 'pilothouse' }] },
    },
  },
  createCompletion: {
    body: { model: 'gpt-5.4', messages: [{ role: 'user', content: 'What is a tombstone in a session store?' }] },
    answers: {
      200: {
        ...{ id: `chatcmpl-${TURN}`, object: 'chat.completion', created: 1_769_850_000, model: 'gpt-5.4' },
        choices: [
          {
            ...{ index: 0, logprobs: null, finish_reason: 'stop' },
            message: { role: 'assistant', content: message.content, refusal: null },
          },
        ],
        usage: {
          ...{ prompt_tokens: 64, completion_tokens: 12, total_tokens: 76 },
          prompt_tokens_details: { cached_tokens: 0 },
        },
      },
    },
  },
};
