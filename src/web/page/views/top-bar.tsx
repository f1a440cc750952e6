/** Above the conversation: its name, and what is wrong with the connection or the sign-in. */
import { signInPath } from '../model/router.ts';
import { Icon } from '../parts/icon.tsx';
import { usePage, useText } from '../parts/page-context.ts';
import { useWatch } from '../parts/use-watch.ts';
import { useWorkspace } from '../parts/workspace-context.ts';
import { ChatMenu } from './chat-menu.tsx';

export function TopBar({ onMenu, drawerOpen }: { onMenu: () => void; drawerOpen: boolean }) {
  const t = useText();
  const workspace = useWorkspace();
  const { conversation } = workspace;
  useWatch(workspace, conversation, workspace.chats);
  const chat = conversation === null ? null : (workspace.chats.find(conversation.chatId) ?? conversation.chat);
  return (
    <header class="top-bar">
      <div class="top-row">
        <button
          type="button"
          class="button ghost square drawer-button"
          aria-label={t('openChats')}
          aria-expanded={drawerOpen}
          aria-controls="sidebar"
          onClick={onMenu}
        >
          <Icon name="menu" />
        </button>
        <h1 class="chat-title">{chat === null ? t('newChat') : (chat.title ?? t('untitled'))}</h1>
        {workspace.online ? null : (
          <span class="pill" role="status">
            {t('reconnecting')}
          </span>
        )}
        {chat === null ? null : <ChatMenu chat={chat} where="top" />}
      </div>
      <SignedOutBanner />
    </header>
  );
}

/** The sign-in ended while one was at work: nothing that was typed is lost, and the link leads back here. */
function SignedOutBanner() {
  const t = useText();
  const { session, router } = usePage();
  useWatch(session, router);
  if (session.endedBy === null) return null;
  return (
    <div class="banner" role="alert">
      <Icon name="alert" />
      <p>{session.endedBy === 'reauth_required' ? t('reauthNeeded') : t('signInEnded')}</p>
      <a class="button primary small" href={signInPath()}>
        {t('signInAgain')}
      </a>
    </div>
  );
}
