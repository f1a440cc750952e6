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
        requestAnimationFrame(() => document.getElementById('chat-search')?.focus());
      } else if (key === 'o' && event.shiftKey) {
        event.preventDefault();
        workspace.open(null);
        requestAnimationFrame(() => document.getElementById('composer')?.focus());
      }
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [workspace, openDrawer]);
}
