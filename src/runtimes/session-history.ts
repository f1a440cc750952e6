/**
 * Our history as the event file of a runtime session, so that a resume gives the model exactly what we have. Pure but for
 * fresh ids. Written as native 1.0.85 writes it itself; the full CLI 1.0.102 reads it too.
 */
import { randomUUID } from 'node:crypto';
import type { HistoryEntry, ImageAttachment, Prompt } from './runtime-port.ts';

/** File of a session's events, below its state path. */
export const EVENTS_FILE = 'events.jsonl';

/** Images as the runtime takes them: inline, never a path. */
export function blobsOf(attachments: readonly ImageAttachment[]) {
  return attachments.map((image) => ({
    type: 'blob' as const,
    data: image.data,
    mimeType: image.mimeType,
    ...(image.name !== null && { displayName: image.name }),
  }));
}

/** The whole event file of a session in which `history` was said. */
export function eventFile(
  session: { id: string; model: string | null; cwd: string },
  history: readonly HistoryEntry[],
  now: number,
): string {
  const time = new Date(now).toISOString();
  const lines: string[] = [];
  let parentId: string | null = null;
  const add = (type: string, data: object): void => {
    const id = randomUUID();
    lines.push(JSON.stringify({ type, data, id, timestamp: time, parentId }));
    parentId = id;
  };
  add('session.start', {
    sessionId: session.id,
    version: 1,
    producer: 'copilot-agent',
    copilotVersion: '0.0.0',
    startTime: time,
    ...(session.model !== null && { selectedModel: session.model }),
    contextTier: null,
    context: { cwd: session.cwd },
    remoteSteerable: false,
    alreadyInUse: false,
  });
  let prompt: string | null = null;
  for (const entry of history) {
    const messageId = randomUUID();
    if (entry.role === 'user') {
      add('user.message', userMessage(entry, messageId));
      prompt = messageId;
    } else {
      add('assistant.message', assistantMessage(entry, messageId, prompt));
    }
  }
  return `${lines.join('\n')}\n`;
}

function userMessage(entry: HistoryEntry, messageId: string): object {
  return {
    content: entry.content,
    transformedContent: entry.content,
    messageId,
    delivery: 'idle',
    interactionId: randomUUID(),
    turnId: '0',
    ...(entry.attachments.length > 0 && { attachments: blobsOf(entry.attachments) }),
  };
}

function assistantMessage(entry: HistoryEntry, messageId: string, prompt: string | null): object {
  return {
    messageId,
    content: entry.content,
    toolRequests: [],
    turnId: '0',
    ...(prompt !== null && { originatingMessageId: prompt }),
  };
}

/**
 * Our history as one message, for a server whose files are out of our reach and whose API lets nobody put words into the
 * model's mouth. One JSON object a line, so that nothing said can pass for a line of its own.
 */
export function transcriptOf(history: readonly HistoryEntry[]): Prompt {
  const lines = history.map(({ role, content, attachments }) =>
    JSON.stringify({ role, content, ...(attachments.length > 0 && { images: attachments.length }) }),
  );
  return {
    text:
      'This conversation was moved here. What was said before, oldest first, one JSON object per line ' +
      `(images are attached in the same order):\n\n${lines.join('\n')}\n\nGo on from there without mentioning the move.`,
    attachments: history.flatMap((entry) => entry.attachments),
  };
}
