/** What can be done with a chat: the same menu in the list and above the conversation. */

import { useState } from 'preact/hooks';
import { apiErrorOf } from '../api/api-error.ts';
import type { ChatPatch } from '../api/gateway-api.ts';
import type { ChatView } from '../api/shapes.ts';
import { errorText } from '../parts/error-text.ts';
import { Icon } from '../parts/icon.tsx';
import { Menu, type MenuItem } from '../parts/menu.tsx';
import { usePage, useText } from '../parts/page-context.ts';
import { useWorkspace } from '../parts/workspace-context.ts';
import { RenameDialog } from './rename-dialog.tsx';
import { useDeleteChat } from './use-delete-chat.ts';

export function ChatMenu({ chat, where }: { chat: ChatView; where: 'top' | 'list' }) {
  const t = useText();
  const change = useChangeChat();
  const remove = useDeleteChat();
  const [renaming, setRenaming] = useState(false);
  const title = chat.title ?? t('untitled');
  const items: MenuItem[] = [
    { icon: 'pin', label: chat.pinned ? t('unpin') : t('pin'), run: () => void change(chat, { pinned: !chat.pinned }) },
    { icon: 'pencil', label: t('rename'), run: () => setRenaming(true) },
    {
      icon: 'archive',
      label: chat.archived ? t('unarchive') : t('archive'),
      run: () => void change(chat, { archived: !chat.archived }),
    },
    { icon: 'download', label: t('exportMarkdown'), href: `/api/chats/${chat.id}/export?format=markdown` },
    { icon: 'download', label: t('exportJson'), href: `/api/chats/${chat.id}/export?format=json` },
    { icon: 'trash', label: t('delete'), danger: true, run: () => remove(chat) },
  ];
  return (
    <>
      <Menu
        label={t('chatMenu', { title })}
        class={where === 'list' ? 'button ghost square small row-menu' : 'button ghost square'}
        items={items}
      >
        <Icon name="more" />
      </Menu>
      {renaming ? (
        <RenameDialog
          title={chat.title ?? ''}
          onRename={(name) => void change(chat, { title: name })}
          onClose={() => setRenaming(false)}
        />
      ) : null}
    </>
  );
}

/** Changes a chat; a refusal is told and undone. */
export function useChangeChat(): (chat: ChatView, patch: ChatPatch) => Promise<void> {
  const { chats } = useWorkspace();
  const { toasts, translator } = usePage();
  return async (chat, patch) => {
    try {
      await chats.change(chat, patch);
    } catch (error) {
      const problem = apiErrorOf(error);
      if (problem !== null) toasts.show(errorText(translator, problem), { kind: 'error' });
    }
  };
}
