/** Chats by age. More are read as the end of the list comes into sight. */
import { useEffect, useRef } from 'preact/hooks';
import type { ChatView } from '../api/shapes.ts';
import { inSections } from '../model/chat-order.ts';
import { Router } from '../model/router.ts';
import { errorText } from '../parts/error-text.ts';
import { Icon } from '../parts/icon.tsx';
import { usePage, useText } from '../parts/page-context.ts';
import { useWatch } from '../parts/use-watch.ts';
import { useWorkspace } from '../parts/workspace-context.ts';
import { ChatMenu } from './chat-menu.tsx';

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
        <p class="empty">
          {chats.query.trim() !== '' ? t('nothingFound') : chats.archived ? t('nothingArchived') : t('noChats')}
        </p>
      ) : null}
      {chats.error === null ? null : (
        <p class="empty">
          {errorText(translator, chats.error)}{' '}
          <button type="button" class="button small" onClick={() => void chats.refresh()}>
            {t('tryAgain')}
          </button>
        </p>
      )}
      {chats.hasMore ? <MoreChats /> : null}
    </div>
  );
}

function ChatRow({ chat, onChosen }: { chat: ChatView; onChosen: () => void }) {
  const t = useText();
  const workspace = useWorkspace();
  const current = workspace.conversation?.chatId === chat.id;
  const open = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    workspace.open(chat.id);
    onChosen();
  };
  return (
    <li class={current ? 'chat-row current' : 'chat-row'}>
      <a href={Router.path(chat.id)} aria-current={current ? 'page' : undefined} onClick={open}>
        {workspace.chats.running.has(chat.id) ? <span class="busy-dot" role="img" aria-label={t('answering')} /> : null}
        {chat.archived && !workspace.chats.archived ? <Icon name="archive" /> : null}
        <span class="chat-name">{chat.title ?? t('untitled')}</span>
      </a>
      <ChatMenu chat={chat} where="list" />
    </li>
  );
}

/** Reads on when it comes near the visible part; a button for those who do not scroll. */
function MoreChats() {
  const t = useText();
  const { chats } = useWorkspace();
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) void chats.loadMore();
      },
      { rootMargin: '400px' },
    );
    if (button.current !== null) observer.observe(button.current);
    return () => observer.disconnect();
  }, [chats, chats.items.length]);
  return (
    <button ref={button} type="button" class="button ghost small" onClick={() => void chats.loadMore()}>
      {t('moreChats')}
    </button>
  );
}
