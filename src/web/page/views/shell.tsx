/** The signed-in page: chats beside, conversation in the middle, notices above. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Me, MessageView, TurnView } from '../api/shapes.ts';
import type { Translator } from '../i18n/translator.ts';
import { Workspace } from '../model/workspace.ts';
import { usePage, useText } from '../parts/page-context.ts';
import { plainText } from '../parts/plain-text.ts';
import { useWatch } from '../parts/use-watch.ts';
import { OpenSettings, WorkspaceContext } from '../parts/workspace-context.ts';
import { ConversationView } from './conversation-view.tsx';
import { NewChat } from './new-chat.tsx';
import { SettingsDialog } from './settings/settings-dialog.tsx';
import { Sidebar } from './sidebar.tsx';
import { TopBar } from './top-bar.tsx';
import { useNarrow } from './use-narrow.ts';
import { useShortcuts } from './use-shortcuts.ts';

export function Shell({ me }: { me: Me }) {
  const workspace = useOwnWorkspace(me);
  const t = useText();
  const narrow = useNarrow();
  const [drawer, setDrawer] = useState(false);
  const [settings, setSettings] = useState<string | null>(null);
  useWatch(workspace);
  useShortcuts(workspace, () => setDrawer(true));
  useTitle(workspace);
  useEffect(() => setDrawer(false), [workspace.conversation]);
  useEscape(drawer, () => setDrawer(false));
  return (
    <WorkspaceContext.Provider value={workspace}>
      <a class="skip-link" href="#composer">
        {t('skipToComposer')}
      </a>
      <OpenSettings.Provider value={setSettings}>
        <div class={drawer ? 'shell drawer-open' : 'shell'}>
          <Sidebar open={drawer} onClose={() => setDrawer(false)} onSettings={() => setSettings('general')} />
          <div class="stage" inert={drawer && narrow}>
            <TopBar onMenu={() => setDrawer(true)} drawerOpen={drawer} />
            {workspace.conversation === null ? (
              <NewChat />
            ) : (
              <ConversationView key={workspace.conversation.chatId} conversation={workspace.conversation} />
            )}
          </div>
          {/* biome-ignore lint/a11y/noStaticElementInteractions lint/a11y/useKeyWithClickEvents: Escape does the same */}
          <div class="scrim" hidden={!drawer} onClick={() => setDrawer(false)} />
        </div>
      </OpenSettings.Provider>
      {settings === null ? null : <SettingsDialog section={settings} onClose={() => setSettings(null)} />}
    </WorkspaceContext.Provider>
  );
}

function useOwnWorkspace(me: Me): Workspace {
  const page = usePage();
  const { api, router } = page;
  const now = useRef(page);
  now.current = page;
  const workspace = useMemo(() => {
    const onAnswered = (turn: TurnView, message: MessageView | null) => {
      const { announcer, translator } = now.current;
      announcer.say(announcementOf(turn, message, translator.t));
    };
    return new Workspace(me, { api, router, storage: localStorage, events: { onAnswered } });
  }, [me, api, router]);
  useEffect(() => workspace.start(), [workspace]);
  return workspace;
}

function announcementOf(turn: TurnView, message: MessageView | null, t: Translator['t']): string {
  if (turn.status === 'completed' && message !== null) return t('announceAnswer', { text: plainText(message.content) });
  return turn.status === 'cancelled' ? t('announce.cancelled') : t('announce.failed');
}

/** Escape closes the drawer wherever the focus is; what lies above it (a menu, a dialog) takes Escape for itself. */
function useEscape(active: boolean, close: () => void): void {
  useEffect(() => {
    if (!active) return undefined;
    const onKey = (event: KeyboardEvent) => {
      const above = document.querySelector('dialog[open], [popover]:popover-open') !== null;
      if (event.key === 'Escape' && !above) close();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [active, close]);
}

function useTitle(workspace: Workspace): void {
  const { conversation } = workspace;
  useWatch(conversation);
  const title = conversation?.chat?.title ?? null;
  useEffect(() => {
    document.title = title === null ? 'Pilothouse' : `${title} · Pilothouse`;
  }, [title]);
}
