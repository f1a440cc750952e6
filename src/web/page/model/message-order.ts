/** The messages of a chat as the page holds them: merged from pages and events, told apart by turn. Pure. */
import type { MessageView } from '../api/shapes.ts';

/** A turn as it is shown: what was asked, what was answered. */
export interface TurnGroup {
  /** Stays the same from sending to the stored answer, so that nothing on the screen is made anew. */
  readonly key: string;
  readonly turnId: string;
  readonly questions: readonly MessageView[];
  readonly answer: MessageView | null;
}

/** Ids of messages that the gateway took but that it has not told the id of yet. */
const PENDING = 'pending:';

export function pendingId(turnId: string): string {
  return `${PENDING}${turnId}`;
}

/**
 * `all` that is known with the newest page of the history merged in.
 * @param newest oldest first
 * @param before ids that were known when the page was asked for: those it lacks were replaced, perhaps in another tab
 * @returns null when there is a gap between the two: `newest` alone is then the truth
 */
export function withNewest(
  all: readonly MessageView[],
  newest: readonly MessageView[],
  before: ReadonlySet<string> = new Set(),
): MessageView[] | null {
  const incoming = new Map(newest.map((message) => [message.id, message]));
  const first = all.findIndex(({ id }) => incoming.has(id));
  const overlaps = first !== -1;
  const known = all.filter(
    ({ id }, index) => index < first || !before.has(id) || incoming.has(id) || id.startsWith(PENDING),
  );
  const settled = all.filter(({ id }) => !id.startsWith(PENDING));
  if (!overlaps && settled.length > 0 && newest.length > 0) return null;
  // What was asked just now stands last until the history has it.
  const asked = new Set(newest.filter(({ role }) => role === 'user').map(({ turnId }) => turnId));
  const kept = known.filter(({ id, turnId }) => !id.startsWith(PENDING) || !asked.has(turnId));
  const ids = new Set(kept.map(({ id }) => id));
  const updated = kept.map((message) => incoming.get(message.id) ?? message);
  const pending = updated.filter(({ id }) => id.startsWith(PENDING));
  return [
    ...updated.filter((message) => !pending.includes(message)),
    ...newest.filter(({ id }) => !ids.has(id)),
    ...pending,
  ];
}

/** `known` with an older page before it. @param older oldest first */
export function withOlder(known: readonly MessageView[], older: readonly MessageView[]): MessageView[] {
  const ids = new Set(known.map(({ id }) => id));
  return [...older.filter(({ id }) => !ids.has(id)), ...known];
}

/** `known` with this message, in place if it is there already. */
export function withMessage(known: readonly MessageView[], message: MessageView): MessageView[] {
  const at = known.findIndex(
    ({ id, turnId, role }) =>
      id === message.id || (id.startsWith(PENDING) && turnId === message.turnId && role === message.role),
  );
  return at === -1 ? [...known, message] : known.with(at, message);
}

/**
 * Messages by turn, in the order in which turns were asked: an answer stands under its question even when another question
 * was queued before it came.
 * @param before the groups of the last call; what did not change is the same object again
 */
export function groupByTurn(
  messages: readonly MessageView[],
  keys: ReadonlyMap<string, string>,
  before: readonly TurnGroup[],
): TurnGroup[] {
  const groups = new Map<string, { questions: MessageView[]; answer: MessageView | null }>();
  for (const message of messages) {
    const group = groups.get(message.turnId) ?? { questions: [], answer: null };
    if (message.role === 'user') group.questions.push(message);
    else group.answer = message;
    groups.set(message.turnId, group);
  }
  const known = new Map(before.map((group) => [group.turnId, group]));
  return [...groups].map(([turnId, { questions, answer }]) => {
    const old = known.get(turnId);
    const same =
      old !== undefined &&
      old.answer === answer &&
      old.questions.length === questions.length &&
      old.questions.every((question, index) => question === questions[index]);
    return same ? old : { key: keys.get(turnId) ?? turnId, turnId, questions, answer };
  });
}

/** Turns whose end is not known from their messages: no answer, or only part of one. Newest first. */
export function unexplained(groups: readonly TurnGroup[]): string[] {
  return groups
    .filter(({ questions, answer }) => questions.length > 0 && (answer === null || answer.status === 'partial'))
    .map(({ turnId }) => turnId)
    .reverse();
}
