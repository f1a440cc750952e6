import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Workspace } from '../model/workspace.ts';

export const WorkspaceContext = createContext<Workspace | null>(null);

export function useWorkspace(): Workspace {
  const workspace = useContext(WorkspaceContext);
  if (workspace === null) throw new Error('This view is for signed-in people');
  return workspace;
}

/** Opens the settings at one of their sections. */
export const OpenSettings = createContext<(section: string) => void>(() => undefined);

export function useOpenSettings(): (section: string) => void {
  return useContext(OpenSettings);
}
