/** A question and its answer. */
import type { MessageView, TurnView as Turn } from '../api/shapes.ts';
import type { Conversation } from '../model/conversation.ts';
import type { LiveAnswer } from '../model/live-answer.ts';
import type { TurnGroup } from '../model/message-order.ts';
import type { Editing } from '../model/retake.ts';
import { usePage } from '../parts/page-context.ts';
import { pure } from '../parts/pure.tsx';
import { AnswerView } from './answer-view.tsx';
import { QuestionEditor } from './question-editor.tsx';
import { QuestionView } from './question-view.tsx';
import { EditButton, ForkButton, RegenerateButton } from './retake-buttons.tsx';
import { TurnNote } from './turn-note.tsx';

interface TurnProps {
  group: TurnGroup;
  live: LiveAnswer | null;
  end: Turn | null;
  thoughts: string;
  conversation: Conversation;
  /** Only the last turn can be asked again: before it, the conversation went on. */
  last: boolean;
  /** Nothing of the chat is on its way: what was said may be changed. */
  idle: boolean;
  /** Its question that is being changed. */
  editing: Editing | null;
}

export const TurnView = pure<TurnProps>(({ group, live, end, thoughts, conversation, last, idle, editing }) => {
  const answered = live !== null || group.answer !== null;
  return (
    <div class={last ? 'turn newest' : 'turn'}>
      {group.questions.map((question) =>
        editing?.questionId === question.id ? (
          <QuestionEditor key={question.id} question={question} editing={editing} conversation={conversation} />
        ) : (
          <Question key={question.id} question={question} conversation={conversation} idle={idle} />
        ),
      )}
      {answered ? (
        <AnswerView
          answer={group.answer}
          live={live}
          thoughts={thoughts}
          actions={
            <>
              {last && idle ? <RegenerateButton group={group} conversation={conversation} /> : null}
              {group.answer === null ? null : <ForkButton message={group.answer} />}
            </>
          }
        />
      ) : null}
      {live === null ? <TurnNote group={group} end={end} conversation={conversation} last={last} /> : null}
    </div>
  );
}, 'TurnView');

interface QuestionProps {
  question: MessageView;
  conversation: Conversation;
  idle: boolean;
}

function Question({ question, conversation, idle }: QuestionProps) {
  const { translator } = usePage();
  const { id, content, attachments, createdAt } = question;
  return (
    <QuestionView
      id={id}
      content={content}
      attachments={attachments}
      time={translator.moment(createdAt)}
      actions={idle ? <EditButton question={question} conversation={conversation} /> : null}
    />
  );
}
