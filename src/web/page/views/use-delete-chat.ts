import { apiErrorOf } from '../api/api-error.ts';
import type { ChatView } from '../api/shapes.ts';
import { errorText } from '../parts/error-text.ts';
import { usePage } from '../parts/page-context.ts';
import { useWorkspace } from '../parts/workspace-context.ts';

/** Deletes a chat after a while in which it can be had back. */
export function useDeleteChat(): (chat: ChatView) => void {
  const workspace = useWorkspace();
  const { toasts, translator } = usePage();
  const { t } = translator;
  return (chat) => {
    workspace.hide(chat.id);
    const commit = async () => {
      try {
        await workspace.remove(chat.id);
      } catch (error) {
        const problem = apiErrorOf(error);
        if (problem !== null) toasts.show(errorText(translator, problem), { kind: 'error' });
      }
    };
    toasts.show(t('deleted', { title: chat.title ?? t('untitled') }), {
      action: { label: t('undo'), run: () => workspace.unhide(chat.id) },
      onGone: () => void commit(),
    });
    // The menu that had the focus is gone with the chat: the way back is the next thing to reach.
    requestAnimationFrame(() => document.querySelector<HTMLElement>('.toast:last-child [data-autofocus]')?.focus());
  };
}
