import { useEffect } from 'preact/hooks';
import type { Workspace } from '../model/workspace.ts';

/** Ctrl or Command with K: search; with Shift and O: a new chat. Known from other chats. */
export function useShortcuts(workspace: Workspace, openDrawer: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || document.querySelector('dialog[open]') !== null) return;
      const key = event.key.toLowerCase();
      if (key === 'k' && !event.shiftKey) {
        event.preventDefault();
        openDrawer();
        focusOn('chat-search');
      } else if (key === 'o' && event.shiftKey) {
        event.preventDefault();
        workspace.open(null);
        focusOn('composer');
      }
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [workspace, openDrawer]);
}

/** At once, so that no letter is lost that is typed right after; and where it was hidden, as soon as it is there. */
function focusOn(id: string): void {
  const focus = () => document.getElementById(id)?.focus();
  focus();
  requestAnimationFrame(focus);
}
