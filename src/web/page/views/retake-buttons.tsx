/** Another try at what was said: buttons below the messages. */
import type { MessageView } from '../api/shapes.ts';
import type { Conversation } from '../model/conversation.ts';
import type { TurnGroup } from '../model/message-order.ts';
import { Icon } from '../parts/icon.tsx';
import { useText } from '../parts/page-context.ts';
import { toComposer } from './to-composer.ts';

export function RegenerateButton({ group, conversation }: { group: TurnGroup; conversation: Conversation }) {
  const t = useText();
  const again = () => {
    void conversation.regenerate(group);
    // The button goes away with the answer; the keyboard shall not be left nowhere.
    toComposer();
  };
  return (
    <button
      type="button"
      class="button ghost small"
      onClick={again}
      aria-label={t('regenerate')}
      title={t('regenerate')}
    >
      <Icon name="retry" />
    </button>
  );
}

export function EditButton({ question, conversation }: { question: MessageView; conversation: Conversation }) {
  const t = useText();
  const { id: questionId, turnId, content: text } = question;
  return (
    <button
      type="button"
      class="button ghost small"
      data-edit={questionId}
      onClick={() => conversation.edit({ turnId, questionId, text })}
      aria-label={t('editQuestion')}
      title={t('editQuestion')}
    >
      <Icon name="pencil" />
    </button>
  );
}
