/** A chat in the list: the way to it, and what can be done with it. */
import type { ChatView } from '../api/shapes.ts';
import { Router } from '../model/router.ts';
import { Icon } from '../parts/icon.tsx';
import { useText } from '../parts/page-context.ts';
import { useWorkspace } from '../parts/workspace-context.ts';
import { ChatMenu } from './chat-menu.tsx';

export function ChatRow({ chat, onChosen }: { chat: ChatView; onChosen: () => void }) {
  const t = useText();
  const workspace = useWorkspace();
  const current = workspace.conversation?.chatId === chat.id;
  const open = (event: MouseEvent) => {
    if (!isPlainClick(event)) return;
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

/** Any other click asks the browser for a tab or a window of its own. */
export function isPlainClick({ ctrlKey, metaKey, shiftKey, button }: MouseEvent): boolean {
  return !ctrlKey && !metaKey && !shiftKey && button === 0;
}
