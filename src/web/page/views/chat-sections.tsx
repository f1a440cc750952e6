/** Chats by age. */
import { inSections } from '../model/chat-order.ts';
import { errorText } from '../parts/error-text.ts';
import { usePage, useText } from '../parts/page-context.ts';
import { useWatch } from '../parts/use-watch.ts';
import { useWorkspace } from '../parts/workspace-context.ts';
import { ChatRow } from './chat-row.tsx';
import { MoreButton } from './more-button.tsx';

export function ChatSections({ onChosen }: { onChosen: () => void }) {
  const t = useText();
  const { translator } = usePage();
  const { chats } = useWorkspace();
  useWatch(chats);
  const { items } = chats;
  return (
    <div class="chat-list">
      {inSections(items, Date.now()).map(({ age, chats: inAge }) => (
        <section key={age} aria-labelledby={`age-${age}`}>
          <h2 id={`age-${age}`}>{t(`age.${age}`)}</h2>
          <ul>
            {inAge.map((chat) => (
              <ChatRow key={chat.id} chat={chat} onChosen={onChosen} />
            ))}
          </ul>
        </section>
      ))}
      {items.length === 0 && !chats.loading && chats.error === null ? (
        <p class="empty">{chats.archived ? t('nothingArchived') : t('noChats')}</p>
      ) : null}
      {chats.error === null ? null : (
        <p class="empty">
          {errorText(translator, chats.error)}{' '}
          <button type="button" class="button small" onClick={() => void chats.refresh()}>
            {t('tryAgain')}
          </button>
        </p>
      )}
      {chats.hasMore ? (
        <MoreButton label={t('moreChats')} shown={items.length} readMore={() => void chats.loadMore()} />
      ) : null}
    </div>
  );
}
