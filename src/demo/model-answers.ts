import { type Directives, parseDirectives, type ToolRequest } from './directives.ts';
import { isObject } from './json.ts';

/** What the model will do with a request, timing included. */
export interface ModelAnswer {
  /** Pieces of the reasoning, in order. */
  thoughts: string[];
  /** Pieces of the text, in order; their concatenation is the answer. */
  deltas: string[];
  tools: ToolRequest[];
  directives: Directives;
  promptTokens: number;
  /** True for the second half of an answer that was cut by `length`. */
  continued: boolean;
}

interface Conversation {
  /** What the user said, message by message, the runtime's additions taken off. */
  prompts: string[];
  /** The last message is the runtime's own, after an answer that was cut by `length`. */
  asksToContinue: boolean;
  imagesInLast: number;
  /** Results of tools that came after the last user message. */
  toolResults: string[];
}

/** What the runtimes send by themselves after `finish_reason: length` (native 1.0.85). */
const CONTINUE_PROMPT = 'Please continue from where you left off.';
const MEMORY_QUESTION =
  /\b(what (?:did|have) (?:i|we) (?:say|said|tell|told|ask|asked|talk)|remember|remind me|(?:i|we) said (?:before|earlier)|our conversation)\b/i;

/**
 * Works out the answer to a conversation. The same messages give the same answer.
 * @param lively Markdown with code and a table instead of the plain echo, for people
 * @throws Error at a malformed directive
 */
export function answerTo(messages: readonly unknown[], lively: boolean): ModelAnswer {
  const conversation = readConversation(messages);
  const directives = parseDirectives(conversation.prompts.at(-1) ?? '');
  const continued = conversation.asksToContinue && directives.fault?.kind === 'length';
  const tools = conversation.toolResults.length === 0 ? directives.tools : [];
  const deltas = tools.length > 0 ? [] : answerDeltas(conversation, directives, lively);
  return {
    thoughts: directives.think === undefined ? [] : splitWords(directives.think),
    deltas: continued ? deltas.slice(halfOf(deltas)) : deltas,
    tools,
    directives: continued ? { tools: [] } : directives,
    promptTokens: countTokens(JSON.stringify(messages)),
    continued,
  };
}

/** How many deltas make the first half of an answer. */
export function halfOf(deltas: readonly string[]): number {
  return Math.ceil(deltas.length / 2);
}

/** Tokens by the usual rule of thumb: four characters each. */
export function countTokens(text: string): number {
  return Math.ceil(text.length / 4);
}

function answerDeltas(conversation: Conversation, directives: Directives, lively: boolean): string[] {
  if (directives.tokens !== undefined) {
    const count = directives.tokens;
    return Array.from({ length: count }, (_, index) => `w${index + 1}${index + 1 < count ? ' ' : ''}`);
  }
  return splitWords(directives.say ?? answerText(conversation, lively));
}

function answerText(conversation: Conversation, lively: boolean): string {
  const last = conversation.prompts.at(-1) ?? '';
  const parts = [`You said: ${last}`];
  if (conversation.imagesInLast > 0) parts.push(`I can see ${countOf(conversation.imagesInLast, 'image')}.`);
  if (conversation.toolResults.length > 0) parts.push(`The tool answered: ${conversation.toolResults.join('; ')}`);
  if (MEMORY_QUESTION.test(last)) parts.push(recall(conversation.prompts.slice(0, -1)));
  else if (lively) parts.push(livelyPart(last, conversation.prompts.length));
  parts.push(`(message ${conversation.prompts.length} of this conversation)`);
  return parts.join('\n\n');
}

function recall(earlier: readonly string[]): string {
  if (earlier.length === 0) return 'That was the first thing you said to me.';
  return `Earlier you said:\n\n${earlier.map((prompt, index) => `${index + 1}. ${prompt}`).join('\n')}`;
}

function livelyPart(prompt: string, count: number): string {
  const words = prompt.split(/\s+/).filter(Boolean);
  return `I am a **stand-in** for a real model: I run on this machine and answer without any network. Still, here is what I noticed:

| What | How much |
| --- | --- |
| Words in your message | ${words.length} |
| Characters | ${prompt.length} |
| Your messages so far | ${count} |

And a little code, so that you see how an answer looks:

\`\`\`ts
const words = ${JSON.stringify(words.slice(0, 4))};
console.log(words.toReversed().join(' ')); // ${words.slice(0, 4).reverse().join(' ')}
\`\`\`

Ask me *what did I say before?* and I will tell you.`;
}

function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function splitWords(text: string): string[] {
  return text.match(/\S+\s*|\s+/g) ?? [];
}

function readConversation(messages: readonly unknown[]): Conversation {
  const conversation: Conversation = { prompts: [], asksToContinue: false, imagesInLast: 0, toolResults: [] };
  for (const message of messages) {
    if (!isObject(message)) continue;
    if (message.role === 'user') {
      notePrompt(conversation, readContent(message.content));
    } else if (message.role === 'tool') {
      conversation.toolResults.push(readContent(message.content).text);
    }
  }
  return conversation;
}

function notePrompt(conversation: Conversation, { text, images }: { text: string; images: number }): void {
  const prompt = withoutAdditions(text);
  conversation.asksToContinue = prompt === CONTINUE_PROMPT;
  if (conversation.asksToContinue) return;
  conversation.prompts.push(prompt);
  conversation.imagesInLast = images;
  conversation.toolResults = [];
}

function readContent(content: unknown): { text: string; images: number } {
  if (typeof content === 'string') return { text: content, images: 0 };
  const parts = Array.isArray(content) ? content.filter(isObject) : [];
  const isImage = (part: Record<string, unknown> | undefined): boolean => part?.type === 'image_url';
  // The runtimes put an image's file name before it, as a text of its own.
  const texts = parts
    .filter((_, index) => index === 0 || !isImage(parts[index + 1]))
    .map((part) => part.text)
    .filter((text) => typeof text === 'string');
  return { text: texts.join('\n'), images: parts.filter(isImage).length };
}

/** The runtimes put the time, reminders and the like around a prompt, each in an element of its own. */
function withoutAdditions(text: string): string {
  return text.replace(/<(current_datetime|system_reminder|system-reminder|reminder)>.*?<\/\1>/gs, '').trim();
}
