/** Why there is no answer, or only part of one, and what can be done. */
import type { TurnView } from '../api/shapes.ts';
import type { Conversation } from '../model/conversation.ts';
import type { TurnGroup } from '../model/message-order.ts';
import { errorText } from '../parts/error-text.ts';
import { Icon } from '../parts/icon.tsx';
import { usePage } from '../parts/page-context.ts';
import { leadsAway, WayOn } from './way-on.tsx';

interface NoteProps {
  group: TurnGroup;
  end: TurnView | null;
  conversation: Conversation;
  last: boolean;
}

export function TurnNote({ group, end, conversation, last }: NoteProps) {
  const { translator } = usePage();
  const { t } = translator;
  if (end === null || end.status === 'completed' || end.status === 'queued' || end.status === 'running') return null;
  if (end.status === 'cancelled') return <p class="note">{t('stopped')}</p>;
  const { error } = end;
  return (
    <section class="note bad" aria-label={t('answerFailed')}>
      <Icon name="alert" />
      <p>{error === null ? t('announce.failed') : errorText(translator, error)}</p>
      <WayOn code={error?.code} />
      {last && conversation.attempt === null && !leadsAway(error?.code) ? (
        <button type="button" class="button small" onClick={() => void conversation.askAgain(group)}>
          <Icon name="retry" />
          {t('askAgain')}
        </button>
      ) : null}
    </section>
  );
}
