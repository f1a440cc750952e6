/** A question and its answer. */
import type { MessageView, TurnView as Turn } from '../api/shapes.ts';
import type { Conversation } from '../model/conversation.ts';
import type { LiveAnswer } from '../model/live-answer.ts';
import type { TurnGroup } from '../model/message-order.ts';
import { usePage } from '../parts/page-context.ts';
import { pure } from '../parts/pure.tsx';
import { AnswerView } from './answer-view.tsx';
import { QuestionView } from './question-view.tsx';
import { TurnNote } from './turn-note.tsx';

interface TurnProps {
  group: TurnGroup;
  live: LiveAnswer | null;
  end: Turn | null;
  thoughts: string;
  conversation: Conversation;
  /** Only the last turn can be asked again: before it, the conversation went on. */
  last: boolean;
}

export const TurnView = pure<TurnProps>(({ group, live, end, thoughts, conversation, last }) => {
  const answered = live !== null || group.answer !== null;
  return (
    <li class="turn">
      {group.questions.map((question) => (
        <Question key={question.id} question={question} />
      ))}
      {answered ? <AnswerView answer={group.answer} live={live} thoughts={thoughts} /> : null}
      {live === null ? <TurnNote group={group} end={end} conversation={conversation} last={last} /> : null}
    </li>
  );
}, 'TurnView');

function Question({ question }: { question: MessageView }) {
  const { translator } = usePage();
  const { content, attachments, createdAt } = question;
  return <QuestionView content={content} attachments={attachments} time={translator.moment(createdAt)} />;
}
