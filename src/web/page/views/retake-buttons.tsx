/** Another try at what was said: buttons below the messages. */
import { apiErrorOf } from '../api/api-error.ts';
import type { MessageView } from '../api/shapes.ts';
import type { Conversation } from '../model/conversation.ts';
import type { TurnGroup } from '../model/message-order.ts';
import { errorText } from '../parts/error-text.ts';
import { Icon } from '../parts/icon.tsx';
import { usePage, useText } from '../parts/page-context.ts';
import { useWorkspace } from '../parts/workspace-context.ts';
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

export function ForkButton({ message }: { message: MessageView }) {
  const { announcer, toasts, translator } = usePage();
  const { t } = translator;
  const workspace = useWorkspace();
  const fork = async () => {
    try {
      await workspace.fork(message.chatId, message.id);
      announcer.say(t('forked'));
    } catch (error) {
      const problem = apiErrorOf(error);
      if (problem !== null) toasts.show(errorText(translator, problem), { kind: 'error' });
    }
  };
  return (
    <button
      type="button"
      class="button ghost small"
      onClick={() => void fork()}
      aria-label={t('forkHere')}
      title={t('forkHere')}
    >
      <Icon name="branch" />
    </button>
  );
}
