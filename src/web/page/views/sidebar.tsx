/** The list of chats, its search, and the way to one's account. A drawer on narrow screens. */
import { useEffect, useRef } from 'preact/hooks';
import { Icon, Wheel } from '../parts/icon.tsx';
import { useText } from '../parts/page-context.ts';
import { useWatch } from '../parts/use-watch.ts';
import { useWorkspace } from '../parts/workspace-context.ts';
import { AccountMenu } from './account-menu.tsx';
import { ChatSections } from './chat-sections.tsx';
import { SearchResults, walkResults } from './search-results.tsx';
import { useNarrow } from './use-narrow.ts';

interface SidebarProps {
  open: boolean;
  onClose: () => void;
  onSettings: () => void;
}

export function Sidebar({ open, onClose, onSettings }: SidebarProps) {
  const t = useText();
  const narrow = useNarrow();
  const { search } = useWorkspace();
  useWatch(search);
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    if (!open || !narrow) return undefined;
    const opener = document.activeElement as HTMLElement | null;
    panel.current?.querySelector<HTMLElement>('.new-chat')?.focus();
    return () => opener?.focus();
  }, [open, narrow]);
  return (
    <aside ref={panel} id="sidebar" class="sidebar" aria-label={t('chats')} inert={narrow && !open}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: keys of the box and the links that stand in it */}
      <div class="sidebar-body" onKeyDown={walkResults}>
        <SidebarHead onClose={onClose} />
        <nav class="chat-nav" aria-label={t('chats')}>
          {search.active ? <SearchResults onChosen={onClose} /> : <ChatSections onChosen={onClose} />}
        </nav>
      </div>
      <footer class="sidebar-foot">
        <ArchiveSwitch />
        <AccountMenu onSettings={onSettings} />
      </footer>
    </aside>
  );
}

function SidebarHead({ onClose }: { onClose: () => void }) {
  const t = useText();
  const workspace = useWorkspace();
  const { search } = workspace;
  useWatch(search);
  const startNew = () => {
    workspace.open(null);
    onClose();
    requestAnimationFrame(() => document.getElementById('composer')?.focus());
  };
  return (
    <header class="sidebar-head">
      <div class="brand">
        <Wheel />
        <span>{t('appName')}</span>
        <button type="button" class="button ghost square drawer-button" aria-label={t('closeChats')} onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      <button type="button" class="button new-chat" onClick={startNew}>
        <Icon name="plus" />
        {t('newChat')}
      </button>
      <label class="search">
        <Icon name="search" />
        <span class="visually-hidden">{t('searchChats')}</span>
        <input
          id="chat-search"
          type="search"
          placeholder={t('searchHint')}
          value={search.query}
          maxLength={200}
          autocomplete="off"
          onInput={(event) => search.search(event.currentTarget.value)}
        />
      </label>
    </header>
  );
}

function ArchiveSwitch() {
  const t = useText();
  const { chats } = useWorkspace();
  useWatch(chats);
  return (
    <button
      type="button"
      class="button ghost small"
      aria-pressed={chats.archived}
      onClick={() => chats.showArchived(!chats.archived)}
    >
      <Icon name="archive" />
      {chats.archived ? t('backToChats') : t('archived')}
    </button>
  );
}
