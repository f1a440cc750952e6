import { apiErrorOf } from '../api/api-error.ts';
import { Avatar } from '../parts/avatar.tsx';
import { errorText } from '../parts/error-text.ts';
import { Icon } from '../parts/icon.tsx';
import { Menu, type MenuItem } from '../parts/menu.tsx';
import { usePage, useText } from '../parts/page-context.ts';
import { useWorkspace } from '../parts/workspace-context.ts';

export function AccountMenu({ onSettings }: { onSettings: () => void }) {
  const t = useText();
  const { me } = useWorkspace();
  const signOut = useSignOut();
  const items: MenuItem[] = [
    { icon: 'settings', label: t('settings'), run: onSettings },
    { icon: 'close', label: t('signOut'), run: () => void signOut() },
  ];
  return (
    <Menu label={t('accountOf', { name: me.name ?? me.login })} class="button ghost account" items={items}>
      <Avatar me={me} />
      <span class="account-name">{me.name ?? me.login}</span>
      <Icon name="chevron" />
    </Menu>
  );
}

/** Signs out for good: what was typed here goes too, for the next person at this machine. */
export function useSignOut(): () => Promise<void> {
  const { api, toasts, translator } = usePage();
  const { drafts, deletes } = useWorkspace();
  return async () => {
    await deletes.flush();
    try {
      await api.signOut();
    } catch (error) {
      const problem = apiErrorOf(error);
      if (problem !== null && problem.status !== 401) {
        toasts.show(errorText(translator, problem), { kind: 'error' });
        return;
      }
    }
    drafts.clearAll();
    location.assign('/');
  };
}
