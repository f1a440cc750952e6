/** The message on its way: shown at once, with what became of it if the gateway did not take it. */
import type { Conversation } from '../model/conversation.ts';
import type { SendAttempt } from '../model/send-attempt.ts';
import { errorText } from '../parts/error-text.ts';
import { Icon } from '../parts/icon.tsx';
import { usePage } from '../parts/page-context.ts';
import { QuestionView } from './question-view.tsx';
import { WayOn } from './way-on.tsx';

export function AttemptView({ conversation }: { conversation: Conversation }) {
  const { attempt } = conversation;
  const { translator } = usePage();
  if (attempt === null) return null;
  return (
    <div class="turn attempt">
      <QuestionView
        content={attempt.message.content}
        attachments={attempt.message.attachments}
        time={translator.moment(attempt.createdAt)}
      />
      {attempt.error === null ? (
        <Sending attempt={attempt} />
      ) : (
        <NotTaken conversation={conversation} attempt={attempt} />
      )}
    </div>
  );
}

function Sending({ attempt }: { attempt: SendAttempt }) {
  const { t } = usePage().translator;
  return (
    <p class="progress end">
      <span class="pulse" aria-hidden="true" />
      {attempt.waiting ? t('waitingForNetwork') : t('sending')}
    </p>
  );
}

function NotTaken({ conversation, attempt }: { conversation: Conversation; attempt: SendAttempt }) {
  const { translator } = usePage();
  const { t } = translator;
  return (
    <div class="note bad" role="alert">
      <Icon name="alert" />
      <p>
        {t('notSent')} {attempt.error === null ? '' : errorText(translator, attempt.error)}
      </p>
      <WayOn code={attempt.error?.code} />
      <button type="button" class="button small" onClick={() => void conversation.sendAgain()}>
        <Icon name="retry" />
        {t('tryAgain')}
      </button>
      <button type="button" class="button small" onClick={() => conversation.takeBack()}>
        <Icon name="pencil" />
        {t('editMessage')}
      </button>
    </div>
  );
}
