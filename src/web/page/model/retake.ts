/** Another try at something said: another answer, or a message of one's own put differently. Pure. */
import type { OutgoingMessage } from '../api/shapes.ts';
import type { TurnGroup } from './message-order.ts';

/** What a message takes the place of: `questionId` and everything after it. */
export type Retake =
  | { readonly kind: 'regenerate'; readonly questionId: string; readonly answerId: string | null }
  | { readonly kind: 'edit'; readonly questionId: string };

/** A message of one's own that is being put differently. */
export interface Editing {
  readonly turnId: string;
  readonly questionId: string;
  readonly text: string;
}

/** What asking for another answer of `group` sends; null: there is no question to ask again. */
export function regenerationOf({ questions, answer }: TurnGroup): { message: OutgoingMessage; retake: Retake } | null {
  const question = questions.at(-1);
  if (question === undefined) return null;
  const { id: questionId, content, attachments } = question;
  return {
    message: { content, attachments: [...attachments] },
    retake: { kind: 'regenerate', questionId, answerId: answer?.id ?? null },
  };
}

/** The question of `group` as a new message: what joined it on the way is part of it. */
export function questionOf({ questions }: TurnGroup): OutgoingMessage {
  return {
    content: questions.map(({ content }) => content).join('\n\n'),
    attachments: questions.flatMap(({ attachments }) => attachments),
  };
}

/** What stands before the message `id`: all of it, where that is not known. */
export function groupsBefore(groups: readonly TurnGroup[], id: string): readonly TurnGroup[] {
  const at = groups.findIndex(({ questions }) => questions.some((question) => question.id === id));
  const cut = groups[at];
  if (cut === undefined) return groups;
  const questions = cut.questions.slice(
    0,
    cut.questions.findIndex((question) => question.id === id),
  );
  const before = groups.slice(0, at);
  return questions.length === 0 ? before : [...before, { ...cut, questions, answer: null }];
}
