/** The list of chats: order, and headings by age. Pure. */
import type { ChatView } from '../api/shapes.ts';

export type ChatAge = 'pinned' | 'today' | 'yesterday' | 'week' | 'month' | 'older';

export interface ChatSection {
  readonly age: ChatAge;
  readonly chats: readonly ChatView[];
}

const DAY_MS = 86_400_000;

/** Newest activity first, as the gateway lists them. */
export function newestFirst(chats: readonly ChatView[]): ChatView[] {
  return chats.toSorted((a, b) => b.updatedAt.localeCompare(a.updatedAt) || b.id.localeCompare(a.id));
}

/**
 * What is known of a chat after it was read again: an answer that was on its way while more was told is not the newer one.
 * A title never goes away once there is one.
 */
export function newerChat(known: ChatView | null, read: ChatView): ChatView {
  if (known === null) return read;
  if (read.updatedAt < known.updatedAt) return known;
  return read.title === null ? { ...read, title: known.title } : read;
}

/** `chats` with this one, in place of the one with its id. */
export function withChat(chats: readonly ChatView[], chat: ChatView): ChatView[] {
  return newestFirst([...chats.filter(({ id }) => id !== chat.id), chat]);
}

/** What several lists say, each chat once and as the newest of them has it. */
export function together(...lists: readonly (readonly ChatView[])[]): ChatView[] {
  const chats = new Map<string, ChatView>();
  for (const chat of lists.flat()) chats.set(chat.id, newerChat(chats.get(chat.id) ?? null, chat));
  return newestFirst([...chats.values()]);
}

/** Pinned ones first, the others by day. Empty sections are left out. @param now milliseconds, in the reader's zone */
export function inSections(chats: readonly ChatView[], now: number): ChatSection[] {
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  const sections = new Map<ChatAge, ChatView[]>(
    (['pinned', 'today', 'yesterday', 'week', 'month', 'older'] as const).map((age) => [age, []]),
  );
  for (const chat of chats)
    sections.get(chat.pinned ? 'pinned' : ageOf(Date.parse(chat.updatedAt), midnight))?.push(chat);
  return [...sections].filter(([, items]) => items.length > 0).map(([age, items]) => ({ age, chats: items }));
}

function ageOf(time: number, midnight: number): ChatAge {
  if (time >= midnight) return 'today';
  if (time >= midnight - DAY_MS) return 'yesterday';
  if (time >= midnight - 7 * DAY_MS) return 'week';
  if (time >= midnight - 30 * DAY_MS) return 'month';
  return 'older';
}
